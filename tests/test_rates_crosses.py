"""GET /rates in another currency than PLN: computed from two published figures of one day, and said to be."""

from collections.abc import Callable
from datetime import date
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

import pytest
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st

from markets.models import Source
from markets.queries import crosses
from markets.queries.crosses import Pair, pair
from markets.queries.figures import Figure
from tests.cases import walk
from tests.rate_days import FRIDAY, MONDAY, SUNDAY, WEDNESDAY, ask, refusal, save, table, told, weekdays

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("without_redis")]


@pytest.fixture(autouse=True)
def tables(at: Callable[[str], None], nbp: Source) -> None:
    at("2026-10-26 11:00")
    for day in weekdays(date(2026, 10, 19), FRIDAY):
        save(nbp, table("A", day, USD="3.9350", EUR="4.3434", IDR="0.00024512"))
    save(nbp, table("B", WEDNESDAY, AED="1.0707"))


def test_a_cross_rate_is_derived_and_names_both_legs_of_one_day(client: Client) -> None:
    [row] = ask(client, "/rates", code="EUR", quotes="USD", date=FRIDAY)["items"]
    leg = {"effective_date": "2026-10-23", "source": "nbp", "table": "A", "table_no": "296/A/NBP/2026"}
    assert row == {
        "code": "EURUSD", "base": "EUR", "quote": "USD", "date": "2026-10-23", "effective_date": "2026-10-23",
        "mid": "1.1037865", "bid": None, "ask": None, "source": "nbp", "table": "A", "table_no": "296/A/NBP/2026",
        "derived": True, "legs": [{"code": "EUR", "mid": "4.3434"} | leg, {"code": "USD", "mid": "3.9350"} | leg],
        "unit": 1, "filled": False, "stale": False, "reason": None, "reason_name": None,
    }  # fmt: skip


@pytest.mark.slow
@walk(
    ("asked", "pairs"),
    [
        ({"code": "USD,EUR"}, [("USD", "PLN", "3.9350"), ("EUR", "PLN", "4.3434")]),
        ({"code": "USD,EUR", "base": "PLN"}, [("PLN", "USD", "0.25412961"), ("PLN", "EUR", "0.23023438")]),
        ({"code": "USD", "base": "EUR", "quotes": "PLN"}, [("EUR", "USD", "1.1037865"), ("EUR", "PLN", "4.3434")]),
        ({"code": "PLN", "quotes": "USD"}, [("PLN", "USD", "0.25412961")]),
        ({"code": "USD", "quotes": "IDR"}, [("USD", "IDR", "16053.362")]),
        ({"code": "USD", "quotes": "USD,PLN"}, [("USD", "USD", "1"), ("USD", "PLN", "3.9350")]),
        ({"code": "PLN"}, [("PLN", "PLN", "1")]),
    ],
)
def test_base_and_quotes_say_what_is_priced_in_what(client: Client, asked: Any, pairs: Any) -> None:
    assert told(ask(client, "/rates", date=FRIDAY, **asked), "base", "quote", "mid") == pairs


def test_a_weekly_currency_crosses_on_its_own_days_and_is_filled_as_a_whole(client: Client) -> None:
    [row] = ask(client, "/rates", code="AED", quotes="USD", date=FRIDAY)["items"]
    assert (row["mid"], row["reason"]) == (None, "not_a_table_day")
    [row] = ask(client, "/rates", code="AED", quotes="USD", date=FRIDAY, fill="previous")["items"]
    assert (row["effective_date"], row["filled"], row["table"], row["source"]) == ("2026-10-21", True, None, "nbp")
    assert [(leg["table"], leg["effective_date"]) for leg in row["legs"]] == [("B", "2026-10-21"), ("A", "2026-10-21")]
    published = ask(client, "/rates", code="AED", quotes="USD", from_="2026-10-19", to=MONDAY)
    assert told(published, "date", "filled") == [("2026-10-21", False)]


def test_pln_in_itself_is_one_on_every_day_up_to_today(client: Client) -> None:
    rows = ask(client, "/rates", code="PLN", from_=FRIDAY, to="2026-10-30")
    assert told(rows, "date", "mid", "derived", "legs") == [
        (f"2026-10-{day}", "1", True, []) for day in (23, 24, 25, 26)
    ]


def test_several_codes_without_a_fill_have_the_days_on_which_each_was_published(client: Client) -> None:
    rows = ask(client, "/rates", code="AED,USD", from_=date(2026, 10, 20), to=SUNDAY)
    expected = [("USD", 20), ("AED", 21), ("USD", 21), ("USD", 22), ("USD", 23)]
    assert told(rows, "code", "date") == [(code, f"2026-10-{day}") for code, day in expected]
    assert rows["count"] == 5
    assert ask(client, "/rates", code="AED,USD", from_="2026-10-20", limit=2, offset=1)["items"] == rows["items"][1:3]


def test_what_has_no_mid_is_not_computed_with(client: Client) -> None:
    assert refusal(client, "/rates", code="USD", quotes="EUR", table="C")[:2] == (400, "bad_request")
    assert refusal(client, "/rates", code="USD", table="C", group="week")[:2] == (400, "bad_request")


def test_a_pair_has_its_quote_already(client: Client, nbp: Source) -> None:
    from markets.instruments import create

    create.add([create.market("EURGBP")])
    assert refusal(client, "/rates", code="EURGBP", quotes="USD")[:2] == (400, "bad_request")
    assert refusal(client, "/rates", code="USD,EURGBP")[:2] == (400, "bad_request")
    [row] = ask(client, "/rates", code="EURGBP", date=FRIDAY)["items"]
    assert (row["base"], row["quote"], row["mid"], row["reason"]) == ("EUR", "GBP", None, "not_quoted")


MIDS = st.decimals("0.00000001", "99999.9999", places=8, allow_nan=False, allow_infinity=False)


def figure(value: Decimal) -> Figure:
    return Figure(FRIDAY, f"{value:.8f}", None, None, "nbp", "A", None)


@pytest.mark.slow
@given(MIDS, MIDS)
@settings(max_examples=200, deadline=None)
def test_a_cross_keeps_eight_digits_and_is_rounded_once_half_up(top: Decimal, below: Decimal) -> None:
    text = crosses.fields(pair("EUR", "USD"), [figure(top), figure(below)])["mid"]
    shown, exact = Decimal(text), Context(prec=60).divide(top, below)
    step = Decimal(1).scaleb(min(exact.adjusted() - 7, 0))
    assert "E" not in text
    assert shown == exact.quantize(step, ROUND_HALF_UP, Context(prec=60))
    assert abs(shown - exact) <= step / 2


@given(MIDS)
@settings(max_examples=50, deadline=None)
def test_a_published_figure_is_written_as_it_is(top: Decimal) -> None:
    assert crosses.fields(pair("EUR", "PLN"), [figure(top)])["mid"] == f"{top:.8f}"
    assert crosses.fields(Pair("EUR", "EUR"), [])["mid"] == "1"
