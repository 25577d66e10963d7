"""GET /rates by week and month, as columns, and with the facts of its source."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest
from django.test import Client

from markets.models import Source
from tests.cases import walk
from tests.rate_days import ask, refusal, save, table, told, weekdays

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("without_redis")]
START, END = date(2026, 8, 31), date(2026, 10, 23)


@pytest.fixture(autouse=True)
def tables(at: Callable[[str], None], nbp: Source) -> None:
    """Eight weeks that end on a Friday, the newest of them looked at on Saturday."""
    at("2026-10-24 11:00")
    days = enumerate(weekdays(START, END))
    save(nbp, *(table("A", day, USD=f"3.{9000 + number}", EUR="4.3000") for number, day in days))


def test_a_week_has_its_last_figure_and_the_lowest_highest_and_mean(client: Client) -> None:
    answer = ask(client, "/rates", code="USD", group="week", from_="2026-09-01", to="2026-10-24")
    assert answer["count"] == 8
    assert answer["items"][1] == {
        "code": "USD", "base": "USD", "quote": "PLN", "period": "2026-W37", "date": "2026-09-13",
        "effective_date": "2026-09-11", "mid": "3.9009", "bid": None, "ask": None, "source": "nbp", "table": "A",
        "table_no": "254/A/NBP/2026", "derived": False, "legs": None, "min": "3.9005", "max": "3.9009",
        "avg": "3.9007000", "days": 5, "unit": 1, "partial": False,
    }  # fmt: skip
    assert [row["partial"] for row in answer["items"]] == [True, *[False] * 6, True]


def test_a_month_has_all_its_days_and_may_be_a_cross(client: Client) -> None:
    answer = ask(client, "/rates", code="USD,EUR", base="PLN", group="month", from_=START, to=END)
    columns = ("period", "quote", "days", "partial", "derived")
    assert told(answer, *columns)[2:4] == [("2026-09", "USD", 22, False, True), ("2026-09", "EUR", 22, False, True)]
    dollar = answer["items"][2]
    assert dollar["min"] == "0.25626570"  # 1 / 3.9022
    assert Decimal(dollar["min"]) < Decimal(dollar["avg"]) < Decimal(dollar["max"])
    assert [leg["effective_date"] for leg in dollar["legs"]] == ["2026-09-30"]
    page = ask(client, "/rates", code="USD,EUR", base="PLN", group="month", from_=START, to=END, limit=2, offset=2)
    assert page == {"items": answer["items"][2:4], "count": 6}


def test_a_mean_is_of_one_unit_of_money(client: Client, nbp: Source, at: Callable[[str], None]) -> None:
    at("2026-01-31 13:00")
    for day, value in (("2026-01-02", "0.000326"), ("2026-01-07", "0.031183"), ("2026-01-21", "0.031239")):
        save(nbp, table("B", date.fromisoformat(day), SYP=value))
    [row] = ask(client, "/rates", code="SYP", group="month", from_="2026-01-01", to="2026-01-31")["items"]
    assert (row["days"], row["min"], row["max"], row["avg"]) == (2, "0.031183", "0.031239", "0.031211000")


@pytest.mark.parametrize("more", [{"fill": "previous"}, {"date": "2026-10-23"}])
def test_a_group_is_of_a_period_as_it_was_published(client: Client, more: Any) -> None:
    assert refusal(client, "/rates", code="USD", group="week", **more)[:2] == (400, "bad_request")


@pytest.mark.slow
@walk(
    "asked",
    [
        {"code": "USD", "limit": 1000},
        {"code": "USD", "fill": "previous"},
        {"code": "USD", "group": "week"},
        {"code": "USD,EUR", "fill": "none"},
        {"code": "USD", "expand": "source"},
    ],
)
def test_columns_hold_what_the_rows_do(client: Client, asked: Any) -> None:
    period = {"from_": START, "to": END} | asked
    rows, columns = ask(client, "/rates", **period), ask(client, "/rates", shape="columns", **period)
    assert columns["count"] == rows["count"]
    count = len(rows["items"])
    spread = {name: value if isinstance(value, list) else [value] * count for name, value in columns["items"].items()}
    assert [dict(zip(spread, row, strict=True)) for row in zip(*spread.values(), strict=True)] == rows["items"]


@walk("more", [{}, {"fill": "previous"}, {"expand": "source"}])
def test_columns_are_about_a_quarter_of_the_bytes(client: Client, more: Any) -> None:
    asked = {"code": "USD", "from": START, "to": END} | more
    rows, columns = (client.get("/rates", asked | {"shape": shape}).content for shape in ("rows", "columns"))
    assert len(columns) < len(rows) * 0.26


def test_pandas_makes_a_table_of_columns(client: Client) -> None:
    for limit in (1, 5):
        frame = pd.DataFrame(ask(client, "/rates", code="USD", shape="columns", limit=limit)["items"])
        assert len(frame) == limit
        assert set(frame["base"]) == {"USD"}
    empty = ask(client, "/rates", code="USD", shape="columns", from_="2020-01-01", to="2020-01-02")
    assert empty == {"items": {}, "count": 0}


def test_expand_puts_the_facts_of_the_source_into_each_row(client: Client, nbp: Source) -> None:
    facts = {"code": "nbp", "name": nbp.name, "attribution": nbp.attribution, "licence": nbp.licence, "url": nbp.url}
    for asked in ({"code": "USD"}, {"code": "USD,EUR"}, {"code": "USD", "group": "month"}):
        assert all(row["source"] == facts for row in ask(client, "/rates", expand="source", **asked)["items"])
    [row] = ask(client, "/rates", code="USD", date="2026-10-24", expand="source")["items"]
    assert row["source"] is None


@walk("how", [{"format": "csv"}, {"format": "ndjson"}, {"format": "xlsx"}])
@walk("which", [{"code": "USD"}, {"code": "USD,EUR"}])
def test_a_file_has_rows_and_columns_are_refused(client: Client, how: Any, which: Any) -> None:
    assert refusal(client, "/rates", shape="columns", **which, **how) == (400, "bad_request", how)


def test_columns_are_refused_also_where_the_header_asks_for_a_file(client: Client) -> None:
    answer = client.get("/rates?code=USD&shape=columns", headers={"accept": "text/csv"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_request")
