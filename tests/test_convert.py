"""GET /convert: an exact amount at the rate of a day, with everything that it was computed from."""

from collections.abc import Callable
from datetime import date
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from markets.licence import Audience
from markets.models import Source
from markets.queries.convert import cents
from markets.queries.tax.rule import Question
from tests.cases import walk
from tests.rate_days import FRIDAY, MONDAY, SUNDAY, ask, gold, refusal, save, table

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("without_redis")]
THURSDAY = date(2026, 10, 22)
NINES = "999999999999999"


@pytest.fixture(autouse=True)
def tables(at: Callable[[str], None], nbp: Source) -> None:
    at("2026-10-26 11:00")
    save(nbp, table("A", date(2026, 8, 31), HRK="0.5700"))
    save(nbp, table("A", THURSDAY, USD="3.9350", EUR="4.3434"), table("A", FRIDAY, USD="3.9400", EUR="4.3500"))
    save(nbp, gold(FRIDAY, "481.00"))


def test_an_answer_has_all_that_it_was_computed_from(client: Client) -> None:
    leg = {"effective_date": "2026-10-22", "source": "nbp", "table": "A", "table_no": "295/A/NBP/2026"}
    assert ask(client, "/convert", amount="1500.50", from_="EUR", to="usd", date=THURSDAY) == {
        "amount": "1500.50", "from": "EUR", "to": "USD", "unit": None, "date": "2026-10-22", "day": "D0",
        "rate": "1.1037865", "result": "1656.23", "rounding": "half_up_0.01", "effective_date": "2026-10-22",
        "source": "nbp", "table": "A", "table_no": "295/A/NBP/2026", "derived": True,
        "legs": [{"code": "EUR", "mid": "4.3434"} | leg, {"code": "USD", "mid": "3.9350"} | leg],
        "filled": False, "stale": False, "reason": None, "reason_name": None, "tax": None,
    }  # fmt: skip


@walk(
    ("asked", "day", "result", "filled"),
    [
        ({"date": FRIDAY}, "2026-10-23", "394.00", False),
        ({"date": FRIDAY, "day": "D0"}, "2026-10-23", "394.00", False),
        ({"date": FRIDAY, "day": "D-1"}, "2026-10-22", "393.50", False),
        ({"date": SUNDAY}, "2026-10-23", "394.00", True),
        ({"date": MONDAY, "day": "D-1"}, "2026-10-23", "394.00", True),
        ({}, "2026-10-23", "394.00", True),  # on Monday before the table
    ],
)
def test_the_rate_is_that_of_the_day_or_before_or_strictly_before(
    client: Client, asked: Any, day: str, result: str, filled: bool
) -> None:
    answer = ask(client, "/convert", amount="100", from_="USD", to="PLN", **asked)
    assert (answer["effective_date"], answer["result"], answer["filled"]) == (day, result, filled)
    assert (answer["derived"], answer["table_no"] is None) == (False, False)


def test_the_published_figures_count_and_not_the_rate_that_is_shown(client: Client) -> None:
    answer = ask(client, "/convert", amount=NINES, from_="EUR", to="USD", date=THURSDAY)
    exact = Context(prec=60).divide(Decimal(NINES) * Decimal("4.3434"), Decimal("3.9350"))
    assert answer["result"] == str(exact.quantize(Decimal("0.01"), ROUND_HALF_UP, Context(prec=60)))
    assert Decimal(answer["result"]) != Decimal(NINES) * Decimal(answer["rate"])


@walk(
    ("amount", "result"), [("0.005", "0.01"), ("-0.005", "-0.01"), ("0", "0.00"), ("00012.50", "12.50"), ("1", "1.00")]
)
def test_a_result_is_rounded_half_up_away_from_zero(client: Client, amount: str, result: str) -> None:
    answer = ask(client, "/convert", amount=amount, from_="PLN", to="PLN")
    assert (answer["result"], answer["rate"], answer["legs"]) == (result, "1", [])


def test_gold_is_converted_by_the_unit_that_is_named(client: Client) -> None:
    ounce = ask(client, "/convert", amount="2", from_="XAU", to="USD", unit="oz", date=FRIDAY)
    assert (ounce["result"], ounce["from"], ounce["unit"]) == ("7594.30", "XAU", "oz")  # 2 * 31.1034768 * 481 / 3.94
    back = ask(client, "/convert", amount="7594.30", from_="USD", to="gold", unit="oz", date=FRIDAY)
    assert (back["result"], back["rounding"]) == ("1.9999998", "half_up_8_significant")
    grams = ask(client, "/convert", amount="962", from_="PLN", to="ZLOTO", unit="g", date=FRIDAY)
    assert grams["result"] == "2.0000000"


@pytest.mark.slow
@walk(
    ("asked", "reason", "name"),
    [
        ({"from": "HRK"}, "left_table", "2026-08-31"),
        ({"from": "USD", "to": "HRK"}, "left_table", "2026-08-31"),
        ({"date": "2026-11-09"}, "future", None),
        ({"date": "2026-10-20"}, "not_quoted", None),
        ({"date": "0001-01-01", "day": "D-1"}, "not_quoted", None),
    ],
)
def test_without_a_rate_there_is_no_result(client: Client, asked: Any, reason: str, name: str | None) -> None:
    words = {"amount": "1", "from": "USD", "to": "PLN", "date": FRIDAY} | asked
    assert refusal(client, "/convert", **words) == (422, "no_rate", {"reason": reason, "name": name})


