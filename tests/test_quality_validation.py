"""The edges of the validation: the last value that may in beside the first that is refused. No database."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from markets.records import Bar, Price, RateRecord, Table
from markets.store import price_validation, validation
from tests.market import NOW, bar, price

TODAY = date(2026, 10, 26)
USD, EUR = RateRecord("USD", mid=Decimal("3.9")), RateRecord("EUR", mid=Decimal("4.2"))


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        ("", ""),
        ("n" * 40, ""),
        ("n" * 41, "its number has more than 40 characters"),
        ("206/A\0", "its number has a NUL"),
    ],
)
def test_a_number_of_a_table_has_40_characters_at_most(number: str, reason: str) -> None:
    table = Table("A", TODAY, [USD, EUR], number=number)
    assert list(validation.sift(table, TODAY)) == [(USD, reason), (EUR, reason)]


def test_a_day_that_cannot_be_read_stops_no_other_and_the_others_ascend() -> None:
    day = timedelta(days=1)
    later, earlier = Table("A", TODAY, [USD, EUR]), Table("A", TODAY - day, [USD])
    unread = Table("A", TODAY - 2 * day, [USD], fault="no table")
    empty = Table("A", TODAY - 3 * day, [replace_mid(USD, "-1")])

    _, accepted, refused = validation.sift_tables([unread, empty, later, earlier], TODAY)

    assert accepted == [(earlier, [USD]), (later, [USD, EUR])]
    assert refused == [(unread, "", "no table"), (empty, "USD", "-1: not above zero")]


MIDS = ["3.9", "0.0000000001", "0.00021385", "1E+5", "0", "0.0", "-0", "-1", "NaN", "sNaN", "Infinity", "9999999999"]
MIDS += ["10000000000", "12345.6789012345", "12345.67890123456", "1.12345678901", "3.90000000000", "\u0663.\u0669"]
FIGURES = st.builds(
    RateRecord,
    code=st.sampled_from(["USD", "EUR", "usd", "US", "USDT", "EURUSD", "", "USD\n", "USD 1\nEUR", "\u0391BC", "A B"]),
    mid=st.sampled_from([None, *map(Decimal, MIDS)]),
    bid=st.sampled_from([None, None, None, Decimal(1)]),
    ask=st.sampled_from([None, None, None, Decimal(2)]),
    fault=st.sampled_from(["", "", "", "not a number"]),
)


@given(
    rates=st.lists(FIGURES, max_size=4),
    day=st.sampled_from([TODAY, TODAY + timedelta(days=1)]),
    number=st.sampled_from(["", "1\0", "n" * 41]),
    kind=st.sampled_from(["currency", "pair"]),
)
def test_one_look_at_a_whole_table_lets_in_what_rate_by_rate_is_let_in(
    rates: list[RateRecord], day: date, number: str, kind: str
) -> None:
    """The look may miss that a table is sound, never that it is not."""
    table = Table("A", day, rates, number=number, kind=kind)
    if validation.is_sound(table, TODAY):
        assert list(validation.sift(table, TODAY)) == [(rate, "") for rate in rates]


def test_a_table_as_nearly_all_are_is_sound_at_one_look() -> None:
    assert validation.is_sound(Table("A", TODAY, [USD, EUR], number="206/A"), TODAY)


def replace_mid(rate: RateRecord, text: str) -> RateRecord:
    return RateRecord(rate.code, mid=Decimal(text))


def test_a_rate_after_one_that_stands_twice_is_looked_at() -> None:
    assert [rate.code for rate, _ in validation.sift(Table("A", TODAY, [USD, USD, EUR]), TODAY)] == ["USD", "EUR"]


@pytest.mark.parametrize(
    ("until", "code", "words"),
    [
        (None, "USD", "A 2026-10-26 USD"),
        (None, "", "A 2026-10-26"),
        (TODAY, "", "A 2026-10-26"),
        (TODAY + timedelta(days=3), "", "A 2026-10-26..2026-10-29"),
    ],
)
def test_what_was_refused_is_named_by_table_days_and_code(until: date | None, code: str, words: str) -> None:
    assert validation.named(Table("A", TODAY, [], until=until), code) == words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1E+39", "1" + "0" * 39),
        ("1E+40", "1E+40"),
        ("1E-38", "0." + "0" * 37 + "1"),
        ("1E-40", "1E-40"),
        ("1." + "2" * 60, "1." + "2" * 38),
        ("NaN", "NaN"),
    ],
)
def test_a_value_is_written_out_up_to_40_characters(text: str, words: str) -> None:
    assert validation.shown(Decimal(text)) == words


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (RateRecord("USD", mid=Decimal(4), bid=Decimal(-1)), "-1: not above zero"),
        (RateRecord("USD", mid=Decimal(4), ask=Decimal(-2)), "-2: not above zero"),
        (RateRecord("USD", mid=Decimal(4), bid=Decimal(5), ask=Decimal(3)), ""),
    ],
)
def test_a_side_beside_a_middle_rate_must_be_a_number_too(given: RateRecord, words: str) -> None:
    """Only the order of the two is not asked where there is a middle rate."""
    assert validation.against(given) == words


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("12.5", "12.5"),
        ("1234567890.12345678", "1234567890.12346"),
        ("0.123456789012345", "0.1234567890"),
        ("0.00000000014", "1E-10"),
        ("12345678901234567", "1.23456789012346E+16"),
        ("-1234567890.12345678", "-1234567890.12346"),
        ("123456789012345678901", "123456789012345678901"),
        ("Infinity", "Infinity"),
    ],
)
def test_a_volume_keeps_15_digits_and_10_decimals(given: str, kept: str) -> None:
    """What is refused anyway is left as it was, so that the reason shows it."""
    assert price_validation.fitted(Decimal(given)) == Decimal(kept)


def test_a_tiny_number_in_a_short_text_is_refused() -> None:
    """14 characters and no decimal point: its length alone must not let it in."""
    assert validation.number_fits(Decimal("1E-99999999999")) == "more than 10 decimals"


def test_a_volume_that_is_no_number_is_left_for_the_refusal() -> None:
    assert price_validation.fitted(Decimal("NaN")).is_nan()


def test_a_moment_needs_a_time_zone() -> None:
    without = datetime(2026, 10, 26)  # noqa: DTZ001
    assert price_validation.has_come(without, NOW) == "2026-10-26 00:00:00 has no time zone"


def test_a_zero_of_a_provider_is_a_price_that_it_does_not_know() -> None:
    sides = ("bid", "ask", "open", "high", "low", "close")
    zeros: dict[str, Any] = dict.fromkeys((*sides, "volume", "change"), "0")
    none = price_validation.tidy(price("100", **zeros))
    assert [getattr(none, side) for side in sides] == [None] * 6
    assert (none.volume, none.change) == (Decimal(0), Decimal(0)), "nothing traded and nothing moved are figures"
    known: dict[str, Any] = {side: str(n) for n, side in enumerate(sides, 1)}
    some = price("100", **known, volume="1.5", change="-2")
    assert price_validation.tidy(some) == some
    unknown = price("100")
    assert price_validation.tidy(unknown) == unknown


def test_a_volume_and_a_change_are_rounded_each() -> None:
    tidied = price_validation.tidy(price("100", volume="0.123456789012345", change="1.123456789012345"))
    assert (tidied.volume, tidied.change) == (Decimal("0.1234567890"), Decimal("1.1234567890"))


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (price("100", -1), ""),
        (replace(price("100", -1), observed_at=NOW + timedelta(seconds=61)), "of 2026-10-26T11:01:01+00:00, ahead"),
        (price("100", bid="100", ask="100", low="90", high="90"), ""),
        (price("100", bid="101"), ""),
        (price("100", ask="99"), ""),
        (price("100", bid="101", ask="100.5"), "bid 101 above ask 100.5"),
        (price("100", low="101", high="99"), "low 101 above high 99"),
        (price("0"), "price 0: not above zero"),
        (price("100", bid="-1"), "bid -1: not above zero"),
        (price("100", ask="-1"), "ask -1: not above zero"),
        (price("100", open="-1"), "open -1: not above zero"),
        (price("100", high="-1"), "high -1: not above zero"),
        (price("100", low="-1"), "low -1: not above zero"),
        (price("100", close="-1"), "close -1: not above zero"),
        (price("100", volume="0"), ""),
        (price("100", volume="99999999999999999999"), ""),
        (price("100", volume="1E+20"), "volume 100000000000000000000 cannot be"),
        (price("100", volume="NaN"), "volume NaN cannot be"),
        (price("100", change="-9999999999"), ""),
        (price("100", change="1E+10"), "change 10000000000 cannot be"),
        (price("100", change="-1E+10"), "change -10000000000 cannot be"),
    ],
)
def test_the_edge_of_what_a_price_can_be(given: Price, reason: str) -> None:
    said = price_validation.against_price(given, NOW)
    assert said.startswith(reason) if reason else said == ""


@pytest.mark.parametrize(
    ("prices", "reason"),
    [
        (("1", "1", "1", "1"), ""),
        (("90", "110", "90", "110"), ""),
        (("110", "110", "90", "90"), ""),
        (("9999999999",) * 4, ""),
        (("1", "10000000000", "1", "1"), "high 10000000000: too large"),
        (("100", "110", "90", "89.99"), "close 89.99 outside low 90 and high 110"),
        (("110.01", "110", "90", "100"), "open 110.01 outside low 90 and high 110"),
        (("-1", "110", "90", "100"), "open -1: not above zero"),
        (("0", "110", "0", "100"), "open 0: not above zero"),
        (("100", "110", "0", "100"), "low 0: not above zero"),
        (("1E+2", "110", "1E+2", "1.1E+2"), ""),
        (("1.1E+2", "1.1E+2", "90", "9E+1"), ""),
        (("100", "110", "90", "NaN"), "close NaN: not a finite number"),
        (("100", "110", "90", "1.00000000001"), "close 1.00000000001: more than 10 decimals"),
        (("100.000000000000", "110", "90", "100"), "open 100.000000000000: more than 10 decimals"),
    ],
)
def test_the_edge_of_what_the_prices_of_a_candle_can_be(prices: tuple[str, ...], reason: str) -> None:
    assert price_validation.against_bar(bar("2026-10-26 09:00", *prices), NOW) == reason


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (bar("2026-10-26 09:00", close_time=NOW.replace(hour=10, minute=0)), ""),
        (bar("2026-10-26 09:00", close_time=NOW.replace(hour=10, minute=0, second=1)), "does not end in its stretch"),
        (bar("2026-10-26 09:00", close_time=NOW.replace(hour=9, minute=0, second=1)), ""),
        (bar("2026-10-26 09:00", close_time=NOW.replace(hour=9, minute=0)), "does not end in its stretch"),
        (bar("2026-10-26 08:00", timeframe="4h"), ""),
        (bar("2026-10-26 09:00", timeframe="4h"), "begins off the grid"),
        (bar("2026-10-26 09:00", timeframe="7m"), "unknown timeframe 7m"),
        (bar("2026-10-26 09:00", volume="0"), ""),
        (bar("2026-10-26 09:00", volume="-1"), "volume -1 cannot be"),
        (bar("2026-10-26 09:00", "100", "90", "110", "100", volume="-1"), "low 110 above high 90"),
    ],
)
def test_the_edge_of_what_the_time_of_a_candle_can_be(given: Bar, reason: str) -> None:
    assert price_validation.against_bar(given, NOW) == reason
