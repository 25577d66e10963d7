"""Everything that is followed, with last price, change of 24 hours and newest alert."""

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import conditional_page, require_safe

from charon.pages import rows
from charon.pages.crypto import coin_alerts, figures, live, markets_beside, scanner, source_notes
from markets import formats
from markets.licence import Audience
from markets.queries import followed, gold_in_dollars
from markets.queries.followed import Followed
from markets.queries.market_quotes import SourceQuote
from markets.views import BUSY, HtmxRequest, Row, page
from signals.alerts import newest
from signals.alerts.models import AlertEvent

logger = logging.getLogger(__name__)

COLUMNS = ("created_at", "change_pct", "direction", "window_minutes", "kind", "state")


@require_safe
@cache_control(no_cache=True)
@conditional_page
def overview(request: HtmxRequest) -> HttpResponse:
    context, until = context_of()
    return page(request, "ui/overview.html", context, until)


def context_of() -> tuple[Row, datetime]:
    there = followed.followed()
    sources = followed.sources()
    priced = scanner.quotes_of_followed()
    gold = gold_in_dollars.derived(priced)
    alerts = newest.newest([one.pk for one in there], Audience.PAGE, COLUMNS)

    def row(one: Followed) -> Row:
        price = price_row(one, priced.get(one.code, ()), gold)
        why = "" if price else source_notes.why_no_price(one, sources)
        return {**shared(one), "price": price, "why": why, "alert": alert_row(alerts.get(one.pk))}

    context: Row = {
        "assets": [guarded(row, one) for one in urgent_first(there)],
        "sources": followed.shown(sources.values()),
        "here": reverse("ui"),
        "stream": live.stream(),
        "every": BUSY,
    }
    return context, figures.until(quote for ranked in priced.values() for quote in ranked)


def urgent_first(there: Sequence[Followed]) -> list[Followed]:
    return sorted(there, key=lambda one: (not one.is_urgent, one.code))


def guarded(row: Callable[[Followed], Row], one: Followed) -> Row:
    """One asset whose row cannot be made does not take the page with it: it reads n/a."""
    try:
        return row(one)
    except (ArithmeticError, LookupError, TypeError, ValueError):
        logger.exception("The row of %s cannot be made", one.code)
        return {**shared(one), "price": None, "why": _("n/d"), "alert": None, "broken": True}


def shared(one: Followed) -> Row:
    return {
        "code": one.code,
        "name": one.name.partition(" (")[0],
        "href": reverse("ui_asset", args=[one.code]),
        "urgent": one.is_urgent,
    }


def price_row(one: Followed, quotes: Sequence[SourceQuote], gold: gold_in_dollars.Derived | None) -> Row | None:
    found = markets_beside.row_of(one, quotes, gold)
    return found["price"] if found else None  # type: ignore[return-value]


def alert_row(event: Mapping[str, Any] | None) -> Row | None:
    """The badge: how much and when."""
    if event is None:
        return None
    change = event["change_pct"]
    return {
        "percent": formats.percent(change) if change is not None else _("alert"),
        "direction": event["direction"] or "flat",
        "arrow": rows.ARROWS.get(event["direction"], ""),
        "window": coin_alerts.window_text(event["window_minutes"]),
        "at": event["created_at"],
        "is_open": event["state"] == AlertEvent.State.OPEN,
    }