def test_what_a_stalled_source_left_behind_is_stale(client: Client, at: Callable[[str], None]) -> None:
    at("2026-10-27 11:00")
    answer = ask(client, "/convert", amount="1", from_="USD", to="PLN")
    assert (answer["effective_date"], answer["stale"]) == ("2026-10-23", True)


def test_a_source_that_is_not_public_converts_nothing(client: Client) -> None:
    Source.objects.update(public_api=False)
    assert refusal(client, "/convert", amount="1", from_="USD", to="PLN")[1] == "no_rate"


@pytest.mark.slow
@walk(
    ("asked", "status"),
    [
        *(({"amount": text}, 422) for text in (
            "", "x", "1e3", "1_000", "1,5", "+1", " 1", "1.", ".5", "NaN", "Infinity", "１００", "٣", "0x10",
            NINES + "9", "0." + NINES + "1", "9" * 33, "1.5\n",
        )),
        *(({"from": text}, status) for text, status in (
            ("", 422), ("USB", 404), ("U" * 33, 422), ("USD\0", 422), ("USD,EUR", 404), ("BTC", 404), ("ＵＳＤ", 404),
        )),
        *(({"to": text}, status) for text, status in (("", 422), ("USB", 404), ("P" * 33, 422))),
        *(({"date": text}, 422) for text in ("", "yesterday", "2026-02-30", "20261023", "２０２６-10-23")),
        *(({"day": text}, 422) for text in ("", "D1", "d0", "D-2")),
        *(({"unit": text}, 422) for text in ("", "t", "OZ")),
        ({"unit": "oz"}, 400),
        ({"from": "XAU"}, 400),
        ({"from": "XAU", "to": "GOLD", "unit": "g"}, 400),
        ({"rule": ""}, 422),
        ({"rule": "r" * 33}, 422),
        ({"rule": "pit", "day": "D0"}, 400),
        ({"bogus": "1"}, 422),
    ],
)  # fmt: skip
def test_what_is_wrong_is_refused(client: Client, asked: dict[str, str], status: int) -> None:
    words = {"amount": "1", "from": "USD", "to": "PLN"} | asked
    found = refusal(client, "/convert", **words)
    assert found[0] == status
    assert status != 422 or [row["field"] for row in found[2]] == list(asked)


@walk("name", ["amount", "from", "to", "date", "day", "unit", "rule"])
def test_a_parameter_that_comes_twice_is_refused(client: Client, name: str) -> None:
    response = client.get(f"/convert?amount=1&from=USD&to=PLN&{name}=1&{name}=1")
    assert response.status_code == 422
    assert name in [row["field"] for row in response.json()["error"]["detail"]]


def test_a_tax_rule_chooses_the_rate_and_its_whole_answer_stands_in_tax(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = {
        "rate": "3.9350", "into": "PLN", "amount_into": "5902.50", "rounding": "half_up_0.01", "source": "nbp",
        "effective_date": "2026-10-22", "table": "A", "table_no": "295/A/NBP/2026", "derived": False, "final": True,
    }  # fmt: skip
    asked: list[Question] = []

    def answer_of(question: Question, _: Audience) -> dict[str, Any]:
        asked.append(question)
        return told

    monkeypatch.setattr("markets.queries.convert.answer", answer_of)
    answer = ask(client, "/convert", amount="1500", from_="usd/pln", to="PLN", date=FRIDAY, rule="pit")
    assert asked == [Question("pit", "USD", FRIDAY, Decimal(1500))]
    assert (answer["result"], answer["effective_date"], answer["day"]) == ("5902.50", "2026-10-22", None)
    assert answer["tax"] == told
    refused = refusal(client, "/convert", amount="1500", from_="USD", to="EUR", date=FRIDAY, rule="pit")
    assert refused == (400, "bad_request", {"to": "EUR"})


def test_statements_are_bounded(client: Client, django_assert_num_queries: Any) -> None:
    # The codes, the figures, their spans, the newest tables, the gaps.
    with django_assert_num_queries(5):
        client.get("/convert?amount=1&from=USD&to=EUR")


AMOUNTS = st.decimals("0.01", "999999999999.99", places=2, allow_nan=False, allow_infinity=False)


@pytest.mark.slow
@given(AMOUNTS, st.sampled_from(["USD", "EUR", "PLN"]), st.sampled_from(["USD", "EUR", "PLN"]))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_there_and_back_again_is_the_amount_but_for_the_rounding(
    client: Client, amount: Decimal, one: str, other: str
) -> None:
    there = ask(client, "/convert", amount=f"{amount:f}", from_=one, to=other, date=FRIDAY)["result"]
    back = ask(client, "/convert", amount=there, from_=other, to=one, date=FRIDAY)["result"]
    # Half a cent there is worth 4.35 / 3.94 of a cent here, or 4.35 of one.
    assert abs(Decimal(back) - amount) <= Decimal("0.03")


def test_a_result_of_nothing_has_no_sign() -> None:
    assert str(cents(Decimal("-0.0012"))) == "0.00"
    assert str(cents(Decimal("-0.005"))) == "-0.01"
