"""An SMTP server on this machine that keeps what it is given, and answers each command as a test wants it to."""

import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any


class Server(socketserver.ThreadingTCPServer):
    """`answers`: what it says to a command in the place of 250; `tls`: what it encrypts with, after STARTTLS or, if
    `at_once`, from the first byte on; `drips`: it greets a byte at a time; `silent`: it never says a word."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Session)
        self.answers: dict[str, str] = {}
        self.tls: ssl.SSLContext | None = None
        self.at_once = self.drips = self.silent = False
        self.commands: list[str] = []
        self.mails: list[EmailMessage] = []
        self.over = threading.Event()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def handle_error(self, *_: Any) -> None:
        """A client that refuses the certificate or hangs up is what a test is about."""


class Session(socketserver.StreamRequestHandler):
    server: Server

    def handle(self) -> None:
        if self.server.at_once:
            self.encrypt()
        if self.server.silent:
            self.server.over.wait(5)
        for byte in b"220 " + b"x" * 200 if self.server.drips else b"":
            self.wfile.write(bytes([byte]))
            self.server.over.wait(0.01)
        self.say("220 fake")
        with suppress(ConnectionError):
            while line := self.rfile.readline():
                self.answer(line.decode().strip())

    def finish(self) -> None:
        super().finish()
        self.request.close()  # the server knows the socket below TLS alone

    def answer(self, line: str) -> None:
        verb = line[:4].upper()
        self.server.commands.append(line)
        says = self.server.answers.get(line) or self.server.answers.get(verb)
        if says or verb not in {"EHLO", "STAR", "DATA", "QUIT"}:
            self.say(says or "250 ok")
        elif verb == "EHLO":
            self.say("250-fake\r\n250 STARTTLS" if self.server.tls else "250 fake")
        elif verb == "STAR":
            self.say("220 go")
            self.encrypt()
        elif verb == "DATA":
            self.take()
        else:
            self.say("221 bye")

    def take(self) -> None:
        self.say("354 go")
        lines = list(iter(self.rfile.readline, b".\r\n"))
        mail = message_from_bytes(b"".join(lines), policy=policy.default)
        self.server.mails.append(mail)
        self.say(self.server.answers.get("END", "250 taken"))

    def encrypt(self) -> None:
        assert self.server.tls
        self.request = self.server.tls.wrap_socket(self.request, server_side=True)
        self.setup()

    def say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@contextmanager
def serve() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.over.set()
        server.shutdown()
        thread.join()
