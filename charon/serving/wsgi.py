"""RSGI to WSGI: the environ of a request, and what Django answered (PEP 3333)."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from django.http import FileResponse

from charon.serving.rsgi import Headers, Scope
from markets.api.responses import Pending

Application = Callable[[dict[str, Any], Any], Any]

# Their answers have headers alone; WSGI leaves the body to the server.
BODILESS = frozenset({204, 304})
UNPREFIXED = {"HTTP_CONTENT_TYPE": "CONTENT_TYPE", "HTTP_CONTENT_LENGTH": "CONTENT_LENGTH"}


class File:
    """The `wsgi.file_wrapper` of PEP 3333: Django hands over an open file, and granian sends it by its path."""

    def __init__(self, opened: Any, block_size: int = 0) -> None:  # noqa: ARG002 - PEP 3333
        self.opened = opened
        self.close = opened.close

    def __iter__(self) -> Iterator[bytes]:
        yield self.opened.read()

    @property
    def path(self) -> str:
        """Empty for a part of a file, and for one that is in memory."""
        name = getattr(self.opened, "name", "")
        return name if name and isinstance(name, str) and self.opened.tell() == 0 else ""


@dataclass(slots=True)
class Answer:
    """One of a body, the path of a file, or a stream, which its reader must close."""

    status: int = 500
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    path: str = ""
    stream: Any = None
    pending: Pending | None = None

    def start(self, status: str, headers: list[tuple[str, str]], exc_info: object = None) -> None:  # noqa: ARG002
        self.status, self.headers = int(status[:3]), headers


def environ_of(scope: Scope, body: bytes) -> dict[str, Any]:
    server, _, port = scope.server.rpartition(":")
    client, _, client_port = scope.client.rpartition(":")
    environ = {
        "REQUEST_METHOD": scope.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": as_latin_1(scope.path),
        "QUERY_STRING": as_latin_1(scope.query_string),
        "SERVER_PROTOCOL": "HTTP/1.0" if scope.http_version == "1" else f"HTTP/{scope.http_version}",
        "SERVER_NAME": server.strip("[]"),
        "SERVER_PORT": port,
        "REMOTE_ADDR": client.strip("[]"),
        "REMOTE_PORT": client_port,
        "HTTP_HOST": scope.authority or "",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.input": BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "wsgi.file_wrapper": File,
    }
    return environ | headers_of(scope.headers)


def as_latin_1(text: str) -> str:
    """WSGI's strings: each character is one byte of the UTF-8."""
    return text if text.isascii() else text.encode().decode("latin-1")


def headers_of(headers: Headers) -> dict[str, str]:
    """One with `_` is left out: it would pass for the one with `-`."""
    environ = {}
    for name, value in values_of(headers).items():
        if "_" not in name:
            key = f"HTTP_{name.upper().replace('-', '_')}"
            environ[UNPREFIXED.get(key, key)] = value
    return environ


def values_of(headers: Headers) -> dict[str, str]:
    """By names in small letters; a header that came twice is joined.

    granian gives no value that is not ASCII; such a header is empty, not absent, so that a wrong token stays wrong.
    """
    names, pairs = headers.keys(), headers.items()
    values = dict(pairs)
    if not len(names) == len(pairs) == len(values):
        values = {name: ("; " if name == "cookie" else ",").join(headers.get_all(name)) for name in names}
    return values


def answer(application: Application, environ: dict[str, Any]) -> Answer:
    """Runs in a thread of Django. What is small and known is closed here; a stream is left open for its reader."""
    told = Answer()
    response: Any = application(environ, told.start)
    if environ["REQUEST_METHOD"] == "HEAD" or told.status in BODILESS:
        response.close()
    elif isinstance(response, File) and response.path:
        told.path = response.path
        response.close()
    elif getattr(response, "streaming", False) and not isinstance(response, FileResponse):
        told.stream = response
    else:
        told.body = b"".join(response)
        told.pending = response if isinstance(response, Pending) else None
        response.close()
    return told
