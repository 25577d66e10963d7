"""Which day and whose table each tax rule chooses: edges of months and years, corrections, contradictions."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from markets.errors import QuestionError
from markets.queries.tax import days
from markets.queries.tax.faults import ContradictionError, RuleNotInForceError
from markets.queries.tax.published import before, first, sequences, up_to
from markets.queries.tax.questions import checked, warned
from markets.queries.tax.rule import Choice, Cross, Difference, Given, Published, Question, Relation, Sequence, Unless

NBP, NBP_A, ECB = Sequence.NBP, Sequence.NBP_A, Sequence.ECB


def day(text: str) -> date:
    return date.fromisoformat(text)


def question(rule: str, code: str = "EUR", **inputs: Any) -> Question:
    """Days as text: `question("vat", tax_point="2026-01-07")`."""
    dates = {name: day(value) for name, value in inputs.items() if isinstance(value, str) and value[:4].isdigit()}
    return Question(rule=rule, code=code, **(inputs | dates))


def chosen(asked: Question) -> Choice:
    rule, _ = checked(asked)
    return rule.choose(asked)


# Days of months and years


@pytest.mark.parametrize(
    ("month", "wednesday"),
    [
        ("2025-12-01", "2025-12-24"),  # the last one is New Year's Eve
        ("2026-02-28", "2026-02-18"),  # 28 days
        ("2024-02-29", "2024-02-21"),  # 29 days
        ("2015-02-10", "2015-02-18"),  # four whole weeks, from a Sunday on
        ("2026-09-30", "2026-09-23"),  # the last day is a Wednesday
    ],
)
def test_the_penultimate_wednesday_is_the_one_before_the_last(month: str, wednesday: str) -> None:
    assert days.penultimate_wednesday(day(month)) == day(wednesday)


@pytest.mark.parametrize(
    ("month", "last"),
    [
        ("2026-02-03", "2026-02-28"),
        ("2024-02-29", "2024-02-29"),
        ("2025-12-31", "2025-12-31"),
        ("9999-12-01", "9999-12-31"),
    ],
)
def test_a_month_ends_on_its_last_day(month: str, last: str) -> None:
    assert days.last_day(day(month)) == day(last)
    assert (day(last) - days.penultimate_day(day(month))).days == 1


def test_the_month_before_january_is_december() -> None:
    assert days.month_before(day("2026-01-31")) == day("2025-12-01")
    assert days.month_before(day("2024-03-31")) == day("2024-02-01")


# Income tax


@pytest.mark.parametrize(
    "rule", ["pit", "pit-cost", "pit-deduction", "cit-revenue", "cit-cost", "uor-operation", "vat-income-tax"]
)
@pytest.mark.parametrize("text", ["2026-03-21", "2026-01-01", "2024-02-29", "2024-03-01"])
def test_the_rate_is_before_the_day_itself_be_it_a_holiday_or_not(rule: str, text: str) -> None:
    assert chosen(question(rule, date=text)) == before(NBP, day(text))


def test_income_tax_before_2012_is_not_guessed() -> None:
    with pytest.raises(RuleNotInForceError) as refused:
        checked(question("pit", date="2011-12-31"))
    assert refused.value.detail == {"rule": "pit-revenue", "since": "2012-01-01", "date": "2011-12-31"}
    assert checked(question("pit", date="2012-01-01"))[1].statute == "PIT art. 11a(1)"


@pytest.mark.parametrize("rule", ["pit-fx-diff", "cit-fx-diff"])
def test_a_difference_has_a_leg_of_the_invoice_and_one_of_the_payment(rule: str) -> None:
    asked = question(rule, invoice_date="2026-03-23", payment_date="2026-04-07")
    assert chosen(asked) == Difference(before(NBP, day("2026-03-23")), before(NBP, day("2026-04-07")))


def test_an_actual_rate_takes_the_place_of_the_payments_and_keeps_its_day() -> None:
    """By that day it is compared with the NBP's."""
    asked = question("cit-fx-diff", invoice_date="2026-03-23", payment_date="2026-04-07", actual_rate=Decimal("4.5"))
    assert chosen(asked) == Difference(before(NBP, day("2026-03-23")), Given(Decimal("4.5"), day("2026-04-07")))


