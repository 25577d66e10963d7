"""GET /rates for a day and for every day of a period: one rule fills both, and nothing is left out silently."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from markets.models import Gap, Rate, Source
from markets.records import RateRecord, Table
from tests.cases import walk
from tests.rate_days import FRIDAY, MONDAY, SATURDAY, SUNDAY, WEDNESDAY, ask, refusal, save, table, told, weekdays

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("without_redis")]
THURSDAY = date(2026, 10, 22)
ROW = ("date", "effective_date", "mid", "filled", "reason")


@pytest.fixture(autouse=True)
def tables(at: Callable[[str], None], nbp: Source) -> None:
    """Two weeks of table A until Friday, the table B of two Wednesdays; now it is noon on Monday, before the table."""
    at("2026-10-26 11:00")
    for number, day in enumerate(weekdays(date(2026, 10, 12), FRIDAY)):
        save(nbp, table("A", day, USD=f"3.9{number:02}0", EUR="4.3000"))
    save(nbp, table("B", date(2026, 10, 14), AED="1.0650"), table("B", WEDNESDAY, AED="1.0700"))


def test_a_day_without_publication_says_so_and_has_no_figure(client: Client) -> None:
    answer = ask(client, "/rates", code="USD", date=SATURDAY)
    assert told(answer, *ROW) == [("2026-10-24", None, None, False, "weekend")]
    assert answer["count"] == 1
    [row] = answer["items"]
    assert (row["source"], row["table"], row["table_no"], row["stale"]) == (None, None, None, False)


def test_a_day_with_a_publication_is_that_row_of_the_table(client: Client) -> None:
    [row] = ask(client, "/rates", code="usd/pln", date=FRIDAY)["items"]
    assert row == {
        "code": "USD", "base": "USD", "quote": "PLN", "date": "2026-10-23", "effective_date": "2026-10-23",
        "mid": "3.9090", "bid": None, "ask": None, "source": "nbp", "table": "A", "table_no": "296/A/NBP/2026",
        "derived": False, "legs": None, "unit": 1, "filled": False, "stale": False, "reason": None,
        "reason_name": None,
    }  # fmt: skip


@pytest.mark.slow
@walk(
    ("fill", "day", "expected"),
    [
        ("previous", SUNDAY, ("2026-10-23", "3.9090", True, "weekend")),
        ("previous", FRIDAY, ("2026-10-23", "3.9090", False, None)),
        ("previous", MONDAY, ("2026-10-23", "3.9090", True, "not_yet_published")),
        ("next", date(2026, 10, 17), ("2026-10-19", "3.9050", True, "weekend")),
        ("next", SATURDAY, (None, None, False, "not_yet_published")),
        ("none", SUNDAY, (None, None, False, "weekend")),
    ],
)
def test_a_day_is_filled_from_where_it_is_asked_and_says_of_which_day_and_why(
    client: Client, fill: str, day: date, expected: tuple[Any, ...]
) -> None:
    assert told(ask(client, "/rates", code="USD", date=day, fill=fill), *ROW)[0][1:] == expected


@pytest.mark.slow
@walk("fill", ["none", "previous", "next"])
def test_a_period_is_its_days_each_asked_alone(client: Client, fill: str) -> None:
    whole = ask(client, "/rates", code="USD,AED", fill=fill, from_="2026-10-14", to=MONDAY)
    days = [date(2026, 10, 14) + timedelta(days=ahead) for ahead in range(13)]
    alone = [row for day in days for row in ask(client, "/rates", code="USD,AED", fill=fill, date=day)["items"]]
    assert whole == {"items": alone, "count": 26}


@pytest.mark.slow
def test_pages_of_a_filled_period_are_the_period_in_pieces(client: Client) -> None:
    period = {"code": "USD,AED", "fill": "previous", "from_": "2026-10-12", "to": MONDAY}
    whole = ask(client, "/rates", **period)
    pieces = [ask(client, "/rates", **period, limit=7, offset=offset) for offset in range(0, 35, 7)]
    assert [row for piece in pieces for row in piece["items"]] == whole["items"]
    assert {piece["count"] for piece in pieces} == {whole["count"]} == {30}
    assert ask(client, "/rates", **period, offset=1_000_000) == {"items": [], "count": 30}


@pytest.mark.slow
@walk(
    ("code", "day", "reason", "name"),
    [
        ("USD", "2026-10-27", "future", None),
        ("USD", "9999-12-31", "future", None),
        ("USD", "0001-01-01", "not_quoted", None),
        ("USD", "2026-10-11", "not_quoted", None),
        ("AED", "2026-10-22", "not_a_table_day", None),
        ("AED", "2026-10-24", "weekend", None),
    ],
)
def test_a_day_without_a_figure_says_why(client: Client, code: str, day: str, reason: str, name: str | None) -> None:
    for fill in ("none", "previous"):
        found = told(ask(client, "/rates", code=code, date=day, fill=fill), "reason", "reason_name")
        assert found == [(reason, name)]


def test_a_holiday_is_called_by_its_name(client: Client, nbp: Source, at: Callable[[str], None]) -> None:
    at("2026-11-12 13:00")
    save(nbp, table("A", date(2026, 11, 10), USD="3.9500"), table("A", date(2026, 11, 12), USD="3.9600"))
    [row] = ask(client, "/rates", code="USD", date="2026-11-11", fill="previous")["items"]
    assert (row["mid"], row["reason"], row["reason_name"]) == ("3.9500", "holiday", "Narodowe Święto Niepodległości")


@pytest.mark.slow
def test_a_table_that_should_be_here_is_missing_and_what_stands_in_is_stale(
    client: Client, at: Callable[[str], None]
) -> None:
    at("2026-10-26 12:44")
    asked = {"code": "USD", "date": MONDAY, "fill": "previous"}
    assert told(ask(client, "/rates", **asked), "reason", "stale") == [("not_yet_published", False)]
    at("2026-10-26 12:46")  # asked again by the same address: no kept answer of the minute before
    assert told(ask(client, "/rates", **asked), "mid", "reason", "stale") == [("3.9090", "missing_here", True)]
    assert told(ask(client, "/rates", code="USD", date=MONDAY), "mid", "stale") == [(None, True)]


def test_a_gap_in_the_middle_is_missing_and_a_day_that_nobody_published_is_not(client: Client, nbp: Source) -> None:
    Rate.objects.filter(effective_date=THURSDAY, table="A").delete()
    [row] = ask(client, "/rates", code="USD", date=THURSDAY)["items"]
    assert (row["reason"], row["stale"]) == ("no_publication", False)
    midnight = datetime(2026, 10, 22, tzinfo=UTC)
    Gap.objects.create(source=nbp, table="A", from_time=midnight, to_time=midnight, reason="empty")
    [row] = ask(client, "/rates", code="USD", date=THURSDAY, fill="next")["items"]
    assert (row["reason"], row["stale"], row["effective_date"]) == ("missing_here", True, "2026-10-23")


@pytest.mark.slow
def test_what_left_its_table_is_carried_two_weeks_at_most_and_says_so(
    client: Client, nbp: Source, at: Callable[[str], None]
) -> None:
    at("2026-12-01 13:00")
    for day in weekdays(MONDAY, date(2026, 12, 1)):
        save(nbp, table("A", day, EUR="4.3000"))
    near, far = date(2026, 11, 6), date(2026, 11, 7)  # 14 and 15 days after the last dollar
    columns = ("mid", "filled", "reason", "reason_name")
    found = told(ask(client, "/rates", code="USD", fill="previous", from_=near, to=far), *columns)
    assert found == [("3.9090", True, "left_table", "2026-10-23"), (None, False, "left_table", "2026-10-23")]


def test_table_b_is_carried_three_weeks_and_a_pause_ends_as_stale(
    client: Client, nbp: Source, at: Callable[[str], None]
) -> None:
    at("2026-11-12 13:00")
    found = ask(client, "/rates", code="AED", fill="previous", from_="2026-11-11", to="2026-11-12")
    # 21 days after Wednesday it may stand in, as an old number on a holiday; a day later it may not.
    columns = ("mid", "stale", "reason")
    assert told(found, *columns) == [("1.0700", True, "holiday"), (None, True, "stale")]


def test_a_weekend_hides_no_old_number(client: Client, at: Callable[[str], None]) -> None:
    at("2026-11-01 13:00")  # Sunday; the last table is of the Friday before
    columns = ("effective_date", "reason", "stale")
    asked = {"code": "USD", "fill": "previous", "from_": FRIDAY, "to": SUNDAY}
    assert [row[2] for row in told(ask(client, "/rates", **asked), *columns)] == [False, False, False]
    found = ask(client, "/rates", code="USD", fill="previous", date="2026-10-31")
    assert told(found, *columns) == [("2026-10-23", "weekend", True)]


@pytest.mark.slow
def test_nothing_is_carried_into_another_unit_of_money(client: Client, nbp: Source, at: Callable[[str], None]) -> None:
    at("2026-01-22 13:00")
    for day, value in (("2025-12-31", "0.000326"), ("2026-01-07", "0.031183"), ("2026-01-21", "0.031239")):
        save(nbp, table("B", date.fromisoformat(day), SYP=value))
    rows = ask(client, "/rates", code="SYP", fill="previous", from_="2026-01-06", to="2026-01-08")
    assert told(rows, "mid", "filled") == [("0.000326", True), ("0.031183", False), ("0.031183", True)]
    ahead = ask(client, "/rates", code="SYP", fill="next", from_="2026-01-02", to="2026-01-02")
    assert told(ahead, "mid", "reason") == [(None, "redenominated")]


@pytest.mark.slow
def test_a_day_can_be_asked_of_one_table_and_of_one_source(client: Client, nbp: Source) -> None:
    bid_ask = RateRecord("USD", bid=Decimal("3.8"), ask=Decimal("4.0"))
    save(nbp, Table("C", FRIDAY, [bid_ask], number="1/C", sha256="c"))
    [row] = ask(client, "/rates", code="USD", date=FRIDAY, table="C")["items"]
    assert (row["mid"], row["bid"], row["ask"], row["table_no"]) == (None, "3.8", "4.0", "1/C")
    assert told(ask(client, "/rates", code="USD", date=FRIDAY, source="NBP"), "mid") == [("3.9090",)]
    [none] = ask(client, "/rates", code="USD", date=FRIDAY, source="nbp_archive")["items"]
    assert (none["mid"], none["reason"]) == (None, "not_quoted")


@pytest.mark.slow
def test_figures_of_a_source_that_is_not_public_are_not_shown_on_a_day_either(client: Client) -> None:
    Source.objects.update(public_api=False)
    assert told(ask(client, "/rates", code="USD", date=FRIDAY), "mid", "reason") == [(None, "not_quoted")]
    assert ask(client, "/latest")["items"] == []
    assert told(ask(client, "/latest", code="USD"), "mid") == [(None,)]
    assert refusal(client, "/rates", code="USD", date=FRIDAY, source="nbp")[:2] == (403, "not_public")


STATEMENTS = [
    # The gaps twice, the generation, the codes, the figures, their spans, the newest tables.
    ({"code": "USD,EUR", "date": "2026-10-24", "fill": "previous"}, 7),
    ({"code": "USD,EUR,AED,PLN", "fill": "next", "from": "2026-10-12", "to": "2026-10-26"}, 7),
    ({"code": "USD,EUR,AED", "base": "PLN", "fill": "none", "from": "2026-10-12"}, 7),
    ({"code": "USD,EUR,AED", "quotes": "EUR/PLN", "date": "2026-10-24"}, 8),  # and the aliases
    ({"code": "USD,EUR", "from": "2026-10-12"}, 3),
    ({"code": "USD,EUR,AED", "base": "PLN", "group": "week"}, 3),
    ({"code": "USD", "from": "2026-10-12"}, 2),  # a page that is not full is counted already
]


@pytest.mark.slow
@walk(("asked", "count"), STATEMENTS)
def test_statements_do_not_grow_with_codes_or_days(
    client: Client, django_assert_num_queries: Any, asked: dict[str, str], count: int
) -> None:
    with django_assert_num_queries(count):
        assert client.get("/rates", asked).status_code == 200
