"""ENABLE_EXCEPTION_LOGGING=0: an error is one line with its name."""

import logging
import sys

import pytest

from charon.logs import NoTraceback, TextFormatter


def line(record: logging.LogRecord) -> str:
    assert NoTraceback().filter(record)
    return TextFormatter("%(message)s").format(record)


def record_of(message: str, error: Exception | None = None) -> logging.LogRecord:
    try:
        if error:
            raise error
    except Exception:
        return logging.LogRecord("x", logging.ERROR, "x.py", 1, message, ("of a job",), sys.exc_info())
    return logging.LogRecord("x", logging.ERROR, "x.py", 1, message, ("of a job",), None)


def test_an_error_is_named_on_its_line_and_its_traceback_is_left_out() -> None:
    assert line(record_of("The work %s failed", KeyError("hidden"))) == "The work of a job failed (KeyError)"


@pytest.mark.parametrize("text", ["Plain %s", "50 %% %s (again 3 times)"])
def test_a_line_without_an_error_stays(text: str) -> None:
    assert line(record_of(text)) == text % "of a job"


def test_a_traceback_that_the_queue_writes_into_its_message_is_left_out() -> None:
    queued = "Failed %s\nTraceback (most recent call last):\n  File 'x', line 1\nKeyError: 'hidden'"
    assert line(record_of(queued)) == "Failed of a job"
