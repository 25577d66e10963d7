"""The console of a running Charon, for tests: the formatter and the filters that its settings name."""

import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.utils.module_loading import import_string

from charon.settings import LOGGING as DESCRIBED

LOGGING: Any = DESCRIBED


class Log:
    """What the console would show in this form, text or json."""

    def __init__(self, form: str) -> None:
        self.stream = io.StringIO()
        self.handler = logging.StreamHandler(self.stream)
        self.handler.setFormatter(formatter(form))
        for name in LOGGING["handlers"]["console"]["filters"]:
            self.handler.addFilter(filter_named(name))

    def lines(self, *words: str) -> list[str]:
        return [line for line in self.stream.getvalue().splitlines() if all(word in line for word in words)]

    def objects(self, **fields: object) -> list[dict[str, Any]]:
        rows = [json.loads(line) for line in self.stream.getvalue().splitlines()]
        return [row for row in rows if fields.items() <= row.items()]


def formatter(form: str) -> logging.Formatter:
    described = LOGGING["formatters"][form]
    form_of = import_string(described["()"])
    made: logging.Formatter = form_of(described["format"]) if "format" in described else form_of()
    return made


def filter_named(name: str) -> logging.Filter:
    described = dict(LOGGING["filters"][name])
    made: logging.Filter = import_string(described.pop("()"))(**described)
    return made


@contextmanager
def logged(form: str, level: int = logging.INFO) -> Iterator[Log]:
    one, loggers = Log(form), [logging.getLogger(), logging.getLogger("django.server")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.addHandler(one.handler)
        logger.setLevel(level)
    try:
        yield one
    finally:
        for logger, old in zip(loggers, before, strict=True):
            logger.removeHandler(one.handler)
            logger.setLevel(old)
