"""The validation of records before they are stored: one function per rule.

Each function returns the reason for a refusal, or an empty string.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Context, Decimal

from markets import timeframes
from markets.records import Bar, Price, RateRecord, Table

CODE = re.compile(r"[A-Z]{3}\Z")
PAIR = re.compile(r"[A-Z]{3}([A-Z]{3})?\Z")
# DecimalField(20, 10); SQLite keeps REAL, which is exact to 15 significant digits.
MAX_DECIMALS = 10
MAX_DIGITS = 15
# The length of "0." and ten decimals: no shorter text has more decimals.
SURE_LENGTH = 2 + MAX_DECIMALS
NUMBER_LENGTH = 40
ZERO, LIMIT = Decimal(0), Decimal(10) ** 10
# Volumes have ten digits more than prices.
VOLUME_LIMIT = Decimal(10) ** 20
EXACT = Context(prec=MAX_DIGITS)
SHOWN = 40
# Two clocks are never quite the same.
CLOCK_SKEW = timedelta(seconds=60)


def code_is_iso(rate: RateRecord, kind: str = "currency") -> str:
    """A table of pairs names both currencies (`EURUSD`), or one where the other is the złoty (`EUR`)."""
    if kind == "pair":
        return "" if PAIR.match(rate.code) else "the code is not three or six capital letters"
    return "" if CODE.match(rate.code) else "the code is not three capital letters"


def number_fits(value: Decimal) -> str:
    """A price with more digits than both databases keep exactly is refused, on both alike."""
    if not value.is_finite():
        return "not a finite number"
    if value <= ZERO:
        return "not above zero"
    if value >= LIMIT:
        return "too large"
    if is_short(value):
        return ""  # nearly every value, and a history has hundreds of thousands
    _, digits, exponent = value.as_tuple()
    if isinstance(exponent, int) and -exponent > MAX_DECIMALS:
        return f"more than {MAX_DECIMALS} decimals"
    return f"more than {MAX_DIGITS} digits" if len(digits) > MAX_DIGITS else ""


def is_short(value: Decimal) -> bool:
    """Whether the length of the text alone shows that the value fits; a cheap test for nearly every value."""
    text = str(value)
    if len(text) <= SURE_LENGTH:
        return "E" not in text
    return len(text) <= MAX_DIGITS and "E" not in text and len(text.partition(".")[2]) <= MAX_DECIMALS


def numbers_fit(rate: RateRecord) -> str:
    """Every value that is present (a mid, or a bid and an ask) must fit."""
    if rate.mid is not None and rate.bid is None and rate.ask is None:
        reason = number_fits(rate.mid)
        return reason and f"{shown(rate.mid)}: {reason}"
    values = [value for value in (rate.mid, rate.bid, rate.ask) if value is not None]
    if not values:
        return "no figure"
    return next((f"{shown(value)}: {reason}" for value in values if (reason := number_fits(value))), "")


def shown(value: Decimal) -> str:
    """The value as published, cut to 40 characters: 1e999999999 has a thousand million digits."""
    written_out = value.is_finite() and abs(value.adjusted()) < SHOWN
    return (f"{value:f}" if written_out else str(value))[:SHOWN]


def bid_below_ask(rate: RateRecord) -> str:
    if rate.mid is not None:
        return ""
    if rate.bid is None or rate.ask is None:
        return "bid or ask is missing"
    return f"bid {shown(rate.bid)} above ask {shown(rate.ask)}" if rate.bid > rate.ask else ""


def day_has_come(table: Table, today: date) -> str:
    return f"dated {table.effective_date}, after today" if table.effective_date > today else ""


def number_can_be_kept(table: Table) -> str:
    """PostgreSQL rejects what its column cannot hold, SQLite would store it: refused on both alike."""
    if "\0" in table.number:
        return "its number has a NUL"
    return f"its number has more than {NUMBER_LENGTH} characters" if len(table.number) > NUMBER_LENGTH else ""


def against(rate: RateRecord, kind: str = "currency") -> str:
    """The reason to refuse this rate; empty when it is valid."""
    return (
        rate.fault or code_is_iso(rate, kind) or numbers_fit(rate) or bid_below_ask(rate)
    )  # each rule needs what the one before it made sure of


def twice_and_different(rates: Collection[RateRecord]) -> set[str]:
    """Codes that one table contains more than once with different values: it is unknown which one is right."""
    if len({rate.code for rate in rates}) == len(rates):
        return set()
    seen: dict[str, RateRecord] = {}
    different = set()
    for rate in rates:
        first = seen.setdefault(rate.code, rate)
        if (first.mid, first.bid, first.ask) != (rate.mid, rate.bid, rate.ask):
            different.add(rate.code)
    return different


def sift(table: Table, today: date) -> Iterator[tuple[RateRecord, str]]:
    """Each rate of the table once, with the reason to refuse it (empty when it is valid)."""
    reason_for_all = day_has_come(table, today) or number_can_be_kept(table)
    doubtful = twice_and_different(table.rates)
    seen = set()
    for rate in table.rates:
        if rate.code in seen:
            continue
        seen.add(rate.code)
        doubt = "twice in one table with different values" if rate.code in doubtful else ""
        yield rate, reason_for_all or doubt or against(rate, table.kind)


# Prices and candles


def fitted(value: Decimal) -> Decimal:
    """A volume or a change, rounded to the digits that both databases keep (15, ten decimals); never for prices."""
    if not value.is_finite() or abs(value) >= VOLUME_LIMIT:
        return value
    if is_short(value):
        return value
    short = EXACT.plus(value)
    return round(short, MAX_DECIMALS) if -int(short.as_tuple().exponent) > MAX_DECIMALS else short


def unless_zero(value: Decimal | None) -> Decimal | None:
    """None for 0: some providers write a missing bid as 0."""
    return None if value is not None and value.is_finite() and value == 0 else value


def tidy(price: Price) -> Price:
    """The price with None for missing values, and with volume and change rounded to what the databases keep."""
    return replace(
        price,
        bid=unless_zero(price.bid),
        ask=unless_zero(price.ask),
        open=unless_zero(price.open),
        high=unless_zero(price.high),
        low=unless_zero(price.low),
        close=unless_zero(price.close),
        volume=None if price.volume is None else fitted(price.volume),
        change=None if price.change is None else fitted(price.change),
    )


def has_come(moment: datetime, now: datetime) -> str:
    if moment.tzinfo is None:
        return f"{moment} has no time zone"
    return f"of {moment.isoformat()}, ahead of our clock" if moment > now + CLOCK_SKEW else ""


def amounts_fit(volume: Decimal | None, change: Decimal | None = None) -> str:
    if volume is not None and not (volume.is_finite() and 0 <= volume < VOLUME_LIMIT):
        return f"volume {shown(volume)} cannot be"
    if change is not None and not (change.is_finite() and abs(change) < LIMIT):
        return f"change {shown(change)} cannot be"
    return ""


def all_fit(**values: Decimal | None) -> str:
    """Every value that is present must fit; the reason names the first that does not."""
    for name, value in values.items():
        if value is not None and (reason := number_fits(value)):
            return f"{name} {shown(value)}: {reason}"
    return ""


def against_price(price: Price, now: datetime) -> str:
    """The reason to refuse this price, after `tidy`; empty when it is valid."""
    return (
        has_come(price.observed_at, now)
        or all_fit(price=price.price, bid=price.bid, ask=price.ask)
        or all_fit(open=price.open, high=price.high, low=price.low, close=price.close)
        or amounts_fit(price.volume, price.change)
        or in_order("bid", price.bid, "ask", price.ask)
        or in_order("low", price.low, "high", price.high)
    )  # each rule needs what the one before it made sure of


def in_order(name: str, lower: Decimal | None, other: str, upper: Decimal | None) -> str:
    if lower is None or upper is None or lower <= upper:
        return ""
    return f"{name} {shown(lower)} above {other} {shown(upper)}"


def against_bar(bar: Bar, now: datetime) -> str:
    """The reason to refuse this candle; empty when it is valid."""
    return period_is_valid(bar, now) or ("" if is_sound(bar) else against_prices(bar)) or amounts_fit(bar.volume)


def is_sound(bar: Bar) -> bool:
    """A cheap test that passes nearly every valid candle: a cycle fetches tens of thousands."""
    first, high, low, last = prices = (bar.open, bar.high, bar.low, bar.close)
    finite = all(map(Decimal.is_finite, prices))  # comparing a NaN would raise
    return finite and ZERO < low <= first <= high < LIMIT and low <= last <= high and all(map(is_short, prices))


def against_prices(bar: Bar) -> str:
    return (
        all_fit(open=bar.open, high=bar.high, low=bar.low, close=bar.close)
        or in_order("low", bar.low, "high", bar.high)
        or holds_its_prices(bar)
    )


def period_is_valid(bar: Bar, now: datetime) -> str:
    seconds = timeframes.SECONDS.get(bar.timeframe)
    if seconds is None:
        return f"unknown timeframe {bar.timeframe}"
    if reason := has_come(bar.open_time, now):
        return reason
    if not timeframes.on_grid(bar.open_time, seconds):
        return "begins off the grid"
    length = bar.close_time - bar.open_time
    return "" if timedelta(0) < length <= timedelta(seconds=seconds) else "does not end in its stretch"


def holds_its_prices(bar: Bar) -> str:
    for name, value in (("open", bar.open), ("close", bar.close)):
        if not bar.low <= value <= bar.high:
            return f"{name} {shown(value)} outside low {shown(bar.low)} and high {shown(bar.high)}"
    return ""
