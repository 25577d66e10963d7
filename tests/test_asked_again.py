"""Nothing that could not be had is forgotten, and nothing that fails stops the rest."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from django_q.exceptions import TimeoutException

from charon import detection
from markets import clock
from markets.jobs import runs
from markets.models import Gap, Instrument, Job, Problem, Publication, Rate, Source
from miner import sources, tasks
from miner.collect import one_table, window_plan
from miner.collect import tables as table_collector
from miner.fetch.errors import Unreachable
from miner.providers import nbp_archive
from miner.providers.nbp import NBP
from miner.providers.nbp_archive import LAST, NBPArchive, figures_of
from tests.replica import Replica

pytestmark = pytest.mark.django_db

A, GOLD, C, B = NBP.series
FIRST = date(2026, 1, 2)
Clock = Callable[[str], None]


@pytest.fixture
def this_year(monkeypatch: pytest.MonkeyPatch, at: Clock, replica: Replica) -> Replica:
    """The bank as if it had begun in 2026; the clock stands at the end of its rates."""
    at("2026-10-26 13:00")
    monkeypatch.setattr(NBP, "series", tuple(replace(series, first=FIRST) for series in NBP.series))
    return replica


def mine(source: Source, table: str, trigger: str = Job.Trigger.SCHEDULE) -> str:
    run = one_table.run_of_task(source, trigger)
    return one_table.mine_one(run, next(one for one in run.provider.series if one.table == table))


def days(table: str) -> list[date]:
    rows = Publication.objects.filter(table=table).order_by("effective_date")
    return list(rows.values_list("effective_date", flat=True))


def gaps_of(**which: Any) -> list[tuple[str, str]]:
    rows = Gap.objects.filter(**which).order_by("from_time")
    return [(f"{row.from_time:%m-%d}", f"{row.to_time:%m-%d}") for row in rows]


def windows_with(day: date, **answer: Any) -> list[dict[str, Any]]:
    """A script by which every window of the year that holds the day is answered so."""
    all_days = [FIRST + timedelta(days=number) for number in range((LAST - FIRST).days + 1)]
    starts, ends = (
        "|".join(map(str, some)) for some in ([d for d in all_days if d <= day], [d for d in all_days if d >= day])
    )
    return [{"path": f"(?:{starts})/(?:{ends})/", **answer}]


@pytest.mark.slow
@pytest.mark.parametrize("day", [FIRST + timedelta(days=3), date(2026, 6, 16), date(2026, 10, 23)])
@pytest.mark.parametrize(
    "answer",
    [{"status": 500, "body": "oops"}, {"status": 200, "body": "<html>maintenance</html>"}],
    ids=["500", "html"],
)
def test_a_day_that_always_fails_costs_no_other_day_and_no_other_table(
    nbp: Source, this_year: Replica, day: date, answer: dict[str, Any]
) -> None:
    assert mine(nbp, "A") == "success"
    this_year.set_script(windows_with(day, **answer))
    assert mine(nbp, "gold") == "failed"
    assert days("gold") == [one for one in days("A") if one != day]
    assert gaps_of() == [(f"{day:%m-%d}", f"{day:%m-%d}")]
    assert Gap.objects.get().tries == 1


@pytest.mark.slow
def test_a_failed_day_is_asked_for_again_when_it_is_due_and_not_before(
    nbp: Source, this_year: Replica, at: Clock
) -> None:
    day = date(2026, 6, 16)
    this_year.set_script(windows_with(day, status=500, body="oops"))
    mine(nbp, "gold")
    asked = len(this_year.requests)
    assert mine(nbp, "gold") == "skipped"
    assert len(this_year.requests) == asked
    at("2026-10-26 14:00")
    assert mine(nbp, "gold") == "failed"
    assert Gap.objects.get().tries == 2
    this_year.set_script([])
    at("2026-10-26 16:00")
    assert mine(nbp, "gold") == "success"
    assert (gaps_of(), day in days("gold")) == ([], True)


def test_a_source_that_does_not_answer_is_not_asked_for_its_whole_history(
    nbp: Source, this_year: Replica, settings: Any
) -> None:
    settings.NBP_CONNECTIONS = 1
    this_year.set_script([{"status": 500, "body": "oops"}])
    assert tasks.mine("nbp") == "failed"
    assert len(this_year.requests) < 20, "three windows, the retries of the first, a week, each other table once, ahead"
    assert Job.objects.filter(status="failed").count() == 4


@pytest.mark.slow
def test_days_that_fail_in_many_windows_cost_no_other_day(
    nbp: Source, this_year: Replica, at: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows that fail one after the other are no outage while the source answers what it answered before."""
    lost, fetch = {date(2026, month, 16) for month in (1, 2, 4, 6, 7, 9)}, NBP.fetch_gold

    def broken(self: NBP, start: date, end: date) -> Any:
        if any(start <= day <= end for day in lost):
            raise Unreachable("HTTP 500: oops", status=500)
        return fetch(self, start, end)

    assert mine(nbp, "A") == "success"
    with monkeypatch.context() as patch:
        patch.setattr(NBP, "fetch_gold", broken)
        assert mine(nbp, "gold") == "failed"
    assert days("gold") == [one for one in days("A") if one not in lost]
    at("2026-10-26 14:00")
    assert mine(nbp, "gold") == "success"
    assert (days("gold"), gaps_of()) == (days("A"), [])


