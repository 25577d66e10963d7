"""Currencies that are asked for so often that all their days stand ready (`markets.api.ready_series`).

A new question about a period is then a part of bytes that are there: nothing is read, and Django is not asked. What
such an answer says in its headers is learned from one that Django gave.
"""

import asyncio
import logging
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b

from django.db import close_old_connections

from charon.kept import stamp
from charon.kept.answers import Kept, form
from charon.kept.asking import Asked
from charon.kept.short import OF_ONE, next_page
from charon.kept.stamp import Versions
from markets import clock
from markets.api.ready_series import ReadySeries

Run = Callable[[Callable[[], ReadySeries | None]], Awaitable[ReadySeries | None]]
logger = logging.getLogger(__name__)

# Of one worker: all currencies that there ever were, of which the longest take 0.2 MB as the archive has them.
LIMIT = 16_000_000
# To make one ready costs as much as some forty answers of a year, so that it never costs more than was spent anyway.
WORTH = 40


@dataclass(slots=True)
class Ready:
    series: ReadySeries
    versions: tuple[int, ...]
    served: int = 0


class ReadySeriesShelf:
    """On the event loop alone: no lock."""

    def __init__(self, limit: int = LIMIT, make: Callable[[str], ReadySeries | None] = ReadySeries.of) -> None:
        self.limit, self.make, self.size = limit, make, 0
        self.ready: OrderedDict[str, Ready] = OrderedDict()
        self.asked: Counter[str] = Counter()
        self.learned: dict[bool, Kept] = {}
        self.tasks: set[asyncio.Task[None]] = set()

    def answer(self, asked: Asked, versions: Versions) -> Kept | None:
        """What Django would answer; None for another question, and where it would have to be read."""
        plain, like = asked.question.plain, self.learned.get(asked.is_secure)
        if plain is None or like is None or clock.now().timestamp() >= like.until:
            return None
        code, now = plain.code.upper(), stamp.taken(versions, like.scopes)
        ready = self.ready.get(code)
        if ready is None:
            return None
        if ready.versions != now:
            self.drop(code)
            self.asked[code] = min(ready.served, WORTH - 1)  # one that was much asked for is made ready again at once
            return None
        body, days = ready.series.body(plain.start, plain.end, plain.limit)
        ready.served += 1
        self.ready.move_to_end(code)
        etag = f'"{blake2b(body, digest_size=16).hexdigest()}"'
        headers = [pair for pair in like.plain.headers if pair[0].lower() not in OF_ONE]
        if days > plain.limit:
            headers.append(next_page(asked.question.path, asked.question.query, f"offset={plain.limit}"))
        return Kept(
            form(headers, etag, body), like.view, like.route, scopes=like.scopes, versions=now, until=like.until
        )

    def saw(self, asked: Asked, kept: Kept, run: Run) -> None:
        """An answer that Django gave. `run` has the currency made ready in a thread; whoever asked waits no longer."""
        plain = asked.question.plain
        if plain is None:
            return
        self.learned[asked.is_secure] = kept
        code = plain.code.upper()
        self.asked[code] += code not in self.ready
        if self.asked[code] == WORTH:
            task = asyncio.ensure_future(self.make_ready(code, kept.versions, run))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

    async def make_ready(self, code: str, versions: tuple[int, ...], run: Run) -> None:
        """`versions` are of before it is read."""
        try:
            series = await run(partial(self.read, code))
        except Exception as error:
            logger.warning("The days of %s were not made ready: %s", code, type(error).__name__)
            self.drop(code)
        else:
            self.put(code, series, versions)

    def read(self, code: str) -> ReadySeries | None:
        """In a thread."""
        try:
            return self.make(code)
        finally:
            close_old_connections()

    def put(self, code: str, series: ReadySeries | None, versions: tuple[int, ...]) -> None:
        self.drop(code)
        if series is None or series.size > self.limit:
            return
        self.ready[code] = Ready(series, versions)
        self.size += series.size
        while self.size > self.limit:
            self.drop(next(iter(self.ready)))

    def drop(self, code: str) -> None:
        """It must be asked for so often again."""
        del self.asked[code]
        if gone := self.ready.pop(code, None):
            self.size -= gone.series.size
