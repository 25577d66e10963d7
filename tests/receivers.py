"""Receivers of messages on a free port of this machine: they keep what they were sent and answer as a test says.

`start` is a fixture: a test file that imports it has it.
"""

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from threading import Thread
from typing import Any

import pytest

from signals.alerts.channels import http
from signals.alerts.channels.channel import Failed

# What a test plants, and no error and no log may tell.
SECRET = "pk-live-Zx81-Qw77"
URL = f"https://hooks.bank.example/in/{SECRET}?token={SECRET}"
Answer = bytes | Callable[[socket.socket, bytes], None]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def answer(status: str, body: bytes = b"", **headers: str) -> bytes:
    """`answer("429 Too Many Requests", Retry_After="7")`."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


class Receiver:
    """`requests`: each as it came over the wire; `answers`: what is said to one after the other, the last again."""

    def __init__(self, answers: list[Answer], context: ssl.SSLContext | None) -> None:
        self.answers, self.context = answers, context
        self.requests: list[bytes] = []
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.server.getsockname()[1]
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{self.port}"
        self.thread = Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self) -> None:
        while True:
            try:
                connection, _ = self.server.accept()
            except OSError:
                return
            with connection:
                try:
                    self.handle(connection)
                except OSError:
                    continue  # the sender went away

    def handle(self, plain: socket.socket) -> None:
        plain.settimeout(10)
        connection = self.context.wrap_socket(plain, server_side=True) if self.context else plain
        with connection:
            request = whole(connection)
            self.requests.append(request)
            said = self.answers[min(len(self.requests), len(self.answers)) - 1]
            if callable(said):
                said(connection, request)
            else:
                connection.sendall(said)

    @property
    def heads(self) -> list[dict[str, str]]:
        """The headers of each request, their names in small letters."""
        lines = [request.split(b"\r\n\r\n")[0].decode("ascii").split("\r\n")[1:] for request in self.requests]
        return [{name.lower(): value for name, value in (line.split(": ", 1) for line in head)} for head in lines]

    @property
    def bodies(self) -> list[bytes]:
        return [request.split(b"\r\n\r\n", 1)[1] for request in self.requests]

    def stop(self) -> None:
        with suppress(OSError):  # it was stopped before
            self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()
        self.thread.join(10)


def whole(connection: socket.socket) -> bytes:
    """A request with its body, as Content-Length says; or the beginning of what is no HTTP."""
    read = connection.recv(65536)
    while read[:1].isalpha() and b"\r\n\r\n" not in read and (piece := connection.recv(65536)):
        read += piece
    head, _, body = read.partition(b"\r\n\r\n")
    lengths = [line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    while len(body) < int(lengths[0] if lengths else 0) and (piece := connection.recv(65536)):
        body += piece
    return head + b"\r\n\r\n" + body


@contextmanager
def receiver(
    outgoing: set[tuple[str, int]], *answers: Answer, context: ssl.SSLContext | None = None
) -> Iterator[Receiver]:
    """One that this process may connect to; whether channels may is for CHANNEL_ALLOWED_HOSTS to say."""
    one = Receiver(list(answers) or [OK], context)
    outgoing.add(("127.0.0.1", one.port))
    try:
        yield one
    finally:
        one.stop()


@contextmanager
def fresh_transport() -> Iterator[None]:
    """The environment is read anew in the block, and again behind it."""
    http.new_transport.cache_clear()
    try:
        yield
    finally:
        http.new_transport.cache_clear()


@pytest.fixture
def start(outgoing: set[tuple[str, int]], settings: Any) -> Iterator[Callable[..., Receiver]]:
    """`start(answer, ...)`: a receiver that channels may be told at."""
    with ExitStack() as stack:
        stack.enter_context(fresh_transport())

        def begin(*answers: Answer, context: ssl.SSLContext | None = None, allowed: bool = True) -> Receiver:
            one = stack.enter_context(receiver(outgoing, *answers, context=context))
            if allowed:
                settings.CHANNEL_ALLOWED_HOSTS = (*settings.CHANNEL_ALLOWED_HOSTS, f"127.0.0.1:{one.port}")
            return one

        yield begin


def failure(url: str, headers: dict[str, str] | None = None, secrets: tuple[str, ...] = ()) -> Failed:
    with pytest.raises(Failed) as caught:
        http.post(url, f'{{"topic":"{SECRET}"}}'.encode(), headers or {}, secrets=secrets)
    return caught.value
