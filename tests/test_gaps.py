"""What a source has not given stands in rows: written, merged, tried again, closed by the rows that arrive."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django_q.models import OrmQ

from markets import clock
from markets.models import Gap, Job, Source
from markets.queries import gaps as queries
from markets.records import RateRecord, Table
from markets.store import gaps, retention
from markets.store.prices import save_bars
from markets.store.publish import publish
from miner import sources
from miner.collect import silence
from miner.collect import tables as table_collector
from miner.fetch.errors import ExpectedData, Unreachable
from miner.providers.base import TableSeries
from signals.tasks import is_catch_up
from tests.market import bar, instrument, source
from tests.test_engine import wave

pytestmark = pytest.mark.django_db

JAN_2, JAN_3, JAN_4 = (date(2024, 1, day) for day in (2, 3, 4))
SERIES = TableSeries("A", "currency", date(2024, 1, 1), date(2024, 1, 31), 7)


@pytest.fixture
def market(db: None, at: Callable[[str], None]) -> Source:
    at("2026-10-26 12:00")
    return source("binance", ["BTCUSDT", "ETHUSDT"])


def table(day: date, *lines: tuple[str, str], letter: str = "A") -> Table:
    return Table(letter, day, [RateRecord(code, mid=Decimal(value)) for code, value in lines])


def days(**which: Any) -> list[tuple[str, str, str, int]]:
    return [
        (row.instrument.code if row.instrument else "", f"{row.from_time:%m-%d}", f"{row.to_time:%m-%d}", row.tries)
        for row in Gap.objects.filter(**which).order_by("from_time")
    ]


def hours(**which: Any) -> list[tuple[str, str]]:
    rows = Gap.objects.filter(**which).order_by("table", "from_time")
    return [(f"{row.from_time:%H:%M}", f"{row.to_time:%H:%M}") for row in rows]


# Refused figures


def test_a_refused_figure_is_a_gap_of_its_instrument(nbp: Source, job: Job, at: Callable[[str], None]) -> None:
    at("2024-01-05 13:00")
    publish([table(JAN_2, ("USD", "3.9"), ("EUR", "4.3"))], nbp, job)
    publish([table(JAN_3, ("USD", "0"), ("EUR", "4.3"))], nbp, job)
    row = Gap.objects.get()
    assert (row.source, row.table, row.instrument, row.reason) == (nbp, "A", instrument("USD"), "refused")
    assert (row.from_time, row.to_time) == (datetime(2024, 1, 3, tzinfo=UTC),) * 2
    assert row.next_try == clock.now() + gaps.FIRST_RETRY


def test_the_same_refusal_again_is_a_try_and_waits_twice_as_long_up_to_a_day(
    nbp: Source, job: Job, at: Callable[[str], None]
) -> None:
    at("2024-01-05 13:00")
    publish([table(JAN_2, ("USD", "3.9"))], nbp, job)
    waits = []
    for _ in range(7):
        publish([table(JAN_3, ("USD", "0"))], nbp, job)
        row = Gap.objects.get()
        assert row.next_try is not None
        waits.append(row.next_try - clock.now())
        at(f"{row.next_try.astimezone(clock.WARSAW):%Y-%m-%d %H:%M}")
    assert waits == [
        *(gaps.FIRST_RETRY * number for number in (1, 2, 4, 8, 16)),
        timedelta(hours=24),
        timedelta(hours=24),
    ]


def test_a_refusal_that_is_read_again_before_it_is_due_is_no_try(nbp: Source, job: Job) -> None:
    """The last week is read again with every request: its next try would be put off for ever."""
    publish([table(JAN_2, ("USD", "3.9"))], nbp, job)
    publish([table(JAN_3, ("USD", "0"))], nbp, job)
    before = Gap.objects.get()
    publish([table(JAN_3, ("USD", "0"))], nbp, job)
    after = Gap.objects.get()
    assert (after.tries, after.next_try) == (1, before.next_try)


def test_refusals_of_neighbouring_days_are_one_gap_however_many(nbp: Source, job: Job) -> None:
    publish([table(JAN_2, ("USD", "3.9"))], nbp, job)
    publish([table(JAN_3 + timedelta(days=number), ("USD", "0")) for number in range(300)], nbp, job)
    assert days() == [("USD", "01-03", "10-28", 1)]


def test_a_figure_that_comes_after_all_closes_the_gap_and_one_beside_it_shortens_it(nbp: Source, job: Job) -> None:
    publish([table(JAN_2, ("USD", "3.9"))], nbp, job)
    publish([table(JAN_3, ("USD", "0")), table(JAN_4, ("USD", "0"))], nbp, job)
    publish([table(JAN_3, ("USD", "3.9"))], nbp, job)
    assert days() == [("USD", "01-04", "01-04", 1)]
    publish([table(JAN_4, ("EUR", "4.3"))], nbp, job)
    assert days() == [("USD", "01-04", "01-04", 1)]
    publish([table(JAN_4, ("USD", "3.9"))], nbp, job)
    assert days() == []


def test_a_refused_code_that_nobody_knows_yet_is_a_gap_of_the_whole_table_until_it_comes(nbp: Source, job: Job) -> None:
    publish([table(JAN_3, ("QQQ", "0"), ("USD", "3.9"))], nbp, job)
    assert days() == [("", "01-03", "01-03", 1)]
    publish([table(JAN_3, ("QQQ", "0"), ("USD", "3.9"))], nbp, job, covered=("A", JAN_3, JAN_3))
    assert days() == [("", "01-03", "01-03", 1)]
    publish([table(JAN_3, ("QQQ", "1"), ("USD", "3.9"))], nbp, job, covered=("A", JAN_3, JAN_3))
    assert days() == []


def test_a_gap_is_closed_in_the_transaction_of_the_rows(nbp: Source, job: Job) -> None:
    publish([table(JAN_2, ("USD", "3.9"))], nbp, job)
    publish([table(JAN_3, ("USD", "0"))], nbp, job)
    Job.objects.update(status="failed")  # the save notices at its end that its job was given up
    with pytest.raises(Exception, match="given up"):
        publish([table(JAN_3, ("USD", "3.9"))], nbp, job)
    assert days() == [("USD", "01-03", "01-03", 1)]


def test_where_nothing_is_missing_gaps_cost_no_statement(nbp: Source, job: Job, market: Source) -> None:
    publish([table(JAN_2, ("USD", "3.9"))], nbp, job)
    save_bars([bar("2026-10-26 07:00")], market)
    with CaptureQueriesContext(connection) as asked:
        publish([table(JAN_3, ("USD", "3.9"))], nbp, job)
        save_bars([bar("2026-10-26 08:00")], market)
    of_gaps = [query["sql"] for query in asked if "markets_gap" in query["sql"]]
    assert len(of_gaps) == 2, "each asked in the statement that locks the source"
    assert all("EXISTS" in sql for sql in of_gaps)


# Candles


def test_candles_that_are_missing_between_neighbours_are_a_gap(market: Source) -> None:
    save_bars([bar("2026-10-26 04:00"), bar("2026-10-26 08:00"), bar("2026-10-26 08:00", ticker="ETHUSDT")], market)
    row = Gap.objects.get()
    assert (row.table, row.instrument, row.reason) == ("candle:1h", instrument("BTCUSDT"), "missing")
    assert hours() == [("05:00", "07:00")]


def test_late_candles_shorten_split_and_close_their_gap(market: Source) -> None:
    save_bars([bar("2026-10-26 02:00"), bar("2026-10-26 08:00")], market)
    save_bars([bar("2026-10-26 03:00")], market)
    assert hours() == [("04:00", "07:00")]
    save_bars([bar("2026-10-26 05:00")], market)
    assert hours() == [("04:00", "04:00"), ("06:00", "07:00")]
    save_bars([bar("2026-10-26 05:00", timeframe="5m")], market)
    assert hours(table="candle:1h") == [("04:00", "04:00"), ("06:00", "07:00")]
    save_bars([bar(f"2026-10-26 0{hour}:00") for hour in (4, 5, 6, 7)], market)
    assert hours() == []


def test_candles_that_leave_holes_in_a_gap_leave_those_as_gaps(market: Source) -> None:
    save_bars([bar("2026-10-26 01:00"), bar("2026-10-26 09:00")], market)
    save_bars([bar("2026-10-26 03:00"), bar("2026-10-26 07:00")], market)
    assert hours() == [("02:00", "02:00"), ("04:00", "06:00"), ("08:00", "08:00")]


def test_gaps_of_candles_that_retention_deletes_go_with_them(market: Source) -> None:
    for timeframe in ("5m", "1h"):
        save_bars([bar(f"2026-09-01 0{hour}:00", timeframe=timeframe) for hour in (1, 5)], market)
    retention.prune(30)
    assert set(Gap.objects.values_list("table", flat=True)) == {"candle:1h"}


# What the collectors could not have


class January:
    """Table A of the working days of 2024; a window that reaches the day `away` cannot be had."""

    def __init__(self, away: date) -> None:
        self.away = away

    def __call__(self, start: date, end: date) -> list[Table]:
        if end >= self.away:
            raise Unreachable("away")
        found = [start + timedelta(days=number) for number in range((end - start).days + 1)]
        return [with_proof(day) for day in found if day.weekday() < 5]


def with_proof(day: date) -> Table:
    return replace(table(day, ("USD", "3.9")), number=str(day), url="https://nbp.example/", sha256=f"{day:%Y%m%d}" * 8)


@pytest.fixture
def mine(nbp: Source, at: Callable[[str], None], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Job]:
    at("2024-01-26 13:00")

    def run(series: TableSeries = SERIES, away: date = date.max) -> Job:
        monkeypatch.setattr(table_collector, "fetcher", lambda *_: January(away))
        return table_collector.mine_series(table_collector.Run(nbp, sources.provider_of(nbp)), series)

    return run


def test_a_first_fill_is_announced_and_shrinks_window_by_window(
    nbp: Source, mine: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    real = publish

    def spy(*args: Any, **kwargs: Any) -> Any:
        seen.append(days(reason="first_fill"))
        return real(*args, **kwargs)

    monkeypatch.setattr(table_collector, "publish", spy)
    mine()
    assert seen[:2] == [[("", "01-01", "01-26", 0)], [("", "01-01", "01-19", 0)]], "the newest days come first"
    assert all(before[0][1] < after[0][1] for before, after in pairwise(seen[1:]))
    assert days() == []


@pytest.mark.slow
def test_a_first_fill_that_fails_stays_with_a_try_and_the_next_run_closes_it(
    mine: Callable[..., Job], at: Callable[[str], None]
) -> None:
    for tries in (1, 2):
        with pytest.raises(Unreachable):
            mine(away=date(2024, 1, 8))
        assert max(row[3] for row in days(reason="first_fill")) == tries, "the newest days never wait"
    at("2024-01-28 13:00")
    mine()
    assert days() == []


def test_a_window_that_fails_later_is_a_gap_until_its_days_come(
    mine: Callable[..., Job], at: Callable[[str], None]
) -> None:
    series = replace(SERIES, known_until=date(2024, 1, 26), reread=7)
    mine(series)
    at("2024-01-29 13:00")
    for tries in (1, 2):
        with pytest.raises(Unreachable):
            mine(series, away=date(2024, 1, 26))
        assert days(reason="failed") == [("", "01-27", "01-29", tries)]
        assert not Gap.objects.filter(reason="first_fill").exists()
    mine(series)
    assert days() == []


def test_days_that_must_exist_and_are_empty_are_a_gap(
    nbp: Source, mine: Callable[..., Job], at: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    series = replace(SERIES, known_until=date(2024, 1, 26))
    mine(series)
    at("2024-02-09 13:00")
    monkeypatch.setattr(January, "__call__", lambda *_: [])
    monkeypatch.setattr(silence, "last_sure_day", lambda *_: date(2024, 2, 8))
    with pytest.raises(ExpectedData):
        mine(series)
    row = Gap.objects.get()
    assert (row.cause, row.from_time.date(), row.tries) == ("expected_data", date(2024, 1, 27), 1)


# Operators


@pytest.fixture
def gap(nbp: Source, job: Job) -> Gap:
    publish([table(day, ("USD", str(value))) for day, value in wave(300)], nbp, job)
    gaps.begin_first_fill(nbp, [gaps.of_days("A", date(2026, 1, 1), date(2026, 1, 9))])
    OrmQ.objects.all().delete()
    return Gap.objects.get()


def accept(client: Client, gap: Gap) -> None:
    form = {"action": "accept", "_selected_action": [str(gap.pk)], "confirmed": "yes", "reason": "źródło tego nie ma"}
    client.post(reverse("admin:markets_gap_changelist"), form)
    gap.refresh_from_db()


def test_an_operator_accepts_a_gap_and_what_waited_is_decided(client: Client, gap: Gap) -> None:
    operator = User.objects.create_superuser("operator")
    client.force_login(operator)
    assert list(queries.missing()) == [gap]
    accept(client, gap)
    assert (gap.accepted_by, gap.accepted_at is not None) == (operator, True)
    assert list(queries.missing()) == []
    assert sum(map(is_catch_up, OrmQ.objects.all())) == 1


def test_who_may_only_look_accepts_nothing(client: Client, gap: Gap) -> None:
    viewer = User.objects.create_user("viewer", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_gap"))
    client.force_login(viewer)
    accept(client, gap)
    assert gap.accepted_at is None
    changer = User.objects.create_user("changer", is_staff=True)
    changer.user_permissions.add(*Permission.objects.filter(codename__in=("view_gap", "change_gap")))
    client.force_login(changer)
    accept(client, gap)
    assert gap.accepted_by == changer


def test_what_was_accepted_is_not_reported_again(nbp: Source, job: Job) -> None:
    publish([table(JAN_2, ("USD", "3.9"))], nbp, job)
    publish([table(JAN_3, ("USD", "0"))], nbp, job)
    Gap.objects.update(accepted_at=clock.now())
    publish([table(JAN_3, ("USD", "0"))], nbp, job)
    assert days() == [("USD", "01-03", "01-03", 1)]
    publish([table(JAN_4, ("USD", "0"))], nbp, job)
    assert days(accepted_at=None) == [("USD", "01-04", "01-04", 1)]
