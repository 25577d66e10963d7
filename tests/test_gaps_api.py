"""What is missing over the API: the gaps with their state, and a year of a table day by day."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from markets import clock
from markets.instruments import create
from markets.jobs import runs
from markets.models import Gap, Instrument, Job, Publication, Rate, Source
from markets.queries import gap_days
from markets.queries.gap_days import DailyTable, Hole, Known, Word
from markets.store.outbox import midnight
from miner.gaps.schemas import GapPage, YearOfDays
from tests.cases import walk
from tests.market import instrument, source
from tests.test_api_errors import error

pytestmark = pytest.mark.django_db
TOKEN = {"Authorization": "Bearer let-me-in"}


@pytest.fixture(autouse=True)
def noon(at: Callable[[str], None], settings: Any) -> None:
    settings.API_TOKEN = "let-me-in"
    at("2026-01-30 13:00")


def day(text: str) -> datetime:
    return midnight(date.fromisoformat(text))


def gap(of: Source, first: str, last: str = "", table: str = "A", **more: Any) -> Gap:
    more = {"reason": "failed", "tries": 1, "cause": "unreachable"} | more
    return Gap.objects.create(source=of, table=table, from_time=day(first), to_time=day(last or first), **more)


def published(of: Source, *days: str, table: str = "A", job: Job | None = None) -> None:
    for text in days:
        Publication.objects.create(
            source=of, table=table, effective_date=text, url="x", sha256="0" * 64, fetched_at=clock.now(), job=job
        )


def items(client: Client, query: str = "", **more: Any) -> list[dict[str, Any]]:
    response = client.get(f"/gaps{query}", **more)
    assert response.status_code == 200, response.content
    return list(response.json()["items"])


def states(client: Client, **more: Any) -> list[str]:
    return [one["state"] for one in items(client, **more)]


def year(client: Client, table: str = "A", of: str = "nbp", number: int = 2026) -> dict[str, Any]:
    response = client.get(f"/gaps/days?source={of}&table={table}&year={number}")
    assert response.status_code == 200, response.content
    return dict(response.json())


def words(client: Client, *days: str, **more: Any) -> list[str]:
    found = year(client, **more)["days"]
    return [found[date.fromisoformat(text).timetuple().tm_yday - 1] for text in days]


# The list


def test_a_gap_says_what_is_missing_why_and_when_it_is_asked_for_again(client: Client, nbp: Source) -> None:
    row = gap(nbp, "2026-01-05", "2026-01-07", tries=2, next_try=clock.now() + timedelta(hours=1))
    (found,) = items(client)
    days = found.pop("days")
    assert found == {
        "id": row.pk, "source": "nbp", "table": "A", "instrument": None, "from": "2026-01-05", "to": "2026-01-07",
        "expected": 2, "reason": "failed", "cause": "unreachable", "tries": 2, "next_try": "2026-01-30T13:00:00Z",
        "state": "waiting", "accepted_at": None, "accepted_by": None,
    }  # fmt: skip
    assert days == [
        {"day": "2026-01-05", "state": "missing", "name": None},
        {"day": "2026-01-06", "state": "holiday", "name": "Święto Trzech Króli"},
        {"day": "2026-01-07", "state": "missing", "name": None},
    ]


def test_days_of_a_gap_that_are_known_holidays_and_weekends_are_explained_and_no_gap(
    client: Client, nbp: Source
) -> None:
    gap(nbp, "2026-01-03", "2026-01-04")
    gap(nbp, "2026-01-06")
    assert [(one["state"], one["expected"]) for one in items(client)] == [("explained", 0), ("explained", 0)]


def test_a_day_that_was_published_inside_a_gap_says_so(client: Client, nbp: Source) -> None:
    gap(nbp, "2026-01-07", "2026-01-09")
    published(nbp, "2026-01-08")
    published(nbp, "2026-01-09", table="C")
    assert [one["state"] for one in items(client)[0]["days"]] == ["missing", "published", "missing"]


def test_a_refused_figure_makes_its_published_day_suspect(client: Client, nbp: Source) -> None:
    create.find_or_create({"USD"}, "currency")
    gap(nbp, "2026-01-08", reason="refused", cause="", instrument=instrument("USD"))
    published(nbp, "2026-01-08")
    (found,) = items(client)
    assert (found["instrument"], found["cause"], found["days"][0]["state"]) == ("USD", None, "suspect")
    assert words(client, "2026-01-08") == ["suspect"]


def test_a_long_gap_shows_its_first_month_and_counts_all_of_it(client: Client, nbp: Source) -> None:
    gap(nbp, "2025-01-01", "2025-12-31", reason="first_fill", tries=0)
    (found,) = items(client)
    assert (len(found["days"]), found["days"][-1]["day"]) == (31, "2025-01-31")
    due = [text for text in year(client, number=2025)["days"] if text == "missing"]
    assert found["expected"] == len(due) == 251


def test_candles_are_counted_and_told_by_their_moments(client: Client, db: None) -> None:
    market = source("binance", ["BTCUSDT"])
    moment = datetime(2026, 1, 20, 10, tzinfo=UTC)
    Gap.objects.create(source=market, table="candle:1h", instrument=instrument("BTCUSDT"), reason="missing",
                       from_time=moment, to_time=moment + timedelta(hours=3))  # fmt: skip
    (found,) = items(client)
    assert (found["from"], found["to"]) == ("2026-01-20T10:00:00Z", "2026-01-20T13:00:00Z")
    assert (found["expected"], found["days"]) == (4, [])


@walk(
    ("more", "state"),
    [
        ({}, "waiting"),
        ({"tries": 5}, "given_up"),
        ({"accepted_at": datetime(2026, 1, 12, tzinfo=UTC)}, "accepted"),
    ],
)
def test_the_state_says_who_does_what_about_it(client: Client, nbp: Source, more: Any, state: str) -> None:
    gap(nbp, "2026-01-08", next_try=clock.now() + timedelta(hours=1), **more)
    assert states(client) == [state]


def test_a_source_that_is_off_or_paused_is_asked_by_nobody(client: Client, nbp: Source) -> None:
    gap(nbp, "2026-01-08")
    Source.objects.filter(pk=nbp.pk).update(paused_until=clock.now() + timedelta(hours=1))
    assert states(client) == ["off"]
    Source.objects.filter(pk=nbp.pk).update(paused_until=None, enabled=False)
    assert states(client) == ["off"]


def test_a_job_that_runs_asks_for_the_gaps_that_were_due_when_it_began(client: Client, nbp: Source) -> None:
    gap(nbp, "2026-01-08", next_try=clock.now() - timedelta(minutes=1))
    gap(nbp, "2026-01-20", next_try=clock.now() + timedelta(hours=1))
    assert states(client) == ["waiting", "waiting"]
    job = runs.start("nbp.A", nbp, Job.Trigger.SCHEDULE)
    assert states(client) == ["asking", "waiting"]
    Job.objects.filter(pk=job.pk).update(trigger=Job.Trigger.OPERATOR)
    assert states(client) == ["asking", "asking"]
    Job.objects.filter(pk=job.pk).update(lease_until=clock.now() - timedelta(seconds=1))
    assert states(client) == ["waiting", "waiting"], "a dead job asks for nothing"


def test_who_accepted_a_gap_is_for_operators_alone(client: Client, nbp: Source) -> None:
    boss = User.objects.create_user("boss")
    gap(nbp, "2026-01-08", accepted_at=clock.now(), accepted_by=boss)
    assert [one["accepted_by"] for one in items(client)] == [None]
    assert [one["accepted_by"] for one in items(client, headers=TOKEN)] == ["boss"]


def test_the_list_is_narrowed_by_source_table_instrument_and_days(client: Client, nbp: Source) -> None:
    create.find_or_create({"USD"}, "currency")
    gap(nbp, "2026-01-05", "2026-01-09")
    gap(nbp, "2026-01-20", table="C")
    gap(nbp, "2026-01-21", reason="refused", instrument=instrument("USD"))
    gap(Source.objects.get(code="ecb"), "2026-01-22", table="eurofxref")

    def firsts(query: str) -> list[str]:
        return [one["from"][8:] for one in items(client, query)]

    assert firsts("") == ["22", "05", "21", "20"]
    assert firsts("?source=NBP") == ["05", "21", "20"]
    assert firsts("?table=C") == ["20"]
    assert firsts("?instrument=usd/pln") == ["21"]
    assert firsts("?source=nbp&from=2026-01-09&to=2026-01-20") == ["05", "20"]
    assert firsts("?from=2026-01-10") == ["22", "21", "20"]
    assert firsts("?to=2026-01-04&source=nbp") == []
    assert firsts("?from=9999-12-31") == []
    assert len(firsts("?from=0001-01-01&to=9999-12-31")) == 4
    assert client.get("/gaps?limit=1").json()["count"] == 4


def test_the_answer_keeps_its_schema(client: Client, nbp: Source) -> None:
    gap(nbp, "2026-01-08")
    sent = client.get("/gaps").json()
    assert GapPage.model_validate(sent).model_dump(mode="json", by_alias=True) == sent
    told = year(client)
    assert YearOfDays.model_validate(told).model_dump(mode="json") == told


def test_the_statements_are_as_many_whatever_the_rows(
    client: Client, nbp: Source, django_assert_num_queries: Any
) -> None:
    for number in range(1, 29):
        gap(nbp, f"2025-11-{number:02}", table="AC"[number % 2])
        published(nbp, f"2025-11-{number:02}")
    with django_assert_num_queries(3):
        assert len(items(client)) == 28
    with django_assert_num_queries(3):
        year(client, number=2025)


# A year, day by day


def test_each_day_of_a_year_has_a_word(client: Client, nbp: Source) -> None:
    published(nbp, "2025-12-31", "2026-01-02", "2026-01-05", "2026-01-08")
    gap(nbp, "2026-01-07")
    found = year(client)
    assert (found["source"], found["table"], found["year"], found["first"]) == ("nbp", "A", 2026, "2002-01-02")
    assert len(found["days"]) == 365
    first = ["holiday", "published", "weekend", "weekend", "published", "holiday", "missing", "published"]
    assert found["days"][:8] == first
    assert found["names"]["2026-01-06"] == "Święto Trzech Króli"
    assert sum(found["counts"].values()) == 365
    assert found["counts"]["published"] == 3


def test_a_leap_year_has_366_days(client: Client, nbp: Source) -> None:
    assert len(year(client, number=2024)["days"]) == 366


def test_a_working_day_between_two_tables_that_no_gap_tells_of_was_not_published(client: Client, nbp: Source) -> None:
    """The tables decide: the source was asked for both neighbours and gave nothing between them."""
    published(nbp, "2026-01-08", "2026-01-12")
    assert words(client, "2026-01-09") == ["not_published"]
    Publication.objects.filter(effective_date="2026-01-12").delete()
    published(nbp, "2026-01-16")
    assert words(client, "2026-01-09") == ["missing"], "longer than the table pauses"


def test_a_day_behind_the_newest_table_is_expected_until_its_hour_is_over(
    client: Client, nbp: Source, at: Callable[[str], None]
) -> None:
    published(nbp, "2026-01-29")
    at("2026-01-30 12:44")
    assert words(client, "2026-01-30", "2026-02-02") == ["expected", "future"]
    at("2026-01-30 12:45")
    assert words(client, "2026-01-30", "2026-02-02") == ["missing", "future"]


def test_holidays_and_weekends_are_known_beforehand(client: Client, nbp: Source) -> None:
    assert words(client, "2026-12-24", "2026-12-25", "2026-12-27", "2026-12-28") == [
        "holiday", "holiday", "weekend", "future",
    ]  # fmt: skip


def test_the_ecb_keeps_holidays_of_its_own(client: Client, nbp: Source) -> None:
    assert words(client, "2026-05-01", "2026-01-06", of="ecb", table="eurofxref") == ["holiday", "missing"]


def test_a_weekly_table_is_due_once_a_week(client: Client, nbp: Source) -> None:
    published(nbp, "2026-01-07", "2026-01-14", table="B")
    assert words(client, "2026-01-13", "2026-01-14", "2026-01-15", table="B") == ["not_due", "published", "not_due"]


def test_a_table_on_a_day_without_one_is_published_all_the_same(client: Client, nbp: Source) -> None:
    published(nbp, "2026-01-06", "2026-01-10")
    assert words(client, "2026-01-06", "2026-01-10") == ["published", "published"]


def test_a_gap_that_an_operator_accepted_is_no_missing_day(client: Client, nbp: Source) -> None:
    gap(nbp, "2026-01-08", accepted_at=clock.now())
    assert words(client, "2026-01-08") == ["accepted"]


def test_a_day_that_a_healing_job_brought_is_healed(client: Client, nbp: Source) -> None:
    job = runs.start("nbp.A", nbp, Job.Trigger.OPERATOR)
    published(nbp, "2026-01-08", job=job)
    assert words(client, "2026-01-08") == ["published"]
    Job.objects.filter(pk=job.pk).update(details={gap_days.HEAL: {}})
    assert words(client, "2026-01-08") == ["healed"]


def test_days_before_the_first_table_are_outside(client: Client, nbp: Source) -> None:
    assert words(client, "2001-12-31", number=2001) == ["outside"]
    assert words(client, "2002-01-01", "2002-01-02", number=2002) == ["outside", "missing"]


def test_an_archive_counts_the_days_of_its_rates_and_of_the_official_ones(
    client: Client, nbp: Source, archive: Source
) -> None:
    create.find_or_create({"USD"}, "currency")
    usd = Instrument.objects.get(code="USD")
    for of, text in ((archive, "2025-01-02"), (nbp, "2025-01-03")):
        Rate.objects.create(source=of, instrument=usd, table="A", effective_date=text, mid=4, scale=4)
    assert words(client, "2025-01-02", "2025-01-03", of="nbp_archive", table="mid", number=2025) == ["published"] * 2


def test_the_word_of_a_day_is_the_same_at_every_second_between_two_publications(
    client: Client, nbp: Source, at: Callable[[str], None]
) -> None:
    tags = set()
    for moment in ("2026-01-30 13:00:00", "2026-01-30 13:00:59", "2026-01-30 23:00"):
        at(moment)
        tags.add(client.get("/gaps/days?source=nbp&table=A&year=2026").headers["ETag"])
    assert len(tags) == 1


def test_a_hole_of_one_instrument_is_no_hole_of_its_table() -> None:
    from miner.gaps import tables

    table: DailyTable = tables.daily(tables.series_of("nbp", "A"))  # type: ignore[arg-type]
    today = date(2026, 1, 8)
    known = Known({}, [Hole(today, today, of_instrument=True)], [date(2026, 1, 7), date(2026, 1, 9)])
    assert gap_days.word(today, table, known, clock.now()) == Word.NOT_PUBLISHED


# Bad input


@walk(
    ("query", "status", "field"),
    [
        ("source=", 422, "source"),
        ("source=" + "x" * 33, 422, "source"),
        ("source=nbp&source=ecb", 422, "source"),
        ("source=n%00bp", 422, "source"),
        ("source=nobody", 404, None),
        ("table=Q", 404, None),
        ("source=nbp&table=eurofxref", 404, None),
        ("instrument=USB", 404, None),
        ("from=yesterday", 422, "from"),
        ("from=２０２６-０１-０１", 422, "from"),
        ("from=2026-02-30", 422, "from"),
        ("from=", 422, "from"),
        ("from=1767225600", 422, "from"),
        ("from=2026-01-09&to=2026-01-08", 400, None),
        ("limit=0", 422, "limit"),
        ("offset=" + "9" * 30, 422, "offset"),
        ("bogus=1", 422, "bogus"),
    ],
)
def test_a_question_that_means_nothing_is_refused_by_name(
    client: Client, nbp: Source, query: str, status: int, field: str | None
) -> None:
    told = error(client.get(f"/gaps?{query}"), status)
    assert field is None or [one["field"] for one in told["detail"]] == [field]


@walk(
    ("query", "status", "field"),
    [
        ("source=nbp&table=A", 422, "year"),
        ("source=nbp&table=A&year=", 422, "year"),
        ("source=nbp&table=A&year=２０２６", 422, "year"),
        ("source=nbp&table=A&year=2026.0", 422, "year"),
        ("source=nbp&table=A&year=1979", 422, "year"),
        ("source=nbp&table=A&year=2101", 422, "year"),
        ("source=nbp&table=A&year=" + "9" * 5000, 422, "year"),
        ("source=nbp&table=A&year=2026&year=2025", 422, "year"),
        ("source=nbp&table=a%00&year=2026", 422, "table"),
        ("source=nbp&table=D&year=2026", 404, None),
        ("source=nobody&table=A&year=2026", 404, None),
        ("source=binance&table=candle:1h&year=2026", 404, None),
    ],
)
def test_a_year_that_nobody_has_is_refused_by_name(
    client: Client, nbp: Source, query: str, status: int, field: str | None
) -> None:
    told = error(client.get(f"/gaps/days?{query}"), status)
    assert field is None or [one["field"] for one in told["detail"]] == [field]


def test_an_unknown_table_comes_back_with_those_of_the_source(client: Client, nbp: Source) -> None:
    told = error(client.get("/gaps?source=nbp&table=goldd"), 404)
    assert told["detail"] == {"nearest": ["gold"], "tables": ["A", "gold", "C", "B"]}
