"""Prices of markets as rows of the pages, and until when they say the same of the same prices."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from django.utils.translation import gettext as _

from charon.pages import rows, sparkline
from charon.pages.crypto import words
from markets import clock, formats
from markets.instruments import names
from markets.queries.market_quotes import SourceQuote
from markets.queries.prices import plain
from markets.views import Row
from signals.stands import Stand

# No exchange here writes prices with more decimals than the satoshi has.
MOST = 8
FEWEST_DIGITS = 6


def digits(quote: SourceQuote) -> int:
    """Decimals of the newest price as it is shown."""
    return decimals_of(quote.latest.price, quote.scale)


def decimals_of(value: Decimal, scale: int) -> int:
    """As its source published it, at least those that are usual for the instrument.

    More than MOST are a double that the source has computed (averages have sixteen digits): of such a price
    so many are shown that FEWEST_DIGITS count.
    """
    published = len((plain(value, scale) or "").partition(".")[2])
    if published <= MOST:
        return published
    return max(scale, min(MOST, FEWEST_DIGITS - 1 - value.adjusted()))


def price_text(value: Decimal, scale: int) -> str:
    return printed(value, decimals_of(value, scale))


def printed(value: Decimal, scale: int) -> str:
    """Another price of the same series with the decimals of the newest."""
    return formats.number(value.quantize(Decimal(1).scaleb(-scale)))


def price_row(quote: SourceQuote) -> Row:
    latest = quote.latest
    return {
        "value": price_text(latest.price, quote.scale),
        "unit": names.split(latest.code)[1],
        **change_row(latest.change),
        "at": None if latest.table else latest.ts,
        "near": "" if latest.table else formats.near(latest.ts, clock.now()),
        "iso": latest.ts.date().isoformat(),
        "day": formats.day(latest.ts.date()),
        "old": latest.stale,
        "end_of_day": latest.end_of_day and not latest.table,
        "source": _(quote.source_name),
        "table": latest.table,
        "number": quote.number,
    }


def change_row(change: Decimal | None) -> Row:
    """`percent` is empty where nothing is known of the price a day before."""
    way = rows.direction(change)
    return {
        "percent": "" if change is None else formats.percent(change),
        "direction": way,
        "arrow": rows.ARROWS[way],
    }


def line_row(points: Iterable[Decimal], scale: int, text: str) -> Row:
    """The drawing of a line, and what it shows in words: `text` has %(low)s and %(high)s."""
    values = list(points)
    drawn = sparkline.points(values)
    if not drawn:
        return {"points": "", "said": ""}
    return {"points": drawn, "said": text % {"low": printed(min(values), scale), "high": printed(max(values), scale)}}


def until(quotes: Iterable[SourceQuote], stands: Iterable[Stand] = (), *, hourly: bool = False) -> datetime:
    """When the first price or decision of these turns old; at the latest at midnight in Warsaw."""
    now = clock.now()
    moments = [quote.fresh_until for quote in quotes] + [words.current_until(stand) for stand in stands]
    last = next_hour(now) if hourly else next_midnight(now)
    return min([last, *(moment for moment in moments if moment is not None and moment > now)])


def next_hour(now: datetime) -> datetime:
    return now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)


def next_midnight(now: datetime) -> datetime:
    day = (now.astimezone(clock.WARSAW) + timedelta(days=1)).date()
    return datetime(day.year, day.month, day.day, tzinfo=clock.WARSAW).astimezone(UTC)
