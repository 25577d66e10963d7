"""The dashboard, and the list of all currencies: newest rates beside their signals, in eight statements."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import conditional_page, require_safe

from charon.pages import problem_words, rows, table
from charon.pages.badge import ICONS, Badges, word
from charon.pages.crypto import tile as bitcoin
from charon.pages.tax import ask_row
from markets import clock, formats
from markets.queries import freshness, freshness_facts, overview
from markets.queries.freshness import Freshness
from markets.queries.overview import Board
from markets.views import BUSY, CALM, HtmxRequest, Row, backfill_row, page, shown_sources
from signals import queries
from signals.alerts import words as alert_texts
from signals.alerts.rows import newest_events
from signals.queries import Crossing

RECENT = 5


def demo(request: HttpRequest) -> Row:  # noqa: ARG001
    """For every template: whether nothing here is real."""
    return {"demo": settings.DEMO}


@require_safe
@cache_control(no_cache=True)
@conditional_page
def dashboard_page(request: HtmxRequest) -> HttpResponse:
    board = overview.board()
    badges = badges_of(board)
    view = table.view_of(request.GET.dict(), "A")
    coin, coin_until = bitcoin()
    signals = recent_signals(board, badges)
    shown = shared(board, badges, view, reverse("dashboard")) | {
        "harm": problem_words.harm({row.code: row.name for row in badges.truth.facts.sources}, badges.truth),
        "tiles": [*tiles(board, badges), coin],
        "rule": badges.rule,
        "ask": ask_row(clock.today(), code="USD"),
        "recent": signals,
        "recent_old": any(row["old"] for row in signals),
        "alerts": [alert_row(event) for event in newest_events()],
    }
    return page(request, "dashboard/dashboard.html", shown, until=min(badges.truth.until, coin_until))


@require_safe
@cache_control(no_cache=True)
@conditional_page
def currencies_page(request: HtmxRequest) -> HttpResponse:
    """All of both tables, as a list alone."""
    board = overview.board()
    badges = badges_of(board)
    view = table.view_of(request.GET.dict(), table.ALL)
    shown = shared(board, badges, view, reverse("currencies"))
    return page(request, "dashboard/currencies.html", shown, until=badges.truth.until)


def badges_of(board: Board) -> Badges:
    now = clock.now()
    truth = freshness.judge(freshness_facts.facts(board.newest, now), now)
    return Badges(queries.signal_states(), queries.rule_label(), truth)


def shared(board: Board, badges: Badges, view: table.View, path: str) -> Row:
    truth: Freshness = badges.truth
    return {
        "truth": truth,
        "backfill": backfill_row(truth.facts.backfill),
        "filled": bool(board.current or board.retired),
        "sources": shown_sources(truth.facts.sources),
        "every": BUSY if truth.facts.backfill else CALM,
        "here": path + view.query,
        **table.context(board, badges, view, path),
    }


def tiles(board: Board, badges: Badges) -> list[Row]:
    found, today = board.tiles, clock.today()
    months = overview.last_month([line for line in found.values() if line])
    return [rows.tile(code, line, badges, months.get(code, []), today) for code, line in found.items()]


def recent_signals(board: Board, badges: Badges) -> list[Row]:
    """Of what is still published and may be shown."""
    current = {line.code: line for line in board.current}
    if not current:
        return []
    found, today = queries.recent(current, max(line.day for line in board.current), RECENT), clock.today()
    return [signal_row(one, old=badges.is_old(current[one.code]), today=today) for one in found]


def signal_row(one: Crossing, *, old: bool, today: date) -> Row:
    return {
        "code": one.code,
        "name": one.name_en if formats.english() else one.name_pl,
        "href": reverse("signal", args=[one.number]),
        "kind": one.signal.lower(),
        "icon": ICONS[one.signal],
        "text": word(one.signal),
        "iso": one.day.isoformat(),
        "day": formats.day(one.day),
        "ago": formats.days_ago(one.day, today),
        "old": old,
    }


def alert_row(event: Mapping[str, Any]) -> Row:
    at: datetime = event["created_at"]
    return {
        "code": event["instrument__code"] or event["subject"],
        "href": f"{reverse('alerts')}#alert-{event['id']}",
        "text": alert_texts.what(event),
        "direction": event["direction"] or "flat",
        "arrow": rows.ARROWS.get(event["direction"], ""),
        "at": at,
    }
