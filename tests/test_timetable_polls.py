"""Polls in the timetable: each poll has one starter, runs once for its moment, and an upgrade leaves exactly ours."""

import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.test import Client
from django_q import scheduler as queue_scheduler
from django_q.conf import Conf
from django_q.models import OrmQ, Schedule
from django_q.signing import SignedPackage
from hypothesis import given
from hypothesis import strategies as st

from markets import clock, events
from markets.models import Job, Source
from miner import schedule, tasks
from miner.fetch import cooldown
from miner.models import Lease, Poll, Spent
from miner.providers import PROVIDERS
from miner.providers.base import CandleSource, QuoteSource
from miner.pulse import health, polls
from tests.markets_fake import FakeMarket, open_market

QUOTES, LONG_CANDLES = "fake.quotes", "fake.candles.4h"


@pytest.fixture
def market(db: None, monkeypatch: pytest.MonkeyPatch, at: Callable[[str], None]) -> Source:
    """A market that is polled once a minute; its schedules are written as an operator's change writes them."""
    at("2026-11-20 13:00:10")
    source = open_market(monkeypatch)
    FakeMarket.prices["X:BTCUSD"] = Decimal(90_000)
    choose(source, 60)
    return source


def choose(source: Source, seconds: int) -> None:
    source.polling_interval = seconds
    source.save()


def scheduled(code: str = "fake") -> dict[str, Schedule]:
    rows = Schedule.objects.filter(name__startswith=f"{code}.", func__in=["miner.tasks.quotes", "miner.tasks.candles"])
    return {str(row.name): row for row in rows}


def pulses() -> set[str]:
    return {poll.name for poll in polls.pulse_polls()}


def run_scheduler(monkeypatch: pytest.MonkeyPatch) -> None:
    """One look of the queue's scheduler at the timetable."""
    monkeypatch.setattr(queue_scheduler, "close_old_django_connections", lambda: None)  # ours is the test's
    monkeypatch.setattr(queue_scheduler, "timezone", clock)
    monkeypatch.setattr(queue_scheduler, "localtime", clock.now)
    monkeypatch.setattr(Conf, "CLUSTER_NAME", settings.MINER_QUEUE)
    queue_scheduler.scheduler()


def waiting(name: str) -> list[dict[str, Any]]:
    found = [SignedPackage.loads(row.payload) for row in OrmQ.objects.order_by("pk")]
    return [task for task in found if task["group"] == name]


def work(task: dict[str, Any]) -> str:
    """As a worker does: the function of that name, with what the queue has stored."""
    return str(getattr(tasks, task["func"].rpartition(".")[2])(*task["args"], **task["kwargs"]))


def named_by_the_provider(code: str) -> set[str]:
    provider, names = PROVIDERS[code], set()
    if issubclass(provider, QuoteSource) and not provider.rotating:
        names.add(f"{code}.quotes")
    if issubclass(provider, CandleSource):
        names |= {f"{code}.candles.{timeframe}" for timeframe in provider.timeframes}
    return names


@pytest.mark.slow
@pytest.mark.parametrize("code", sorted(PROVIDERS))
@given(seconds=st.one_of(st.integers(5, 400), st.integers(5, 7 * 86_400)))
def test_each_poll_of_each_provider_has_exactly_one_starter(code: str, seconds: int) -> None:
    source = Source(code=code, polling_interval=seconds)
    by_queue = {row.name: row for row in schedule.timetable(source) if row.intended_date_kwarg}
    by_pulse = {poll.name: poll for poll in polls.polls_of(source) if not poll.is_scheduled}
    assert by_queue.keys() | by_pulse.keys() == named_by_the_provider(code)
    assert not by_queue.keys() & by_pulse.keys()
    assert all(seconds <= poll.every < 60 for poll in by_pulse.values())
    assert all(row.minutes * 60 >= max(seconds, 60) for row in by_queue.values())
    assert all(row.minutes * 60 < max(seconds + 60, 301) for row in by_queue.values())


def test_every_poll_stands_in_the_table_as_the_queue_needs_it(market: Source) -> None:
    assert {name: (row.func, row.args, row.minutes) for name, row in scheduled().items()} == {
        "fake.quotes": ("miner.tasks.quotes", "('fake',)", 1),
        "fake.candles.5m": ("miner.tasks.candles", "('fake', '5m')", 1),
        "fake.candles.1h": ("miner.tasks.candles", "('fake', '1h')", 2),
        "fake.candles.4h": ("miner.tasks.candles", "('fake', '4h')", 5),
    }
    assert {(row.cluster, row.repeats) for row in scheduled().values()} == {(settings.MINER_QUEUE, -1)}


