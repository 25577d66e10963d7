"""Rates, prices and candles that are the same on every machine: waves over working days, rounded as published."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from math import sin

from markets.queries.calendars import days_after, is_working
from markets.records import Bar, Price, RateRecord, Table

# 400 bars: 250 until the rule is warm, and enough crossings behind them.
FIRST, LAST = date(2025, 3, 27), date(2026, 10, 28)
# A first value, its decimals, and where on the wave it begins: the euro crosses down and the franc up in the last days.
BASES = {
    "USD": ("3.80", 4, 5.0),
    "EUR": ("4.25", 4, 4.5),
    "CHF": ("4.55", 4, 7.44),
    "NOK": ("0.3611", 4, 4.0),
    "GBP": ("5.05", 4, 2.0),
    "JPY": ("0.0245", 6, 5.0),
    "UAH": ("0.0912", 4, 0.0),
    "RUB": ("0.0471", 4, 1.0),
    "HRK": ("0.6224", 4, 3.0),
    "AED": ("1.0347", 4, 0.5),
    "XAU": ("480.5", 2, 1.0),
    "EURUSD": ("1.118", 4, 2.5),
    "EURGBP": ("0.8415", 4, 3.5),
    "EURJPY": ("173.4", 2, 5.5),
}
SECONDS = {"5m": 300, "1h": 3600, "4h": 14_400, "1d": 86_400}


def working_days(start: date, end: date) -> list[date]:
    days = [start] if is_working(start) else []
    for day in days_after(start):
        if day > end:
            return days
        if is_working(day):
            days.append(day)
    return days


DAYS = working_days(FIRST, LAST)


def value(code: str, day: date) -> Decimal:
    """A wave of some 75 days with a small one on it."""
    base, places, phase = BASES[code]
    n = day.toordinal() - FIRST.toordinal()
    return Decimal(f"{float(base) * (1 + 0.06 * sin(n / 12 + phase) + 0.01 * sin(n / 3.1)):.{places}f}")


def mids(codes: Iterable[str], day: date) -> list[RateRecord]:
    return [RateRecord(code, mid=value(code, day)) for code in codes]


def spreads(codes: Iterable[str], day: date) -> list[RateRecord]:
    margin = Decimal("0.0400")
    return [RateRecord(code, bid=value(code, day) - margin, ask=value(code, day) + margin) for code in codes]


def table(letter: str, day: date, lines: list[RateRecord], edition: str = "", kind: str = "currency") -> Table:
    """An official table with its proof; another `edition` is the same table published again."""
    name = f"{day.timetuple().tm_yday:03}/{letter}/NBP/{day.year}"
    proof = sha256(f"{name}{edition}".encode()).hexdigest()
    return Table(letter, day, lines, name, None, f"https://api.nbp.pl/api/{letter}/{day}/", proof, kind)


def archived(letter: str, day: date, codes: Iterable[str]) -> Table:
    """A table of the archive: no number, no proof."""
    return Table(letter, day, mids(codes, day))


def ticks(ticker: str, base: str, end: datetime, count: int, minutes: int, places: int = 2) -> list[Price]:
    """One price every so many minutes, the last one at `end`."""
    return [
        Price(
            ticker,
            Decimal(f"{float(base) * (1 + 0.02 * sin(n / 2.3)):.{places}f}"),
            end - timedelta(minutes=minutes * (count - 1 - n)),
        )
        for n in range(count)
    ]


def bars(ticker: str, timeframe: str, end: datetime, count: int) -> list[Bar]:
    """Candles up to the one that is open at `end`; in every fifth nothing was traded."""
    seconds = SECONDS[timeframe]
    last = int(end.timestamp()) // seconds
    return [bar(ticker, timeframe, last - count + 1 + n, quiet=n % 5 == 1) for n in range(count)]


def bar(ticker: str, timeframe: str, number: int, *, quiet: bool) -> Bar:
    start = datetime.fromtimestamp(number * SECONDS[timeframe], UTC)
    end = start + timedelta(seconds=SECONDS[timeframe], milliseconds=-1)
    first = Decimal(f"{67_000 + 900 * sin(number / 2.7):.2f}")
    step, volume = (Decimal(0), Decimal(0)) if quiet else (Decimal("12.25"), Decimal("1.204"))
    prices = (first, first + 2 * step, first - step, first + step)
    return Bar(ticker, timeframe, start, end, *prices, volume, 0 if quiet else 37)
