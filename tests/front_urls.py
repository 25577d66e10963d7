"""Charon's addresses and two streams; each writes into DATA_DIR how it ended."""

import time
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.http import HttpRequest, StreamingHttpResponse
from django.urls import path

from charon.urls import handler500  # noqa: F401
from charon.urls import urlpatterns as own


def endless() -> Iterator[bytes]:
    try:
        while True:
            yield b"2026-01-02,3.6\n" * 4000
    finally:
        (Path(settings.DATA_DIR) / "stream.ended").touch()


def broken() -> Iterator[bytes]:
    yield b"2026-01-02,3.6\n"
    raise RuntimeError("the cursor is gone")


def finite() -> Iterator[bytes]:
    for number in range(50):
        time.sleep(0.001)
        yield b"%d," % number * 5000


STREAMS = {"endless": endless, "broken": broken, "finite": finite}


def stream(request: HttpRequest, name: str) -> StreamingHttpResponse:
    return StreamingHttpResponse(STREAMS[name](), content_type="text/csv")


urlpatterns = [path("test-stream/<str:name>/", stream), *own]