@pytest.mark.slow
def test_after_an_outage_of_hours_the_next_run_brings_all(nbp: Source, this_year: Replica, at: Clock) -> None:
    this_year.set_script([{"status": 503, "body": "maintenance"}])
    for hour in range(13, 19):
        at(f"2026-10-26 {hour}:00")
        mine(nbp, "gold")
    assert {row.tries for row in Gap.objects.filter(next_try__isnull=False)} == {1}
    this_year.set_script([])
    at("2026-10-26 19:00")
    assert mine(nbp, "gold") == "success"
    mine(nbp, "A")
    assert (days("gold"), gaps_of()) == (days("A"), [])


@pytest.mark.slow
def test_a_run_by_hand_asks_for_every_gap_at_once(nbp: Source, this_year: Replica, at: Clock) -> None:
    day = date(2026, 6, 16)
    this_year.set_script(windows_with(day, status=500, body="oops"))
    for hour in (13, 14, 16, 20):
        at(f"2026-10-26 {hour}:00")
        mine(nbp, "gold")
    assert Gap.objects.get().tries == 4
    this_year.set_script([])
    at("2026-10-26 20:01")
    assert mine(nbp, "gold") == "skipped"
    assert mine(nbp, "gold", Job.Trigger.OPERATOR) == "success"
    assert (gaps_of(), day in days("gold")) == ([], True)


@pytest.mark.slow
def test_a_run_by_hand_that_is_continued_asks_no_window_twice(nbp: Source, this_year: Replica, at: Clock) -> None:
    this_year.set_script(windows_with(date(2026, 6, 16), status=500, body="oops"))
    mine(nbp, "gold")
    at("2026-10-26 13:01")
    assert mine(nbp, "gold", Job.Trigger.OPERATOR) == "failed"
    job = Job.objects.latest("pk")
    assert window_plan.windows_of(nbp, NBP.series[1], None, clock.today(), job.started_at) == []


@pytest.mark.slow
def test_an_accepted_gap_is_not_asked_for_again(nbp: Source, this_year: Replica, at: Clock) -> None:
    this_year.set_script(windows_with(date(2026, 6, 16), status=500, body="oops"))
    mine(nbp, "gold")
    Gap.objects.update(accepted_at=clock.now())
    at("2026-10-26 18:00")
    asked = len(this_year.requests)
    assert mine(nbp, "gold") == "skipped"
    assert len(this_year.requests) == asked


