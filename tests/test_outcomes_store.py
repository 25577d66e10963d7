"""The night's run: what it writes before it looks, what it replaces, and what becomes of one that fails."""

import ast
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django_q.conf import Conf
from django_q.exceptions import TimeoutException
from django_q.models import OrmQ, Schedule, Task
from django_q.signing import SignedPackage

from charon.processes.task_broker import MAX_DELIVERIES, give_up
from markets import clock
from markets.instruments import create
from markets.models import Gap, Generation, Instrument, Job, Problem, Source
from markets.queries import gaps
from markets.records import RateRecord, Table
from markets.redis import generations
from markets.store.publish import publish
from miner.faults import given_up
from signals import schedule as brain_schedule
from signals import tasks as brain
from signals.models import AnalysisSnapshot, Signal
from signals.outcomes import family as families
from signals.outcomes import history, record, schedule, store, tasks, trials
from signals.outcomes.models import Outcome, Trial
from signals.outcomes.panel import Decided, Key, Panel, Trials
from tests.outcome_rows import MACD, outcome, panel
from tests.test_engine import wave

pytestmark = pytest.mark.django_db


@pytest.fixture
def usd(at: Callable[[str], None]) -> Instrument:
    at("2026-11-20 04:30")
    row = create.currency("USD")
    row.save()
    return row


@pytest.fixture
def decided(usd: Instrument, nbp: Source, job: Job, at: Callable[[str], None]) -> Instrument:
    """Two years of a wave with its decisions."""
    at("2026-11-20 13:00")
    publish([Table("A", day, [RateRecord("USD", mid=value)]) for day, value in wave(700)], nbp, job)
    Job.objects.update(status=Job.Status.SUCCESS, lease_until=None)
    brain.catch_up()
    return usd


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[list[Decided]]:
    """The statistics are another module's: here they answer what the test says, and are remembered."""
    asked: list[list[Decided]] = []

    def compute(series: Any, **_options: Any) -> list[Panel]:
        asked.append(list(series))
        return [panel(one.code) for one in asked[-1]] + [panel("")]

    monkeypatch.setattr(record, "compute", compute)
    return asked


def key(code: str) -> Key:
    return panel(code).key


OFFICIAL: list[tuple[str, tuple[object, ...]]] = [(tasks.RECOMPUTE_FAMILY, ("official",))]


def ask() -> None:
    """What a pass that has written something does at its end."""
    brain.ask_for_outcomes()


def queued() -> list[tuple[str, tuple[object, ...]]]:
    found = [SignedPackage.loads(row.payload) for row in OrmQ.objects.order_by("pk")]
    return [(task["func"], tuple(task["args"])) for task in found if "outcomes" in task["func"]]


# What a run replaces


def test_a_run_replaces_all_rows_of_its_family_and_no_other(usd: Instrument) -> None:
    outcome(usd, horizon=20)
    outcome(None, family="candles")
    store.replace("official", [panel("USD"), panel("")])
    rows = Outcome.objects.order_by("family", "instrument__code")
    assert sorted((row.family, row.instrument_id, row.horizon) for row in rows if row.instrument_id) == [
        ("official", usd.pk, 5)
    ]
    assert [row.family for row in rows if row.instrument_id is None] == ["candles", "official"]


def test_a_panel_is_stored_with_all_of_its_figures(usd: Instrument) -> None:
    store.replace("official", [panel("USD", says="better", p=0.0125)])
    row = Outcome.objects.get()
    assert (row.rule, row.instrument, row.timeframe, row.horizon, row.live) == (MACD, usd, "1d", 5, False)
    assert (row.n, row.n_eff, row.hit_rate, row.mean, row.net, row.net_n) == (235, 201.5, 0.5125, 0.0042, -0.0194, 235)
    assert (row.says, row.p, row.t, row.panels) == ("better", 0.0125, 1.125, 474)
    assert row.computed_at == datetime(2026, 11, 20, 3, 30, tzinfo=UTC)


