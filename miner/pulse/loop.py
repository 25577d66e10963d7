"""The asyncio loop of pulse: the ticker of the fast polls, and the subscriber of Redis.

A message says that rates or candles arrived, from whichever process or machine: the subscriber enqueues the engine's
catch-up. It does so as well whenever it subscribes, since messages sent before are lost; the open `OutboxEvent` rows
have them all.
"""

import asyncio
import logging
import os
import signal
import socket
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import connections, transaction

from markets import events, timeframes
from markets.models import Job
from markets.redis import client as redis_client
from markets.redis import market_keys
from miner.pulse import ticker

if TYPE_CHECKING:
    from redis.asyncio import Redis

logger = logging.getLogger(__name__)

# What runs until it is cancelled.
Duty = Callable[[], Coroutine[Any, Any, None]]

# Before the next try to reach Redis; the last one again and again.
WAITS = (0.2, 0.4, 0.8, 1.6, 3.0)
# Before the next try to ring, when the database did not take it.
AGAIN_SECONDS = 3.0
CONNECT_SECONDS = 2.0
END_SECONDS = 1.0
# The supervisor looks every 5 s.
BEAT_SECONDS = 2.0
# A machine that went without a word is noticed after 15 + 3 × 5 s of silence.
KEEPALIVE = {socket.TCP_KEEPIDLE: 15, socket.TCP_KEEPINTVL: 5, socket.TCP_KEEPCNT: 3}


def duties() -> list[Duty]:
    """The polls and their health, a sign of life, and with Redis a subscriber."""
    if not settings.REDIS_URL:
        return [*ticker.duties(), beat]
    wake_up = WakeUp(enqueue_catch_up)
    return [*ticker.duties(), beat, lambda: listen(wake_up.pull)]


async def beat() -> None:
    """Touch a file every few seconds: it shows that this loop runs. A disk that takes nothing stops no poll."""
    file = Path(settings.DATA_DIR) / "run" / "pulse.beat"
    while True:
        with suppress(OSError):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch()
        await asyncio.sleep(BEAT_SECONDS)


async def run(duties: list[Duty], stop: asyncio.Event) -> None:
    """All duties side by side until `stop`; one that fails ends all, and the process with them."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(duty()) for duty in duties]
        await stop.wait()
        for task in tasks:
            task.cancel()


async def run_until_signal(duties: list[Duty]) -> None:
    """A duty that waits for a locked database is not waited for: its transaction is undone, its lease runs out."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()

    def end() -> None:
        stop.set()
        loop.call_later(END_SECONDS, os._exit, 0)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end)
    await run(duties, stop)


async def listen(on_message: Callable[[], None]) -> None:
    """Call `heard` when listening begins, whenever it begins again, and for every message."""
    import redis  # as in markets.redis.client: only where there is one

    names, failures = [redis_client.name(channel) for channel in channels()], 0
    while True:
        try:
            async with connect() as client, client.pubsub() as subscriber:
                await subscriber.subscribe(*names)
                async for message in subscriber.listen():
                    if message["type"] == "subscribe" and message["data"] < len(names):
                        continue  # Redis' word for each channel: with the last one nothing is missed any more
                    if failures:
                        logger.info("Redis is heard again")
                    failures = 0
                    on_message()
        except (redis.RedisError, OSError) as error:
            if not failures:
                logger.warning("Redis cannot be heard, the watchdog stands in: %s", type(error).__name__)
            await asyncio.sleep(WAITS[min(failures, len(WAITS) - 1)])
            failures += 1


def channels() -> list[str]:
    """Those that tell of what the engine may decide on: new rates, and new candles of each timeframe."""
    return [
        settings.REDIS_PUBSUB_CHANNEL_RATES,
        *(market_keys.channel_of(timeframe) for timeframe in timeframes.SECONDS),
    ]


def connect() -> "Redis":
    """A listener waits without a limit; the loop above tries again and says so, redis-py would do it in silence."""
    from redis.asyncio import Redis
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff

    options: dict[str, Any] = {"socket_timeout": None, "socket_connect_timeout": CONNECT_SECONDS}
    if not settings.REDIS_URL.startswith("unix:"):
        options |= {"socket_keepalive": True, "socket_keepalive_options": KEEPALIVE}
    client: Redis = Redis.from_url(settings.REDIS_URL, retry=Retry(NoBackoff(), 0), **options)
    return client


class WakeUp:
    """Rings in a thread of its own: a database that is locked holds up neither the loop nor the end of the process.

    What is heard while it rings is answered by one more ring, however much it was.
    """

    def __init__(self, enqueue_catch_up: Callable[[], None]) -> None:
        self.ring = enqueue_catch_up
        self.pulled = threading.Event()
        self.stuck = False
        threading.Thread(target=self.answer, name="bell", daemon=True).start()

    def pull(self) -> None:
        self.pulled.set()

    def answer(self) -> None:
        pause = threading.Event()
        while self.pulled.wait():
            self.pulled.clear()
            if not self.enqueued():
                self.pulled.set()
                pause.wait(AGAIN_SECONDS)

    def enqueued(self) -> bool:
        """One warning until it works again."""
        try:
            self.ring()
        except Exception as error:
            if not self.stuck:
                logger.warning("The bell cannot be rung, tried again every %.0f s: %r", AGAIN_SECONDS, error)
            self.stuck = True
            return False
        self.stuck = False
        return True


def enqueue_catch_up() -> None:
    """Whoever waits for figures looks for them, in a transaction as when we had written them here."""
    try:
        with transaction.atomic():
            events.ingested.send(sender=Job, job=None)
    finally:
        connections.close_all()
