"""The clock was a day ahead and is right again, or it is set while everything runs: nothing waits until then."""

import time
from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command
from django_q.models import OrmQ, Schedule
from django_q.tasks import async_task

from charon.management.commands import prepare
from charon.processes import timekeeping
from charon.processes.task_broker import GuardedORM
from charon.processes.timekeeping import ClockWatch
from markets import clock
from markets.jobs import hourly, job_leases, runs
from markets.models import Gap, Instrument, Job, Listing, Problem, Source
from miner import faults
from miner.batch import queue as batch_queue
from miner.fetch import cooldown, rate_limit
from miner.fetch.call_window import Allowance
from miner.models import Lease, Poll, QueueItem, Spent, SyncStatus
from miner.pulse import polls, results
from miner.pulse.ticker import Ticker
from tests.cases import walk
from tests.markets_fake import open_market

pytestmark = pytest.mark.django_db

TODAY, TOMORROW = "2026-11-20 12:00", "2026-11-21 12:00"
At = Callable[[str], None]


@pytest.fixture
def wrong(at: At, nbp: Source) -> Source:
    """An installation that was prepared by a clock that is a day ahead; by now the clock is right."""
    at(TOMORROW)
    Schedule.objects.all().delete()
    call_command("sync")
    async_task("math.sqrt", 4, cluster="charon")
    Poll.objects.update(asked_at=clock.now(), done_at=clock.now())
    at(TODAY)
    return nbp


@pytest.fixture
def right(at: At, nbp: Source) -> None:
    """It is noon, and everything is planned for today."""
    at(TODAY)
    timekeeping.check()
    Problem.objects.all().delete()


