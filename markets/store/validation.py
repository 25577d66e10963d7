"""May this record in? One function a rule; each answers with the reason against it, or nothing."""

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
# "0." and as many decimals as may be: no shorter text has more.
SURE_LENGTH = 2 + MAX_DECIMALS
NUMBER_LENGTH = 40
ZERO, LIMIT = Decimal(0), Decimal(10) ** 10
# Volumes have ten digits more than prices.
VOLUME_LIMIT = Decimal(10) ** 20
EXACT = Context(prec=MAX_DIGITS)
SHOWN = 40
# Two clocks are never quite the same.
CLOCK_SKEW = timedelta(seconds=60)


def code_is_iso(figure: RateRecord, kind: str = "currency") -> str:
    """A table of pairs names both currencies (`EURUSD`), or one where the other is the złoty (`EUR`)."""
    if kind == "pair":
        return "" if PAIR.match(figure.code) else "the code is not three or six capital letters"
    return "" if CODE.match(figure.code) else "the code is not three capital letters"


def number_fits(value: Decimal) -> str:
    """A price with more digits than both databases keep exactly is refused, on both alike."""
    if not value.is_finite():
        return "not a finite number"
    if value <= ZERO:
        return "not above zero"
    if value >= LIMIT:
        return "too large"
    if is_short(value):
        return ""  # as nearly all are: a history has hundreds of thousands
    _, digits, exponent = value.as_tuple()
    if isinstance(exponent, int) and -exponent > MAX_DECIMALS:
        return f"more than {MAX_DECIMALS} decimals"
    return f"more than {MAX_DIGITS} digits" if len(digits) > MAX_DIGITS else ""


def is_short(value: Decimal) -> bool:
    """Whether it is seen at a glance that it fits."""
    text = str(value)
    if len(text) <= SURE_LENGTH:
        return "E" not in text
    return len(text) <= MAX_DIGITS and "E" not in text and len(text.partition(".")[2]) <= MAX_DECIMALS


def numbers_fit(figure: RateRecord) -> str:
    """A mid, or a bid and an ask: every number that is there must fit."""
    if figure.mid is not None and figure.bid is None and figure.ask is None:
        reason = number_fits(figure.mid)
        return reason and f"{shown(figure.mid)}: {reason}"
    values = [value for value in (figure.mid, figure.bid, figure.ask) if value is not None]
    if not values:
        return "no figure"
    return next((f"{shown(value)}: {reason}" for value in values if (reason := number_fits(value))), "")


def shown(value: Decimal) -> str:
    """As it was published, but no longer than a line: 1e999999999 has a thousand million digits."""
    written_out = value.is_finite() and abs(value.adjusted()) < SHOWN
    return (f"{value:f}" if written_out else str(value))[:SHOWN]


def bid_below_ask(figure: RateRecord) -> str:
    if figure.mid is not None:
        return ""
    if figure.bid is None or figure.ask is None:
        return "bid or ask is missing"
    return f"bid {shown(figure.bid)} above ask {shown(figure.ask)}" if figure.bid > figure.ask else ""


def day_has_come(table: Table, today: date) -> str:
    return f"dated {table.effective_date}, after today" if table.effective_date > today else ""


def number_can_be_kept(table: Table) -> str:
    """PostgreSQL refuses what its column does not hold, SQLite would take it: both alike."""
    if "\0" in table.number:
        return "its number has a NUL"
    return f"its number has more than {NUMBER_LENGTH} characters" if len(table.number) > NUMBER_LENGTH else ""


def against(figure: RateRecord, kind: str = "currency") -> str:
    """Why this figure may not in; empty when it may."""
    return (
        figure.fault or code_is_iso(figure, kind) or numbers_fit(figure) or bid_below_ask(figure)
    )  # each rule needs what the one before it made sure of


def twice_and_different(figures: Collection[RateRecord]) -> set[str]:
    """Codes that one table names more than once with different values: nobody can say which one is right."""
    if len({figure.code for figure in figures}) == len(figures):
        return set()
    seen: dict[str, RateRecord] = {}
    different = set()
    for figure in figures:
        first = seen.setdefault(figure.code, figure)
        if (first.mid, first.bid, first.ask) != (figure.mid, figure.bid, figure.ask):
            different.add(figure.code)
    return different


def sift(table: Table, today: date) -> Iterator[tuple[RateRecord, str]]:
    """Each figure of the table once, with the reason against it (empty: it may in)."""
    reason_for_all = day_has_come(table, today) or number_can_be_kept(table)
    doubtful = twice_and_different(table.rates)
    seen = set()
    for figure in table.rates:
        if figure.code in seen:
            continue
        seen.add(figure.code)
        doubt = "twice in one table with different values" if figure.code in doubtful else ""
        yield figure, reason_for_all or doubt or against(figure, table.kind)


# Prices and candles


def fitted(value: Decimal) -> Decimal:
    """What is no price (a volume, a change) is rounded to the digits that both databases keep."""
    if not value.is_finite() or abs(value) >= VOLUME_LIMIT:
        return value
    if is_short(value):
        return value
    short = EXACT.plus(value)
    return round(short, MAX_DECIMALS) if -int(short.as_tuple().exponent) > MAX_DECIMALS else short


def unless_zero(value: Decimal | None) -> Decimal | None:
    """A bid of 0 is how some say that there is none."""
    return None if value is not None and value.is_finite() and value == 0 else value


def tidy(price: Price) -> Price:
    """The same with None for what is missing and with volumes that fit."""
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
    """Every price that is there must fit; the reason names which one does not."""
    for name, value in values.items():
        if value is not None and (reason := number_fits(value)):
            return f"{name} {shown(value)}: {reason}"
    return ""


def against_price(price: Price, now: datetime) -> str:
    """Why this price may not in; empty when it may. It is tidy."""
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
    """Why this candle may not in; empty when it may."""
    return stretch_is_right(bar, now) or ("" if is_sound(bar) else against_prices(bar)) or amounts_fit(bar.volume)


def is_sound(bar: Bar) -> bool:
    """Whether it is seen at a glance that its prices fit, as nearly always: cycles bring tens of thousands."""
    first, high, low, last = prices = (bar.open, bar.high, bar.low, bar.close)
    finite = all(map(Decimal.is_finite, prices))  # what is none cannot be compared
    return finite and ZERO < low <= first <= high < LIMIT and low <= last <= high and all(map(is_short, prices))


def against_prices(bar: Bar) -> str:
    return (
        all_fit(open=bar.open, high=bar.high, low=bar.low, close=bar.close)
        or in_order("low", bar.low, "high", bar.high)
        or holds_its_prices(bar)
    )


def stretch_is_right(bar: Bar, now: datetime) -> str:
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
