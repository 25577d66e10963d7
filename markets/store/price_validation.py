"""The validation of prices and candles before they are stored: one function per rule."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Context, Decimal

from markets import timeframes
from markets.clock import SKEW
from markets.messages import Message
from markets.records import Bar, Price
from markets.store.validation import LIMIT, MAX_DECIMALS, MAX_DIGITS, ZERO, is_short, number_fits, shown

# Volumes have ten digits more than prices.
VOLUME_LIMIT = Decimal(10) ** 20
EXACT = Context(prec=MAX_DIGITS)
OFF_GRID = Message("off_grid")


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
        return Message("no_time_zone", moment=str(moment))
    return Message("moment_ahead", moment=moment) if moment > now + SKEW else ""


def amounts_fit(volume: Decimal | None, change: Decimal | None = None) -> str:
    if volume is not None and not (volume.is_finite() and 0 <= volume < VOLUME_LIMIT):
        return Message("volume_cannot_be", value=shown(volume))
    if change is not None and not (change.is_finite() and abs(change) < LIMIT):
        return Message("change_cannot_be", value=shown(change))
    return ""


def all_fit(**values: Decimal | None) -> str:
    """Every value that is present must fit; the reason names the first that does not."""
    for name, value in values.items():
        if value is not None and (reason := number_fits(value)):
            return Message("price_does_not_fit", name=name, value=shown(value), reason=reason)
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
    return Message("out_of_order", name=name, lower=shown(lower), other=other, upper=shown(upper))


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
        return Message("unknown_timeframe", timeframe=bar.timeframe)
    if reason := has_come(bar.open_time, now):
        return reason
    if not timeframes.on_grid(bar.open_time, seconds):
        return OFF_GRID
    length = bar.close_time - bar.open_time
    return "" if timedelta(0) < length <= timedelta(seconds=seconds) else Message("long_candle")


def holds_its_prices(bar: Bar) -> str:
    for name, value in (("open", bar.open), ("close", bar.close)):
        if not bar.low <= value <= bar.high:
            values = {"value": shown(value), "low": shown(bar.low), "high": shown(bar.high)}
            return Message("outside", name=name, **values)
    return ""
