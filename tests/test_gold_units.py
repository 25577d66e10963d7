"""GET /gold by the gram, the kilogram and the ounce, and in any currency of the NBP."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from django.test import Client

from markets.models import Source
from tests.cases import walk
from tests.rate_days import FRIDAY, SATURDAY, ask, gold, refusal, save, table, told

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("without_redis")]
THURSDAY = date(2026, 10, 22)


@pytest.fixture(autouse=True)
def tables(at: Callable[[str], None], nbp: Source) -> None:
    at("2026-10-26 11:00")
    save(nbp, table("A", THURSDAY, USD="3.9350"), table("A", FRIDAY, USD="3.9400"))
    save(nbp, gold(THURSDAY, "480.55"), gold(FRIDAY, "481.00"))


@pytest.mark.slow
@walk(
    ("asked", "price", "derived"),
    [
        ({"unit": "g"}, "480.55", False),
        ({"unit": "kg"}, "480550.00", True),
        ({"unit": "oz"}, "14946.775776240", True),  # 480.55 times 31.1034768, exactly
        ({"currency": "USD"}, "122.12198", True),
        ({"unit": "oz", "currency": "usd"}, "3798.4182", True),
        ({"unit": "kg", "currency": "PLN"}, "480550.00", True),
    ],
)
def test_a_price_is_of_the_unit_and_the_currency(client: Client, asked: Any, price: str, derived: bool) -> None:
    [row] = ask(client, "/gold", date=THURSDAY, **asked)["items"]
    assert (row["price"], row["derived"]) == (price, derived)
    assert (row["unit"], row["currency"]) == (asked.get("unit", "g"), asked.get("currency", "PLN").upper())


def test_what_was_computed_names_both_legs_of_one_day(client: Client) -> None:
    [row] = ask(client, "/gold", date=THURSDAY, unit="oz", currency="USD")["items"]
    day = {"effective_date": "2026-10-22", "source": "nbp"}
    assert row["legs"] == [
        {"code": "XAU", "mid": "480.55", "table": "gold", "table_no": None} | day,
        {"code": "USD", "mid": "3.9350", "table": "A", "table_no": "295/A/NBP/2026"} | day,
    ]
    names = ("date", "effective_date", "price", "unit", "currency", "source", "filled", "stale", "reason")
    assert set(row) == {*names, "reason_name", "derived", "legs"}


def test_a_day_without_a_price_is_filled_or_says_why(client: Client) -> None:
    columns = ("date", "effective_date", "price", "filled", "reason")
    nothing = ("2026-10-24", None, None, False, "weekend")
    assert told(ask(client, "/gold", date=SATURDAY), *columns) == [nothing]
    filled = ask(client, "/gold", fill="previous", from_=FRIDAY, to=SATURDAY)
    assert told(filled, *columns) == [
        ("2026-10-23", "2026-10-23", "481.00", False, None),
        ("2026-10-24", "2026-10-23", "481.00", True, "weekend"),
    ]


def test_a_period_in_another_unit_has_the_published_days(client: Client) -> None:
    rows = ask(client, "/gold", unit="kg", from_="2026-10-01", to="2026-10-25")
    assert (told(rows, "date", "price"), rows["count"]) == (
        [("2026-10-22", "480550.00"), ("2026-10-23", "481000.00")], 2,
    )  # fmt: skip


def test_statements_are_bounded(client: Client, django_assert_num_queries: Any) -> None:
    # The gaps twice, the generation, the currency, both figures and both spans, the newest tables.
    with django_assert_num_queries(9):
        client.get("/gold?unit=oz&currency=USD&fill=previous&from=2026-10-01")
    with django_assert_num_queries(2):
        client.get("/gold?from=2026-10-01")


@walk(
    ("asked", "status"),
    [
        ({"unit": "t"}, 422),
        ({"unit": ""}, 422),
        ({"currency": ""}, 422),
        ({"currency": "USB"}, 404),
        ({"currency": "XAU"}, 404),
        ({"currency": "USD,EUR"}, 404),
        ({"currency": "U" * 33}, 422),
        ({"date": "２０２６-10-23"}, 422),
        ({"date": "2026-10-23", "from_": "2026-10-01"}, 400),
        ({"fill": "both"}, 422),
    ],
)
def test_what_is_wrong_is_refused(client: Client, asked: Any, status: int) -> None:
    assert refusal(client, "/gold", **asked)[0] == status
