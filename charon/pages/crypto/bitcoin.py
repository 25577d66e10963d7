"""The tile of bitcoin on the dashboard: the price in dollars, its change, thirty days, and how the coin stands."""

from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from charon.pages.badge import plain
from charon.pages.crypto import figures, words
from markets.licence import Audience
from markets.models import Instrument
from markets.queries import market_quotes
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


def tile() -> tuple[Row, datetime]:
    """The row of the tile, and until when the same prices make the same row; two queries.

    Without a price `value` is empty and `why` says so.
    """
    asked = Instrument.objects.filter(code=CODE).values("pk")
    found = next(iter(market_quotes.quotes(asked, Audience.PAGE, MONTH).values()), [])[:1]
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
    asked = Instrument.objects.filter(code=DECIDED).values("pk")
    found: Stands = next(iter(stands.stands(asked, Audience.PAGE, TIMEFRAMES).values()), {})
    rule = rules.primary()
    return next((stand for name in TIMEFRAMES if (stand := stands.named(found, rule, name))), None)


def badge(stand: Stand | None) -> Row:
    rule = rules.primary().label
    if stand is None:
        return {"chip": plain(_("jeszcze nie wyliczono")), "rule": rule}
    return {"chip": words.chip(stand), "rule": f"{rule} · {DECIDED} {words.timeframe(stand.timeframe)}"}
