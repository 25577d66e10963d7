"""The pages of one currency and of gold, and of all currencies."""

from dataclasses import dataclass, replace
from datetime import date, timedelta

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import conditional_page, require_safe

from charon.pages import charts, instrument_figures, instrument_rules, instrument_signal, rows
from markets import clock, formats
from markets.decimals import scale_of
from markets.instruments import create, redenominations
from markets.instruments.find import find
from markets.instruments.names import GOLD, currency_name
from markets.models import Currency, Instrument
from markets.queries import freshness, freshness_facts, history, overview
from markets.queries import rates as questions
from markets.queries.freshness import Freshness
from markets.queries.overview import Board, LatestRate
from markets.views import BUSY, CALM, HtmxRequest, Row, backfill_row, shown_sources, wants_fragment
from signals import history as signal_history
from signals import rules
from signals.history import Decision
from signals.rules import Rule

SIGNALS_SHOWN = 20
SERIES_TABLE = {"A": "A", "B": "A", "gold": "gold"}


@dataclass(frozen=True, slots=True)
class PageSubject:
    """What a page is about; `line` is None while there is no figure."""

    code: str
    name: str
    board: Board
    line: LatestRate | None


@require_safe
@cache_control(no_cache=True)
@conditional_page
def currency(request: HtmxRequest, code: str) -> HttpResponse:
    rates = overview.board()
    line = next((row for row in [*rates.currencies, *rates.retired] if row.code == code), None)
    if line:
        return show(request, PageSubject(code, line.name, rates, line))
    instrument = find(code)
    wanted = code.strip().upper()
    if wanted == GOLD:
        return redirect(address(request, GOLD))
    if instrument is None and not Currency.objects.exists() and is_known(wanted):
        instrument = create.currency(wanted)
    if instrument is None or (instrument.kind != Instrument.Kind.CURRENCY and instrument.code != GOLD):
        return unknown(request, code)
    if instrument.code != code:
        return redirect(address(request, instrument.code))
    return show(request, PageSubject(instrument.code, instrument.name, rates, None))


@require_safe
@cache_control(no_cache=True)
@conditional_page
def gold(request: HtmxRequest) -> HttpResponse:
    rates = overview.board()
    return show(request, PageSubject(GOLD, create.gold().name, rates, rates.gold))


def is_known(code: str) -> bool:
    """Whether the world knows such a currency, for a database that knows none yet."""
    return currency_name(code, "pl") != code


def address(request: HtmxRequest, code: str) -> str:
    query = request.GET.urlencode()
    return f"{rows.page_of(code)}{'?' if query else ''}{query}"


def unknown(request: HtmxRequest, code: str) -> HttpResponse:
    if len(code) > 32:
        raise Http404
    found = [{"code": near, "href": rows.page_of(near)} for near in questions.nearest_currencies(code)]
    return render(request, "instrument/unknown.html", {"code": code.upper(), "nearest": found}, status=404)


def show(request: HtmxRequest, subject: PageSubject) -> HttpResponse:
    chosen = request.GET.get("zakres", "")
    key = chosen if chosen in history.RANGES else history.DEFAULT_RANGE
    rule = rules.find(request.GET.get("regula", "")) or rules.primary()
    template = "instrument/_instrument.html" if wants_fragment(request) else "instrument/instrument.html"
    facts = context(subject, key, rule)
    if subject.line:
        facts |= {
            "chart": charts.chart_row(request.GET, subject.code, page=rows.page_of(subject.code), name=subject.name)
        }
    return render(request, template, facts)


def context(subject: PageSubject, key: str, rule: Rule) -> Row:
    """Twelve queries: the quotes, three for the state of the source, series, newest figures, snapshots, decisions, and
    four for all rules.
    """
    now = clock.now()
    facts = replace(freshness_facts.facts(None, now), newest=subject.board.newest)
    truth = freshness.judge(facts, now)
    gold = subject.code == GOLD
    shared = {
        "code": subject.code,
        "name": subject.name,
        "gold": gold,
        "path": rows.page_of(subject.code),
        "range": key,
        "rule_query": rule_query(rule),
        "truth": truth,
        "backfill": backfill_row(facts.backfill),
        "sources": shown_sources(facts.sources),
        "every": BUSY if facts.backfill else CALM,
        "unit": _("zł/g") if gold else _("zł"),
    }
    return shared | (filled(subject.line, key, truth, rule) if subject.line else {})


def rule_query(rule: Rule) -> str:
    """What an address of this page needs to speak of the same rule."""
    return "" if rule.name == rules.primary().name else f"&regula={rule.name}"


def filled(line: LatestRate, key: str, truth: Freshness, rule: Rule) -> Row:
    scale = scale_of(line.value)
    since = history.first_day(line.day, history.RANGES[key])
    decisions = signal_history.decisions(line.code, rule)
    turned = next((row for row in decisions if row.turns), None)
    points = history.points(line.code, lead(since, turned))
    snapshots = signal_history.snapshots(line.code, rule)
    daily = SERIES_TABLE[line.table]
    breaks = redenominations.breaks(line.code)
    closes = ((point.day, point.mid) for point in points if point.table == daily)
    bars = signal_history.bars(closes, rule, [row.day for row in breaks])
    return {
        "figure": instrument_figures.headline(line),
        "state": instrument_figures.state(line, truth),
        "signal": instrument_signal.signal_row(line, truth, rule, snapshots.get("30d"), turned, bars),
        "decisions": [instrument_signal.decision_row(row, scale) for row in decisions[:SIGNALS_SHOWN]],
        "all_decisions": formats.whole(len(decisions)),
        "statistics": [instrument_signal.statistics_row(row, line) for row in snapshots.values() if row.stats],
        **instrument_rules.context(line, truth, scale),
        **instrument_figures.proofs(history.newest_days(line.code), line),
    }


def lead(since: date, turned: Decision | None) -> date:
    """From which day on figures are needed: the averages must be settled by the first drawn and by the decided bar."""
    first = min(since, turned.day) if turned else since
    return max(first, date.min + timedelta(days=signal_history.LEAD_DAYS)) - timedelta(days=signal_history.LEAD_DAYS)
