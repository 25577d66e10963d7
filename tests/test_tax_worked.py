"""The worked example of every tax rule, asked of real tables to the end: rate, table, day, PLN; and what has none."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from pytest_django import DjangoDbBlocker

from markets.queries.tax.answers import answer
from markets.queries.tax.faults import ContradictionError, CurrencyLeftTableError, NoRateBeforeError, NotQuotedError
from markets.queries.tax.registry import RULES
from markets.queries.tax.rule import Question, Rule
from tests import tax_tables
from tests.cases import walk
from tests.tax_tables import DAY, official, put_in, reference

pytestmark = pytest.mark.django_db

CODES = {"EUR", "USD", "CHF", "AED", "HRK", "BGN", "BYR", "BYN"}
# Days of the NBP's tables that some example needs; three weeks before each are put in, and one after it.
AROUND = """
2016-07-06 2022-12-31 2023-02-01 2025-04-22 2025-05-05 2025-06-20 2025-08-18 2025-10-01 2025-11-03 2025-12-29 2026-01-02
2026-02-02 2026-03-23 2026-04-07 2026-05-04 2026-07-31 2026-08-05 2026-10-01 2026-10-21
"""
# PLN for one EUR, as the file of the ECB has it.
ECB = {
    "2024-04-02": "4.2938",
    "2024-06-28": "4.309",
    "2025-10-01": "4.2583",
    "2025-12-24": "4.2135",
    "2026-01-02": "4.2123",
    "2026-01-06": "4.2105",
    "2026-03-20": "4.2731",
}
every_rule = pytest.mark.parametrize("rule", RULES.values(), ids=list(RULES))


@pytest.fixture(scope="module", autouse=True)
def tables(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    days = [date.fromisoformat(text) for text in AROUND.split()]
    found = {
        (one.table, one.effective_date): one for day in days for one in official(day - 21 * DAY, day + 7 * DAY, CODES)
    }
    with tax_tables.module_data(django_db_blocker):
        put_in(found.values())
        put_in([reference(day, rate, USD="1.1707") for day, rate in ECB.items()], "ecb")
        yield


@pytest.fixture(autouse=True)
def now(at: Callable[[str], None]) -> None:
    at("2026-10-27 10:00")


def asked(rule: str, code: str = "EUR", **inputs: str) -> dict[str, Any]:
    """Days as text, amounts as text: `asked("pit", "USD", date="2025-12-29", amount="1500")`."""
    kinds: dict[str, Callable[[str], Any]] = dict.fromkeys(("amount", "actual_rate", "cross_rate"), Decimal)
    kinds |= {"year": int, "choice": str, "reference": str}
    read: dict[str, Any] = {name: kinds.get(name, date.fromisoformat)(text) for name, text in inputs.items()}
    return answer(Question(rule, code, **read))


@pytest.mark.slow
@every_rule
def test_a_worked_example_comes_out_to_the_last_digit(rule: Rule) -> None:
    told = rule.example
    assert told is not None
    found = answer(told.asked)
    assert found["rate"] == told.rate
    assert found["effective_date"] == told.day.isoformat()
    assert found["table_no"] == (told.table_no or None)
    assert found["rule"]["id"] == rule.id
    assert found["rule"]["statute"] == rule.versions[-1].statute
    assert found["notice"] == "Not tax advice"
    assert (found["amount_into"], found["into"]) == (told.amount, rule.into)


@every_rule
def test_without_an_amount_the_rate_is_the_same(rule: Rule) -> None:
    assert rule.example is not None
    found = answer(replace(rule.example.asked, amount=None))
    assert found["amount_into"] is None
    assert found["rate"] == answer(rule.example.asked)["rate"]


def test_revenue_of_the_days_after_christmas_goes_back_to_the_23rd() -> None:
    found = asked("pit", "USD", date="2025-12-29", amount="1500")
    assert (found["rate"], found["table_no"], found["amount_pln"]) == ("3.5848", "248/A/NBP/2025", "5377.20")
    assert [row["date"][-2:] for row in found["skipped"]] == ["28", "27", "26", "25", "24"]


def test_a_difference_is_what_was_paid_less_what_was_booked() -> None:
    found = asked("pit-fx-diff", invoice_date="2026-03-23", payment_date="2026-04-07", amount="10000")
    assert found["amount_pln"] == "8.00"
    assert [leg["amount_pln"] for leg in found["legs"]] == ["42768.00", "42776.00"]
    assert found["warnings"] == []


@walk(("rate", "count"), [("4.4914", 0), ("4.4915", 1), ("4.0638", 0), ("4.0637", 1), ("8", 1)])
def test_an_actual_rate_more_than_five_percent_off_is_warned_of(rate: str, count: int) -> None:
    """5 % of 4.2776 is 0.21388."""
    dates = {"invoice_date": "2026-03-23", "payment_date": "2026-04-07"}
    assert len(asked("cit-fx-diff", actual_rate=rate, **dates)["warnings"]) == count


def test_a_quotient_of_two_ecb_rates_is_rounded_only_as_money() -> None:
    found = asked("vat-ecb", "USD", tax_point="2026-01-07", amount="1000")
    assert (found["amount_pln"], found["derived"], found["effective_date"]) == ("3596.57", True, "2026-01-06")
    assert found["rule"]["optional"]


def test_a_limit_is_rounded_to_thousands_and_the_next_year_has_its_own_table() -> None:
    found = asked("limit-october", amount="2000000", year="2026")
    assert (found["rate"], found["amount_pln"]) == ("4.2586", "8517000")
    found = asked("limit-october", amount="2000000", year="2027")
    assert (found["table_no"], found["rate"], found["amount_pln"]) == ("191/A/NBP/2026", "4.3770", "8754000")


def test_a_correction_keeps_the_originals_table_and_a_collective_one_has_its_own() -> None:
    found = asked("vat-correction", date="2026-03-23", original_tax_point="2025-12-29")
    assert (found["table_no"], found["rate"]) == ("248/A/NBP/2025", "4.2274")
    found = asked("vat-discount-sale", date="2026-03-23")
    assert (found["table_no"], found["rate"]) == ("055/A/NBP/2026", "4.2768")
    assert asked("vat-discount-sale", date="2026-03-23", choice="ecb")["rate"] == "4.2731"


def test_a_correction_of_an_invoice_in_a_currency_that_is_gone_keeps_its_rate() -> None:
    found = asked("vat-correction", "HRK", date="2026-03-23", original_tax_point="2022-12-30", amount="-100")
    assert (found["table_no"], found["rate"], found["amount_pln"]) == ("251/A/NBP/2022", "0.6233", "-62.33")


def test_an_early_invoice_is_answered_by_the_rule_of_early_invoices() -> None:
    found = asked("vat", "USD", tax_point="2026-08-05", invoice_date="2026-07-31")
    assert (found["rule"]["id"], found["rule"]["statute"]) == ("vat-early-invoice", "VAT art. 31a(2)")
    assert (found["rate"], found["table_no"]) == ("3.7644", "146/A/NBP/2026")
    assert "31a(2)" in " ".join(found["warnings"])
    assert asked("vat", "USD", tax_point="2026-08-05")["table_no"] == "149/A/NBP/2026"


def test_an_input_that_changed_nothing_is_told() -> None:
    assert "changed nothing" in " ".join(asked("pit", "USD", date="2025-12-29", year="2025")["warnings"])


@walk(("code", "rate"), [("EUR", "4.2274"), ("USD", "3.5848")])
@walk("rule", ["customs", "vat-import", "vat-mass-event"])
def test_the_customs_rate_of_january_is_that_before_christmas_eve(rule: str, code: str, rate: str) -> None:
    for day in ("2026-01-01", "2026-01-31"):
        found = asked(rule, code, date=day)
        assert (found["table_no"], found["rate"]) == ("248/A/NBP/2025", rate)


def test_compensation_for_a_late_payment() -> None:
    found = asked("late-payment", date="2026-02-10", amount="40")
    assert (found["table_no"], found["amount_pln"]) == ("020/A/NBP/2026", "168.52")


def test_a_reference_currency_is_shown_with_both_rates() -> None:
    found = asked("uor-reference", "KYD", date="2025-12-31", reference="USD", cross_rate="1.20", amount="1000")
    assert (Decimal(found["rate"]), found["derived"], found["amount_pln"]) == (Decimal("4.32192"), True, "4321.92")
    assert [leg["rate"] for leg in found["legs"]] == ["3.6016", "1.20"]


@walk("rule", ["pit", "cit-cost", "vat", "uor-balance", "customs"])
def test_a_currency_that_nobody_quotes_has_no_silent_cross(rule: str) -> None:
    with pytest.raises(NotQuotedError) as refused:
        asked(rule, "KYD", date="2026-01-07")
    assert refused.value.detail["hint"] == "uor-reference"


@walk(("code", "day", "last"), [("BGN", "2026-02-02", "2025-12-31"), ("HRK", "2023-02-01", "2022-12-30")])
@walk("rule", ["pit", "vat", "uor-operation"])
def test_a_currency_that_left_names_its_last_day_and_its_successor(rule: str, code: str, day: str, last: str) -> None:
    with pytest.raises(CurrencyLeftTableError) as refused:
        asked(rule, code, date=day)
    assert (refused.value.detail["last_date"], refused.value.detail["successor"]) == (last, "EUR")


def test_a_currency_that_was_not_there_yet_names_the_one_before_it() -> None:
    with pytest.raises(NoRateBeforeError) as refused:
        asked("pit", "BYN", date="2016-07-06")
    assert (refused.value.detail["first_date"], refused.value.detail["predecessor"]) == ("2016-07-06", "BYR")


def test_a_limit_has_no_other_currency() -> None:
    with pytest.raises(ContradictionError):
        asked("limit-october", "USD", year="2026")
