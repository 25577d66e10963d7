"""An answer through a pipe: granian reads it as a file, only as fast as the client reads.

granian's own stream has no backpressure: `send_bytes` puts everything into an unbounded queue (src/rsgi/io.rs of 2.8).
Of a file it reads the next piece once the client has taken the one before, and the end of a pipe is such a file. A full
pipe makes us wait; a client that goes away closes the other end, and the next write says so.
"""

import asyncio
import fcntl
import os
import struct
import termios
from collections.abc import Callable
from types import TracebackType
from typing import Self

OPEN_SECONDS = 5.0
# Longer than the kernel lets a connection stay unread (charon.serving.sockets).
STALL_SECONDS = 30.0
TICK_SECONDS = 0.005


class Pipe:
    """`send` is called with the path of its end for reading. BrokenPipeError or TimeoutError: the client is gone."""

    def __init__(self, send: Callable[[str], None]) -> None:
        self.send = send
        self.reader, self.writer = os.pipe()
        os.set_blocking(self.writer, False)
        self.opened = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        os.close(self.writer)
        if not self.opened:
            os.close(self.reader)

    async def write(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[self.put(rest) :]
            if not self.opened:
                await self.hand_over()
            elif rest:
                await self.writable()

    def put(self, data: memoryview) -> int:
        try:
            return os.write(self.writer, data)
        except BlockingIOError:
            return 0

    async def hand_over(self) -> None:
        """Our own end for reading stays open until granian has opened the same; who reads has it open."""
        first = self.unread()
        self.send(f"/proc/self/fd/{self.reader}")
        async with asyncio.timeout(OPEN_SECONDS):
            while self.unread() == first:
                await asyncio.sleep(TICK_SECONDS)
        os.close(self.reader)
        self.opened = True

    def unread(self) -> int:
        (count,) = struct.unpack("i", fcntl.ioctl(self.reader, termios.FIONREAD, b"\0" * 4))
        return int(count)

    async def writable(self) -> None:
        loop = asyncio.get_running_loop()
        ready: asyncio.Future[None] = loop.create_future()
        loop.add_writer(self.writer, resolve, ready)
        try:
            async with asyncio.timeout(STALL_SECONDS):
                await ready
        finally:
            loop.remove_writer(self.writer)


def resolve(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)