def test_a_payment_before_the_invoice_is_an_advance_and_told_not_refused() -> None:
    asked = question("pit-fx-diff", invoice_date="2026-03-23", payment_date="2025-03-23")
    (warning,) = warned(checked(asked)[0], asked)
    assert "earlier than the invoice" in warning


def test_a_difference_that_was_booked_before_2012_is_not_guessed() -> None:
    with pytest.raises(RuleNotInForceError):
        checked(question("pit-fx-diff", invoice_date="2011-12-30", payment_date="2012-02-01"))


# VAT


def test_a_tax_point_may_come_as_the_only_date() -> None:
    assert chosen(question("vat", date="2026-01-07")) == chosen(question("vat", tax_point="2026-01-07"))
    assert chosen(question("vat-ecb", date="2026-01-07")) == before(ECB, day("2026-01-07"))


@pytest.mark.parametrize(
    ("rule", "name"), [("vat", "tax_point"), ("vat-mass-event", "tax_point"), ("vat-oss", "period_end")]
)
def test_a_date_that_differs_from_the_day_that_it_stands_for_is_a_contradiction(rule: str, name: str) -> None:
    with pytest.raises(ContradictionError) as refused:
        checked(question(rule, date="2026-01-07", **{name: "2026-01-08"}))
    assert refused.value.status == 400
    assert refused.value.detail == {"fields": [name, "date"]}
    assert checked(question(rule, date="2026-01-07", **{name: "2026-01-07"}))


@pytest.mark.parametrize(
    ("invoice", "rule", "decides"),
    [
        ("2026-07-30", "vat-early-invoice", "2026-07-30"),
        ("2026-07-31", "vat", "2026-07-31"),
        ("2026-08-05", "vat", "2026-07-31"),
    ],
)
def test_an_invoice_before_the_tax_point_brings_its_own_rule_and_day(invoice: str, rule: str, decides: str) -> None:
    asked = question("vat", tax_point="2026-07-31", invoice_date=invoice)
    found, version = checked(asked)
    assert found.id == rule
    assert version.statute == {"vat": "VAT art. 31a(1)", "vat-early-invoice": "VAT art. 31a(2)"}[rule]
    assert found.choose(asked) == before(NBP, day(decides))
    assert bool(warned(found, asked)) == (rule != "vat")


def test_the_rule_of_an_early_invoice_refuses_one_that_is_not_early() -> None:
    with pytest.raises(ContradictionError) as refused:
        checked(question("vat-early-invoice", tax_point="2026-07-31", invoice_date="2026-07-31"))
    assert refused.value.detail == {"fields": ["invoice_date", "tax_point"]}
    assert "rule vat" in refused.value.message


def test_who_asks_for_the_rule_of_an_early_invoice_is_told_nothing_more() -> None:
    asked = question("vat-early-invoice", tax_point="2026-07-31", invoice_date="2026-07-30")
    assert warned(checked(asked)[0], asked) == []


@pytest.mark.parametrize("rule", ["vat", "vat-early-invoice"])
def test_a_taxpayer_who_chose_the_ecb_has_the_same_day_of_another_bank(rule: str) -> None:
    asked = question(rule, tax_point="2026-07-31", invoice_date="2026-07-30", choice="ecb")
    found, _ = checked(asked)
    assert found.id == "vat-ecb"
    assert found.choose(asked) == before(ECB, day("2026-07-30"))
    assert warned(found, asked) == []


@pytest.mark.parametrize(
    ("rule", "choice"), [("pit", "ecb"), ("customs", "ecb"), ("vat-ecb", "nbp"), ("vat-oss", "nbp")]
)
def test_a_choice_that_the_law_does_not_offer_is_refused(rule: str, choice: str) -> None:
    with pytest.raises(ContradictionError) as refused:
        checked(question(rule, date="2026-01-07", choice=choice))
    assert refused.value.detail == {"fields": ["choice", "rule"]}


