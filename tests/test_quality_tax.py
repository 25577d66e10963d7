"""What mutants of the tax rules showed that no test looked at: ends of months, złoty in OSS, what a question lacks."""

from collections.abc import Callable
from datetime import date

import pytest

from markets.queries.tax import days
from markets.queries.tax.faults import MissingInputError
from markets.queries.tax.published import first
from markets.queries.tax.rule import Question, Sequence
from markets.queries.tax.rules import uor_actual, uor_reference, vat_oss


@pytest.mark.parametrize(
    ("month", "wednesday"),
    [(date(2026, 6, 1), date(2026, 6, 17)), (date(2026, 8, 1), date(2026, 8, 19))],  # end on a Tuesday, on a Monday
)
def test_the_last_wednesday_of_a_month_that_ends_before_one_is_in_the_week_before(month: date, wednesday: date) -> None:
    assert days.penultimate_wednesday(month) == wednesday


ASKED = Question(rule="any", code="EUR")


@pytest.mark.parametrize(
    ("ask", "words", "missing"),
    [
        (lambda: days.year_of(ASKED), "The question names no year.", ["year"]),
        (
            lambda: days.day_of(ASKED, "date", "tax_point"),
            "The question names no date or tax_point.",
            ["date", "tax_point"],
        ),
        (lambda: uor_actual.RULE.choose(ASKED), "The question names no actual_rate.", ["actual_rate"]),
        (
            lambda: uor_reference.RULE.choose(ASKED),
            "The question names no reference or cross_rate.",
            ["reference", "cross_rate"],
        ),
    ],
)
def test_what_a_question_lacks_is_named(ask: Callable[[], object], words: str, missing: list[str]) -> None:
    with pytest.raises(MissingInputError) as raised:
        ask()
    assert (raised.value.message, raised.value.detail) == (words, {"missing": missing})


def test_an_amount_in_zloty_goes_by_the_rate_of_the_euro_in_oss() -> None:
    """The ECB publishes PLN for one EUR, and no rate of the PLN itself."""
    end = date(2026, 9, 30)
    asked = Question(rule="vat-oss", code="PLN", date=end)
    assert vat_oss.RULE.choose(asked) == first(Sequence.ECB, end, "EUR")
    assert vat_oss.RULE.choose(Question(rule="vat-oss", code="USD", date=end)) == first(Sequence.ECB, end)
