"""What is missing, in which windows, and the run that brings it."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from markets.jobs import runs
from markets.models import Gap, Instrument, Job, Publication, Rate, Revision, Source
from markets.store import sharing
from miner import sources
from miner.collect import fetch_ahead
from miner.collect import tables as table_collector
from miner.collect.silence import silent
from miner.collect.window_plan import cut, holes, widened
from miner.fetch.errors import ExpectedData, Unreachable
from miner.providers.base import TableSeries
from miner.providers.nbp import NBP
from tests.replica import Replica

DAY = timedelta(days=1)
A, GOLD, C, B = NBP.series
DAILY = TableSeries("A", "currency", date(2024, 1, 2), date(2026, 10, 26), 93)
WEEKLY = TableSeries("B", "currency", date(2024, 1, 3), date(2026, 10, 26), 93, weekdays=(0, 1, 2), longest_pause=16)


def working_days(start: date, end: date) -> list[date]:
    return [day for n in range((end - start).days + 1) if (day := start + n * DAY).weekday() < 5]


def run_of(
    source: Source, start: date | None = None, end: date | None = None, **choices: object
) -> table_collector.Run:
    span = (start, end) if start and end else None
    return table_collector.Run(source, sources.provider_of(source), span=span, connections=2, **choices)  # type: ignore[arg-type]


def test_an_empty_table_lacks_its_whole_history() -> None:
    assert holes(DAILY, [], date(2024, 3, 1)) == [(date(2024, 1, 2), date(2024, 3, 1))]


def test_nothing_is_missing_on_the_day_that_is_in() -> None:
    assert holes(DAILY, working_days(date(2024, 1, 2), date(2024, 3, 1)), date(2024, 3, 1)) == []


def test_a_weekend_is_no_hole_and_monday_is() -> None:
    known = working_days(date(2024, 1, 2), date(2024, 3, 1))
    assert holes(DAILY, known, date(2024, 3, 3)) == []
    assert holes(DAILY, known, date(2024, 3, 4)) == [(date(2024, 3, 2), date(2024, 3, 4))]


def test_a_gap_in_the_middle_and_one_at_the_start_are_holes() -> None:
    known = working_days(date(2024, 2, 1), date(2024, 2, 9)) + working_days(date(2024, 3, 1), date(2024, 3, 5))
    assert holes(DAILY, known, date(2024, 3, 5)) == [
        (date(2024, 1, 2), date(2024, 1, 31)), (date(2024, 2, 10), date(2024, 2, 29)),
    ]  # fmt: skip


def test_christmas_with_five_days_off_is_no_hole() -> None:
    known = [*working_days(date(2024, 1, 2), date(2025, 12, 23)), date(2025, 12, 29)]
    assert holes(DAILY, known, date(2025, 12, 29)) == []


def test_the_weekly_table_is_missing_only_from_monday_on() -> None:
    known = [date(2024, 1, 3) + 7 * n * DAY for n in range(9)]
    assert holes(WEEKLY, known, date(2024, 3, 3)) == []
    assert holes(WEEKLY, known, date(2024, 3, 4)) == [(date(2024, 2, 29), date(2024, 3, 4))]


def test_an_archive_ends_where_its_figures_end() -> None:
    closed = TableSeries("mid", "currency", date(2024, 1, 2), date(2024, 3, 1), 366, last=date(2024, 3, 1))
    assert holes(closed, [], date(2026, 1, 1)) == [(date(2024, 1, 2), date(2024, 3, 1))]
    assert holes(closed, working_days(date(2024, 1, 2), date(2024, 3, 1)), date(2026, 1, 1)) == []


@given(st.dates(date(2002, 1, 2), date(2026, 1, 1)), st.integers(1, 12_000), st.sampled_from([93, 366]))
def test_windows_cover_the_span_once_in_order_and_none_could_pass_for_a_pause(
    start: date, days: int, most: int
) -> None:
    windows = cut((start, start + (days - 1) * DAY), most)
    assert windows[0][0] == start
    assert windows[-1][1] == start + (days - 1) * DAY
    assert all(b == c - DAY for (_, b), (c, _) in pairwise(windows))
    lengths = [(b - a).days + 1 for a, b in windows]
    assert max(lengths) <= most
    assert len(windows) == 1 or min(lengths) > B.longest_pause


def test_the_whole_history_is_about_350_requests() -> None:
    today = date(2026, 11, 21)
    count = sum(len(cut((series.first, today), series.window)) for series in NBP.series)
    assert count == 349


def test_a_named_span_stays_inside_the_history_and_reaches_to_its_near_neighbours() -> None:
    known = [date(2024, 2, 9), date(2024, 3, 1)]
    today = date(2024, 4, 1)
    assert widened((date(2024, 2, 14), date(2024, 2, 20)), DAILY, known, today) == (
        date(2024, 2, 10),
        date(2024, 2, 20),
    )
    assert widened((date(2024, 2, 20), date(2024, 2, 26)), DAILY, known, today) == (
        date(2024, 2, 20),
        date(2024, 2, 29),
    )
    assert widened((date.min, date.max), DAILY, known, today) == (date(2024, 1, 2), today)
    assert widened((date(2001, 1, 1), date(2001, 2, 1)), DAILY, known, today) is None


def test_five_weekdays_without_a_table_are_a_breakage_and_four_are_not() -> None:
    friday = date(2024, 1, 5)
    assert silent(DAILY, friday, date(2024, 1, 12))
    assert not silent(DAILY, friday, date(2024, 1, 11))
    assert not silent(DAILY, friday, date(2024, 1, 1))
    assert not silent(B, date(2024, 1, 3), date(2024, 1, 17))
    assert silent(B, date(2024, 1, 3), date(2024, 1, 18))


def test_a_figure_that_was_refused_once_is_read_again_with_the_next_table(
    nbp: Source, replica: Replica, at: Callable
) -> None:
    at("2026-10-22 13:00")
    replica.set_today(date(2026, 10, 22))
    replica.set_script([{"replace": ['"code":"USD","mid":3.', '"code":"USD","mid":-3.']}])
    assert table_collector.mine_series(run_of(nbp), near(A, days=5)).refused > 0
    assert not Rate.objects.filter(instrument__code="USD").exists()
    replica.set_script([])
    at("2026-10-23 13:00")
    replica.set_today(date(2026, 10, 23))
    table_collector.mine_series(run_of(nbp), near(A, days=5))
    assert Rate.objects.filter(instrument__code="USD").count() == 3


@pytest.mark.slow
def test_a_window_that_ends_in_silence_is_a_breakage(nbp: Source, replica: Replica) -> None:
    for n in range(8, 32):
        replica.withhold("A", date(2024, 1, n))
    with pytest.raises(ExpectedData):
        table_collector.mine_series(run_of(nbp, date(2024, 1, 1), date(2024, 1, 31)), A)
    assert "2024-01-06 to 2024-01-31" in Job.objects.get().error


def test_a_backfill_equals_the_publications_digit_by_digit(nbp: Source, replica: Replica) -> None:
    job = table_collector.mine_series(run_of(nbp, date(2024, 1, 1), date(2024, 1, 31)), A)
    assert (job.status, job.rows_written, job.windows, job.windows_done) == ("success", 22 * 33, 1, 1)
    rates = Rate.objects.filter(instrument__code="USD").select_related("publication").order_by("effective_date")
    first = rates[0]
    assert (first.effective_date, str(first.published("mid"))) == (date(2024, 1, 2), "3.9432")
    assert first.publication is not None
    assert first.publication.number == "001/A/NBP/2024"
    assert job.requests == 1


@pytest.mark.slow
def test_a_second_run_asks_for_nothing_that_is_in_and_writes_nothing(
    nbp: Source, replica: Replica, at: Callable
) -> None:
    at("2026-10-26 13:00")
    table_collector.mine_series(run_of(nbp, date(2026, 9, 1), date(2026, 10, 26)), A)
    before = list(Rate.objects.values())
    again = table_collector.mine_series(run_of(nbp, date(2026, 9, 1), date(2026, 10, 26)), A)
    assert (again.status, again.reason, again.rows_written) == ("skipped", "up_to_date", 0)
    assert list(Rate.objects.values()) == before


def near(series: TableSeries, days: int = 40) -> TableSeries:
    """The same series with a history that began only so many days before the figures end."""
    return TableSeries(
        series.table, series.kind, date(2026, 10, 26) - days * DAY, series.known_until, series.window,
        series.hours, series.weekdays, series.longest_pause, series.silence, series.reread,
    )  # fmt: skip


def test_the_resume_point_comes_from_the_tables(nbp: Source, replica: Replica, at: Callable) -> None:
    at("2026-10-20 13:00")
    replica.set_today(date(2026, 10, 20))
    table_collector.mine_series(run_of(nbp), near(A))
    at("2026-10-26 13:00")
    replica.set_today(date(2026, 10, 26))
    job = table_collector.mine_series(run_of(nbp), near(A))
    assert (job.status, job.requests, job.reached) == ("success", 1, date(2026, 10, 26))
    # A week up to the newest table is read again by the same request.
    assert replica.requests[-1].startswith("/api/exchangerates/tables/A/2026-10-14/2026-10-26/")


def test_the_end_is_capped_at_today_in_warsaw(nbp: Source, replica: Replica, at: Callable) -> None:
    at("2026-10-23 23:30")
    replica.set_today(date(2026, 10, 23))
    job = table_collector.mine_series(run_of(nbp, date(2026, 10, 1), date(2099, 1, 1)), A)
    assert (job.status, job.reached) == ("success", date(2026, 10, 23))


@pytest.mark.slow
def test_today_before_publication_is_skipped_as_not_yet(nbp: Source, replica: Replica, at: Callable) -> None:
    at("2026-10-23 13:00")
    replica.set_today(date(2026, 10, 23))
    table_collector.mine_series(run_of(nbp), near(A))
    at("2026-10-26 09:00")
    replica.set_today(date(2026, 10, 26))
    replica.withhold("A", date(2026, 10, 26))
    job = table_collector.mine_series(run_of(nbp), near(A))
    assert (job.status, job.reason, job.requests) == ("skipped", "not_yet", 1)
    replica.publish("A", date(2026, 10, 26))
    assert table_collector.mine_series(run_of(nbp), near(A)).rows_written == 32


def test_a_weekend_asks_nobody(nbp: Source, replica: Replica, at: Callable) -> None:
    at("2026-10-23 13:00")
    replica.set_today(date(2026, 10, 23))
    table_collector.mine_series(run_of(nbp), near(A))
    asked = len(replica.requests)
    at("2026-10-24 13:00")
    job = table_collector.mine_series(run_of(nbp), near(A))
    assert (job.status, job.reason, job.requests, len(replica.requests)) == ("skipped", "weekend", 0, asked)


@pytest.mark.slow
def test_independence_day_on_a_monday_is_skipped_as_a_holiday(nbp: Source, replica: Replica, at: Callable) -> None:
    at("2019-11-08 13:00")
    replica.set_today(date(2019, 11, 8))
    year = TableSeries("A", "currency", date(2019, 10, 1), A.known_until, 93)
    table_collector.mine_series(run_of(nbp), year)
    at("2019-11-11 13:00")
    replica.set_today(date(2019, 11, 11))
    job = table_collector.mine_series(run_of(nbp), year)
    assert (job.status, job.reason, job.requests) == ("skipped", "holiday", 1)


def test_an_empty_window_inside_the_history_fails_and_what_came_before_is_kept(nbp: Source, replica: Replica) -> None:
    replica.set_script([{"path": "/2024-06-30", "status": 404, "body": "404 NotFound - Not Found - Brak danych"}])
    with pytest.raises(ExpectedData):
        table_collector.mine_series(run_of(nbp, date(2024, 1, 1), date(2024, 6, 30)), A)
    job = Job.objects.get()
    assert (job.status, job.reason, job.windows, job.windows_done) == ("failed", "expected_data", 2, 2)
    assert "2024-04" in job.error
    assert Publication.objects.count() > 60


def test_days_after_the_known_history_without_a_table_are_skipped_as_silent(
    nbp: Source, replica: Replica, at: Callable
) -> None:
    replica.set_today(date(2026, 11, 20))
    at("2026-11-20 13:00")
    table_collector.mine_series(run_of(nbp), near(A))
    job = table_collector.mine_series(run_of(nbp), near(A))
    assert (job.status, job.reason, job.rows_written) == ("skipped", "silent", 0)


def test_another_table_of_the_bank_confirms_that_a_silence_is_a_breakage(
    nbp: Source, replica: Replica, at: Callable
) -> None:
    at("2026-10-26 13:00")
    old = TableSeries("A", "currency", date(2026, 9, 1), date(2026, 9, 1), 93)
    table_collector.mine_series(run_of(nbp, date(2026, 9, 1), date(2026, 10, 9)), old)
    table_collector.mine_series(run_of(nbp, date(2026, 10, 1), date(2026, 10, 26)), GOLD)
    for n in range(12, 27):
        replica.withhold("A", date(2026, 10, n))
    with pytest.raises(ExpectedData):
        table_collector.mine_series(run_of(nbp), old)


@pytest.mark.slow
def test_windows_are_stored_in_their_order_whatever_order_they_arrive_in(nbp: Source, replica: Replica) -> None:
    replica.set_script([{"at": 1, "delay": 0.3}])
    seen: list[date] = []
    run = run_of(nbp, date(2023, 1, 1), date(2023, 12, 31), watch=lambda *told: seen.append(told[3]))
    job = table_collector.mine_series(run, C)
    assert seen == sorted(seen)
    assert job.windows == job.windows_done == 4
    ids = list(Publication.objects.order_by("id").values_list("effective_date", flat=True))
    assert ids == sorted(ids)


@pytest.mark.slow
def test_a_day_that_fails_costs_no_other_day_and_is_asked_for_again_when_it_is_due(
    nbp: Source, replica: Replica, at: Callable
) -> None:
    at("2026-10-26 13:00")
    history = near(A, days=400)
    third, _ = cut((history.first, date(2026, 10, 26)), history.window)[2]
    replica.set_script([{"path": f"/A/{third}/", "status": 500, "body": "oops"}])
    with pytest.raises(Unreachable):
        table_collector.mine_series(run_of(nbp), history)
    failed = Job.objects.get()
    assert (failed.status, failed.reason, failed.windows, failed.windows_done) == ("failed", "unreachable", 17, 17)
    assert failed.retries > 0
    ((gap,),) = [list(Gap.objects.all())]
    assert (gap.from_time.date(), gap.to_time.date(), gap.tries) == (third, third, 1), "the sound days are stored"
    replica.set_script([])
    at("2026-10-26 14:00")
    job = table_collector.mine_series(run_of(nbp), history)
    assert (job.status, job.windows) == ("skipped", 1), "nothing was published on that day"
    assert not Gap.objects.exists()
    days = list(Publication.objects.order_by("effective_date").values_list("effective_date", flat=True))
    assert len(days) == len(set(days))
    assert holes(history, days, date(2026, 10, 26)) == []


@pytest.mark.slow
def test_other_writers_get_their_turn_between_saves_where_nobody_queues(
    nbp: Source, replica: Replica, at: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    at("2026-10-26 13:00")
    naps: list[float] = []
    monkeypatch.setattr("markets.store.sharing.time.sleep", naps.append)
    monkeypatch.setattr(sharing, "BREATH_EVERY", 60.0)
    table_collector.mine_series(run_of(nbp), near(A, days=400))
    assert sharing.BREATH not in naps  # a minute was not over
    monkeypatch.setattr(sharing, "BREATH_EVERY", 0.0)
    monkeypatch.setitem(sharing.MOST_RATES, connection.vendor, 1)  # every window a save
    job = table_collector.mine_series(run_of(nbp), near(C, days=400))
    assert naps.count(sharing.BREATH) == (job.windows if connection.vendor == "sqlite" else 0)


@pytest.mark.slow
def test_a_run_pauses_at_its_deadline_and_its_continuation_ends_the_same_job(
    nbp: Source, replica: Replica, at: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What came while the first window was written would be written with it."""
    monkeypatch.setattr(fetch_ahead, "has_come", lambda _: False)
    at("2026-10-26 13:00")
    history, rotating = near(A, days=400), []
    pausing = run_of(nbp, deadline=0.0, on_continue=lambda table, job: rotating.append((table, job)))
    paused = table_collector.mine_series(pausing, history)
    assert (paused.status, paused.windows_done) == ("running", 1)
    assert rotating == [("A", paused.pk)]
    job = table_collector.mine_series(run_of(nbp), history, resume=paused.pk)
    assert (job.pk, job.status, job.windows, job.windows_done) == (paused.pk, "success", 5, 5)