@pytest.mark.slow
def test_what_a_new_installation_polls_follows_its_settings(db: None) -> None:
    call_command("sync", skip_checks=True)
    rows = [row for code in ("coingecko", "deribit", "binance") for row in scheduled(code).values()]
    entries = {row.name: row.minutes for row in rows}
    assert entries == {
        "coingecko.quotes": 5, "deribit.quotes": 1, "binance.candles.1h": 2, "binance.candles.4h": 5,
    }  # fmt: skip
    assert pulses() == {"binance.quotes", "binance.candles.5m"}


def test_a_poll_moves_at_once_when_the_operator_crosses_a_minute(market: Source) -> None:
    assert (len(scheduled()), pulses()) == (4, set())
    choose(market, 59)
    assert (set(scheduled()), pulses()) == ({"fake.candles.1h", LONG_CANDLES}, {QUOTES, "fake.candles.5m"})
    choose(market, 90)
    assert ({row.minutes for row in scheduled().values()}, pulses()) == ({2, 5}, set())


def test_a_source_that_is_off_has_no_polls_in_the_timetable(market: Source) -> None:
    market.enabled = False
    market.save()
    assert (scheduled(), pulses()) == ({}, set())


def test_a_new_poll_begins_at_once_and_then_lies_on_its_grid(market: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    run_scheduler(monkeypatch)
    assert len(waiting(QUOTES)) == len(waiting(LONG_CANDLES)) == 1
    grid = clock.now().replace(second=0, microsecond=0)
    rows = scheduled()
    assert (rows[QUOTES].next_run - grid, rows[LONG_CANDLES].next_run - grid) == (
        timedelta(minutes=1), timedelta(minutes=5),
    )  # fmt: skip


def test_runs_that_were_missed_are_not_made_up_for(
    market: Source, monkeypatch: pytest.MonkeyPatch, at: Callable[[str], None]
) -> None:
    at("2026-11-20 13:40:10")
    run_scheduler(monkeypatch)
    assert len(waiting(QUOTES)) == 1
    assert scheduled()[QUOTES].next_run == clock.now() + timedelta(seconds=50)


def test_what_waited_behind_busy_workers_is_asked_once(
    market: Source, monkeypatch: pytest.MonkeyPatch, at: Callable[[str], None]
) -> None:
    for minute in range(4):
        at(f"2026-11-20 13:0{minute}:12")
        run_scheduler(monkeypatch)
    late = waiting(QUOTES)
    assert [work(task) for task in late] == ["1 of 3", "done already", "done already", "done already"]
    assert len(FakeMarket.asked) == 1
    at("2026-11-20 13:04:05")
    run_scheduler(monkeypatch)
    assert work(waiting(QUOTES)[-1]) == "1 of 3"


def test_a_poll_never_runs_beside_itself(market: Source, at: Callable[[str], None]) -> None:
    planned = clock.now().isoformat()
    Lease.objects.create(name=QUOTES, holder="another:1", until=clock.now() + timedelta(seconds=60))
    assert (tasks.quotes("fake", planned=planned), FakeMarket.asked) == ("busy", [])
    at("2026-11-20 13:01:11")
    assert tasks.quotes("fake", planned=planned) == "1 of 3"
    assert Lease.objects.get(name=QUOTES).until is None


def test_a_lease_from_a_clock_that_was_set_back_holds_nothing_up(market: Source) -> None:
    Lease.objects.create(name=QUOTES, holder="another:1", until=clock.now() + timedelta(days=2))
    assert tasks.quotes("fake", planned=clock.now().isoformat()) == "1 of 3"


def test_a_poll_that_failed_is_asked_again_by_the_next_task_and_lets_go(market: Source) -> None:
    FakeMarket.prices["X:BTCUSD"] = RuntimeError("fault")
    with pytest.raises(RuntimeError):
        tasks.quotes("fake", planned=clock.now().isoformat())
    FakeMarket.prices["X:BTCUSD"] = Decimal(1)
    assert tasks.quotes("fake", planned=clock.now().isoformat()) == "1 of 3"


def test_who_asks_by_hand_is_answered_though_the_moment_is_done(market: Source) -> None:
    assert tasks.quotes("fake", planned=clock.now().isoformat()) == "1 of 3"
    assert tasks.quotes("fake") == "1 of 3"


def test_a_source_that_cools_down_or_is_paused_is_not_asked(market: Source) -> None:
    cooldown.failed(market)
    assert tasks.candles("fake", "4h", planned=clock.now().isoformat()) == "off"
    Spent.objects.all().delete()
    Source.objects.update(paused_until=clock.now() + timedelta(hours=1))
    assert tasks.candles("fake", "4h", planned=clock.now().isoformat()) == "off"
    assert FakeMarket.asked == []


def test_health_judges_a_scheduled_poll_as_pulses(market: Source, at: Callable[[str], None]) -> None:
    assert health.health()["status"] == "ok"
    at("2026-11-20 13:03:50")
    assert {row["name"] for row in health.poll_states() if row["late"]} == {QUOTES, "fake.candles.5m"}
    tasks.quotes("fake", planned=clock.now().isoformat())
    tasks.candles("fake", "5m", planned=clock.now().isoformat())
    states = {row["name"]: row for row in health.poll_states()}
    assert (states[QUOTES]["last_refresh"], states[QUOTES]["late"]) == (clock.now(), False)
    assert Poll.objects.get(name=QUOTES).asked_at == clock.now()
    assert health.health()["status"] == "ok"


def test_the_queues_worker_is_scheduled_too_where_it_is_slow(db: None, settings: Any) -> None:
    settings.BATCH_QUEUE_INTERVAL_SECONDS = 90
    assert {row.name: row.minutes for row in schedule.fixed()}["batch.queue"] == 2
    settings.BATCH_QUEUE_INTERVAL_SECONDS = 15
    assert "batch.queue" not in {row.name for row in schedule.fixed()}


def test_pulse_is_needed_for_a_fast_poll_or_for_redis(market: Source, settings: Any) -> None:
    settings.REDIS_URL = ""
    assert polls.is_needed() is False
    choose(market, 30)
    assert polls.is_needed() is True
    choose(market, 60)
    settings.REDIS_URL = "redis://redis:6379/0"
    assert polls.is_needed() is True


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: schedule.every(1, "x", "miner.tasks.gone"), ImportError),
        (lambda: schedule.every(1, "x", "miner.tasks.quotes", object()), SyntaxError),
        (lambda: schedule.every(1, "x", "miner.tasks.quotes", kwargs="{'a': b}"), ValueError),
        (lambda: schedule.at("61 * * * *", "x", "miner.tasks.prune"), ValidationError),
    ],
)
def test_an_entry_that_would_stop_the_queue_is_never_written(
    make: Callable[[], Schedule], error: type[Exception]
) -> None:
    with pytest.raises(error):
        make()


