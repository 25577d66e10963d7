"""How figures, days and counts are written for Polish readers."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from markets import formats

NOON = datetime(2026, 11, 20, 11, 0, tzinfo=UTC)  # 12:00 in Warsaw, a Friday


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("4.2497", "4,2497"),
        ("2.6410", "2,6410"),
        ("110", "110"),
        ("0.00022407", "0,00022407"),
        ("0.0000000001", "0,0000000001"),
        ("5348.26", "5348,26"),
        ("9999", "9999"),
        ("10000", "10\u00a0000"),
        ("25772.10", "25\u00a0772,10"),
        ("1234567.5", "1\u00a0234\u00a0567,5"),
        ("-0.0112", "\u22120,0112"),
    ],
)
def test_a_figure_keeps_its_digits_and_is_grouped_from_five(value: str, text: str) -> None:
    assert formats.number(Decimal(value)) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [("0.0112", "+0,0112"), ("-0.0112", "\u22120,0112"), ("0.0000", "0,0000"), ("-0.00", "0,00")],
)
def test_a_change_has_a_typographic_sign_and_zero_has_none(value: str, text: str) -> None:
    assert formats.signed(Decimal(value)) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("0.42", "+0,42%"),
        ("0.415", "+0,42%"),
        ("0.425", "+0,43%"),
        ("-0.425", "\u22120,43%"),
        ("0.004", "0,00%"),
        ("-0.004", "0,00%"),
        ("0", "0,00%"),
        ("1234.5", "+1234,50%"),
    ],
)
def test_a_percentage_is_rounded_half_up_without_a_space(value: str, text: str) -> None:
    assert formats.percent(Decimal(value)) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0\u00a0wierszy"),
        (1, "1\u00a0wiersz"),
        (2, "2\u00a0wiersze"),
        (4, "4\u00a0wiersze"),
        (5, "5\u00a0wierszy"),
        (11, "11\u00a0wierszy"),
        (12, "12\u00a0wierszy"),
        (14, "14\u00a0wierszy"),
        (21, "21\u00a0wierszy"),
        (22, "22\u00a0wiersze"),
        (112, "112\u00a0wierszy"),
        (122, "122\u00a0wiersze"),
        (10_001, "10\u00a0001\u00a0wierszy"),
    ],
)
def test_counts_follow_the_polish_plural(count: int, text: str) -> None:
    assert formats.plural(count, "wiersz,wiersze,wierszy") == text


def test_days_are_written_with_dots_and_the_weekday_where_it_matters() -> None:
    assert formats.day(date(2026, 1, 5)) == "05.01.2026"
    week = [formats.weekday(date(2026, 11, 16) + timedelta(days=n)) for n in range(7)]
    assert week == ["pon.", "wt.", "śr.", "czw.", "pt.", "sob.", "niedz."]
    assert formats.short_day(date(2026, 11, 23), NOON) == "pon. 23.11"
    assert formats.short_day(date(2027, 1, 4), NOON) == "pon. 04.01.2027"


def test_times_are_polish_in_winter_and_in_summer() -> None:
    assert formats.moment(datetime(2026, 11, 20, 10, 52, tzinfo=UTC)) == "20.11.2026, 11:52"
    assert formats.moment(datetime(2026, 7, 1, 22, 30, tzinfo=UTC)) == "02.07.2026, 00:30"


def test_a_near_time_names_its_day_only_when_it_is_another_one() -> None:
    later, monday = NOON + timedelta(hours=1), NOON + timedelta(days=3, hours=-4, minutes=-15)
    assert (formats.near(later, NOON), formats.at(later, NOON)) == ("13:00", "o 13:00")
    assert (formats.near(monday, NOON), formats.at(monday, NOON)) == ("pon. 23.11, 07:45", "pon. 23.11 o 07:45")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "przed chwilą"),
        (59, "za chwilę"),
        (-59, "przed chwilą"),
        (-480, "8\u00a0min temu"),
        (720, "za 12\u00a0min"),
        (3 * 3600, "za 3\u00a0h"),
        (47 * 3600, "za 47\u00a0h"),
        (-49 * 3600, "2\u00a0dni temu"),
    ],
)
def test_relative_time_is_rough(seconds: int, text: str) -> None:
    assert formats.relative(NOON + timedelta(seconds=seconds), NOON) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0,0\u00a0s"),
        (0.44, "0,4\u00a0s"),
        (9.94, "9,9\u00a0s"),
        (12.7, "12\u00a0s"),
        (185, "3\u00a0min 5\u00a0s"),
        (7800, "2\u00a0h 10\u00a0min"),
    ],
)
def test_a_duration_is_as_exact_as_it_is_short(seconds: float, text: str) -> None:
    assert formats.duration(seconds) == text


def test_a_year_has_four_digits() -> None:
    assert formats.day(date(1, 2, 3), "pl") == "03.02.0001"