@pytest.mark.slow
def test_a_source_that_is_switched_off_is_not_asked_for_its_gaps_until_it_is_on_again(
    nbp: Source, this_year: Replica, at: Clock
) -> None:
    this_year.set_script(windows_with(date(2026, 6, 16), status=500, body="oops"))
    mine(nbp, "gold")
    this_year.set_script([])
    Source.objects.filter(pk=nbp.pk).update(enabled=False)
    at("2026-10-26 18:00")
    asked = len(this_year.requests)
    assert tasks.mine("nbp", ["gold"]) == "nbp is switched off, paused or unknown"
    assert (len(this_year.requests), Gap.objects.get().tries) == (asked, 1)
    Source.objects.filter(pk=nbp.pk).update(enabled=True)
    assert tasks.mine("nbp", ["gold"]) == "done"
    assert gaps_of() == []


NULL = {"replace": [r'"code":"USD","mid":', r'"code":"USD","mid":null,"was":']}


def rates_of(code: str) -> int:
    return Rate.objects.filter(instrument__code=code, table="A").count()


@pytest.mark.slow
def test_a_currency_that_was_refused_for_its_whole_history_comes_when_the_source_is_well_again(
    nbp: Source, this_year: Replica, at: Clock
) -> None:
    this_year.set_script([NULL])
    assert mine(nbp, "A") == "success"
    assert not Instrument.objects.filter(code="USD").exists()
    this_year.set_script([])
    for hour in range(15, 19):
        at(f"2026-10-26 {hour}:00")
        mine(nbp, "A")
    assert (rates_of("USD"), gaps_of()) == (rates_of("EUR"), [])
    assert rates_of("USD") >= 208


@pytest.mark.slow
def test_a_currency_that_was_refused_for_most_of_its_history_is_asked_for_again(
    nbp: Source, this_year: Replica, at: Clock
) -> None:
    mine(nbp, "A")
    Rate.objects.filter(effective_date__gte=date(2026, 1, 20)).delete()
    Publication.objects.filter(effective_date__gte=date(2026, 1, 20)).delete()
    this_year.set_script([NULL])
    mine(nbp, "A")
    assert {row.instrument.code for row in Gap.objects.all() if row.instrument} == {"USD"}
    this_year.set_script([])
    asked = len(this_year.requests)
    mine(nbp, "A")
    assert len(this_year.requests) == asked, "not before it is due"
    at("2026-10-26 15:00")
    mine(nbp, "A")
    assert gaps_of() == []
    assert rates_of("USD") == rates_of("EUR")


@pytest.mark.slow
def test_refused_gold_is_asked_for_again(nbp: Source, this_year: Replica, at: Clock) -> None:
    this_year.set_script([{"replace": ['"cena":', '"cena":"x","was":']}])
    assert mine(nbp, "gold") == "failed"
    assert Job.objects.get().reason == "figures_refused"
    this_year.set_script([])
    for hour in range(15, 19):
        at(f"2026-10-26 {hour}:00")
        mine(nbp, "gold")
    assert (len(days("gold")) > 200, gaps_of()) == (True, [])


@pytest.mark.slow
def test_a_run_that_let_nothing_in_has_failed_and_is_a_problem_until_one_succeeds(
    nbp: Source, this_year: Replica, at: Clock
) -> None:
    this_year.set_script([{"replace": ['"mid":', '"mid":"1,5","was":']}])
    assert mine(nbp, "A") == "failed"
    job = Job.objects.get()
    assert (job.status, job.reason, job.rows_written) == ("failed", "figures_refused", 0)
    assert f"{job.refused} of {job.refused} refused" in job.error
    detection.run()
    told = Problem.objects.filter(kind="figures_refused", closed_at=None)
    assert [row.subject for row in told] == ["nbp.A"]
    this_year.set_script([])
    at("2026-10-26 18:00")
    assert mine(nbp, "A") == "success"
    detection.run()
    assert not told.all().exists()