def test_an_upgraded_installation_has_exactly_the_new_timetable(db: None) -> None:
    call_command("sync", skip_checks=True)
    fresh = {(row.name, row.func, row.args, row.cluster) for row in Schedule.objects.all()}
    Schedule.objects.filter(intended_date_kwarg="planned").delete()  # the release before had none of these
    Schedule.objects.filter(name="reap").delete()
    kept = dict(Schedule.objects.values_list("name", "next_run"))
    old = {"schedule_type": Schedule.MINUTES, "minutes": 5, "next_run": clock.now(), "cluster": settings.MINER_QUEUE}
    for name, func in (
        ("beats", "miner.beats.all"), ("gone.quotes", "miner.tasks.quotes"), ("brain.bell", "signals.bell.ring"),
        ("retention", "miner.tasks.prune"),
    ):  # fmt: skip
        Schedule.objects.create(name=name, func=func, **old)
    mine = Schedule.objects.create(name="an operator's own", func="django.core.management.call_command", **old)
    call_command("sync", skip_checks=True)
    now = Schedule.objects.exclude(pk=mine.pk)
    assert {(row.name, row.func, row.args, row.cluster) for row in now} == fresh
    assert {name: moment for name, moment in now.values_list("name", "next_run") if name in kept} == kept
    assert Schedule.objects.filter(pk=mine.pk).exists()


