"""An answer of tax: what it says beside the rate, when it can still change, and when there is none."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from markets import clock
from markets.errors import NotPublicError, QuestionError, UnknownCodeError
from markets.licence import Audience
from markets.models import Gap, Publication, Revision, Source
from markets.queries.tax import registry
from markets.queries.tax.answers import answer, answer_all
from markets.queries.tax.faults import (
    CurrencyLeftTableError,
    MissingInputError,
    NoRateBeforeError,
    NotKnownThenError,
    NotQuotedError,
    NotYetPublishedError,
    StaleError,
    UnknownRuleError,
)
from markets.queries.tax.rule import Question, Relation, Rounding
from markets.records import RateRecord, Table
from markets.store import gaps
from tests.cases import walk
from tests.tax_tables import DAY, official, put_in, reference, rule

pytestmark = pytest.mark.django_db

OCTOBER = date(2026, 10, 5), date(2026, 10, 26)
CODES = ("USD", "EUR", "AED")


@pytest.fixture(autouse=True)
def noon(at: Callable[[str], None]) -> None:
    at("2026-10-27 10:00")


@pytest.fixture
def october(nbp: Source) -> None:
    """Three weeks up to Monday, 26 October 2026."""
    put_in(official(*OCTOBER, CODES))


def pit(code: str, day: str, **more: Any) -> Question:
    return Question("pit-revenue", code, date.fromisoformat(day), **more)


def same_day(code: str, day: str) -> Question:
    return Question("same-day", code, date.fromisoformat(day))


def refused(asked: Question) -> QuestionError:
    with pytest.raises(QuestionError) as caught:
        answer(asked)
    return caught.value


def reasons(found: dict[str, Any]) -> list[tuple[str, str]]:
    return [(day["date"][5:], day["reason"]) for day in found["skipped"]]


# The whole answer


def test_an_answer_says_which_table_why_not_a_later_one_and_what_proves_it(nbp: Source) -> None:
    put_in(official(date(2025, 12, 8), date(2026, 1, 9), CODES))
    proof = Publication.objects.get(number="248/A/NBP/2025")
    assert answer(pit("usd", "2025-12-29", amount=Decimal(1500))) == {
        "rule": {
            "id": "pit-revenue",
            "statute": "PIT art. 11a(1)",
            "version_from": "2012-01-01",
            "optional": False,
        },
        "input": {"code": "USD", "date": "2025-12-29", "amount": "1500"},
        "rate": "3.5848",
        "unit": 1,
        "derived": False,
        "source": "nbp",
        "table": "A",
        "table_no": "248/A/NBP/2025",
        "effective_date": "2025-12-23",
        "skipped": [
            {"date": "2025-12-28", "reason": "weekend"},
            {"date": "2025-12-27", "reason": "weekend"},
            {"date": "2025-12-26", "reason": "holiday", "name": "Boże Narodzenie"},
            {"date": "2025-12-25", "reason": "holiday", "name": "Boże Narodzenie"},
            {"date": "2025-12-24", "reason": "holiday", "name": "Wigilia"},
        ],
        "amount_pln": "5377.20",
        "into": "PLN",
        "amount_into": "5377.20",
        "rounding": "half_up_0.01",
        "final": True,
        "why_not_final": None,
        "ambiguous": False,
        "warnings": [],
        "proof": {
            "publication": f"/api/v1/provenance/publication/{proof.pk}",
            "sha256": proof.sha256,
            "log": None,
        },
        "citation": "Tabela nr 248/A/NBP/2025 z dnia 2025-12-23, 1 USD = 3,5848 PLN",
        "legs": [],
        "notice": "Not tax advice",
    }


def test_days_without_a_table_b_say_so(nbp: Source) -> None:
    put_in(official(date(2025, 12, 1), date(2026, 1, 9), CODES))
    assert reasons(answer(pit("AED", "2025-12-31"))) == [
        ("12-30", "not_a_table_day"),
        ("12-29", "not_a_table_day"),
        ("12-28", "weekend"),
        ("12-27", "weekend"),
        ("12-26", "holiday"),
        ("12-25", "holiday"),
        ("12-24", "holiday"),
    ]


def test_a_week_without_a_table_b_is_told(nbp: Source) -> None:
    weekly = official(date(2026, 7, 20), date(2026, 8, 10), ("AED",))
    put_in(table for table in weekly if table.effective_date != date(2026, 7, 29))
    found = answer(pit("AED", "2026-08-04"))
    assert (found["effective_date"], found["ambiguous"]) == ("2026-07-22", False)
    assert {"date": "2026-07-29", "reason": "no_publication"} in found["skipped"]
    assert found["warnings"] == ["working_day_without_table"]


def test_the_ecb_has_holidays_of_its_own(nbp: Source) -> None:
    put_in([reference("2026-04-02", "4.2855"), reference("2026-04-07", "4.2830")], "ecb")
    found = answer(Question("vat-ecb", "EUR", tax_point=date(2026, 4, 7)))
    assert reasons(found) == [
        ("04-06", "target_holiday"),
        ("04-05", "weekend"),
        ("04-04", "weekend"),
        ("04-03", "target_holiday"),
    ]
    assert found["citation"] == "Kurs referencyjny EBC z dnia 2026-04-02, 1 EUR = 4,2855 PLN"


# Statements


def test_one_answer_takes_three_statements(october: None, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(3):
        answer(pit("USD", "2026-10-26"))


def test_three_hundred_answers_take_as_many(october: None, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    asked = [pit(CODES[n % 3], str(date(2026, 10, 15) + DAY * (n % 10))) for n in range(300)]
    with django_assert_num_queries(3):
        found = answer_all(asked)
    assert len(found) == 300
    assert not any(isinstance(one, QuestionError) for one in found)


def test_refusals_take_three_more_together(october: None, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    asked = [pit(code, str(date(2026, 10, 15) + DAY * n)) for n in range(10) for code in ("KYD", "BMD", "FKP")]
    asked += [pit("ANG", "2026-10-26"), pit("USD", "2012-01-02")]
    with django_assert_num_queries(6):
        found = answer_all(asked)
    assert {type(one) for one in found} == {NotQuotedError, NoRateBeforeError}


def test_unknown_codes_take_two_more_together(october: None, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    asked = [pit(f"ZZ{letter}", "2026-10-26") for letter in "QRSTUVW"] + [pit("USB", "2026-10-26")]
    with django_assert_num_queries(3):
        found = answer_all([*asked, *asked, pit("XAU", "2026-10-26")])
    assert {type(one) for one in found} == {UnknownCodeError}
    assert isinstance(found[7], UnknownCodeError)
    assert "USD" in found[7].detail["nearest"]


def test_no_question_takes_none(nbp: Source, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(0):
        assert answer_all([]) == []


def test_a_refusal_stands_in_its_place_among_the_answers(october: None) -> None:
    found = answer_all([pit("USD", "2026-10-26"), pit("USB", "2026-10-26"), pit("EUR", "2026-10-26")])
    assert [one["input"]["code"] if isinstance(one, dict) else one.code for one in found] == [
        "USD",
        "unknown_code",
        "EUR",
    ]


# Whether it can change


def test_before_noon_yesterdays_table_is_told_and_not_final(nbp: Source, at: Callable[[str], None]) -> None:
    put_in(official(OCTOBER[0], date(2026, 10, 23), CODES))
    at("2026-10-26 11:00")
    found = answer(same_day("USD", "2026-10-26"))
    assert (found["effective_date"], found["final"], found["why_not_final"]) == (
        "2026-10-23",
        False,
        "not_yet_published",
    )
    assert reasons(found)[0] == ("10-26", "not_yet_published")
    at("2026-10-26 12:44")
    assert answer(same_day("USD", "2026-10-26"))["final"] is False


def test_a_table_that_should_be_here_by_now_is_not_replaced_by_an_older_one(
    nbp: Source, at: Callable[[str], None]
) -> None:
    put_in(official(OCTOBER[0], date(2026, 10, 23), CODES))
    at("2026-10-26 12:46")
    error = refused(same_day("USD", "2026-10-26"))
    assert isinstance(error, StaleError)
    assert error.status == 503
    assert error.detail["skipped"][0] == {"date": "2026-10-26", "reason": "missing_here"}
    assert answer(pit("USD", "2026-10-26"))["final"] is True  # asks for the table before


@pytest.mark.parametrize(
    ("day", "why"), [("2026-10-27", None), ("2026-10-28", "date_ahead"), ("2031-01-01", "date_ahead")]
)
def test_an_event_to_come_is_answered_by_the_newest_table_and_not_final(
    october: None, day: str, why: str | None
) -> None:
    found = answer(pit("USD", day))
    assert (found["effective_date"], found["why_not_final"]) == ("2026-10-26", why or None)
    assert found["final"] is (why is None)
    assert len(found["skipped"]) <= 1


def test_a_table_of_a_holiday_may_still_come_on_that_day(nbp: Source, at: Callable[[str], None]) -> None:
    put_in(official(date(2025, 10, 27), date(2025, 11, 10), CODES))
    at("2025-11-11 10:00")
    assert answer(same_day("USD", "2025-11-11"))["why_not_final"] == "day_not_over"
    at("2025-11-12 10:00")
    assert answer(same_day("USD", "2025-11-11"))["final"] is True


def test_an_answer_older_than_any_pause_is_refused(nbp: Source) -> None:
    put_in(official(date(2026, 10, 5), date(2026, 10, 9), CODES))
    error = refused(pit("USD", "2026-10-26"))
    assert isinstance(error, StaleError)
    assert error.detail["newest"] == "2026-10-09"


def test_a_gap_before_the_day_is_not_stepped_over(nbp: Source) -> None:
    put_in([table for table in official(*OCTOBER, CODES) if table.effective_date != date(2026, 10, 20)])
    assert answer(pit("USD", "2026-10-21"))["warnings"] == ["working_day_without_table"]
    gaps.failed(nbp, gaps.of_days("A", date(2026, 10, 20), date(2026, 10, 20)), Gap.Reason.FAILED)
    assert isinstance(refused(pit("USD", "2026-10-21")), StaleError)
    assert answer(pit("USD", "2026-10-22"))["final"] is True


def test_a_gap_that_an_operator_has_accepted_is_told(nbp: Source) -> None:
    put_in([table for table in official(*OCTOBER, CODES) if table.effective_date != date(2026, 10, 20)])
    gaps.failed(nbp, gaps.of_days("A", date(2026, 10, 20), date(2026, 10, 20)), Gap.Reason.FAILED)
    Gap.objects.update(accepted_at=clock.now())
    found = answer(pit("USD", "2026-10-21"))
    assert (found["effective_date"], found["final"], found["why_not_final"]) == ("2026-10-19", False, "missing_here")
    assert reasons(found) == [("10-20", "missing_here")]


def test_no_accepted_gap_makes_an_answer_of_the_week_before_last(nbp: Source) -> None:
    missing = date(2026, 10, 12), date(2026, 10, 23)
    put_in([one for one in official(*OCTOBER, CODES) if not missing[0] <= one.effective_date <= missing[1]])
    gaps.failed(nbp, gaps.of_days("A", *missing), Gap.Reason.FAILED)
    Gap.objects.update(accepted_at=clock.now())
    assert answer(pit("USD", "2026-10-16"))["effective_date"] == "2026-10-09"
    assert isinstance(refused(pit("USD", "2026-10-17")), StaleError)


def test_a_figure_that_was_refused_here_did_not_leave_the_table(october: None, nbp: Source) -> None:
    day = date(2026, 10, 27)
    refused_figure = RateRecord("EUR", fault="not a number")
    put_in([Table("A", day, [RateRecord("USD", Decimal("3.9")), refused_figure], "208/A/NBP/2026", sha256="0" * 64)])
    assert answer(same_day("USD", "2026-10-27"))["rate"] == "3.9"
    assert isinstance(refused(same_day("EUR", "2026-10-27")), StaleError)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("span", "code", "day", "table_day", "warning"),
    [
        ((date(2018, 10, 25), date(2018, 11, 16)), "EUR", "2018-11-13", "2018-11-12", "table_on_a_holiday"),
        ((date(2005, 3, 21), date(2005, 4, 15)), "EUR", "2005-04-11", "2005-04-07", "working_day_without_table"),
    ],
)
def test_where_table_and_calendar_differ_the_table_counts_and_it_is_told(
    nbp: Source,
    monkeypatch: pytest.MonkeyPatch,
    span: tuple[date, date],
    code: str,
    day: str,
    table_day: str,
    warning: str,
) -> None:
    monkeypatch.setattr(registry, "NAMES", {"any": rule()})
    put_in(official(*span, CODES))
    found = answer(Question("any", code, date.fromisoformat(day)))
    assert (found["effective_date"], found["ambiguous"], found["warnings"]) == (table_day, True, [warning])
    assert found["final"] is True


def test_a_rate_of_the_unit_before_a_redenomination_is_told_and_not_converted(nbp: Source) -> None:
    put_in(official(date(2021, 9, 20), date(2021, 10, 22), ("USD", "VES")))
    before, after = answer(pit("VES", "2021-10-13")), answer(pit("VES", "2021-10-14"))
    assert (before["effective_date"], before["warnings"]) == ("2021-10-06", ["unit_changed"])
    assert (after["effective_date"], after["warnings"]) == ("2021-10-13", [])
    assert Decimal(after["rate"]) > 100_000 * Decimal(before["rate"])


# Derived and given rates


def test_through_the_euro_the_quotient_is_not_rounded(nbp: Source) -> None:
    put_in([reference("2026-01-06", "4.2105", USD="1.1707"), reference("2026-01-07", "4.2", USD="1.17")], "ecb")
    found = answer(Question("vat-ecb", "USD", amount=Decimal(1000), tax_point=date(2026, 1, 7)))
    assert (found["amount_pln"], found["derived"], found["table_no"]) == ("3596.57", True, None)
    assert found["rate"] == "3.59656615700008541898"
    assert [(leg["code"], leg["quote"], leg["rate"]) for leg in found["legs"]] == [
        ("EUR", "PLN", "4.2105"),
        ("EUR", "USD", "1.1707"),
    ]
    assert found["citation"].startswith(
        "Kurs referencyjny EBC z dnia 2026-01-06, 1 EUR = 4,2105 PLN; "
        "Kurs referencyjny EBC z dnia 2026-01-06, 1 EUR = 1,1707 USD; 1 USD = 3,5965661570"
    )


@pytest.fixture
def spring(nbp: Source) -> None:
    put_in(official(date(2026, 3, 9), date(2026, 4, 10), CODES))


INVOICE, PAYMENT = date(2026, 3, 23), date(2026, 4, 7)


def fx(**more: Any) -> dict[str, Any]:
    asked = Question("pit-fx-diff", "EUR", amount=Decimal(10000), invoice_date=INVOICE, payment_date=PAYMENT)
    return answer(replace(asked, **more))


def test_a_difference_has_both_legs_each_rounded(spring: None) -> None:
    found = fx()
    assert found["amount_pln"] == "8.00"
    assert [(leg["role"], leg["table_no"], leg["amount_pln"]) for leg in found["legs"]] == [
        ("earlier", "055/A/NBP/2026", "42768.00"),
        ("later", "065/A/NBP/2026", "42776.00"),
    ]
    assert found["warnings"] == []
    assert found["citation"].count("Tabela nr ") == 2


def test_the_rate_of_a_bank_stands_for_itself_and_is_measured_by_the_nbps(spring: None) -> None:
    near, far = fx(actual_rate=Decimal("4.30")), fx(actual_rate=Decimal("4.60"))
    assert (near["amount_pln"], near["warnings"]) == ("232.00", [])
    assert (far["amount_pln"], far["warnings"]) == ("3232.00", ["actual_rate_over_5_percent_off"])
    assert (far["source"], far["table"], far["table_no"], far["proof"]) == ("given", None, None, None)
    assert fx(actual_rate=Decimal("4.20"))["amount_pln"] == "-768.00"


def test_a_reference_currency_is_multiplied_and_both_rates_are_shown(nbp: Source) -> None:
    put_in(official(date(2025, 12, 15), date(2026, 1, 5), CODES))
    asked = Question(
        "uor-reference", "KYD", date(2025, 12, 31), Decimal(1000), reference="USD", cross_rate=Decimal("1.20")
    )
    found = answer(asked)
    assert (found["rate"], found["amount_pln"], found["derived"]) == ("4.32192", "4321.92", True)
    assert [(leg["code"], leg["quote"], leg["rate"], leg["source"]) for leg in found["legs"]] == [
        ("USD", "PLN", "3.6016", "nbp"),
        ("KYD", "USD", "1.20", "given"),
    ]
    assert found["table_no"] == "251/A/NBP/2025"


def test_a_reference_for_a_currency_that_the_nbp_quotes_is_told_to_be_none(
    october: None, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    asked = Question("uor-reference", "EUR", date(2026, 10, 22), reference="USD", cross_rate=Decimal("1.1"))
    with django_assert_num_queries(3):
        found = answer(asked)
    assert any("The NBP quotes EUR" in warning for warning in found["warnings"])
    with django_assert_num_queries(3):
        other = answer(replace(asked, code="KYD"))
    assert not any("quotes" in warning for warning in other["warnings"])


def test_the_tariff_changes_when_the_euro_has_moved_by_more_than_five_percent(nbp: Source) -> None:
    days = {"2024-06-27": "4.3000", "2024-06-28": "4.3090", "2024-07-12": "4.5245", "2024-07-15": "4.5"}
    put_in([reference(day, pln) for day, pln in days.items()], "ecb")
    asked = Question("customs-tariff", "EUR", date(2024, 7, 10))
    assert answer(asked)["rate"] == "4.3090"
    assert answer(replace(asked, date=date(2024, 7, 16)))["rate"] == "4.5245"
    put_in([reference("2024-07-12", "4.5244")], "ecb")
    assert answer(replace(asked, date=date(2024, 7, 16)))["rate"] == "4.3090"


def test_the_tariff_of_a_later_half_is_not_final_before_the_rate_that_may_change_it(
    nbp: Source, at: Callable[[str], None]
) -> None:
    put_in([reference("2024-06-28", "4.3090"), reference("2024-07-09", "4.3100")], "ecb")
    asked = Question("customs-tariff", "EUR", date(2024, 7, 20))
    at("2024-07-10 10:00")
    found = answer(asked)
    assert (found["rate"], found["final"], found["why_not_final"]) == ("4.3090", False, "date_ahead")
    assert answer(replace(asked, date=date(2024, 7, 10)))["final"] is True
    at("2024-07-20 10:00")
    put_in([reference(f"2024-07-{day}", "4.31") for day in (10, 11, 12)], "ecb")
    assert answer(asked)["final"] is True


def test_of_the_one_stop_shop_the_amount_becomes_euro(nbp: Source) -> None:
    put_in([reference("2024-03-28", "4.3", USD="1.08"), reference("2024-04-02", "4.2938", USD="1.0749")], "ecb")
    asked = Question("vat-oss", "EUR", amount=Decimal(1000), period_end=date(2024, 3, 31))
    found = answer(asked)
    assert (found["amount_pln"], found["into"], found["amount_into"]) == (None, "EUR", "232.89")
    assert answer(replace(asked, code="USD"))["amount_into"] == "930.32"
    in_pln = answer(replace(asked, code="PLN"))
    assert (in_pln["rate"], in_pln["amount_into"], in_pln["input"]["code"]) == ("4.2938", "232.89", "PLN")


@pytest.mark.slow
@walk(
    ("amount", "rounding", "pln"),
    [
        ("0.125", Rounding.GROSZ, "0.13"),
        ("-0.125", Rounding.GROSZ, "-0.13"),
        ("0.1249", Rounding.GROSZ, "0.12"),
        ("0.5", Rounding.ZLOTY, "1"),
        ("-0.5", Rounding.ZLOTY, "-1"),
        ("8517200", Rounding.THOUSAND, "8517000"),
        ("8517500", Rounding.THOUSAND, "8518000"),
        ("-0.001", Rounding.GROSZ, "0.00"),
        ("-0.4", Rounding.ZLOTY, "0"),
        ("-499", Rounding.THOUSAND, "0"),
        ("1e25", Rounding.GROSZ, "10000000000000000000000000.00"),
    ],
)
def test_halves_are_rounded_away_from_zero(
    nbp: Source, monkeypatch: pytest.MonkeyPatch, amount: str, rounding: Rounding, pln: str
) -> None:
    put_in([Table("A", date(2026, 10, 26), [RateRecord("USD", Decimal("1.0000"))], "207/A/NBP/2026", sha256="0" * 64)])
    monkeypatch.setattr(registry, "NAMES", {"any": rule(rounding=rounding)})
    assert answer(Question("any", "USD", date(2026, 10, 27), Decimal(amount)))["amount_pln"] == pln


def test_an_amount_beyond_all_money_is_refused(october: None) -> None:
    error = refused(pit("USD", "2026-10-26", amount=Decimal("1e400")))
    assert (error.code, error.detail) == ("bad_request", {"fields": ["amount"]})


# No answer


def test_an_unknown_code_comes_with_the_nearest(october: None) -> None:
    error = refused(pit("USB", "2026-10-26"))
    assert isinstance(error, UnknownCodeError)
    assert "USD" in error.detail["nearest"]


@pytest.mark.parametrize("code", ["KYD", "BMD", "SHP"])
def test_what_the_nbp_does_not_quote_is_not_crossed_in_silence(october: None, code: str) -> None:
    error = refused(pit(code, "2026-10-26"))
    assert (error.status, error.code, error.detail) == (422, "not_quoted", {"hint": "uor-reference"})


def test_pln_needs_no_rate(october: None) -> None:
    assert refused(pit("PLN", "2026-10-26")).code == "not_quoted"
    given = Question("uor-actual", "PLN", date(2026, 10, 26), actual_rate=Decimal("1.1"))
    through = Question("uor-reference", "PLN", date(2026, 10, 26), reference="USD", cross_rate=Decimal("1.1"))
    assert {refused(given).code, refused(through).code} == {"not_quoted"}


@pytest.mark.parametrize("code", ["XAU", "BTC", "EURUSD", "US\0D", "ＵＳＤ", "U" * 300, "12", "'; --"])
def test_what_is_no_currency_is_unknown(october: None, code: str) -> None:
    put_in([reference("2026-10-26", "4.3", USD="1.1")], "ecb")
    assert refused(pit(code, "2026-10-26")).code == "unknown_code"


def test_a_renamed_currency_is_told_with_its_successor_and_not_converted(nbp: Source) -> None:
    put_in(official(date(2025, 3, 3), date(2025, 4, 10), ("USD", "ANG", "XCG")))
    error = refused(pit("ANG", "2025-04-07"))
    assert isinstance(error, CurrencyLeftTableError)
    assert (error.detail["successor"], error.detail["last_date"]) == ("XCG", "2025-03-26")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("relation", "day", "said"),
    [
        (Relation.BEFORE, date.min, "no_rate_before"),
        (Relation.UP_TO, date.min, "no_rate_before"),
        (Relation.FIRST, date.min, "stale"),
        (Relation.BEFORE, date.max, "2026-10-26"),
        (Relation.UP_TO, date.max, "2026-10-26"),
        (Relation.FIRST, date.max, "not_yet_published"),
    ],
)
def test_the_ends_of_the_calendar_are_answered(
    october: None, monkeypatch: pytest.MonkeyPatch, relation: Relation, day: date, said: str
) -> None:
    monkeypatch.setattr(registry, "NAMES", {"any": rule(relation=relation, event=lambda _: date(2020, 1, 1))})
    (found,) = answer_all([Question("any", "USD", day)])
    assert (found.code if isinstance(found, QuestionError) else found["effective_date"]) == said


def test_a_table_that_is_still_to_come_is_not_guessed(october: None, at: Callable[[str], None]) -> None:
    asked = Question("limit-october", "EUR", year=2028)
    error = refused(asked)
    assert isinstance(error, NotYetPublishedError)
    assert error.detail == {"since": "2027-10-01"}
    at("2027-10-04 10:00")
    assert isinstance(refused(asked), StaleError)


def test_without_any_table_there_is_no_answer(nbp: Source) -> None:
    assert isinstance(refused(pit("USD", "2026-10-26")), StaleError)


def test_an_unknown_rule_and_a_missing_input_are_told(october: None) -> None:
    assert isinstance(refused(Question("pti", "USD", date(2026, 10, 26))), UnknownRuleError)
    assert isinstance(refused(Question("pit", "USD")), MissingInputError)


def test_figures_that_may_not_be_shown_are_not(october: None, nbp: Source) -> None:
    Source.objects.filter(pk=nbp.pk).update(public_api=False)
    with pytest.raises(NotPublicError):
        answer(pit("USD", "2026-10-26"))
    assert answer(pit("USD", "2026-10-26"), Audience.OPERATOR)["source"] == "nbp"
    assert answer(pit("USD", "2026-10-26"), Audience.PAGE)["source"] == "nbp"


# What was known


def test_an_answer_of_the_past_has_the_figure_that_was_known_then(nbp: Source, at: Callable[[str], None]) -> None:
    def table(mid: str, proof: str) -> Table:
        return Table("A", date(2026, 10, 22), [RateRecord("USD", Decimal(mid))], "206/A/NBP/2026", sha256=proof * 64)

    at("2026-10-22 12:10")
    put_in([table("3.9000", "1")])
    at("2026-10-23 09:00")
    moment = datetime(2026, 10, 22, 20, tzinfo=UTC)
    assert answer(pit("USD", "2026-10-23", as_of=moment))["rate"] == "3.9000"
    before = refused(pit("USD", "2026-10-23", as_of=datetime(2026, 10, 22, 8, tzinfo=UTC)))
    assert isinstance(before, NotKnownThenError)


@pytest.fixture
def published_again(nbp: Source, at: Callable[[str], None]) -> None:
    """Table A of 22 October at noon, and with another figure the next morning."""
    for number, (moment, mid) in enumerate([("2026-10-22 12:10", "3.9000"), ("2026-10-23 09:00", "3.9100")]):
        at(moment)
        lines = [RateRecord("USD", Decimal(mid))]
        put_in([Table("A", date(2026, 10, 22), lines, "206/A/NBP/2026", sha256=str(number) * 64)])
    at("2026-10-27 10:00")


@walk(
    ("moment", "rate"),
    [
        (datetime(2026, 10, 22, 10, 10, tzinfo=UTC), "3.9000"),
        (datetime(2026, 10, 23, 6, 59, 59, tzinfo=UTC), "3.9000"),
        (datetime(2026, 10, 23, 7, tzinfo=UTC), "3.9100"),
        (None, "3.9100"),
    ],
)
def test_a_table_that_is_published_again_is_known_since_it_first_came(
    published_again: None, moment: datetime | None, rate: str, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    """Its bytes of today are of the next day; what they replaced is in the corrections."""
    with django_assert_num_queries(3):
        found = answer(pit("USD", "2026-10-23", as_of=moment))
    assert (found["rate"], found["table_no"], found["effective_date"]) == (rate, "206/A/NBP/2026", "2026-10-22")


def test_before_it_first_came_a_table_was_not_known(published_again: None) -> None:
    before = refused(pit("USD", "2026-10-23", as_of=datetime(2026, 10, 22, 10, 9, 59, tzinfo=UTC)))
    assert isinstance(before, NotKnownThenError)


def test_a_moment_shows_no_figure_of_a_source_that_may_not_be_shown(
    published_again: None, nbp: Source, archive: Source
) -> None:
    Revision.objects.update(old_source=archive)
    Source.objects.filter(pk=archive.pk).update(public_api=False)
    asked = pit("USD", "2026-10-23", as_of=datetime(2026, 10, 22, 20, tzinfo=UTC))
    assert isinstance(refused(asked), NotPublicError)
    assert answer(asked, Audience.OPERATOR)["source"] == "nbp_archive"
    assert answer(pit("USD", "2026-10-23"))["source"] == "nbp"


def test_a_moment_to_come_is_now(october: None) -> None:
    found = answer(pit("USD", "2026-10-26", as_of=datetime(2040, 1, 1, tzinfo=UTC)))
    assert found["rate"] == answer(pit("USD", "2026-10-26"))["rate"]
