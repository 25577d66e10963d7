"""GET /latest: the newest rate of each currency, and what says that it is old or gone."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from django.test import Client

from markets.models import Source
from tests.cases import walk
from tests.rate_days import FRIDAY, MONDAY, WEDNESDAY, ask, refusal, save, table, told, weekdays

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("without_redis")]
ROW = ("code", "effective_date", "mid", "stale", "reason")


@pytest.fixture(autouse=True)
def tables(at: Callable[[str], None], nbp: Source) -> None:
    """The kuna left table A in August; it is Monday before the table."""
    at("2026-10-26 11:00")
    save(nbp, table("A", date(2026, 8, 31), HRK="0.5700", USD="3.8000"))
    for day in weekdays(date(2026, 10, 19), FRIDAY):
        save(nbp, table("A", day, USD="3.9350", EUR="4.3434"))
    save(nbp, table("B", WEDNESDAY, AED="1.0707"))


def test_it_has_all_that_the_newest_tables_have_sorted_by_code(client: Client) -> None:
    answer = ask(client, "/latest")
    assert told(answer, *ROW) == [
        ("AED", "2026-10-21", "1.0707", False, None),
        ("EUR", "2026-10-23", "4.3434", False, None),
        ("USD", "2026-10-23", "3.9350", False, None),
    ]
    assert answer["count"] == 3
    assert answer["items"][2] == {
        "code": "USD", "base": "USD", "quote": "PLN", "effective_date": "2026-10-23", "mid": "3.9350", "bid": None,
        "ask": None, "source": "nbp", "table": "A", "table_no": "296/A/NBP/2026", "derived": False, "legs": None,
        "unit": 1, "stale": False, "reason": None, "reason_name": None,
    }  # fmt: skip
    page = ask(client, "/latest", limit=1, offset=1)
    assert (page["items"], page["count"]) == (answer["items"][1:2], 3)


@pytest.mark.slow
def test_what_left_its_table_has_no_rate_and_says_since_when(client: Client) -> None:
    found = told(ask(client, "/latest", code="HRK,USD"), *ROW, "reason_name")
    assert found == [
        ("HRK", None, None, False, "left_table", "2026-08-31"),
        ("USD", "2026-10-23", "3.9350", False, None, None),
    ]
    assert told(ask(client, "/latest", code="USD", quotes="HRK"), "mid", "reason") == [(None, "left_table")]


def test_a_source_that_has_stalled_is_stale_from_the_minute_on_at_which_its_table_is_due(
    client: Client, at: Callable[[str], None]
) -> None:
    for moment, states in (
        ("2026-10-26 12:44", {"AED": False, "EUR": False, "USD": False}),
        ("2026-10-26 12:46", {"AED": False, "EUR": True, "USD": True}),
        ("2026-10-28 12:46", {"AED": True, "EUR": True, "USD": True}),
        ("2026-12-24 12:46", {"AED": True, "EUR": True, "USD": True}),
    ):
        at(moment)
        answer = ask(client, "/latest")
        assert {row["code"]: row["stale"] for row in answer["items"]} == states, moment
        assert {row["reason"] for row in answer["items"] if row["stale"]} <= {"missing_here"}


def test_a_new_table_is_in_the_next_answer(client: Client, nbp: Source) -> None:
    before = client.get("/latest")
    save(nbp, table("A", MONDAY, USD="4.0000", EUR="4.4000"))
    after = client.get("/latest", headers={"If-None-Match": before.headers["ETag"]})
    assert after.status_code == 200
    assert [row["mid"] for row in after.json()["items"]] == ["1.0707", "4.4000", "4.0000"]
    again = client.get("/latest", headers={"If-None-Match": after.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.slow
@walk(
    ("asked", "expected"),
    [
        ({"base": "EUR"}, [("EUR", "AED"), ("EUR", "PLN"), ("EUR", "USD")]),
        ({"base": "EUR", "quotes": "USD,PLN"}, [("EUR", "USD"), ("EUR", "PLN")]),
        ({"quotes": "EUR"}, [("AED", "EUR"), ("USD", "EUR")]),
        ({"code": "USD", "quotes": "EUR,PLN"}, [("USD", "EUR"), ("USD", "PLN")]),
        ({"code": "PLN"}, [("PLN", "PLN")]),
        ({"table": "B"}, [("AED", "PLN")]),
        ({"source": "nbp_archive"}, []),
    ],
)
def test_base_quotes_table_and_source_choose(client: Client, asked: Any, expected: Any) -> None:
    assert told(ask(client, "/latest", **asked), "base", "quote") == expected


def test_expand_puts_the_facts_of_the_source_in_the_place_of_its_code(client: Client, nbp: Source) -> None:
    [row] = ask(client, "/latest", code="USD", expand="source")["items"]
    assert row["source"] == {
        "code": "nbp", "name": nbp.name, "attribution": nbp.attribution, "licence": nbp.licence, "url": nbp.url,
    }  # fmt: skip


@pytest.mark.slow
def test_all_of_them_take_as_many_statements_as_one(client: Client, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(6):  # the generation, all codes, their rows, the figures, the newest tables, gaps
        client.get("/latest")
    with django_assert_num_queries(6):  # one code: its span instead of all codes
        client.get("/latest?code=USD")


@pytest.mark.slow
@walk(
    ("asked", "status", "code"),
    [
        ({"code": "USB"}, 404, "unknown_code"),
        ({"code": "USD,usd/pln"}, 400, "bad_request"),
        ({"code": "XAU"}, 404, "unknown_code"),
        ({"code": ""}, 422, "bad_request"),
        ({"code": "USD,"}, 422, "bad_request"),
        ({"code": "ＵＳＤ"}, 404, "unknown_code"),
        ({"base": "USD,EUR"}, 404, "unknown_code"),
        ({"date": "2026-10-23"}, 422, "bad_request"),
        ({"source": "nobody"}, 404, "unknown_code"),
        ({"expand": "sources"}, 422, "bad_request"),
        ({"limit": "１０"}, 422, "bad_request"),
    ],
)
def test_what_is_wrong_is_refused(client: Client, asked: Any, status: int, code: str) -> None:
    found = refusal(client, "/latest", **asked)
    assert found[0] == status
    assert status != 404 or found[1] == code