def test_a_correction_at_the_bank_becomes_a_revision(nbp: Source, replica: Replica) -> None:
    span = (date(2024, 1, 2), date(2024, 1, 5))
    table_collector.mine_series(run_of(nbp, *span), A)
    replica.correct("A", date(2024, 1, 3), "USD", "3.9999")
    job = table_collector.mine_series(run_of(nbp, *span), A)
    assert (job.status, job.revised, job.rows_written) == ("success", 1, 1)
    revision = Revision.objects.get()
    assert (revision.new_mid, revision.old_sha256 != revision.new_sha256) == (Decimal("3.9999"), True)


@pytest.mark.slow
def test_gold_and_table_c_arrive(nbp: Source, replica: Replica) -> None:
    table_collector.mine_series(run_of(nbp, date(2013, 1, 2), date(2013, 1, 4)), GOLD)
    table_collector.mine_series(run_of(nbp, date(2013, 1, 2), date(2013, 1, 4)), C)
    gold = Rate.objects.get(table="gold", effective_date=date(2013, 1, 2))
    assert (str(gold.published("mid")), gold.instrument.code) == ("165.83", "XAU")
    assert Rate.objects.filter(table="C", instrument__code="USD", bid__isnull=False, mid=None).count() == 3


def test_the_archive_is_read_once_and_then_left(archive: Source, at: Callable) -> None:
    at("2026-11-20 13:00")
    span = TableSeries("mid", "currency", date(2014, 12, 1), date(2015, 1, 31), 366, last=date(2015, 1, 31))
    job = table_collector.mine_series(run_of(archive), span)
    assert (job.status, job.windows) == ("success", 1)
    dollar = Instrument.objects.get(code="USD")
    vectors = {date(2014, 12, 31): "3.5072", date(2015, 1, 2): "3.5725"}
    stored = {day: Rate.objects.get(instrument=dollar, effective_date=day).published("mid") for day in vectors}
    assert {day: str(value) for day, value in stored.items()} == vectors
    assert not Rate.objects.filter(instrument=dollar, effective_date=date(2015, 1, 1)).exists()
    again = table_collector.mine_series(run_of(archive), span)
    assert (again.status, again.reason, again.requests) == ("skipped", "up_to_date", 0)


def test_a_busy_series_is_not_run_twice(nbp: Source, replica: Replica) -> None:
    with runs.job("nbp.A", nbp), pytest.raises(runs.Busy):
        table_collector.mine_series(run_of(nbp, date(2024, 1, 2), date(2024, 1, 5)), A)
    assert replica.requests == []