def test_what_is_no_number_is_stored_as_unknown(usd: Instrument) -> None:
    store.replace("official", [panel("USD", net=float("nan"), sharpe=float("inf"))])
    row = Outcome.objects.get()
    assert (row.net, row.sharpe, row.mean) == (None, None, 0.0042)


def test_all_candles_of_a_day_together_stand_beside_all_rates_of_a_day(usd: Instrument) -> None:
    store.replace("official", [panel("")])
    store.replace("candles", [panel("*")])
    pooled = Outcome.objects.filter(instrument=None)
    assert sorted(pooled.values_list("family", flat=True)) == ["candles", "official"]


def test_a_run_that_fails_while_it_writes_leaves_the_rows_before(
    usd: Instrument, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = outcome(usd)

    def torn(ids: object) -> None:
        raise RuntimeError("the disk is full")

    monkeypatch.setattr(generations, "changed", torn)
    with pytest.raises(RuntimeError):
        store.replace("official", [panel("USD", horizon=1)])
    assert list(Outcome.objects.all()) == [before]


def test_what_was_answered_about_an_instrument_is_out_of_date_then(usd: Instrument) -> None:
    number = Generation.objects.filter(instrument=usd).values_list("number", flat=True).first() or 0
    store.replace("official", [panel("USD")])
    store.replace("official", [])
    assert Generation.objects.get(instrument=usd).number == number + 2
    assert not Outcome.objects.exists()


# What was tried


def test_a_panel_is_tried_once_however_often_it_is_looked_at(usd: Instrument, at: Callable[[str], None]) -> None:
    first, second = (key(code) for code in ("", "USD"))
    trials.begin("official", [first])
    at("2026-11-21 04:30")
    trials.begin("official", [first, second])
    days = list(Trial.objects.order_by("pk").values_list("code", "tried_at__day"))
    assert days == [("", 20), ("USD", 21)]


def test_the_first_ratio_of_enough_decisions_stays(usd: Instrument) -> None:
    trials.begin("official", [key("USD")])
    ratio = Trial.objects.values_list("sharpe", flat=True)
    trials.measured("official", [panel("USD", n=29, sharpe=0.5)])
    assert list(ratio) == [None]
    trials.measured("official", [panel("USD", n=30, sharpe=0.25)])
    trials.measured("official", [panel("USD", n=31, sharpe=0.75)])
    assert list(ratio.all()) == [0.25]


def test_the_best_of_all_trials_is_of_both_families_and_the_variance_of_one(usd: Instrument) -> None:
    assert trials.known("official") == Trials(0, None)
    for code, family, sharpe in [("USD", "official", 0.1), ("EUR", "official", 0.3), ("BTC", "candles", 9.0)]:
        trials.begin(family, [key(code)])
        trials.measured(family, [panel(code, sharpe=sharpe)])
    found = trials.known("official")
    assert found.number == 3
    assert found.variance == pytest.approx(0.02)


def test_a_trial_outlives_its_instrument(usd: Instrument) -> None:
    trials.begin("official", [key("USD")])
    outcome(usd)
    Generation.objects.all().delete()
    usd.delete()
    assert (Trial.objects.count(), Outcome.objects.count()) == (1, 0)


# The task


@pytest.mark.slow
def test_a_run_writes_its_trials_before_it_looks(decided: Instrument, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def compute(series: Any, **_options: Any) -> list[Panel]:
        seen.append(Trial.objects.count())
        raise RuntimeError("out of memory")

    monkeypatch.setattr(record, "compute", compute)
    assert tasks.recompute_family("official") == 0
    assert seen == [6]
    assert Trial.objects.filter(sharpe=None).count() == 6


@pytest.mark.slow
def test_a_run_reads_its_series_once_and_writes_the_ratios_before_it_judges(
    decided: Instrument, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged, judge = [], families.judge

    def late(*given: Any) -> Any:
        judged.append(Trial.objects.exclude(sharpe=None).count())
        return judge(*given)

    monkeypatch.setattr(record, "judge", late)
    monkeypatch.setattr(trials, "ENOUGH", 5)
    read = mock.Mock(side_effect=history.loaded)
    monkeypatch.setattr(history, "loaded", read)
    for _ in range(2):
        tasks.recompute_family("official")
    assert (judged, read.call_count) == ([6] * 4, 2)
    assert Outcome.objects.filter(deflated=None).count() == 0


@pytest.mark.slow
def test_a_run_that_fails_is_a_problem_until_one_succeeds(
    decided: Instrument, runs: list[Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    before = outcome(decided)
    with monkeypatch.context() as patch:
        patch.setattr(record, "compute", lambda *_, **__: 1 / 0)
        assert tasks.recompute_family("official") == 0
    problem = Problem.objects.get(kind="outcomes")
    assert (problem.subject, problem.closed_at) == ("official", None)
    assert "ZeroDivisionError" in problem.detail
    assert list(Outcome.objects.all()) == [before]
    assert brain.catch_up() == 0
    problem.refresh_from_db()
    assert problem.closed_at is None, "the engine's pass knows nothing of it"
    tasks.recompute_family("official")
    problem.refresh_from_db()
    assert problem.closed_at is not None


@pytest.mark.slow
def test_a_series_that_raises_is_named_and_the_others_go_on(
    decided: Instrument, runs: list[Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    eur = create.currency("EUR")
    eur.save()
    (one,) = Signal.objects.exclude(signal="HOLD").order_by("pk")[:1]
    one.pk, one.instrument = None, eur
    one.save()
    load = history.loaded

    def broken(instrument: Instrument, timeframe: str) -> Any:
        if instrument == eur:
            raise ValueError("the page is torn")
        return load(instrument, timeframe)

    monkeypatch.setattr(history, "loaded", broken)
    tasks.recompute_family("official")
    assert [row.instrument for row in Outcome.objects.exclude(instrument=None)] == [decided]
    assert Problem.objects.get(kind="outcomes").detail == "EUR 1d: ValueError('the page is torn')"


@pytest.mark.slow
def test_the_statistics_take_what_the_tables_give(decided: Instrument) -> None:
    """End to end: the real statistics over the decisions of a wave."""
    assert tasks.recompute_family("official") > 0
    assert not Problem.objects.filter(kind="outcomes").exists()
    row = Outcome.objects.get(instrument=decided, horizon=1, live=False)
    assert 0 < row.n <= Signal.objects.filter(signal__in=["BUY", "SELL"], backtested=True).count()
    assert Outcome.objects.filter(instrument=None, family="official", horizon=1, live=False).get().n == row.n
    assert row.net is None, "there is no table C here"
    assert tasks.recompute_family("candles") == 0


# When it runs


@pytest.mark.slow
def test_each_family_comes_every_night_to_the_brains_queue_when_the_other_has_had_its_tries(settings: Any) -> None:
    Schedule.objects.create(name="outcomes.nightly", func=tasks.RECOMPUTE)
    for _ in range(2):
        call_command("sync", skip_checks=True)
    rows = Schedule.objects.filter(func=tasks.RECOMPUTE).order_by("cron")
    found = [(row.name, ast.literal_eval(row.kwargs), row.cron, row.cluster) for row in rows]
    assert found == [
        ("outcomes.nightly.candles", {"family": "candles"}, "0 5 * * *", settings.BRAIN_QUEUE),
        ("outcomes.nightly.official", {"family": "official"}, "30 4 * * *", settings.BRAIN_QUEUE),
    ]
    tries = Conf.MAX_ATTEMPTS * settings.Q_CLUSTER["retry"]
    assert tries < 30 * 60
    brain_schedule.write()
    schedule.write()
    there = set(Schedule.objects.filter(func__startswith="signals.").values_list("func", flat=True))
    assert there >= {brain.CATCH_UP, tasks.RECOMPUTE, "signals.alerts.tasks.watch"}, "none takes another one's away"


def test_one_that_the_queue_gave_up_is_told_until_the_same_family_succeeds(db: None) -> None:
    """Killed from outside: nothing of it is left to tell what happened."""
    tasks.recompute("official")
    give_up(OrmQ.objects.get(), "its worker died")
    tasks.recompute("candles")
    done = SignedPackage.loads(OrmQ.objects.get().payload)
    now, kept = clock.now(), {"started": clock.now(), "stopped": clock.now() + timedelta(minutes=1), "success": True}
    Task.objects.create(id=done["id"], name=done["name"], func=done["func"], group=done["group"], **kept)
    Task.objects.filter(success=False).update(attempt_count=MAX_DELIVERIES)
    assert [(one.kind, one.subject) for one in given_up(now)] == [("work_given_up", "outcomes.official")]


def test_a_run_has_more_time_than_a_task_but_ends_before_another_worker_would_begin_it(db: None, settings: Any) -> None:
    tasks.recompute("official")
    (row,) = OrmQ.objects.all()
    assert settings.Q_CLUSTER["timeout"] < SignedPackage.loads(row.payload)["timeout"] == 240
    assert settings.Q_CLUSTER["retry"] > 240


@pytest.mark.slow
def test_a_run_without_end_is_a_problem_and_not_tried_again_at_once(
    decided: Instrument, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def compute(*_: object, **__: object) -> list[Panel]:
        raise TimeoutException("Task exceeded maximum timeout value (240 seconds)")

    monkeypatch.setattr(record, "compute", compute)
    assert tasks.recompute_family("official") == 0
    assert "240 seconds" in Problem.objects.get(kind="outcomes", closed_at=None).detail


@pytest.mark.slow
def test_the_first_pass_that_leaves_nothing_open_asks_for_it_once(decided: Instrument, runs: list[Any]) -> None:
    assert queued() == OFFICIAL
    ask()
    assert queued() == OFFICIAL, "one waits already"
    OrmQ.objects.all().delete()
    tasks.recompute_family("official")
    ask()
    assert queued() == []


@pytest.mark.slow
def test_two_families_are_never_computed_at_once(decided: Instrument) -> None:
    """Both workers of a small installation would be held, and alerts with them."""
    AnalysisSnapshot.objects.filter(rule=MACD).update(timeframe="1h")
    OrmQ.objects.update(lock=clock.now() + timedelta(seconds=300))
    ask()
    assert queued() == OFFICIAL, "a worker is at the first"
    OrmQ.objects.all().delete()
    trials.begin("official", [key("USD")])
    ask()
    assert queued() == [(tasks.RECOMPUTE_FAMILY, ("candles",))]


@pytest.mark.slow
def test_half_a_history_is_no_record(decided: Instrument, nbp: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    assert tasks.due() == "official"
    monkeypatch.setattr(gaps, "half_known", lambda: Instrument.objects.all())
    assert tasks.due() is None


def test_without_decisions_there_is_nothing_to_compute(usd: Instrument) -> None:
    assert not Gap.objects.exists()
    assert tasks.due() is None
    brain.catch_up()
    assert queued() == []


@pytest.mark.parametrize("table", ["outcome", "trial"])
def test_the_admin_shows_it_and_changes_nothing(usd: Instrument, client: Client, table: str) -> None:
    outcome(usd)
    trials.begin("official", [key("USD")])
    client.force_login(User.objects.create_superuser("operator"))
    page = client.get(reverse(f"admin:signals_{table}_changelist"))
    assert page.status_code == 200
    assert MACD in page.content.decode()
    assert client.get(reverse(f"admin:signals_{table}_add")).status_code == 403
