"""The newest rate, a day and a period give one figure, as the tables have it; and what is wrong is refused."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from markets.models import Rate, Source
from markets.queries import tables
from markets.records import Table
from miner import source_states
from miner.providers import PROVIDERS
from tests.cases import walk
from tests.rate_days import MONDAY, ask, refusal, save, table, weekdays

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("without_redis")]
START, END = date(2026, 9, 1), MONDAY
CODES = ("USD", "EUR", "UAH", "AED", "PLN")
DAYS = st.dates(START - timedelta(days=5), END)
HERE = {HealthCheck.function_scoped_fixture}


@pytest.fixture
def random_tables(at: Callable[[str], None], nbp: Source) -> None:
    """Table A with days left out and the hryvnia in it now and then; table B on Wednesdays with the hryvnia as well."""
    at("2026-10-26 13:00")
    dice, found = Random(20261026), list[Table]()
    for day in weekdays(START, END):
        if dice.random() < 0.85:
            rare = {"UAH": f"0.09{dice.randrange(10, 99)}"} if dice.random() < 0.3 else {}
            majors = {code: f"{dice.randrange(3, 5)}.{dice.randrange(1000, 9999)}" for code in ("USD", "EUR")}
            found.append(table("A", day, **majors, **rare))
        if day.weekday() == 2:
            found.append(table("B", day, AED=f"1.0{dice.randrange(100, 999)}", UAH=f"0.09{dice.randrange(10, 99)}"))
    save(nbp, *found)


def in_tables(code: str, day: date) -> tuple[Decimal, str] | None:
    """Table A before B, read without the questions that are tested."""
    rows = Rate.objects.filter(instrument__code=code, effective_date=day, table__in="AB").order_by("table")
    return next(((row.published("mid") or Decimal(0), row.table) for row in rows), None)


def figures(row: Any) -> Any:
    names = ("base", "quote", "effective_date", "mid", "source", "table", "table_no", "derived", "legs")
    return {name: row[name] for name in names}


@pytest.mark.slow
@pytest.mark.usefixtures("random_tables")
@given(st.sampled_from(CODES), st.sampled_from(CODES), DAYS, st.sampled_from(["none", "previous", "next"]))
@settings(max_examples=60, deadline=None, suppress_health_check=HERE)
def test_a_day_a_period_and_the_tables_agree(client: Client, code: str, quote: str, day: date, fill: str) -> None:
    asked = {"code": code, "quotes": quote, "fill": fill}
    [alone] = ask(client, "/rates", date=day, **asked)["items"]
    around = ask(client, "/rates", from_=day - timedelta(days=9), to=day + timedelta(days=3), **asked)
    assert [row for row in around["items"] if row["date"] == str(day)] == [alone]
    if alone["effective_date"] is None:
        assert alone["reason"]
        return
    effective = date.fromisoformat(alone["effective_date"])
    if code != quote:
        published = ask(client, "/rates", code=code, quotes=quote, from_=effective, to=effective)["items"]
        assert [figures(row) for row in published] == [figures(alone)]
    if quote == "PLN" != code:
        assert in_tables(code, effective) == (Decimal(alone["mid"]), alone["table"])
        [plain] = ask(client, "/rates", code=code, from_=effective, to=effective)["items"]
        assert {name: alone[name] for name in plain} == plain
    between = sorted([effective, day])
    if fill != "none" and alone["filled"] and quote == "PLN":
        nearer = [between[0] + timedelta(days=ahead) for ahead in range((between[1] - between[0]).days + 1)]
        assert all(in_tables(code, one) is None for one in nearer if one != effective)


@pytest.mark.slow
@pytest.mark.usefixtures("random_tables")
@given(st.sampled_from(CODES), st.sampled_from(CODES))
@settings(max_examples=25, deadline=None, suppress_health_check=HERE)
def test_the_newest_rate_is_that_of_its_day_and_of_today_filled(client: Client, code: str, quote: str) -> None:
    [newest] = ask(client, "/latest", code=code, quotes=quote)["items"]
    [of_its_day] = ask(client, "/rates", code=code, quotes=quote, date=newest["effective_date"])["items"]
    [today] = ask(client, "/rates", code=code, quotes=quote, date=MONDAY, fill="previous")["items"]
    assert figures(newest) == figures(of_its_day) == figures(today)


def test_the_timetables_are_those_that_the_providers_declare() -> None:
    declared = {
        series.table: source_states.timetable(series) for code in ("nbp", "ecb") for series in PROVIDERS[code].series
    }
    assert declared == tables.TIMETABLES


NAMES = {"base", "quotes", "code", "date", "fill", "group", "shape", "expand", "source", "table", "from", "to"}
WRONG: list[tuple[dict[str, str], int]] = [
    *(({"code": text}, status) for text, status in (
        ("", 422), ("USD,", 422), (",", 422), ("USD,,EUR", 422), ("USD, ,EUR", 422), ("U" * 33, 422),
        ("USD," + "U" * 33, 422), (",".join(["USD"] * 51), 422), ("USD," * 200 + "EUR", 422), ("USD\0,EUR", 422),
        ("USD,USD", 400), ("USD,usd/pln", 400), ("USD,USB", 404), ("ＵＳＤ,EUR", 404), ("USD,XAU", 404),
        ("USD;EUR", 404), ("USD,<script>", 404), ("PLN,PLN", 400),
    )),
    *(({"base": text}, status) for text, status in (
        ("", 422), ("U" * 33, 422), ("USB", 404), ("XAU", 404), ("EUR,USD", 404), ("\0", 422), ("ＥＵＲ", 404),
    )),
    *(({"quotes": text}, status) for text, status in (
        ("", 422), ("EUR,", 422), ("EUR,EUR", 400), ("USB", 404), ("E" * 801, 422), ("EUR\0", 422),
    )),
    *(({"date": text}, 422) for text in (
        "", "today", "2026-02-30", "20261026", "２０２６-10-26", "2026-10-26T00:00:00", "1e9", "10000-01-01", "\0",
    )),
    *(({"fill": text}, 422) for text in ("", "both", "Previous", "previous ", "\0")),
    *(({"group": text}, 422) for text in ("", "year", "weeks", "\0")),
    *(({"shape": text}, 422) for text in ("", "column", "\0")),
    *(({"expand": text}, 422) for text in ("", "sources", "Source", "source\n", "\0")),
    *(({"fill": "none", "from": text}, 422) for text in ("", "２０２６-10-26")),
    ({"date": "2026-10-26", "from": "2026-10-26"}, 400),
    ({"date": "2026-10-26", "to": "2026-10-26"}, 400),
    ({"fill": "none", "from": "2026-10-26", "to": "2026-10-25"}, 400),
    ({"fill": "none", "from": "0001-01-01"}, 400),
    ({"fill": "previous", "from": "0001-01-01", "to": "9999-12-31"}, 400),
    ({"code": "USD,EUR", "from": "1500-01-01"}, 400),
    ({"group": "week", "from": "0001-01-01", "to": "9999-12-31"}, 400),
    ({"date": "2026-10-26", "source": "nobody"}, 404),
    ({"date": "2026-10-26", "table": "D"}, 422),
]  # fmt: skip


@pytest.fixture
def two_codes(at: Callable[[str], None], nbp: Source) -> None:
    at("2026-10-26 13:00")
    save(nbp, table("A", MONDAY, USD="3.9350", EUR="4.3434"))


@pytest.mark.slow
@pytest.mark.usefixtures("two_codes")
@walk(("asked", "status"), WRONG)
def test_what_is_wrong_is_refused(client: Client, asked: dict[str, str], status: int) -> None:
    found = refusal(client, "/rates", **({"code": "USD"} | asked))
    assert found[0] == status
    if status == 422:
        assert {row["field"] for row in found[2]} & set(asked)


@pytest.mark.usefixtures("two_codes")
@walk("name", sorted(NAMES))
def test_a_parameter_that_comes_twice_is_refused(client: Client, name: str) -> None:
    response = client.get(f"/rates?code=USD&{name}=EUR&{name}=EUR")
    assert response.status_code == 422
    assert name in [row["field"] for row in response.json()["error"]["detail"]]


@pytest.mark.slow
@pytest.mark.usefixtures("two_codes")
@walk("fill", ["none", "previous", "next"])
@walk("day", ["0001-01-01", "1984-01-01", "2026-10-27", "9999-12-31"])
def test_the_ends_of_the_calendar_have_no_figure_and_no_fault(client: Client, fill: str, day: str) -> None:
    [row] = ask(client, "/rates", code="USD", quotes="EUR", date=day, fill=fill)["items"]
    assert (row["mid"], row["filled"], row["reason"] in {"future", "not_quoted"}) == (None, False, True)
