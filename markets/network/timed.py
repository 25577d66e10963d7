"""Requests that end by a moment, whatever the other side does.

The timeouts of httpx bound each wait: a server that sends a byte of its header just before each of them ends is waited
for until it stops. Here each step gets what is left of the whole.
"""

import socket
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from contextvars import ContextVar
from ssl import SSLContext
from threading import Thread
from time import monotonic
from typing import Any

import httpcore
import httpx

# What is written at once: each piece of it gets the time that is left.
PIECE = 4096
_end: ContextVar[float | None] = ContextVar("end", default=None)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Look-ups of this thread in the block, and requests through `transport`, end within so many seconds."""
    token = _end.set(monotonic() + seconds)
    try:
        yield
    finally:
        _end.reset(token)


def left(most: float | None) -> float | None:
    """The seconds that a step may take, at most so many; raises TimeoutError when there are none."""
    end = _end.get()
    if end is None:
        return most
    seconds = end - monotonic()
    if seconds <= 0:
        raise TimeoutError("no time left")
    return seconds if most is None else min(most, seconds)


def look_up(host: str, port: int) -> list[Any]:
    """As socket.getaddrinfo. The resolver cannot be told how long it may take: its thread may outlive the wait."""
    seconds = left(None)
    if seconds is None:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    found: Future[list[Any]] = Future()
    Thread(target=fulfil, args=(found, host, port), daemon=True).start()
    return found.result(seconds)


def fulfil(found: Future[list[Any]], host: str, port: int) -> None:
    try:
        found.set_result(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    except BaseException as error:
        found.set_exception(error)


def transport(**how: Any) -> httpx.HTTPTransport:
    """A transport of httpx whose every step ends in time; a connection carries one request."""
    made = httpx.HTTPTransport(**how, limits=httpx.Limits(max_keepalive_connections=0))
    made._pool._network_backend = Backend()  # an argument of httpcore's pool that httpx does not pass on
    return made


class Backend(httpcore.NetworkBackend):
    """The network as httpcore asks for it."""

    def __init__(self) -> None:
        self.network = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Any = None,
    ) -> httpcore.NetworkStream:
        try:
            addresses = dict.fromkeys(str(line[4][0]) for line in look_up(host, port))
        except OSError as error:
            raise httpcore.ConnectError("the name cannot be looked up") from error
        failed: Exception = httpcore.ConnectError("no address")
        for address in addresses:
            try:
                seconds = until_end(timeout, httpcore.ConnectTimeout)
                return Stream(self.network.connect_tcp(address, port, seconds, local_address, socket_options))
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        raise failed


class Stream(httpcore.NetworkStream):
    """A connection; what has no time left is a timeout of httpcore."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self.stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self.stream.read(max_bytes, until_end(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), PIECE):
            self.stream.write(buffer[start : start + PIECE], until_end(timeout, httpcore.WriteTimeout))

    def start_tls(
        self, ssl_context: SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        seconds = until_end(timeout, httpcore.ConnectTimeout)
        return Stream(self.stream.start_tls(ssl_context, server_hostname, seconds))

    def get_extra_info(self, info: str) -> Any:
        return self.stream.get_extra_info(info)

    def close(self) -> None:
        self.stream.close()


def until_end(most: float | None, error: type[httpcore.TimeoutException]) -> float | None:
    try:
        return left(most)
    except TimeoutError:
        raise error("no time left") from None