@pytest.mark.parametrize(("rule", "choice"), [("pit", "nbp"), ("customs", "nbp"), ("vat-ecb", "ecb"), ("vat", "nbp")])
def test_a_choice_of_what_is_taken_anyway_is_no_fault(rule: str, choice: str) -> None:
    assert checked(question(rule, date="2026-01-07", choice=choice))


@pytest.mark.parametrize("choice", ["", "NBP", "ebc", "both", "nbp\0"])
def test_a_choice_is_one_of_two_words(choice: str) -> None:
    with pytest.raises(QuestionError) as refused:
        checked(question("vat", date="2026-01-07", choice=choice))
    assert refused.value.detail == {"fields": ["choice"]}


# Corrections


def test_a_correction_goes_by_the_dates_of_the_original_and_not_by_its_own() -> None:
    asked = question("vat-correction", date="2026-03-23", original_tax_point="2025-12-29")
    assert chosen(asked) == before(NBP, day("2025-12-29"))


def test_a_correction_of_an_early_invoice_goes_by_the_originals_issue() -> None:
    dates = {"original_tax_point": "2026-02-02", "original_invoice_date": "2026-01-15"}
    assert chosen(question("vat-correction", date="2026-03-23", **dates)) == before(NBP, day("2026-01-15"))
    late = dates | {"original_invoice_date": "2026-02-15"}
    assert chosen(question("vat-correction", date="2026-03-23", **late)) == before(NBP, day("2026-02-02"))


def test_a_correction_keeps_a_past_choice_of_the_ecb() -> None:
    asked = question("vat-correction", date="2026-03-23", original_tax_point="2025-12-29", choice="ecb")
    assert chosen(asked) == before(ECB, day("2025-12-29"))


def test_a_stored_rate_of_the_original_is_taken_as_it_was() -> None:
    """A correction of a correction, and a currency that is gone."""
    asked = question("vat-correction", "HRK", date="2026-03-23", actual_rate=Decimal("0.6233"))
    assert chosen(asked) == Given(Decimal("0.6233"))


@pytest.mark.parametrize("name", ["date", "invoice_date"])
def test_an_original_later_than_its_correction_is_a_contradiction(name: str) -> None:
    dates = {"original_tax_point": "2026-03-01", "original_invoice_date": "2026-03-24", name: "2026-03-23"}
    with pytest.raises(ContradictionError) as refused:
        checked(question("vat-correction", **dates))
    assert refused.value.detail == {"fields": ["original_invoice_date", name]}
    assert checked(question("vat-correction", **dates | {"original_invoice_date": "2026-03-23"}))


def test_a_correction_has_one_day_of_issue() -> None:
    dates = {"original_tax_point": "2026-03-01", "date": "2026-03-23", "invoice_date": "2026-03-24"}
    with pytest.raises(ContradictionError) as refused:
        checked(question("vat-correction", **dates))
    assert refused.value.detail == {"fields": ["date", "invoice_date"]}


def test_a_correction_without_a_day_is_issued_today(at: Any) -> None:
    at("2026-10-26 12:00")
    assert checked(question("vat-correction", original_tax_point="2022-01-03"))
    at("2023-06-30 12:00")
    with pytest.raises(RuleNotInForceError):
        checked(question("vat-correction", original_tax_point="2022-01-03"))


@pytest.mark.parametrize("rule", ["vat-discount-sale", "vat-discount-buy"])
def test_a_discount_goes_by_its_own_document_at_the_bank_that_was_chosen(rule: str) -> None:
    assert chosen(question(rule, date="2026-03-23")) == before(NBP, day("2026-03-23"))
    assert chosen(question(rule, date="2026-03-23", choice="ecb")) == before(ECB, day("2026-03-23"))
    assert checked(question(rule, date="2026-03-23"))[0].is_optional


# Amounts of the law in EUR


