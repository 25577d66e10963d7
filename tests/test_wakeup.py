"""The bell, the claim and the watchdog: nothing is lost, nothing is done twice."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import call_command
from django.db import transaction
from django.utils import timezone
from django_q.models import OrmQ, Schedule

from markets import clock
from markets.jobs import job_leases, runs
from markets.models import Instrument, Job, Source
from markets.records import RateRecord, Table
from markets.store import gaps
from markets.store.publish import publish
from signals import engine, ledger, series, snapshots, tasks
from signals.models import AnalysisSnapshot, Signal
from tests.news import news, open_news
from tests.test_engine import START, content, wave

pytestmark = pytest.mark.django_db


@pytest.fixture
def brought(nbp: Source, at: Callable[[str], None]) -> Callable[..., Job]:
    """Run a whole job that stores closes of a code."""
    at("2026-11-20 13:00")

    def bring(closes: list[tuple[date, Decimal]], code: str = "USD", job_type: str = "nbp.A") -> Job:
        with runs.job(job_type, nbp) as job:
            publish([Table("A", day, [RateRecord(code, mid=value)]) for day, value in closes], nbp, job)
        return job

    return bring


def bells() -> int:
    return sum(tasks.is_catch_up(row) for row in OrmQ.objects.all())


def test_figures_that_arrive_ring_once(brought: Callable[..., Job]) -> None:
    brought(wave(5))
    brought(wave(8)[5:])
    assert bells() == 1


def test_a_bell_that_is_being_answered_does_not_keep_the_next_one_away(brought: Callable[..., Job]) -> None:
    brought(wave(5))
    OrmQ.objects.update(lock=timezone.now() + timedelta(minutes=5))
    brought(wave(8)[5:])
    assert bells() == 2


def test_the_bell_joins_the_transaction(nbp: Source) -> None:
    with pytest.raises(RuntimeError), runs.job("nbp.A", nbp) as job, transaction.atomic():
        publish([Table("A", START, [RateRecord("USD", mid=Decimal("4.0"))])], nbp, job)
        assert bells() == 1
        raise RuntimeError("lost")
    assert (bells(), news().count()) == (0, 0)


def test_one_answer_decides_on_all_that_is_open(brought: Callable[..., Job]) -> None:
    brought(wave(300), "USD")
    brought(wave(300), "EUR")
    assert tasks.catch_up() > 0
    assert set(Signal.objects.values_list("instrument__code", flat=True)) == {"USD", "EUR"}
    assert not open_news().exists()


def test_a_second_answer_to_the_same_bell_writes_nothing(brought: Callable[..., Job]) -> None:
    brought(wave(300))
    tasks.catch_up()
    before = content()
    assert tasks.catch_up() == 0
    assert content() == before


def test_a_running_job_of_another_table_or_of_a_fallback_holds_nobody_up(
    nbp: Source, archive: Source, brought: Callable[..., Job]
) -> None:
    brought(wave(300))
    with runs.job("nbp.C", nbp), runs.job("nbp_archive.mid", archive):
        assert tasks.catch_up() > 0


def test_the_end_of_a_job_wakes_the_engine_for_what_is_open(nbp: Source, brought: Callable[..., Job]) -> None:
    brought(wave(300))
    with runs.job("nbp.C", nbp):
        OrmQ.objects.all().delete()
    assert bells() == 1
    assert tasks.catch_up() > 0


def test_a_lost_job_does_not_hold_the_brain_up_for_ever(nbp: Source, brought: Callable[..., Job]) -> None:
    brought(wave(300))
    runs.start("nbp.C", nbp, Job.Trigger.SCHEDULE)
    Job.objects.filter(job_type="nbp.C").update(lease_until=clock.now() - timedelta(seconds=1))
    assert tasks.catch_up() > 0


class Killed(BaseException):
    """What a kill looks like from inside: nothing after it runs."""


STEPS = [
    (series, "load"),
    (engine, "follow"),
    (ledger, "standing"),
    (ledger, "insert"),
    (snapshots, "newest_decisions"),
    (snapshots, "replace"),
    (tasks, "announce"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("room", "step"), STEPS, ids=[step for _, step in STEPS])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_brain_killed_between_any_two_steps_loses_nothing(
    brought: Callable[..., Job],
    monkeypatch: pytest.MonkeyPatch,
    at: Callable[[str], None],
    room: Any,
    step: str,
    when: str,
) -> None:
    """Its claim has been committed: after the length of its lease the next pass takes it."""
    brought(wave(300))
    tasks.catch_up()
    expected = content()
    Signal.objects.all().delete()
    AnalysisSnapshot.objects.all().delete()
    news().update(processed=None, claimed_until=None)
    real = getattr(room, step)

    def die(*args: Any, **kwargs: Any) -> Any:
        if when == "after":
            real(*args, **kwargs)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(room, step, die)
        with pytest.raises(Killed):
            tasks.catch_up()
    assert (Signal.objects.count(), AnalysisSnapshot.objects.count()) == (0, 0)
    assert open_news().exists()
    assert tasks.catch_up() == 0
    at("2026-11-20 13:03")
    tasks.catch_up()
    assert content() == expected


@pytest.mark.slow
def test_an_announcement_that_fails_five_times_rests_with_its_error(
    brought: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    brought(wave(300), "USD")
    brought(wave(300), "EUR")

    real = series.load

    def broken(instrument: Instrument, *args: Any) -> Any:
        if instrument.code == "USD":
            raise ValueError("no number")
        return real(instrument, *args)

    monkeypatch.setattr(series, "load", broken)
    for _ in range(7):
        tasks.catch_up()
    row = news().get(instrument__code="USD")
    assert (row.tries, row.processed, row.error) == (5, None, "ValueError('no number')")
    assert AnalysisSnapshot.objects.filter(instrument__code="EUR").exists()
    monkeypatch.undo()
    assert tasks.catch_up() == 0


def test_a_resting_correction_is_decided_with_the_next_figures(brought: Callable[..., Job]) -> None:
    closes = wave(400)
    brought(closes[:399])
    tasks.catch_up()
    brought([(closes[300][0], Decimal("3.0000"))])
    open_news().update(tries=5, error="x", claimed_until=clock.now())
    brought(closes[399:])
    tasks.catch_up()
    stepped = content()
    assert not open_news().exists()
    assert tasks.recompute(["USD"]) == 0
    assert content() == stepped


def test_a_row_of_the_queue_that_nobody_can_read_stops_no_figures(
    nbp: Source, brought: Callable[..., Job], settings: Any
) -> None:
    OrmQ.objects.create(key=settings.BRAIN_QUEUE, payload="rubbish", lock=clock.now() - timedelta(minutes=1))
    assert brought(wave(5)).status == "success"
    assert news().count() == 1


def test_a_first_fill_that_begins_in_the_middle_of_a_pass_stops_it(
    nbp: Source, brought: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    brought(wave(300), "EUR")
    brought(wave(300), "USD")
    real = engine.decisions

    def begins(*args: Any, **kwargs: Any) -> dict[str, int]:
        gaps.begin_first_fill(nbp, [gaps.of_days("A", START + timedelta(days=300), date(2026, 11, 20))])
        return real(*args, **kwargs)

    monkeypatch.setattr(engine, "decisions", begins)
    tasks.catch_up()
    assert set(AnalysisSnapshot.objects.values_list("instrument__code", flat=True)) == {"EUR"}
    row = open_news().get()
    assert (row.instrument.code, row.tries, row.claimed_until) == ("USD", 0, clock.now())


def test_a_job_that_is_given_up_rings_for_what_it_brought(nbp: Source, brought: Callable[..., Job]) -> None:
    brought(wave(5))
    OrmQ.objects.all().delete()
    runs.start("nbp.A", nbp, Job.Trigger.SCHEDULE)
    Job.objects.filter(status="running").update(lease_until=clock.now() - timedelta(seconds=1))
    job_leases.reap()
    assert bells() == 1


def test_new_figures_open_a_resting_announcements_instrument_again(brought: Callable[..., Job]) -> None:
    brought(wave(300))
    news().update(tries=5, error="x", claimed_until=clock.now())
    assert tasks.catch_up() == 0
    brought(wave(301)[300:])
    tasks.catch_up()
    assert AnalysisSnapshot.objects.get(window="30d").stats["bars"] == 301


def test_changed_parameters_are_found_by_the_watchdog(brought: Callable[..., Job], settings: Any) -> None:
    brought(wave(300))
    tasks.catch_up()
    settings.MACD_SIGNAL = 5
    assert tasks.catch_up() > 0
    assert set(Signal.objects.values_list("rule", flat=True)) == {
        "macd_signal_cross_12_26_9", "macd_signal_cross_12_26_5",
    }  # fmt: skip


@pytest.mark.slow
def test_the_watchdog_comes_every_hour_to_the_brains_queue(settings: Any, db: None) -> None:
    call_command("sync", skip_checks=True)
    call_command("sync", skip_checks=True)
    row = Schedule.objects.get(name="brain.watchdog")
    assert (row.func, row.cron, row.cluster) == (tasks.CATCH_UP, "7 * * * *", settings.BRAIN_QUEUE)


@pytest.mark.slow
def test_a_long_pass_goes_on_in_its_own_continuation(brought: Callable[..., Job], settings: Any) -> None:
    brought(wave(260), "USD")
    OrmQ.objects.all().delete()
    settings.TASK_WORK = timedelta(seconds=-1)
    assert tasks.catch_up() == 0
    assert bells() == 1
    settings.TASK_WORK = timedelta(seconds=40)
    assert tasks.catch_up() > 0
