"""The tile of bitcoin on the dashboard: the price in dollars, its change, thirty days, and how the coin stands."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from charon.pages.badge import plain
from charon.pages.crypto import figures, words
from markets.licence import Audience
from markets.models import Instrument
from markets.queries import market_quotes
from markets.queries.kept import KeptQuestion
from markets.queries.market_quotes import Steps
from markets.views import Row
from signals import rules, stands
from signals.stands import Stand, Stands

CODE = "BTCUSD"
# Decisions need candles, and those are of the pair with USDT.
DECIDED = "BTCUSDT"
# Every second day: a column of the query costs half a millisecond, and the drawing is 120 px wide.
MONTH = Steps(timedelta(days=2), 15)
# The slowest first: a tile is looked at once a day.
TIMEFRAMES = ("4h", "1h")


def instrument(code: str) -> QuerySet[Instrument, Any]:
    return Instrument.objects.filter(code=code).values("pk")


# Django takes 12 ms to write these two, and the dashboard asks them at every page.
COLUMNS = market_quotes.columns(MONTH)
PRICES = KeptQuestion(lambda: market_quotes.question(instrument(CODE), Audience.PAGE, MONTH).values_list(*COLUMNS))
STANDS = KeptQuestion(lambda: stands.question(instrument(DECIDED), Audience.PAGE, TIMEFRAMES))


def tile() -> tuple[Row, datetime]:
    """The row of the tile, and until when the same prices make the same row; two queries.

    Without a price `value` is empty and `why` says so.
    """
    read = (dict(zip(COLUMNS, row, strict=True)) for row in PRICES.rows())
    found = next(iter(market_quotes.arranged(read, MONTH).values()), [])[:1]
    stand = newest_stand()
    until = figures.until(found, [stand] if stand else [])
    shared: Row = {"code": "BTC", "name": "Bitcoin", "href": words.page_of(CODE), **badge(stand)}
    if not found:
        return shared | {"value": "", "why": _("brak danych"), "points": ""}, until
    text = _("Ostatnie 30 dni: najniżej %(low)s, najwyżej %(high)s.")
    line = figures.line_row(found[0].points, figures.digits(found[0]), text)
    return shared | figures.price_row(found[0]) | line, until


def newest_stand() -> Stand | None:
    """Under the primary rule, on the slowest candles that are decided on."""
    found: Stands = next(iter(stands.arranged(STANDS.rows()).values()), {})
    rule = rules.primary()
    return next((stand for name in TIMEFRAMES if (stand := stands.named(found, rule, name))), None)


def badge(stand: Stand | None) -> Row:
    rule = rules.primary().label
    if stand is None:
        return {"chip": plain(_("jeszcze nie wyliczono")), "rule": rule}
    return {"chip": words.chip(stand), "rule": f"{rule} · {DECIDED} {words.timeframe(stand.timeframe)}"}
