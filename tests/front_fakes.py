"""granian's side of the front, for tests without a server: a request, and what is answered to it."""

import asyncio
import os
from dataclasses import dataclass, field
from typing import Any

Pairs = list[tuple[str, str]]


class Headers:
    """Like granian's: `keys` has each name once, `items` and `get_all` leave out what is not ASCII."""

    def __init__(self, pairs: Pairs) -> None:
        self.pairs = pairs

    def keys(self) -> list[str]:
        return list(dict.fromkeys(name for name, _ in self.pairs))

    def items(self) -> Pairs:
        return [pair for pair in self.pairs if pair[1].isascii()]

    def get_all(self, key: str) -> list[str]:
        return [value for name, value in self.items() if name == key]

    def get(self, key: str, default: str | None = None) -> str | None:
        return next(iter(self.get_all(key)), default)


@dataclass
class Scope:
    path: str = "/"
    method: str = "GET"
    pairs: Pairs = field(default_factory=list)
    query_string: str = ""
    http_version: str = "1.1"
    server: str = "127.0.0.1:8000"
    client: str = "203.0.113.9:50000"
    scheme: str = "http"
    authority: str | None = None
    host: str = "localhost"

    @property
    def headers(self) -> Headers:
        return Headers([("host", self.host), *self.pairs])


class Proto:
    """A client that sends `body`, or never when it is None, and reads a file as granian does, if it reads at all."""

    def __init__(self, body: bytes | None = b"", *, reads: bool = True) -> None:
        self.sent, self.reads = body, reads
        self.was_read = False
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body: Any = None
        self.file: int | None = None

    async def __call__(self) -> bytes:
        self.was_read = True
        if self.sent is None:
            await asyncio.Event().wait()
        assert self.sent is not None
        return self.sent

    def response_empty(self, status: int, headers: Pairs) -> None:
        self.response_bytes(status, headers, b"")

    def response_bytes(self, status: int, headers: Pairs, body: bytes) -> None:
        if self.status:  # granian sends the first answer alone
            return
        self.status, self.body = status, body
        self.headers = {name.lower(): value for name, value in headers}

    def response_file(self, status: int, headers: Pairs, file: str) -> None:
        self.response_bytes(status, headers, b"")
        self.file = os.open(file, os.O_RDONLY)
        self.reading = asyncio.ensure_future(self.read_file())

    async def read_file(self) -> None:
        """The first piece, which granian reads at once; the rest only if this client reads."""
        assert self.file is not None
        while piece := await asyncio.to_thread(os.read, self.file, 131_072):
            self.body += piece
            if not self.reads:
                return
        self.leave()

    def leave(self) -> None:
        """The client is gone."""
        if self.file is not None:
            os.close(self.file)
        self.file = None
