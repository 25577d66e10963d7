"""HTTP/1.1 with keep-alive around the pure answers of a service, in a thread of its own.

One event loop and no thread per connection: waiting (latency, delays) costs nothing, and closing ends idle connections
at once. asyncio sets TCP_NODELAY, and head and body leave in one write.
"""

import asyncio
import gzip
import hashlib
import socket
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Generic, Self, TypeVar

from tests.replica.answer import Answer
from tests.replica.script import Script, cut_at
from tests.replica.service import Service
from tests.replica.wire import Request, head_of, heard

GZIPPED_KEPT = 512  # answers of about 30 kB: a whole back-fill fits and is compressed once
ACCEPTING = 3  # turns of the loop from a connection to its talk; closing between them leaves it open for ever

ScriptEntries = Sequence[Mapping[str, object]]
Played = TypeVar("Played", bound=Service)


class Server(Generic[Played]):
    """A running replica of `service`. Everything here may be used from any thread."""

    def __init__(
        self,
        service: Played,
        *,
        now: datetime | None = None,
        latency: float = 0.0,
        script: ScriptEntries = (),
        port: int = 0,
    ) -> None:
        self.service = service
        self._script = Script(script, service)
        self._socket = socket.create_server(("127.0.0.1", port))
        self.port: int = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}{service.base}"
        self._now = now
        self._latency = latency
        self._requests: list[str] = []
        self._gzipped: dict[bytes, bytes] = {}
        self._talks: set[asyncio.Task[None]] = set()
        self._closing = asyncio.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, name=f"replica-{service.name}", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def requests(self) -> list[str]:
        """Paths with their queries, as they were asked, oldest first."""
        return list(self._requests)

    def now(self) -> datetime:
        return self._now or datetime.now(UTC)

    def set_now(self, now: datetime | None) -> None:
        """The moment that holds from here on; None is the real one, which moves."""
        self._now = now

    def set_script(self, script: ScriptEntries) -> None:
        self._script = Script(script, self.service)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._closing.set)
        self._thread.join()

    def _serve(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._listen())

    async def _listen(self) -> None:
        server = await asyncio.start_server(self._welcome, sock=self._socket)
        await self._closing.wait()
        for _ in range(ACCEPTING):
            await asyncio.sleep(0)
        server.close()
        for talk in self._talks:
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)

    def _welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk = asyncio.create_task(self._talk(reader, writer))
        self._talks.add(talk)
        talk.add_done_callback(self._talks.discard)
        # A talk that is cancelled before its first step never comes to its `finally`.
        talk.add_done_callback(lambda _: writer.transport.abort())

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (request := await heard(reader)) and await self._reply(request, writer):
                pass
            writer.close()
            await writer.wait_closed()
        except ConnectionError:
            pass  # the other side left before its answer
        finally:
            writer.transport.abort()

    async def _reply(self, request: Request, writer: asyncio.StreamWriter) -> bool:
        """True while the connection stays open."""
        self._requests.append(request.target)
        script = self._script
        faults = script.hit(request.target)
        await asyncio.sleep(self._latency + sum(fault.delay for fault in faults))
        if any(fault.drop for fault in faults):
            return False
        now = self.now()
        answer = self._packed(script.spoilt(self.service.answer(request, now), faults, now), request)
        cut = cut_at(faults, len(answer.body))
        body = b"" if request.method == "HEAD" else answer.body[:cut]
        await asyncio.sleep(answer.held)
        if answer.drip:
            await dripped(head_of(answer, request.stays), body, answer.drip, writer)
        else:
            writer.write(head_of(answer, request.stays) + body)
        await writer.drain()
        return request.stays and cut is None

    def _packed(self, answer: Answer, request: Request) -> Answer:
        if not answer.packs or not request.takes_gzip:
            return answer
        headers = {**answer.headers, "Content-Encoding": "gzip"}
        return replace(answer, headers=headers, body=self._compressed(answer.body))

    def _compressed(self, body: bytes) -> bytes:
        key = hashlib.sha256(body).digest()
        if key not in self._gzipped:
            if len(self._gzipped) >= GZIPPED_KEPT:
                self._gzipped.clear()
            self._gzipped[key] = gzip.compress(body, compresslevel=6, mtime=0)
        return self._gzipped[key]


async def dripped(head: bytes, body: bytes, pause: float, writer: asyncio.StreamWriter) -> None:
    writer.write(head)
    for place in range(len(body)):
        await asyncio.sleep(pause)
        writer.write(body[place : place + 1])
        await writer.drain()
