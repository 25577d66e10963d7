"""The ear on Redis: a message rings the brain's bell, and one that is lost is made good."""

import asyncio
import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import fakeredis
import pytest
from django.conf import settings as conf
from django.db import OperationalError, connection, transaction
from django_q.conf import Conf
from django_q.models import OrmQ, Schedule
from django_q.scheduler import scheduler
from django_q.signing import SignedPackage
from pytest_django import DjangoDbBlocker

from charon.management.commands import up
from charon.processes.listen_socket import Place
from markets import clock, events
from markets.jobs import runs
from markets.models import Instrument, Job, OutboxEvent, Source
from markets.records import RateRecord, Table
from markets.store.candles import save_bars
from markets.store.publish import publish
from miner import sources
from miner.pulse import loop
from signals import schedule, tasks
from signals.models import Signal
from tests.databases import file_database, url_of_the_test
from tests.market import bar as candle
from tests.market import source
from tests.news import news, open_news
from tests.own_redis import imitated, used
from tests.processes import MANAGE, environment, until
from tests.servers import Redis
from tests.test_engine import wave

Start = Callable[..., AbstractContextManager[subprocess.Popen[bytes]]]
# It takes less than two seconds; what would hang here hangs for thirty.
PROMPT = 10.0


def bells() -> int:
    return sum(tasks.is_catch_up(row) for row in OrmQ.objects.all())


def bring(source: Source, code: str = "USD") -> Job:
    """300 closes arrive, and the bell that joined their transaction is lost."""
    with runs.job("nbp.A", source) as job:
        publish([Table("A", day, [RateRecord(code, mid=value)]) for day, value in wave(300)], source, job)
    OrmQ.objects.all().delete()
    return job


def test_the_ear_needs_redis_and_the_beats_do_not(settings: Any) -> None:
    settings.REDIS_URL = ""
    assert len(loop.duties()) == 3
    settings.REDIS_URL = "redis://redis:6379/0"
    assert len(loop.duties()) == 4


def test_up_runs_it_beside_the_clusters(settings: Any) -> None:
    child = up.children(Place(socket.AF_INET, "127.0.0.1", 8000))[-1]
    assert (child.name, child.command[-1]) == ("pulse", "pulse")


def test_what_is_heard_while_the_bell_rings_is_answered_by_one_more_ring() -> None:
    rings: list[int] = []
    began, go_on = threading.Semaphore(0), threading.Semaphore(0)

    def ring() -> None:
        rings.append(1)
        began.release()
        assert go_on.acquire(timeout=40)

    bell = loop.WakeUp(ring)
    bell.pull()
    assert began.acquire(timeout=40)
    for _ in range(50):
        bell.pull()
    go_on.release()
    assert began.acquire(timeout=40)
    go_on.release()
    assert not began.acquire(timeout=0.1)
    assert len(rings) == 2


def test_a_bell_that_the_database_refuses_is_rung_again_with_one_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(loop, "AGAIN_SECONDS", 0.001)
    rings: list[int] = []
    done = threading.Event()

    def ring() -> None:
        rings.append(1)
        if len(rings) < 5:
            raise OperationalError("database is locked")
        done.set()

    loop.WakeUp(ring).pull()
    assert done.wait(10)
    assert len(rings) == 5
    assert [record.getMessage() for record in caplog.records] == [
        "The bell cannot be rung, tried again every 0 s: OperationalError('database is locked')"
    ]


def test_it_hears_of_rates_and_of_the_candles_of_each_timeframe(monkeypatch: pytest.MonkeyPatch) -> None:
    redis = fakeredis.FakeServer()
    monkeypatch.setattr(loop, "connect", lambda: fakeredis.FakeAsyncRedis(server=redis))
    heard: asyncio.Queue[None] = asyncio.Queue()

    async def main() -> None:
        ear = asyncio.create_task(loop.listen(lambda: heard.put_nowait(None)))
        await asyncio.wait_for(heard.get(), PROMPT)
        assert heard.empty(), "one ring for all subscriptions"
        async with fakeredis.FakeAsyncRedis(server=redis) as client:
            for channel in ("rates.ingested", *(f"market:update:{one}" for one in ("5m", "1h", "4h", "1d"))):
                await client.publish(channel, "{}")
                await asyncio.wait_for(heard.get(), PROMPT)
        ear.cancel()

    asyncio.run(main())


