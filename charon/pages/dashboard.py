"""The dashboard: newest rates beside their signals. Ten queries at most, however many currencies there are."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import cache_control
from django.views.decorators.http import conditional_page, require_safe

from charon.pages import problem_words, rows
from charon.pages.badge import Badges
from markets import clock
from markets.queries import freshness, freshness_facts, overview
from markets.views import BUSY, CALM, HtmxRequest, Row, backfill_row, shown_sources, wants_fragment
from signals import queries


def demo(request: HttpRequest) -> Row:  # noqa: ARG001
    """For every template: whether nothing here is real."""
    return {"demo": settings.DEMO}


@require_safe
@cache_control(no_cache=True)
@conditional_page
def dashboard_page(request: HtmxRequest) -> HttpResponse:
    template = "dashboard/_board.html" if wants_fragment(request) else "dashboard/dashboard.html"
    return render(request, template, context())


def context() -> Row:
    now, today = clock.now(), clock.today()
    rates = overview.board()
    truth = freshness.judge(freshness_facts.facts(rates.newest, now), now)
    badges = Badges(queries.signal_states(), queries.rule_label(), truth)
    tiles = rates.tiles
    months = overview.last_month([line for line in tiles.values() if line])
    current = {line.code: line for line in rates.current}
    recent = queries.recent(current.keys(), max(line.day for line in rates.current)) if current else []
    return {
        "truth": truth,
        "backfill": backfill_row(truth.facts.backfill),
        "filled": bool(rates.current or rates.retired),
        "harm": problem_words.harm({row.code: row.name for row in truth.facts.sources}, truth),
        "tiles": [rows.tile(code, line, badges, months.get(code, []), today) for code, line in tiles.items()],
        "recent": [rows.recent_row(signal, current[signal.instrument.code], badges, today) for signal in recent],
        "rule": badges.rule,
        "currencies": [rows.currency_row(line, badges) for line in rates.currencies],
        "retired": [rows.retired_row(line) for line in rates.retired],
        "days": sorted(rates.days.items()),
        "sources": shown_sources(truth.facts.sources),
        "every": BUSY if truth.facts.backfill else CALM,
    }