@pytest.mark.parametrize(
    ("rule", "inputs", "choice"),
    [
        ("vat-threshold", {"year": 2026}, first(ECB, date(2025, 10, 1), "EUR")),
        ("vat-sme", {"year": 2026}, first(ECB, date(2026, 1, 1), "EUR")),
        ("customs-year", {"year": 2026}, first(ECB, date(2025, 10, 1), "EUR")),
        ("limit-october", {"year": 2027}, first(NBP_A, date(2026, 10, 1), "EUR")),
        ("limit-year-start", {"date": "2026-07-01"}, first(NBP_A, date(2026, 7, 1), "EUR")),
        ("limit-year-start", {"year": 2026}, first(NBP_A, date(2026, 1, 1), "EUR")),
        ("late-payment", {"date": "2026-03-31"}, up_to(NBP_A, date(2026, 2, 28), "EUR")),
        ("late-payment", {"date": "2024-03-01"}, up_to(NBP_A, date(2024, 2, 29), "EUR")),
        ("late-payment", {"date": "2026-01-01"}, up_to(NBP_A, date(2025, 12, 31), "EUR")),
    ],
)
def test_a_limit_goes_by_the_euro_of_a_day_of_the_calendar(
    rule: str, inputs: dict[str, Any], choice: Published
) -> None:
    assert chosen(question(rule, **inputs)) == choice


@pytest.mark.parametrize("rule", ["vat-threshold", "vat-sme", "customs-year", "limit-october"])
@pytest.mark.parametrize("year", [-1, 0, 1, 10_000, 10**30])
def test_a_year_outside_the_calendar_is_refused(rule: str, year: int) -> None:
    with pytest.raises(QuestionError) as refused:
        checked(question(rule, year=year))
    assert refused.value.detail == {"fields": ["year"]}


@pytest.mark.parametrize("rule", ["vat-threshold", "limit-october", "customs-year"])
def test_an_amount_of_the_law_in_euro_has_no_rate_of_another_currency(rule: str) -> None:
    with pytest.raises(ContradictionError) as refused:
        checked(question(rule, "USD", year=2026))
    assert refused.value.detail == {"fields": ["code", "rule"]}


def test_a_tax_year_begins_in_the_year_that_is_told() -> None:
    with pytest.raises(ContradictionError):
        checked(question("limit-year-start", date="2026-07-01", year=2025))


def test_the_small_taxpayers_limit_is_told_to_be_the_rounded_one() -> None:
    asked = question("limit-october", year=2026, amount=Decimal(2_000_000))
    (warning,) = warned(checked(asked)[0], asked)
    assert "flat rate" in warning


@pytest.mark.parametrize(("amount", "count"), [(Decimal(40), 0), (Decimal("70.00"), 0), (Decimal(41), 1), (None, 1)])
def test_the_three_amounts_of_a_late_payment_are_told_to_who_does_not_know_them(amount: Decimal, count: int) -> None:
    asked = question("late-payment", date="2026-02-10", amount=amount)
    assert len(warned(checked(asked)[0], asked)) == count


def test_the_one_stop_shop_turns_amounts_into_euro() -> None:
    rule, _ = checked(question("vat-oss", period_end="2024-03-31"))
    assert rule.into == "EUR"
    assert chosen(question("vat-oss", date="2024-03-31")) == first(ECB, day("2024-03-31"))


# Accounting


def test_a_balance_takes_its_own_day_and_an_operation_the_day_before() -> None:
    assert chosen(question("uor-balance", date="2025-12-31")) == up_to(NBP, day("2025-12-31"))
    assert chosen(question("uor-operation", date="2025-12-31")) == before(NBP, day("2025-12-31"))


def test_an_actual_rate_is_the_callers() -> None:
    asked = question("uor-actual", date="2026-04-07", actual_rate=Decimal("4.2512"))
    assert chosen(asked) == Given(Decimal("4.2512"), day("2026-04-07"))
    assert sequences(chosen(asked)) == set()


