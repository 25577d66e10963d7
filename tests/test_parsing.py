"""Reading answers: exact numbers, exact moments, and nothing that only looks like one."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from markets.store import validation
from miner.fetch import parsing
from miner.fetch.errors import Unreadable


@pytest.mark.parametrize("text", ["1.1790", "0", "-3", "1e-7", "1.39852E-10", "9" * 5000])
def test_a_number_keeps_its_digits(text: str) -> None:
    assert parsing.number(text).as_tuple() == Decimal(text).as_tuple()


@pytest.mark.parametrize(
    "text",
    ["", " 1", "1 ", "1_000", "1,5", "NaN", "Infinity", "0x1", "٣", ".5", "1.", "+1", "1e9999999999999999999", "1\n"],
)
def test_what_only_looks_like_a_number_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="is not a number"):
        parsing.number(text)


def test_a_long_text_that_is_no_number_is_told_in_one_line() -> None:
    with pytest.raises(ValueError) as caught:
        parsing.number("x" * 5000)
    assert len(str(caught.value)) < 80


@pytest.mark.parametrize(
    ("count", "unit", "expected"),
    [
        (1779092258, parsing.SECOND, datetime(2026, 5, 18, 8, 17, 38, tzinfo=UTC)),
        (1710331199999, parsing.MILLISECOND, datetime(2024, 3, 13, 11, 59, 59, 999000, tzinfo=UTC)),
        (1710328421483471, parsing.MICROSECOND, datetime(2024, 3, 13, 11, 13, 41, 483471, tzinfo=UTC)),
    ],
)
def test_a_moment_is_exact_in_each_unit(count: int, unit: timedelta, expected: datetime) -> None:
    assert parsing.moment(count, unit) == expected
    assert parsing.count_of(expected, unit) == count


@given(st.integers(min_value=0, max_value=4_000_000_000_000_000))
def test_every_microsecond_comes_back(count: int) -> None:
    assert parsing.count_of(parsing.moment(count, parsing.MICROSECOND), parsing.MICROSECOND) == count


@pytest.mark.parametrize("count", [10**18, -(10**18), 10**300])
def test_a_moment_beyond_the_calendar_is_unreadable(count: int) -> None:
    with pytest.raises(Unreadable):
        parsing.moment(count)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("69702.3087473573", "69702.3087473573"),
        ("19801.30485316612", "19801.3048531661"),
        ("109801.30485316612", "109801.304853166"),
        ("0.00001234567890123", "0.0000123457"),
        ("2.123456789012345", "2.1234567890"),
        ("76975", "76975"),
        ("0.10", "0.10"),
        ("1.39852e-10", "1.39852E-10"),
        ("1e400", "1E+400"),
        ("1E-999999999", "1E-999999999"),
        ("NaN", "NaN"),
    ],
)
def test_the_noise_of_a_double_is_cut_and_nothing_else(text: str, expected: str) -> None:
    assert str(parsing.computed(Decimal(text))) == expected


@given(st.floats(min_value=1e-6, max_value=1e9, allow_nan=False))
def test_every_price_that_was_a_double_may_in(price: float) -> None:
    value = parsing.computed(Decimal(repr(price)))
    assert validation.number_fits(value) == ""
    assert abs(value / Decimal(repr(price)) - 1) < Decimal("1E-4")


@pytest.mark.parametrize("text", ["9" * 5000, "-1." + "1" * 5000, "1" * 20 + "e999999"])
def test_a_number_without_end_is_cut_without_an_error(text: str) -> None:
    assert len(parsing.computed(Decimal(text)).as_tuple().digits) <= 15


@pytest.mark.parametrize("value", [None, Decimal(0), Decimal("0.00000000"), Decimal("-0")])
def test_zero_and_nothing_are_nothing(value: Decimal | None) -> None:
    assert parsing.positive(value) is None


def test_something_stays_as_it_is() -> None:
    assert str(parsing.positive(Decimal("1E-8"))) == "1E-8"