@pytest.mark.slow
def test_a_start_puts_the_timetable_right(wrong: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    """django-q2 looks at `next_run` alone. The lock of PostgreSQL would take the test's connection with it."""
    monkeypatch.setattr(prepare, "alone", nullcontext)
    before = Schedule.objects.count()
    call_command("prepare")
    late = {
        entry.name: entry.next_run - clock.now()
        for entry in Schedule.objects.exclude(schedule_type=Schedule.CRON)
        if entry.next_run > clock.now() + timedelta(minutes=entry.minutes or 0)
    }
    crons = Schedule.objects.filter(schedule_type=Schedule.CRON, name__in=["retention", "listings", "brain.watchdog"])
    assert late == {}
    assert before == Schedule.objects.count()
    assert {entry.name: entry.next_run.astimezone(clock.WARSAW).isoformat() for entry in crons} == {
        "retention": "2026-11-21T03:40:00+01:00",
        "listings": "2026-11-21T04:10:00+01:00",
        "brain.watchdog": "2026-11-20T12:07:00+01:00",
    }


def test_a_row_of_the_queue_is_delivered_today_and_keeps_its_count(wrong: Source) -> None:
    OrmQ.objects.update(lock=clock.now() + timedelta(days=1, microseconds=2))
    timekeeping.check()
    assert [row.lock for row in OrmQ.objects.all()] == [clock.now() + timedelta(microseconds=2)]


def test_a_delivery_under_way_keeps_its_lock(right: None) -> None:
    async_task("math.sqrt", 4, cluster="charon")
    OrmQ.objects.update(lock=clock.now() + timedelta(seconds=300))
    assert timekeeping.check() == 0
    assert OrmQ.objects.get().lock == clock.now() + timedelta(seconds=300)


def test_an_operators_single_entry_and_pause_stay(nbp: Source, at: At) -> None:
    at(TODAY)
    far = clock.now() + timedelta(days=900)
    Schedule.objects.create(name="once", func="math.sqrt", schedule_type=Schedule.ONCE, next_run=far)
    Source.objects.filter(pk=nbp.pk).update(paused_until=far)
    timekeeping.check()
    assert (Schedule.objects.get(name="once").next_run, Source.objects.get(pk=nbp.pk).paused_until) == (far, far)


@walk("kind", [Schedule.HOURLY, Schedule.DAILY, Schedule.WEEKLY, Schedule.MONTHLY, Schedule.YEARLY])
def test_every_kind_of_entry_comes_within_its_own_interval(nbp: Source, at: At, kind: str) -> None:
    at(TODAY)
    entry = Schedule.objects.create(
        name="x", func="math.sqrt", schedule_type=kind, next_run=clock.now() + timedelta(900)
    )
    timekeeping.check()
    entry.refresh_from_db()
    assert clock.now() < entry.next_run <= clock.now() + timedelta(days=367)


@pytest.mark.slow
def test_the_jump_is_told_once_and_closes_itself(wrong: Source, caplog: pytest.LogCaptureFixture) -> None:
    timekeeping.check()
    timekeeping.check()
    timekeeping.check()
    assert [record.getMessage() for record in caplog.records if "too far ahead" in record.getMessage()] != []
    assert caplog.text.count("too far ahead") == 1
    assert [row.closed_at is not None for row in Problem.objects.filter(kind="clock")] == [True]


def test_what_is_told_of_is_what_is_put_right(right: None, nbp: Source) -> None:
    tomorrow = clock.now() + timedelta(days=1)
    async_task("math.sqrt", 4, cluster="charon")
    OrmQ.objects.update(lock=tomorrow)
    Schedule.objects.create(name="x", func="math.sqrt", schedule_type=Schedule.HOURLY, next_run=tomorrow)
    Lease.objects.create(name="pulse", holder="x", until=tomorrow)
    Job.objects.create(job_type="x", status=Job.Status.RUNNING, started_at=clock.now(), lease_until=tomorrow)
    told = {fault.subject for fault in faults.clock_faults(clock.now(), [])}
    assert told == {"queue", "schedules", "leases", "jobs"}
    assert timekeeping.check() == len(told)
    assert list(faults.clock_faults(clock.now(), [])) == []


# Each lease and memory, also where nobody has put it right yet


def test_a_poll_done_tomorrow_is_done_again_today(wrong: Source) -> None:
    name = "nbp.quotes"
    Poll.objects.create(name=name, every=60, done_at=clock.now() + timedelta(days=1))
    assert results.run_planned(name, clock.now(), lambda: "asked") == "asked"


def test_memories_of_tomorrow_are_forgotten(nbp: Source, at: At) -> None:
    at(TODAY)
    tomorrow, before = clock.now() + timedelta(days=1), clock.now() - timedelta(minutes=1)
    Poll.objects.create(name="one", every=60, asked_at=tomorrow, done_at=tomorrow)
    Poll.objects.create(name="two", every=60, asked_at=before, done_at=before)
    Source.objects.filter(pk=nbp.pk).update(listed_at=tomorrow)
    euro = Instrument.objects.create(
        code="EUR", base="EUR", quote="PLN", kind="currency", name_pl="euro", name_en="euro"
    )
    listing = Listing.objects.create(source=nbp, ticker="x", instrument=euro)
    SyncStatus.objects.create(listing=listing, last_attempt_at=tomorrow, last_success_at=tomorrow)
    Spent.objects.create(source=nbp, allowed_at=tomorrow, blocked_until=clock.now() + timedelta(days=4))
    timekeeping.check()
    assert list(Poll.objects.filter(name__in=["one", "two"]).order_by("name").values_list("asked_at", "done_at")) == [
        (None, None), (before, before),
    ]  # fmt: skip
    assert Source.objects.get(pk=nbp.pk).listed_at is None
    assert (Spent.objects.get().allowed_at, Spent.objects.get().blocked_until) == (None, None)
    assert SyncStatus.objects.values_list("last_attempt_at", "last_success_at").get() == (None, None)


def test_a_job_that_was_leased_tomorrow_is_lost(nbp: Source, at: At) -> None:
    at(TOMORROW)
    runs.start("nbp.A", nbp, Job.Trigger.COMMAND)
    at(TODAY)
    assert job_leases.reap() == 1
    runs.start("nbp.A", nbp, Job.Trigger.COMMAND)


def test_a_pause_of_four_days_is_void_and_one_of_two_holds(nbp: Source, at: At) -> None:
    at("2026-11-24 12:00")
    cooldown.block(nbp, 60)
    at(TODAY)
    assert not cooldown.is_cooling_down(nbp)
    assert rate_limit.take(nbp, Allowance(0, 60)) == 0.0
    cooldown.failed(nbp)
    assert Spent.objects.get().blocked_until == clock.now() + timedelta(seconds=30)
    cooldown.block(nbp, 2 * 86400)
    assert cooldown.is_cooling_down(nbp)


def test_calls_of_tomorrow_do_not_fill_the_window(nbp: Source, at: At) -> None:
    at(TOMORROW)
    rate_limit.take(nbp, Allowance(1, 60))
    at(TODAY)
    assert rate_limit.take(nbp, Allowance(1, 60)) == 0.0


def test_an_item_claimed_tomorrow_is_free(nbp: Source, at: At) -> None:
    from tests.test_queue import listing

    at(TOMORROW)
    batch_queue.enqueue(listing(nbp, "AAA"))
    assert len(batch_queue.dequeue()) == 1
    at(TODAY)
    assert len(batch_queue.dequeue()) == 1
    assert QueueItem.objects.count() == 1


def test_polls_are_not_counted_in_an_hour_of_tomorrow(nbp: Source, at: At) -> None:
    for moment in (TOMORROW, TODAY):
        at(moment)
        with hourly.poll("nbp.quotes", nbp):
            pass
        with pytest.raises(ValueError, match="x"), hourly.poll("nbp.quotes", nbp):
            raise ValueError("x")
    days = Job.objects.filter(job_type="nbp.quotes").order_by("pk").values_list("started_at__day", "status")
    assert list(days) == [(21, "success"), (21, "failed"), (20, "success"), (20, "failed")]


def test_a_gap_is_asked_for_within_a_day(nbp: Source, at: At) -> None:
    at(TODAY)
    gap = Gap.objects.create(
        source=nbp, table="A", from_time=clock.now(), to_time=clock.now(), reason="failed",
        next_try=clock.now() + timedelta(days=3),
    )  # fmt: skip
    timekeeping.check()
    gap.refresh_from_db()
    assert gap.next_try is None


def test_nothing_is_missing_of_a_day_that_has_not_begun(nbp: Source, at: At) -> None:
    at(TODAY)
    midnight = datetime(2026, 11, 20, tzinfo=UTC)
    for start, end in ((-3, -3), (-2, 1), (0, 0), (1, 1), (2, 4)):
        days = midnight + timedelta(days=start), midnight + timedelta(days=end)
        Gap.objects.create(source=nbp, table="A", from_time=days[0], to_time=days[1], reason="refused")
    timekeeping.check()
    left = Gap.objects.order_by("from_time").values_list("from_time__day", "to_time__day")
    assert list(left) == [(17, 17), (18, 20), (20, 20)]
    assert timekeeping.check() == 0


def test_pulse_asks_at_once_when_its_clock_is_set_back(nbp: Source, at: At, monkeypatch: pytest.MonkeyPatch) -> None:
    open_market(monkeypatch)
    Source.objects.filter(code="coingecko").update(polling_interval=30, enabled=True)
    at(TOMORROW)
    ticker = Ticker("here:1")
    ticker.refresh()
    ticker.tick()
    OrmQ.objects.all().delete()
    at(TODAY)
    ticker.refresh()
    ticker.tick()
    assert OrmQ.objects.count() == len(polls.pulse_polls()) > 0


# While it runs


@pytest.fixture
def boot(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock that nobody sets stands still."""
    monkeypatch.setattr(time, "clock_gettime", lambda _: 1000.0)


@walk(
    ("moment", "due"),
    [("2026-11-20 10:00", True), ("2026-11-21 12:00", True), ("2026-11-20 11:58", True), ("2026-11-20 12:00", False)],
)
def test_a_jump_is_seen_at_once(boot: None, right: None, at: At, moment: str, due: bool) -> None:
    watch = ClockWatch()
    watch.look()  # the first tells nothing
    watch.look()
    assert not watch.is_due()
    at(moment)
    assert watch.is_due() is due
    watch.look()
    assert not watch.is_due()
    assert Problem.objects.filter(kind="clock").count() == due


def test_two_hours_back_while_it_runs_moves_the_pauses_too(boot: None, nbp: Source, at: At) -> None:
    at(TODAY)
    watch = ClockWatch()
    watch.look()
    cooldown.block(nbp, 900)
    at("2026-11-20 10:00")
    watch.look()
    assert Spent.objects.get().blocked_until == clock.now() + timedelta(seconds=900)
    assert "was moved by -7200 s" in Problem.objects.get(kind="clock").detail


def test_the_queue_itself_puts_the_times_right(wrong: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a container there is no supervisor: whoever takes the tasks looks."""
    monkeypatch.setattr("charon.processes.task_broker.clock_watch", ClockWatch())
    monkeypatch.setattr(time, "sleep", lambda _: None)
    queue = GuardedORM("charon")
    queue.dequeue()
    row = OrmQ.objects.get()
    assert row.lock <= clock.now() + timedelta(seconds=301)


def test_an_attempt_of_tomorrow_is_no_work_under_way(nbp: Source, at: At) -> None:
    from tests.test_queue import listing

    at(TOMORROW)
    row = SyncStatus.objects.create(listing=listing(nbp, "AAA"), state="in_progress", last_attempt_at=clock.now())
    at(TODAY)
    timekeeping.check()
    row.refresh_from_db()
    assert row.last_attempt_at is None
