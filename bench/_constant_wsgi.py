"""Constant bytes from granian's WSGI alone: no framework, and the size in the address (`/<size>`)."""

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

HEADERS = [("Content-Type", "application/json; charset=utf-8")]


@cache
def body(size: int) -> bytes:
    return b"x" * size


def application(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
    made = body(int(environ["PATH_INFO"].removeprefix("/")))
    start("200 OK", [*HEADERS, ("Content-Length", str(len(made)))])
    return [made]