@pytest.mark.django_db(transaction=True)
def test_a_message_of_candles_wakes_the_engine_for_those_that_are_open(at: Callable[[str], None]) -> None:
    """The bell that joined the transaction of the candles is lost."""
    at("2026-10-26 12:30")
    save_bars([candle("2026-10-26 09:00")], source("binance", ["BTCUSDT"]))
    OrmQ.objects.all().delete()
    loop.enqueue_catch_up()
    assert bells() == 1


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_ring_wakes_the_brain_for_what_is_open_and_for_nothing_else() -> None:
    sources.sync()
    loop.enqueue_catch_up()
    assert bells() == 0
    bring(Source.objects.get(code="nbp"))
    loop.enqueue_catch_up()
    loop.enqueue_catch_up()
    assert bells() == 1


def test_duties_run_side_by_side_until_they_are_told_to_stop() -> None:
    log: list[str] = []

    async def main() -> None:
        stop, both = asyncio.Event(), asyncio.Barrier(3)

        async def duty(name: str) -> None:
            await both.wait()
            try:
                await asyncio.Event().wait()
            finally:
                log.append(name)

        running = asyncio.create_task(loop.run([lambda: duty("ear"), lambda: duty("beat")], stop))
        await both.wait()
        assert log == []
        stop.set()
        await asyncio.wait_for(running, 5)

    asyncio.run(main())
    assert sorted(log) == ["beat", "ear"]


def test_a_duty_that_fails_ends_the_others_and_the_process() -> None:
    ended: list[str] = []

    async def breaks() -> None:
        raise RuntimeError("broken")

    async def other() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("other")

    with pytest.raises(ExceptionGroup, match="unhandled"):
        asyncio.run(loop.run([breaks, other], asyncio.Event()))
    assert ended == ["other"]


