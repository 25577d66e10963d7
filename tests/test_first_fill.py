"""The engine decides on whole histories alone, and waits for nothing but an instrument's own official series."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from markets import clock
from markets.jobs import runs
from markets.models import Gap, Job, Rate, Source
from markets.records import RateRecord, Table
from markets.store import gaps
from markets.store.publish import publish
from markets.store.table_gaps import Covered
from signals import tasks
from signals.models import AnalysisSnapshot, Signal
from tests.test_engine import START, content, wave

pytestmark = pytest.mark.django_db

Closes = list[tuple[date, Decimal]]
WHOLE = wave(600)
LAST = WHOLE[-1][0]
DEAD = "another-machine:1"


@pytest.fixture(autouse=True)
def noon(at: Callable[[str], None]) -> None:
    at("2026-11-20 13:00")


def first_fill(source: Source, table: str = "A", start: date = START) -> Job:
    """A job that has announced the history that it will bring."""
    job = runs.start(f"{source.code}.{table}", source, Job.Trigger.START)
    gaps.begin_first_fill(source, [gaps.of_days(table, start, LAST)])
    return job


def bring(closes: Closes, source: Source, job: Job, code: str = "USD", table: str = "A") -> None:
    """One window of a job: up to its last day everything has been fetched."""
    kind = "metal" if table == "gold" else "currency"
    tables = [
        Table(
            "A" if table == "mid" else table, day, [RateRecord(code, mid=value)], kind=kind, sha256=proof(day, source)
        )
        for day, value in closes
    ]
    covered: Covered = ("mid" if source.fallback_for_id else table, closes[0][0], closes[-1][0])
    publish(tables, source, job, windows=1, covered=covered)


def proof(day: date, source: Source) -> str:
    return "" if source.fallback_for_id else f"{day:%Y%m%d}" * 8


def killed(job: Job) -> None:
    """Its process is gone, and the row says running until the lease is over."""
    Job.objects.filter(pk=job.pk).update(worker=DEAD, lease_until=clock.now() - timedelta(seconds=1))


def decided() -> set[str]:
    return set(AnalysisSnapshot.objects.values_list("instrument__code", flat=True))


def current() -> list[Any]:
    """The decisions that stand: the newest version of each bar, and the states."""
    newest = {(row.instrument_id, row.as_of): row for row in Signal.objects.order_by("version")}
    turns = sorted((str(row.as_of), row.signal) for row in newest.values() if row.signal != "HOLD")
    states = AnalysisSnapshot.objects.order_by("instrument", "window").values_list("window", "status", "stats", "state")
    return [turns, [(window, status, plain(stats), plain(state)) for window, status, stats, state in states]]


def plain(values: dict[str, Any]) -> dict[str, Any]:
    """Without the number of a row, and when it was that other figures were found."""
    return {name: value for name, value in values.items() if name not in {"turned_id", "changed"}}


@pytest.fixture
def clean(nbp: Source) -> list[Any]:
    """What stands in an installation in which nothing went wrong."""
    job = first_fill(nbp)
    bring(WHOLE, nbp, job)
    tasks.catch_up()
    expected = current()
    for model in (Signal, AnalysisSnapshot, Rate, Gap):
        model.objects.all().delete()
    nbp.publication_set.all().delete()
    nbp.quote_set.all().delete()
    Job.objects.all().delete()
    return expected


def test_nothing_is_decided_on_half_of_the_official_history(nbp: Source) -> None:
    job = first_fill(nbp)
    bring(WHOLE[:400], nbp, job)
    assert (tasks.catch_up(), decided()) == (0, set())
    bring(WHOLE[400:], nbp, job)
    assert not Gap.objects.exists()
    assert tasks.catch_up() > 0
    assert decided() == {"USD"}


@pytest.mark.slow
def test_a_killed_archive_holds_up_nobody_whose_official_series_is_whole(nbp: Source, archive: Source) -> None:
    dead = first_fill(archive, "mid")
    bring(WHOLE[:300], archive, dead)
    killed(dead)
    for table, code in (("A", "USD"), ("gold", "XAU")):
        job = first_fill(nbp, table)
        bring(WHOLE[:400], nbp, job, code, table)
        assert tasks.catch_up() == 0
        bring(WHOLE[400:], nbp, job, code, table)
        assert tasks.catch_up() > 0
        assert code in decided()


def test_a_running_archive_holds_up_nobody_whose_official_series_is_whole(nbp: Source, archive: Source) -> None:
    bring(WHOLE[:300], archive, first_fill(archive, "mid"))
    bring(WHOLE, nbp, first_fill(nbp))
    assert tasks.catch_up() > 0


def test_half_an_archive_alone_is_not_decided_on(nbp: Source, archive: Source) -> None:
    job = first_fill(archive, "mid")
    bring(WHOLE[:300], archive, job)
    assert tasks.catch_up() == 0
    bring(WHOLE[300:], archive, job)
    assert tasks.catch_up() > 0


@pytest.mark.slow
def test_a_whole_archive_is_decided_on_at_once_and_again_when_the_tables_are_in(nbp: Source, archive: Source) -> None:
    job = first_fill(nbp)
    bring(WHOLE, archive, first_fill(archive, "mid"))
    assert tasks.catch_up() > 0
    before = content()
    corrected = [(day, value + Decimal("0.5") * (day > WHOLE[500][0])) for day, value in WHOLE]
    bring(corrected[:550], nbp, job)
    assert tasks.catch_up() == 0, "each window would compute every series again"
    assert content() == before
    bring(corrected[550:], nbp, job)
    assert tasks.catch_up() > 0
    assert content() != before


@pytest.mark.slow
def test_a_killed_fill_under_a_whole_archive_holds_nobody_up(nbp: Source, archive: Source) -> None:
    bring(WHOLE, archive, first_fill(archive, "mid"))
    tasks.catch_up()
    job = first_fill(nbp)
    bring([(day, value + 1) for day, value in WHOLE[:500]], nbp, job)
    assert tasks.catch_up() == 0
    killed(job)
    assert tasks.catch_up() > 0


@pytest.mark.parametrize("table", ["C", "B"])
def test_a_first_fill_of_another_table_holds_nobody_up(nbp: Source, table: str) -> None:
    bring(WHOLE, nbp, first_fill(nbp))
    first_fill(nbp, table)
    assert tasks.catch_up() > 0


def test_the_first_fill_of_gold_does_not_hold_up_currencies(nbp: Source) -> None:
    bring(WHOLE, nbp, first_fill(nbp))
    bring(WHOLE[:400], nbp, first_fill(nbp, "gold"), "XAU", "gold")
    tasks.catch_up()
    assert decided() == {"USD"}


@pytest.mark.slow
def test_a_killed_fill_that_is_completed_later_ends_as_a_clean_installation(nbp: Source, clean: list[Any]) -> None:
    job = first_fill(nbp)
    bring(WHOLE[:400], nbp, job)
    killed(job)
    assert (tasks.catch_up(), decided()) == (0, set())
    bring(WHOLE[400:], nbp, first_fill(nbp, start=WHOLE[400][0]))
    tasks.catch_up()
    assert current() == clean


@pytest.mark.slow
def test_decisions_made_on_half_a_history_are_superseded_when_it_is_whole(nbp: Source, clean: list[Any]) -> None:
    """As the release before this one made them: without the days in the middle, which came later."""
    job = runs.start("nbp.A", nbp, Job.Trigger.START)
    bring(WHOLE[:270], nbp, job)
    bring(WHOLE[295:], nbp, job)
    tasks.catch_up()
    wrong = current()
    assert wrong != clean
    written = Signal.objects.count()
    bring(WHOLE[270:295], nbp, job)
    tasks.catch_up()
    assert current() == clean
    assert Signal.objects.count() > written, "nothing is taken back but by a new version"
    assert Signal.objects.filter(version=2).exists()


def test_a_new_series_begins_behind_a_gap_that_was_accepted(nbp: Source) -> None:
    job = first_fill(nbp)
    bring(WHOLE[300:], nbp, job)
    assert tasks.catch_up() == 0
    Gap.objects.update(accepted_at=clock.now())
    assert tasks.catch_up() > 0
    assert AnalysisSnapshot.objects.get(window="30d").stats["bars"] == 300


def test_a_first_fill_that_fails_again_and_again_is_given_up_where_newer_days_are_there(nbp: Source) -> None:
    job = first_fill(nbp)
    bring(WHOLE[300:], nbp, job)
    span = gaps.of_days("A", START, WHOLE[299][0])
    for _ in range(2):
        gaps.failed(nbp, span, Gap.Reason.FAILED)
        assert tasks.catch_up() == 0
    gaps.failed(nbp, span, Gap.Reason.FAILED)
    assert tasks.catch_up() > 0


def test_a_first_fill_that_fails_on_its_way_up_is_waited_for(nbp: Source) -> None:
    """Nothing newer stands behind the gap: a decision of years ago is of no use to anybody."""
    job = first_fill(nbp)
    bring(WHOLE[:300], nbp, job)
    for _ in range(5):
        gaps.failed(nbp, gaps.of_days("A", WHOLE[300][0], LAST), Gap.Reason.FAILED)
    assert tasks.catch_up() == 0


def test_a_gap_in_the_middle_holds_nobody_up_and_the_series_behind_it_begins_anew(nbp: Source) -> None:
    job = runs.start("nbp.A", nbp, Job.Trigger.START)
    bring(WHOLE[:280], nbp, job)
    bring(WHOLE[320:], nbp, job)
    gaps.failed(nbp, gaps.of_days("A", WHOLE[280][0], WHOLE[319][0]), Gap.Reason.FAILED)
    tasks.catch_up()
    assert AnalysisSnapshot.objects.get(window="30d").stats["bars"] == 280
    bring(wave(601)[600:], nbp, job)
    tasks.catch_up()
    assert AnalysisSnapshot.objects.get(window="30d").stats["bars"] == 281


def test_what_is_waited_for_is_computed_again_by_nobody(nbp: Source) -> None:
    bring(WHOLE[:400], nbp, first_fill(nbp))
    assert tasks.recompute(["USD"]) == 0
    assert decided() == set()


@pytest.mark.parametrize("switch", ["enabled", "available"])
def test_a_source_that_is_switched_off_in_the_middle_of_its_first_fill_holds_nobody_up(
    nbp: Source, switch: str
) -> None:
    job = first_fill(nbp)
    bring(WHOLE[:400], nbp, job)
    killed(job)
    assert tasks.catch_up() == 0
    Source.objects.filter(pk=nbp.pk).update(**{switch: False})
    assert tasks.catch_up() > 0
    assert decided() == {"USD"}


@pytest.mark.slow
def test_what_was_decided_while_the_source_was_off_ends_as_a_clean_installation(nbp: Source, clean: list[Any]) -> None:
    job = first_fill(nbp)
    bring(WHOLE[:400], nbp, job)
    Source.objects.filter(pk=nbp.pk).update(enabled=False)
    tasks.catch_up()
    Source.objects.filter(pk=nbp.pk).update(enabled=True)
    bring(WHOLE[400:], nbp, job)
    tasks.catch_up()
    assert current() == clean


def test_a_paused_source_is_waited_for(nbp: Source) -> None:
    bring(WHOLE[:400], nbp, first_fill(nbp))
    Source.objects.filter(pk=nbp.pk).update(paused_until=clock.now() + timedelta(hours=1))
    assert tasks.catch_up() == 0
