"""The id of what this thread works for: a request, or a task (charon.processes.task_ids)."""

import logging
import random
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.http import HttpRequest

# An id that a client or a proxy gave is kept if it is harmless.
KNOWN_ID = re.compile(r"[A-Za-z0-9-]{8,64}")

current: ContextVar[str] = ContextVar("request_id", default="")


def chosen(given: str) -> str:
    """Random digits of Python are enough, since nobody gains by guessing one: those of the kernel cost ten times that.

    Every forked process seeds them anew (`random`, os.register_at_fork).
    """
    return given if given and KNOWN_ID.fullmatch(given) else f"{random.getrandbits(128):032x}"  # nosec B311


@contextmanager
def working_for(number: str) -> Iterator[None]:
    token = current.set(number)
    try:
        yield
    finally:
        current.reset(token)


class WithRequestId(logging.Filter):
    """Gives each record the field `request_id`, empty where there is none; the first filter of a handler.

    A record whose arguments do not fit its text is made whole: the filters after this one read the text, and an error
    in a filter would reach the caller.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        if not hasattr(record, "request_id"):
            record.request_id = current.get() or id_of_request(record)
        try:
            record.getMessage()
        except Exception:
            record.msg, record.args = f"{record.msg} {record.args}", None
        return True


def id_of_request(record: logging.LogRecord) -> str:
    """Django writes some records when the middleware has ended, and attaches the request."""
    request = getattr(record, "request", None)
    return str(request.META.get("charon.request_id", "")) if isinstance(request, HttpRequest) else ""
