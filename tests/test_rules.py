"""May this record in? Refusal is per figure, and each refusal says why."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from markets.records import RateRecord, Table
from markets.store import validation

TODAY = date(2026, 10, 26)


def mid(text: str, code: str = "USD") -> RateRecord:
    return RateRecord(code, mid=Decimal(text))


def both(bid: str | None, ask: str | None) -> RateRecord:
    return RateRecord("USD", bid=Decimal(bid) if bid else None, ask=Decimal(ask) if ask else None)


def sifted(*figures: RateRecord, day: date = TODAY) -> list[tuple[str, str]]:
    table = Table("A", day, list(figures))
    return [(figure.code, reason) for figure, reason in validation.sift(table, TODAY)]


@pytest.mark.parametrize(
    "text",
    ["3.9432", "0.00021385", "0.0000000001", "110", "9999999999", "99999.9999999999", "1E+5", "12345.6789012345"],
)
def test_a_positive_number_of_up_to_15_digits_may_in(text: str) -> None:
    assert validation.against(mid(text)) == ""


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("0", "0: not above zero"),
        ("0.00000000", "0.00000000: not above zero"),
        ("-0", "-0: not above zero"),
        ("-3.9432", "-3.9432: not above zero"),
        ("10000000000", "10000000000: too large"),
        ("1E+10", "10000000000: too large"),
        ("1E+999999", "1E+999999: too large"),
        ("0.00000000001", "0.00000000001: more than 10 decimals"),
        ("3.90000000000", "3.90000000000: more than 10 decimals"),
        ("1234567.123456789", "1234567.123456789: more than 15 digits"),
        ("123456.1234567890", "123456.1234567890: more than 15 digits"),
        ("NaN", "NaN: not a finite number"),
        ("sNaN", "sNaN: not a finite number"),
        ("Infinity", "Infinity: not a finite number"),
        ("-Infinity", "-Infinity: not a finite number"),
    ],
)
def test_a_number_that_no_rate_can_be_is_refused_in_words(text: str, reason: str) -> None:
    assert validation.against(mid(text)) == reason


@pytest.mark.parametrize("text", ["1E+999999", "1E-999999", "9" * 100_000, "0." + "1" * 100_000, "0E-999999"])
def test_a_number_of_a_million_digits_is_refused_in_one_line(text: str) -> None:
    assert 0 < len(validation.against(mid(text))) <= 80


@given(st.decimals())
def test_every_number_gets_an_answer_of_one_line(value: Decimal) -> None:
    reason = validation.against(RateRecord("USD", mid=value))
    assert len(reason) <= 80
    assert reason or 0 < value == Decimal(f"{value:.10f}")


@pytest.mark.parametrize("code", ["usd", "US", "USDT", "", "U$D", "USD\n", "ÄÖÜ", "123"])
def test_a_code_that_is_not_three_capital_letters_is_refused(code: str) -> None:
    assert validation.against(mid("1", code)) == "the code is not three capital letters"


@pytest.mark.parametrize("code", ["EUR", "EURUSD", "EURTRL"])
def test_a_table_of_pairs_names_one_currency_or_two(code: str) -> None:
    table = Table("eurofxref", TODAY, [mid("1", code)], kind="pair")
    assert [reason for _, reason in validation.sift(table, TODAY)] == [""]


@pytest.mark.parametrize("code", ["EURUS", "EURUSDT", "eurusd", "EUR/USD", "EURUSD\n", ""])
def test_another_code_in_a_table_of_pairs_is_refused(code: str) -> None:
    table = Table("eurofxref", TODAY, [mid("1", code)], kind="pair")
    assert [reason for _, reason in validation.sift(table, TODAY)] == ["the code is not three or six capital letters"]


def test_a_pair_is_no_currency() -> None:
    assert sifted(mid("1", "EURUSD")) == [("EURUSD", "the code is not three capital letters")]


def test_a_figure_without_any_number_is_refused() -> None:
    assert validation.against(RateRecord("USD")) == "no figure"


def test_what_the_provider_could_not_read_is_refused_in_its_words() -> None:
    assert validation.against(RateRecord("USD", fault='"3.9" is not a number')) == '"3.9" is not a number'


@pytest.mark.parametrize(("bid", "ask"), [("3.8046", "3.8814"), ("3.8", "3.8")])
def test_a_bid_up_to_the_ask_may_in(bid: str, ask: str) -> None:
    assert validation.against(both(bid, ask)) == ""


@pytest.mark.parametrize(
    ("bid", "ask", "reason"),
    [
        ("3.8814", "3.8046", "bid 3.8814 above ask 3.8046"),
        ("0.0000002", "0.0000001", "bid 0.0000002 above ask 0.0000001"),
        ("3.8", None, "bid or ask is missing"),
        (None, "3.8", "bid or ask is missing"),
        ("0", "3.8", "0: not above zero"),
        ("3.8", "-1", "-1: not above zero"),
    ],
)
def test_two_sides_that_cannot_be_are_refused(bid: str | None, ask: str | None, reason: str) -> None:
    assert validation.against(both(bid, ask)) == reason


def test_today_may_in_and_tomorrow_is_refused_whole() -> None:
    figures = [mid("3.9"), mid("4.2", "EUR")]
    tomorrow = date(2026, 10, 27)
    assert sifted(*figures, day=TODAY) == [("USD", ""), ("EUR", "")]
    assert sifted(*figures, day=tomorrow) == [
        ("USD", "dated 2026-10-27, after today"),
        ("EUR", "dated 2026-10-27, after today"),
    ]


def test_a_bad_figure_leaves_the_others_alone() -> None:
    assert sifted(mid("3.9"), mid("-1", "EUR"), mid("0.0117", "HUF")) == [
        ("USD", ""),
        ("EUR", "-1: not above zero"),
        ("HUF", ""),
    ]


def test_a_code_twice_with_equal_values_is_one() -> None:
    assert sifted(mid("3.9"), mid("3.90"), mid("3.9")) == [("USD", "")]


def test_a_code_twice_with_different_values_is_refused_once() -> None:
    assert sifted(mid("3.9"), mid("4.2", "EUR"), mid("3.8")) == [
        ("USD", "twice in one table with different values"),
        ("EUR", ""),
    ]


def test_a_code_twice_of_which_one_cannot_be_read_is_refused() -> None:
    unread = RateRecord("USD", fault="null is not a number")
    assert sifted(mid("3.9"), unread) == [("USD", "twice in one table with different values")]
    assert sifted(unread, unread) == [("USD", "null is not a number")]


def test_a_code_twice_with_different_sides_is_refused() -> None:
    assert sifted(both("3.8", "3.9"), both("3.8", "4.0")) == [("USD", "twice in one table with different values")]