def test_a_dead_job_ends_within_a_minute_and_is_told_though_nobody_starts_another(
    db: None, monkeypatch: pytest.MonkeyPatch, at: Callable[[str], None]
) -> None:
    at("2026-11-20 13:00:10")
    call_command("sync", skip_checks=True)
    heard: list[object] = []
    handler = lambda **more: heard.append(more)  # noqa: E731
    events.ended.connect(handler)
    times = {"started_at": clock.now(), "status": Job.Status.RUNNING}
    dead = Job.objects.create(job_type="nbp.A", worker="elsewhere:1", lease_until=clock.now(), **times)
    alive = Job.objects.create(
        job_type="nbp.B", worker="elsewhere:2", lease_until=clock.now() + timedelta(minutes=2), **times
    )
    at("2026-11-20 13:01:01")
    run_scheduler(monkeypatch)
    [task] = waiting("reap")
    assert work(task) == "1 ended"
    dead.refresh_from_db()
    alive.refresh_from_db()
    assert (dead.status, dead.reason, alive.status) == ("failed", "lost", "running")
    assert len(heard) == 1
    assert task["save"] is False
    events.ended.disconnect(handler)


def test_upcoming_lists_every_schedule_and_every_poll_of_pulse_once(client: Client, market: Source) -> None:
    call_command("sync", skip_checks=True)
    choose(market, 45)
    answer = client.get("/api/v1/stats/upcoming?limit=1000").json()
    items = {item["name"]: item for item in answer["items"]}
    assert answer["count"] == len(answer["items"]) == len(items)
    assert items.keys() == pulses() | set(Schedule.objects.values_list("name", flat=True))
    moments = [item["next_run"] for item in answer["items"]]
    assert moments == sorted(moments)
    assert items[QUOTES] == {
        "name": QUOTES, "task": "miner.tasks.quotes", "source": "fake", "next_run": "2026-11-20T12:00:45Z",
        "cron": None, "minutes": None, "every_seconds": 45, "state": "active",
    }  # fmt: skip
    assert (items[LONG_CANDLES]["minutes"], items[LONG_CANDLES]["every_seconds"]) == (5, 300)
    part = client.get("/api/v1/stats/upcoming?limit=3&offset=2").json()
    assert (part["items"], part["count"]) == (answer["items"][2:5], answer["count"])


def test_upcoming_says_that_a_paused_sources_fast_poll_waits(client: Client, market: Source) -> None:
    choose(market, 30)
    Source.objects.update(paused_until=clock.now() + timedelta(hours=1))
    found = {item["name"]: item for item in client.get("/api/v1/stats/upcoming").json()["items"]}
    assert (found[QUOTES]["state"], found[QUOTES]["next_run"]) == ("paused", "2026-11-20T13:00:30Z")
    assert found[LONG_CANDLES]["state"] == "paused"


def test_the_page_lists_both_kinds_of_polls_in_polish(client: Client, market: Source) -> None:
    choose(market, 90)
    choose(market, 30)
    Source.objects.exclude(pk=market.pk).update(enabled=False)
    page = client.get("/miner/").content.decode().replace("\N{NO-BREAK SPACE}", " ")
    rows = re.sub(r"<[^>]+>", " ", page.split("Najbliższe uruchomienia")[1].split("Dziennik zadań")[0])
    text = " ".join(rows.split())
    assert "Fake: ceny bieżące 20.11.2026, 13:00 co 30 s czynne" in text
    assert "Fake: świece 4h lada chwila co 5 min czynne" in text


def test_the_status_page_names_the_polls_that_are_late(
    client: Client, market: Source, at: Callable[[str], None]
) -> None:
    words = "4 cykliczne zapytania"
    assert words in client.get("/status/").content.decode().replace("\N{NO-BREAK SPACE}", " ")
    at("2026-11-20 13:03:50")
    assert "Fake: ceny bieżące, Fake: świece 5m" in client.get("/status/").content.decode()


def test_a_start_asks_at_once_and_the_scheduler_does_not_ask_again(
    market: Source, monkeypatch: pytest.MonkeyPatch, at: Callable[[str], None]
) -> None:
    tasks.start()
    [first] = waiting(QUOTES)
    assert work(first) == "1 of 3"
    at("2026-11-20 13:00:41")
    run_scheduler(monkeypatch)
    assert work(waiting(QUOTES)[1]) == "done already"
