"""The stamp: how often what kept answers are made of was written, as this process last read it.

Django refuses the database on an event loop, so a thread reads the numbers, at most once a second and only while
somebody asks; requests read a variable.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor

from django.db import close_old_connections, connection

from charon.kept import watched
from markets.redis import generations

logger = logging.getLogger(__name__)

FRESH_SECONDS = 1.0
# A database that does not answer must not make everybody wait for it.
PATIENCE_SECONDS = 0.25
# So long after the last stamp kept answers go out while the database is away.
AWAY_SECONDS = 60.0
SCOPES = (*watched.TABLES, generations.ANY)
GENERATIONS = f"SELECT COALESCE(SUM(number), 0) FROM {generations.TABLE}"  # nosec B608

Versions = Mapping[str, int]


def numbers() -> dict[str, tuple[int | str, ...]]:
    """In a thread whose work no request ends: it gives its connection back to the pool itself."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(GENERATIONS)
            (generation,) = cursor.fetchone()
        return {generations.ANY: (int(generation),), **watched.numbers(connection)}
    finally:
        close_old_connections()


class Stamp:
    """`versions` grow with each change that is seen: numbers of a restored backup may be those of another time. While
    nothing changes they are the same object.
    """

    def __init__(self, threads: Executor, read: Callable[[], Mapping[str, object]] = numbers) -> None:
        self.threads, self.read = threads, read
        self.seen: Mapping[str, object] = {}
        self.versions: Versions = dict.fromkeys(SCOPES, 0)
        self.read_at = -AWAY_SECONDS
        self.writes = 0
        self.is_fresh = self.failed = False
        self.reading: asyncio.Future[None] | None = None
        self.began_at = 0.0

    def expire(self) -> None:
        """After a write through this process: who wrote sees it with the next question."""
        self.writes += 1
        self.is_fresh = False

    def fresh(self) -> Versions | None:
        """Those that were read within the last second, if nothing was written since."""
        return self.versions if self.is_fresh and time.monotonic() - self.read_at < FRESH_SECONDS else None

    async def current(self) -> Versions | None:
        """None while the database is away for longer than answers may be kept without it."""
        if self.fresh():
            return self.versions
        now = time.monotonic()
        if self.reading and not self.reading.done():
            await self.wait()
        # One that began before a write does not know of it; one that failed is tried again after a second.
        is_idle = self.reading is None or self.reading.done()
        if not self.fresh() and is_idle and not (self.failed and now - self.began_at < FRESH_SECONDS):
            self.reading, self.began_at = asyncio.ensure_future(self.renew()), now
            await self.wait()
        return self.versions if time.monotonic() - self.read_at < AWAY_SECONDS else None

    async def wait(self) -> None:
        left = self.began_at + PATIENCE_SECONDS - time.monotonic()
        if self.reading and left > 0:
            await asyncio.wait([self.reading], timeout=left)

    async def renew(self) -> None:
        asked_at, writes = time.monotonic(), self.writes
        try:
            found = await asyncio.get_running_loop().run_in_executor(self.threads, self.read)
        except Exception as error:
            if not self.failed:
                logger.warning("The stamp of kept answers cannot be read: %s", type(error).__name__)
            self.failed = True
            return
        self.failed = False
        if changed := [scope for scope in self.versions if found.get(scope) != self.seen.get(scope)]:
            self.versions = {**self.versions, **{scope: self.versions[scope] + 1 for scope in changed}}
        self.seen, self.read_at = found, asked_at
        self.is_fresh = self.writes == writes


def taken(versions: Versions, scopes: Iterable[str]) -> tuple[int, ...]:
    return tuple(versions[scope] for scope in scopes)