# The archive


def mids() -> set[tuple[Any, ...]]:
    return set(Rate.objects.values_list("source__code", "table", "instrument__code", "effective_date", "mid"))


@pytest.fixture
def spring(monkeypatch: pytest.MonkeyPatch, this_year: Replica) -> None:
    archive = replace(NBPArchive.series[0], first=date(2025, 10, 1))
    monkeypatch.setattr(NBPArchive, "series", (archive,))


@pytest.mark.slow
def test_the_archive_brings_table_b_whichever_table_came_first(nbp: Source, archive: Source, spring: None) -> None:
    mine(nbp, "A")
    assert mine(archive, "mid") == "success"
    official_first = mids()
    Rate.objects.all().delete()
    Publication.objects.all().delete()
    Gap.objects.all().delete()
    mine(archive, "mid")
    mine(nbp, "A")
    assert mids() == official_first
    assert Rate.objects.filter(source=archive, table="B").count() > 5000
    assert mine(archive, "mid") == "skipped"


@pytest.mark.slow
def test_an_archive_that_lacks_table_b_since_an_earlier_release_brings_it(
    nbp: Source, archive: Source, spring: None
) -> None:
    mine(archive, "mid")
    whole = mids()
    Rate.objects.filter(table="B", effective_date__gte=FIRST).delete()
    assert mine(archive, "mid") == "success"
    assert mids() == whole


def test_an_archive_that_gave_up_is_mined_again_within_the_hour(archive: Source) -> None:
    assert tasks.resume() == ["nbp_archive"]
    with pytest.raises(TimeoutException), runs.job("nbp_archive.mid", archive):
        raise TimeoutException
    job = Job.objects.get()
    assert (job.status, job.reason) == ("failed", "timed_out"), "Charon was not stopped"
    assert tasks.resume() == ["nbp_archive"]
    runs.finish(runs.start("nbp_archive.mid", archive, Job.Trigger.START), Job.Status.SUCCESS)
    assert tasks.resume() == []


@pytest.mark.slow
def test_the_archive_stores_its_first_window_without_reading_the_rest(
    archive: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of it is 5 s of work, of which a slow machine gets none done within a task."""
    read: list[int] = []

    def spy(code: str, start: date, end: date) -> list[tuple[date, str]]:
        if code == "USD":
            read.append((end - start).days)
        return figures_of(code, start, end)

    monkeypatch.setattr(nbp_archive, "figures_of", spy)
    run = table_collector.Run(archive, sources.provider_of(archive), on_continue=lambda *_: None, deadline=0)
    assert one_table.mine_one(run, NBPArchive.series[0]) == "running"
    assert Rate.objects.filter(source=archive).count() > 10_000
    assert 0 < sum(read) < 10 * 400, "days of ten windows, of 11,600 days"


def test_weekly_tables_with_refused_rates_are_asked_for_together() -> None:
    weeks = [(date(2026, 1, 7) + timedelta(days=7 * number),) * 2 for number in range(13)]
    due = [(week, Gap(tries=1)) for week in weeks]
    assert window_plan.refused_windows(B, due, []) == [(date(2026, 1, 7), date(2026, 4, 1))]


def test_after_weeks_without_a_run_the_days_behind_the_newest_window_are_waited_for() -> None:
    """Who decided on the newest days alone would decide on a history with a hole."""
    known, today = [date(2026, 1, 7), date(2026, 1, 8)], date(2026, 10, 26)
    lacking = window_plan.holes(A, known, today)
    [(start, end)] = window_plan.behind_the_newest(A, known, lacking)
    newest = window_plan.cut(lacking[-1], A.window)[-1]
    assert (start, end) == (date(2026, 1, 9), newest[0] - timedelta(days=1))
    assert window_plan.behind_the_newest(A, [*known, date(2026, 10, 23)], [(date(2026, 10, 17), today)]) == []