@pytest.mark.parametrize(("name", "relation"), [("date", Relation.UP_TO), ("payment_date", Relation.BEFORE)])
def test_a_currency_that_nobody_quotes_goes_through_its_reference(name: str, relation: Relation) -> None:
    asked = question("uor-reference", "KYD", reference="USD", cross_rate=Decimal("1.2"), **{name: "2025-12-31"})
    assert chosen(asked) == Cross(Published(NBP, relation, day("2025-12-31"), "USD"), Decimal("1.2"))


def test_a_currency_is_not_its_own_reference() -> None:
    with pytest.raises(ContradictionError) as refused:
        checked(question("uor-reference", "KYD", date="2025-12-31", reference="KYD", cross_rate=Decimal(1)))
    assert refused.value.detail == {"fields": ["reference", "code"]}


def test_a_reference_is_for_a_balance_or_for_an_operation() -> None:
    inputs = {"reference": "USD", "cross_rate": Decimal("1.2"), "date": "2025-12-31", "payment_date": "2025-12-31"}
    with pytest.raises(ContradictionError) as refused:
        checked(question("uor-reference", "KYD", **inputs))
    assert refused.value.detail == {"fields": ["date", "payment_date"]}


@pytest.mark.parametrize("rate", ["0", "-4.25"])
def test_a_rate_of_nothing_is_refused(rate: str) -> None:
    with pytest.raises(ContradictionError) as refused:
        checked(question("uor-actual", date="2026-04-07", actual_rate=Decimal(rate)))
    assert refused.value.detail == {"fields": ["actual_rate"]}
    with pytest.raises(ContradictionError):
        checked(question("uor-reference", "KYD", date="2026-04-07", reference="USD", cross_rate=Decimal(rate)))


# Customs and claims


@pytest.mark.parametrize("rule", ["customs", "vat-import", "vat-mass-event"])
@pytest.mark.parametrize(
    ("text", "wednesday"),
    [
        ("2026-01-01", "2025-12-24"),
        ("2026-01-31", "2025-12-24"),
        ("2026-03-01", "2026-02-18"),
        ("2024-03-31", "2024-02-21"),
        ("2016-05-01", "2016-04-20"),
    ],
)
def test_all_days_of_a_month_share_the_customs_rate_of_the_month_before(rule: str, text: str, wednesday: str) -> None:
    assert chosen(question(rule, date=text)) == up_to(NBP, day(wednesday))


@pytest.mark.parametrize("rule", ["customs", "vat-import", "customs-tariff"])
def test_the_customs_law_before_may_2016_is_not_guessed(rule: str) -> None:
    with pytest.raises(RuleNotInForceError) as refused:
        checked(question(rule, date="2016-04-30"))
    assert refused.value.detail["since"] == "2016-05-01"


def test_the_year_of_customs_begins_in_2017() -> None:
    with pytest.raises(RuleNotInForceError):
        checked(question("customs-year", year=2016))
    assert checked(question("customs-year", year=2017))


def test_the_euro_of_the_tariff_may_change_in_the_middle_of_a_month() -> None:
    usual = before(ECB, day("2024-02-28"), "EUR")
    assert chosen(question("customs-tariff", date="2024-03-14")) == usual
    assert chosen(question("customs-tariff", date="2024-03-15")) == chosen(
        question("customs-tariff", date="2024-03-31")
    )
    other = before(ECB, day("2024-03-15"), "EUR")
    assert chosen(question("customs-tariff", date="2024-03-15")) == Unless(usual, other, Decimal(5))


@pytest.mark.parametrize(
    ("payment", "decides", "count"),
    [
        (None, "2026-10-21", 0),
        ("2026-10-01", "2026-10-21", 0),
        ("2026-10-21", "2026-10-21", 0),
        ("2026-10-23", "2026-10-23", 1),
    ],
)
def test_a_debt_counts_on_its_due_day_and_a_late_one_when_paid(payment: str | None, decides: str, count: int) -> None:
    asked = question("same-day", date="2026-10-21", **({"payment_date": payment} if payment else {}))
    assert chosen(asked) == up_to(NBP, day(decides))
    assert len(warned(checked(asked)[0], asked)) == count