def test_a_message_that_nobody_heard_is_made_good_by_the_watchdog(
    nbp: Source, at: Callable[[str], None], settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    at("2026-11-20 13:00")
    with imitated(settings, monkeypatch) as client:
        job = bring(nbp)
        with client.pubsub(ignore_subscribe_messages=True) as ear:
            assert events.announce(job) == 1
            ear.subscribe("rates.ingested")
            assert [ear.get_message(), ear.get_message()] == [None, None]
    assert (bells(), Signal.objects.count(), open_news().count()) == (0, 0, 1)
    Schedule.objects.all().delete()
    schedule.write()
    Schedule.objects.filter(name=schedule.NAME).update(next_run=clock.now() - timedelta(minutes=1))
    monkeypatch.setattr("django_q.scheduler.close_old_django_connections", lambda: None)  # ours is the test's
    monkeypatch.setattr(Conf, "CLUSTER_NAME", conf.BRAIN_QUEUE)
    scheduler()
    (row,) = OrmQ.objects.filter(key=conf.BRAIN_QUEUE)
    assert SignedPackage.loads(row.payload)["func"] == "signals.tasks.catch_up"
    assert tasks.catch_up() > 0
    assert Signal.objects.filter(instrument__code="USD").exists()


# With a real Redis and real processes


@pytest.fixture
def server(settings: Any, outgoing: set[tuple[str, int]]) -> Iterator[Redis]:
    with used(settings, outgoing) as one:
        yield one


@pytest.fixture
def house(transactional_db: None, tmp_path: Path, django_db_blocker: DjangoDbBlocker) -> Iterator[dict[str, str]]:
    """The environment of processes that share their database with this test, whichever kind it is."""
    if conf.SQLITE:
        with file_database(tmp_path / "charon.sqlite3", django_db_blocker):
            yield environment(tmp_path, SECRET_KEY=conf.SECRET_KEY)
    else:
        sources.sync()
        yield environment(tmp_path, SECRET_KEY=conf.SECRET_KEY, DATABASE_URL=url_of_the_test())


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "process.log"


@pytest.fixture
def start(house: dict[str, str], server: Redis, log: Path) -> Start:
    """Run a command of manage.py beside the test, for as long as the block lasts."""

    @contextmanager
    def begin(command: str, **env: str) -> Iterator[subprocess.Popen[bytes]]:
        with log.open("ab") as out:
            process = subprocess.Popen(
                [*MANAGE, command],
                env=house | {"REDIS_URL": server.url, "Q_CLUSTER_NAME": conf.BRAIN_QUEUE} | env,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        try:
            yield process
        finally:
            end(process, signal.SIGKILL)

    return begin


def end(process: subprocess.Popen[bytes], number: signal.Signals = signal.SIGTERM) -> tuple[int, float]:
    """Its exit code, and how long it took to end."""
    before = time.monotonic()
    if process.poll() is None:
        process.send_signal(number)
    code = process.wait(60)
    return code, time.monotonic() - before


def hears(server: Redis, channel: str = "rates.ingested") -> bool:
    return server.cli("PUBSUB", "NUMSUB", channel).split()[-1] == "1"


def heard_first() -> None:
    """It rings when it begins to listen; that bell is taken away."""
    until(bells)
    OrmQ.objects.all().delete()


@pytest.mark.services
def test_a_message_comes_through_pulse_and_bell_to_signals_in_the_database(start: Start, server: Redis) -> None:
    job = bring(Source.objects.get(code="nbp"))
    with start("pulse") as ear:
        heard_first()
        assert (bells(), Signal.objects.count()) == (0, 0)
        assert events.announce(job) == 1
        until(bells)
        with start("qcluster") as cluster:
            until(lambda: not open_news().exists(), 40)
            until(lambda: "type signal" in " ".join(server.cli("XREVRANGE", "redis:message_log", "+", "-").split()))
            end(cluster)
        code, seconds = end(ear)
    assert Signal.objects.filter(instrument__code="USD").exists()
    assert (code, seconds < PROMPT) == (0, True)


@pytest.mark.services
def test_after_a_restart_of_redis_it_listens_again_and_rings_for_what_was_said_meanwhile(
    start: Start, server: Redis, log: Path
) -> None:
    job = bring(Source.objects.get(code="nbp"))
    with start("pulse") as ear:
        heard_first()
        server.stop()
        until(lambda: "WARNING" in log.read_text())
        assert events.announce(job) == 0
        assert bells() == 0
        server.start()
        until(bells)
        assert hears(server)
        assert end(ear)[0] == 0
    assert news().filter(processed=None, instrument=Instrument.objects.get(code="USD")).exists()
    assert log.read_text().count("WARNING") == 1
    assert "Redis is heard again" in log.read_text()


@pytest.mark.services
def test_while_redis_is_away_figures_are_decided_and_each_process_warns_once(
    start: Start, server: Redis, log: Path
) -> None:
    server.stop()
    source = Source.objects.get(code="nbp")
    with start("qcluster") as cluster:
        for code in ("USD", "EUR", "CHF", "GBP"):
            bring(source, code)
            tasks.enqueue_catch_up()
            until(lambda: not open_news().exists(), 40)
        end(cluster)
    assert Signal.objects.values("instrument").distinct().count() == 4
    lines = [line for line in log.read_text().splitlines() if " WARNING " in line]
    without_ids = [re.sub(r"\[\w+\] ", "", line) for line in lines]
    assert {line.partition(" WARNING ")[2] for line in without_ids} == {
        "markets.redis.client: Redis cannot be used, Charon goes on without it: ConnectionError"
    }
    assert 1 <= len(lines) <= conf.Q_WORKERS
    assert " ERROR " not in log.read_text()


@pytest.mark.services
def test_two_houses_on_one_redis_do_not_hear_each_other(start: Start, server: Redis, settings: Any) -> None:
    job = bring(Source.objects.get(code="nbp"))
    with start("pulse", REDIS_PREFIX="mine:"):
        heard_first()
        assert server.cli("PUBLISH", "rates.ingested", "x") == "0"
        assert server.cli("PUBLISH", "yours:rates.ingested", "x") == "0"
        settings.REDIS_PREFIX = "yours:"
        assert events.announce(job) == 1
        settings.REDIS_PREFIX = "mine:"
        assert bells() == 0
        events.announce(job)
        until(bells)
    logs = server.cli("KEYS", "*message_log").split()
    assert sorted(logs) == ["mine:redis:message_log", "yours:redis:message_log"]


@pytest.mark.services
def test_it_begins_without_redis_says_so_once_and_ends_at_once(start: Start, server: Redis, log: Path) -> None:
    server.stop()
    with start("pulse") as ear:
        until(lambda: "WARNING" in log.read_text())
        server.start()
        until(lambda: hears(server))
        server.kill()
        until(lambda: log.read_text().count("WARNING") == 2)
        code, seconds = end(ear)
    assert (code, seconds < PROMPT) == (0, True)
    assert "Traceback" not in log.read_text()


@pytest.mark.services
def test_a_redis_that_forbids_the_channel_is_asked_again_until_it_allows(
    start: Start, server: Redis, log: Path
) -> None:
    server.cli("ACL", "SETUSER", "default", "resetchannels")
    with start("pulse") as ear:
        until(lambda: "Redis cannot be heard, the watchdog stands in: NoPermissionError" in log.read_text())
        server.cli("ACL", "SETUSER", "default", "allchannels")
        until(lambda: hears(server))
        assert ear.poll() is None


@pytest.mark.services
def test_it_ends_at_once_while_the_database_is_locked(start: Start, server: Redis) -> None:
    with transaction.atomic():
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute(f"LOCK TABLE {OutboxEvent._meta.db_table} IN ACCESS EXCLUSIVE MODE")
            else:
                cursor.execute(f"DELETE FROM {OrmQ._meta.db_table}")
        with start("pulse") as ear:
            until(lambda: hears(server))
            code, seconds = end(ear)
    assert (code, seconds < PROMPT) == (0, True)
