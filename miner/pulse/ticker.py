"""The ticker: enqueues the polls that are due, in one pulse per installation, and serves their health.

The loop only looks at the clock; what touches the database runs in a thread, so that a locked one holds up neither the
Redis subscriber nor the end of the process.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connections

from markets import clock
from markets.errors import log_cause
from markets.jobs import job_leases, runs
from miner.pulse import grid, health, polls
from miner.pulse.grid import PollJob

logger = logging.getLogger(__name__)

T = TypeVar("T")

# How often the lease is renewed and the list of polls is read again.
LOOK_SECONDS = 5.0
HEAD = "HTTP/1.1 {status}\r\nContent-Type: application/json; charset=utf-8\r\nCache-Control: no-store\r\n"
REQUEST_SECONDS = 5.0


class Ticker:
    """Which polls are due. The database is asked every few seconds, the clock in between."""

    def __init__(self, holder: str) -> None:
        self.holder = holder
        self.polls: list[PollJob] = []
        self.due: dict[str, datetime] = {}
        self.holds = False

    def refresh(self) -> None:
        """Renew the lease and read the polls; a new one begins at once."""
        held, self.holds = self.holds, polls.hold_lease(self.holder)
        if self.holds != held:
            logger.info("This pulse %s", "beats" if self.holds else "waits: another one beats")
        self.polls = polls.pulse_polls() if self.holds else []
        self.due = {run_polls.name: self.due_of(run_polls, clock.now()) for run_polls in self.polls}

    def due_of(self, poll: PollJob, now: datetime) -> datetime:
        """What is due later than its own interval was planned by a clock that has been set back since: it is due."""
        due = self.due.get(poll.name, now)
        return due if due <= now + timedelta(seconds=poll.every) else now

    def tick(self) -> None:
        """Ask for what is due, and set each to the next moment of its grid."""
        now = clock.now()
        due = [run_polls for run_polls in self.polls if self.due[run_polls.name] <= now]
        if due:
            grid.enqueue_due(due)
        for run_polls in due:
            self.due[run_polls.name] = run_polls.next(now)

    def wait(self) -> float:
        """Seconds until something is due, or until the next look."""
        soonest = min(self.due.values(), default=None)
        left = (soonest - clock.now()).total_seconds() if soonest and self.holds else LOOK_SECONDS
        return min(max(left, 0.05), LOOK_SECONDS)

    def end(self) -> None:
        polls.release_lease(self.holder)


async def run_polls() -> None:
    """Until it is cancelled; a database that cannot be asked is asked again at the next look."""
    ticker = Ticker(job_leases.this_process())
    loop = asyncio.get_running_loop()
    refreshed = -LOOK_SECONDS
    try:
        while True:
            try:
                if loop.time() - refreshed >= LOOK_SECONDS:
                    await in_thread(ticker.refresh)
                    refreshed = loop.time()
                await in_thread(ticker.tick)
            except DatabaseError as error:
                words = runs.scrub(str(error))
                logger.warning("No polls while the database cannot be asked: %s", words, extra=log_cause(error))
                refreshed = loop.time()
            await asyncio.sleep(min(ticker.wait(), max(0.05, refreshed + LOOK_SECONDS - loop.time())))
    finally:
        await asyncio.shield(in_thread(ticker.end))


async def in_thread(work: Callable[[], T]) -> T:
    """In a thread that leaves no connection behind."""

    def close_after() -> T:
        try:
            return work()
        finally:
            connections.close_all()

    return await asyncio.to_thread(close_after)


async def serve_health(ask: Callable[[], dict[str, Any]] = health.health) -> None:
    """`GET /health` on MARKET_DATA_PORT where web listens (HOST), loopback included.

    200, or 503 when something is wrong or the database is away."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                status, body = await reply((await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")[0], ask)
                text = json.dumps(body, default=written).encode()
                head = HEAD.format(status=status) + f"Content-Length: {len(text)}\r\nConnection: close\r\n\r\n"
                writer.write(head.encode() + text)
                await writer.drain()
        except (TimeoutError, ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # the client went away
        finally:
            writer.close()

    try:
        server = await asyncio.start_server(answer, addresses(settings.HOST), settings.MARKET_DATA_PORT)
    except OSError as error:
        logger.warning("MARKET_DATA_PORT %d cannot be used: %s", settings.MARKET_DATA_PORT, error.strerror)
        return
    async with server:
        await server.serve_forever()


def addresses(host: str) -> list[str] | None:
    """Where to listen; None is every address of the machine. A container asks itself by the loopback address."""
    return None if host in {"", "0.0.0.0", "::"} else sorted({host, "127.0.0.1"})  # noqa: S104  # nosec B104


async def reply(request: bytes, ask: Callable[[], dict[str, Any]]) -> tuple[str, dict[str, Any]]:
    words = request.decode("latin-1").split()
    if len(words) < 2 or words[0] not in {"GET", "HEAD"} or words[1].split("?")[0].rstrip("/") != "/health":
        return "404 Not Found", {"error": "GET /health is all there is"}
    try:
        told = await in_thread(ask)
    except DatabaseError:
        return "503 Service Unavailable", {"status": "unavailable", "error": "the database cannot be asked"}
    return ("200 OK" if told["status"] == "ok" else "503 Service Unavailable"), told


def written(value: object) -> str:
    """A moment as the API writes it: ISO 8601, UTC."""
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else str(value)


def duties() -> list[Callable[[], Coroutine[Any, Any, None]]]:
    return [run_polls, serve_health]
