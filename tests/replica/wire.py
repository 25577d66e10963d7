"""As much of HTTP/1.1 as a local client needs."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from urllib.parse import parse_qsl, unquote

from tests.replica.answer import Answer


@dataclass(frozen=True)
class Request:
    method: str
    target: str
    headers: Mapping[str, str]
    stays: bool
    body: bytes = b""

    @property
    def takes_gzip(self) -> bool:
        codings = self.headers.get("accept-encoding", "").lower().replace(" ", "").split(",")
        return any(coding.startswith("gzip") and not coding.endswith(";q=0") for coding in codings)

    @cached_property
    def path(self) -> str:
        return unquote(self.target.partition("?")[0])

    @cached_property
    def query(self) -> dict[str, str]:
        """The last value of each parameter, empty ones too."""
        return dict(parse_qsl(self.target.partition("?")[2], keep_blank_values=True))


async def heard(reader: asyncio.StreamReader) -> Request | None:
    """The next request; None when the other side has left or does not speak HTTP."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        request = parsed(head.decode("latin-1"))
        body = await reader.readexactly(int(request.headers.get("content-length", "0")))
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError, ValueError):
        return None
    return replace(request, body=body)


def parsed(head: str) -> Request:
    first, *lines = head.rstrip("\r\n").split("\r\n")
    method, target, version = first.split(" ")
    pairs = (line.partition(":") for line in lines)
    headers = {key.strip().lower(): value.strip() for key, _, value in pairs}
    stays = version == "HTTP/1.1" and headers.get("connection", "").lower() != "close"
    return Request(method, target, headers, stays)


def head_of(answer: Answer, stays: bool) -> bytes:
    headers = {**answer.headers, "Content-Length": str(len(answer.body))}
    if not stays:
        headers["Connection"] = "close"
    lines = "".join(f"{key}: {value}\r\n" for key, value in headers.items())
    return b"HTTP/1.1 %d %s\r\n%s\r\n" % (answer.status, answer.reason, lines.encode("latin-1"))
