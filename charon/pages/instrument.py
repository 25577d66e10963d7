"""The pages of one currency and of gold: figures with their proofs, the chart, and why the last signal was given."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import conditional_page, require_safe

from charon.pages import chart, dashboard, rows
from markets import clock, formats
from markets.decimals import scale_of
from markets.instruments import create
from markets.instruments.find import find
from markets.instruments.names import GOLD, currency_name
from markets.models import Currency, Instrument
from markets.queries import calendars, freshness, freshness_facts, history, overview
from markets.queries import rates as questions
from markets.queries.freshness import Freshness
from markets.queries.history import DayRates
from markets.queries.overview import Board, LatestRate
from markets.views import BUSY, CALM, HtmxRequest, Row, backfill_row, shown_sources, wants_fragment
from signals import explain, queries, rules
from signals import history as signal_history
from signals.digits import rounded
from signals.explain import Explanation
from signals.history import Decision
from signals.models import AnalysisSnapshot
from signals.rules import Rule
from signals.rules.macd_cross import MacdCross

SIGNALS_SHOWN = 20
# Table B comes on Wednesdays: a figure of the week before last is missing.
WEEKLY_IS_OLD = timedelta(days=14)
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
def currencies(request: HtmxRequest) -> HttpResponse:
    template = "instrument/_currencies.html" if wants_fragment(request) else "instrument/currencies.html"
    return render(request, template, dashboard.context())


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
    return render(request, template, context(subject, key, rule))


def context(subject: PageSubject, key: str, rule: Rule) -> Row:
    """Eight queries: the quotes, three for the state of the source, series, newest figures, snapshots, decisions."""
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
    bars = signal_history.bars(((point.day, point.mid) for point in points if point.table == daily), rule)
    series = chart.cut(points, since, bars, decisions, scale)
    return {
        "figure": headline(line),
        "state": state(line, truth),
        "ranges": [range_row(line.code, name, name == key, rule) for name in history.RANGES],
        "chart": chart_row(series, line),
        "signal": signal_row(line, truth, rule, snapshots.get("30d"), turned, bars),
        "decisions": [decision_row(row, scale) for row in decisions[:SIGNALS_SHOWN]],
        "all_decisions": formats.whole(len(decisions)),
        "statistics": [statistics_row(row, line) for row in snapshots.values() if row.stats],
        **proofs(history.newest_days(line.code), line),
    }


def lead(since: date, turned: Decision | None) -> date:
    """From which day on figures are needed: the averages must be settled by the first drawn and by the decided bar."""
    first = min(since, turned.day) if turned else since
    return max(first, date.min + timedelta(days=signal_history.LEAD_DAYS)) - timedelta(days=signal_history.LEAD_DAYS)


def headline(line: LatestRate) -> Row:
    many = overview.per_many(line) if line.code != GOLD else None
    return rows.figures(line) | {
        "table": line.table,
        "unit": line.unit,
        "retired": line.retired,
        "many": f"{formats.whole(many[0])} {line.code} = {formats.number(many[1])} zł" if many else "",
        "ounce": formats.number(overview.per_ounce(line)) if line.code == GOLD else "",
    }


def state(line: LatestRate, truth: Freshness) -> Row:
    """What stands between the figure and its being the newest there can be."""
    weekly = line.table == "B"
    old = truth.now - midday(line.day) > WEEKLY_IS_OLD if weekly else line.day < truth.fresh_from
    missing = calendars.working_days(line.day, truth.fresh_from) if old and not weekly else 0
    return {
        "old": old and not line.retired,
        "missing": missing,
        "age": formats.days_ago(line.day, clock.today()) if old and not line.retired else "",
        "closed": truth.closed_by if truth.state == freshness.State.CLOSED and not weekly else "",
    }


def midday(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=clock.WARSAW)


def range_row(code: str, name: str, current: bool, rule: Rule) -> Row:
    return {"name": name, "current": current, "href": f"{rows.page_of(code)}?zakres={name}{rule_query(rule)}"}


def chart_row(series: chart.ChartSeries, line: LatestRate) -> Row:
    unit = "zł/g" if line.code == GOLD else "zł"
    summary = chart.summary(series, f"{line.code}, {line.name}", unit)
    counted = formats.plural(len(series.turns), _("sygnał,sygnały,sygnałów"))
    return {
        "payload": chart.payload(series, unit),
        "path": chart.path(series),
        "width": chart.WIDTH,
        "height": chart.HEIGHT,
        "summary": f"{summary} {_('W tym zakresie: %s.') % counted}",
        "unit": unit,
        "notes": chart.notes(series),
        "table": chart.table(series),
        "macd": series.macd,
        "band": chart.band(series.points),
        "shapes": bool(series.shapes),
        "drawn": len(series.points) > 1,
    }


def signal_row(
    line: LatestRate,
    truth: Freshness,
    rule: Rule,
    newest: AnalysisSnapshot | None,
    turned: Decision | None,
    bars: signal_history.Bars,
) -> Row:
    """The badge of the dashboard, and behind it the explanation of the newest BUY or SELL."""
    stands = {line.code: queries.signal_state(newest.status, newest.stats)} if newest else {}
    why = explain.explain(rule, turned, bars, scale_of(line.value))
    return {
        "chip": rows.Badges(stands, rule.label, truth).of(line),
        "rule": rule.label,
        "identity": rule.name,
        "formula": rule.formula(),
        "others": [other_row(line.code, other) for other in rules.active() if other.name != rule.name],
        "warm_up": rule.warm_up,
        "why": why,
        "turn": turn_row(turned) if turned else None,
        "going_on": not line.retired and line.table != "B",
        "weekly": line.table == "B" and not line.retired,
        "retired": formats.day(line.day) if line.retired else "",
        **trend(newest),
        **spans(rule),
        **(bars_table(rule, why, line) if why else {}),
    }


def spans(rule: Rule) -> Row:
    """What the lines of the chart are called, which are drawn for MACD alone."""
    return {"fast": rule.fast, "slow": rule.slow, "line": rule.signal} if isinstance(rule, MacdCross) else {}


def other_row(code: str, rule: Rule) -> Row:
    return {"name": rule.label, "href": f"{rows.page_of(code)}?regula={rule.name}#sygnal"}


def bars_table(rule: Rule, why: Explanation, line: LatestRate) -> Row:
    """A row a quantity and a column a bar: it fits a phone."""
    price = _("Cena") if line.code == GOLD else _("Kurs")
    names = [price, *explain.titles(rule)]
    columns = list(zip(*why.bars, strict=True))
    return {"bars_days": columns[0] if columns else (), "bars_rows": list(zip(names, columns[1:], strict=False))}


def trend(snapshot: AnalysisSnapshot | None) -> Row:
    stats: dict[str, Any] = snapshot.stats if snapshot else {}
    words = {"up": _("wzrostowy"), "down": _("spadkowy"), "flat": _("boczny")}
    return {"trend": words.get(stats.get("trend", ""), ""), "bars": formats.whole(stats.get("bars", 0))}


def turn_row(decision: Decision) -> Row:
    return {
        "kind": decision.signal.lower(),
        "icon": rows.ICONS[decision.signal],
        "text": rows.word(decision.signal),
        "iso": decision.day.isoformat(),
        "day": formats.day(decision.day),
        "backtested": decision.backtested,
        "made": formats.moment(decision.generated_at),
    }


def decision_row(decision: Decision, scale: int) -> Row:
    """A withdrawn decision has no values: its bar is none of the daily series any more."""
    if "close" not in decision.values:
        return turn_row(decision) | {"histogram": "–", "close": "–"}
    return turn_row(decision) | {
        "histogram": chart.histogram_text(decision.histogram, scale),
        "close": formats.number(rounded(decision.values["close"], scale)),
    }


def statistics_row(snapshot: AnalysisSnapshot, line: LatestRate) -> Row:
    stats, scale = snapshot.stats, scale_of(line.value)
    values = {name: formats.number(rounded(stats[name], scale)) for name in ("min", "max", "mean", "first")}
    change = rounded(stats["change"], scale)
    return values | {
        "days": stats["window_days"],
        "until": formats.day(date.fromisoformat(stats["as_of"])),
        "change": formats.signed(change),
        "percent": formats.percent(Decimal(repr(stats["change_pct"]))),
        "direction": rows.direction(change),
        "points": formats.whole(stats["points"]),
    }


def proofs(figures: list[DayRates], line: LatestRate) -> Row:
    """The newest days with source and numbers; all of the proof for the figure on top, table C may be a day ahead."""
    shown = next((row for row in figures if row.mid is not None and row.day == line.day), None)
    return {
        "figures": [figure_row(row) for row in figures],
        "banded": any(row.bid for row in figures),
        "proof": proof_row(shown) if shown else None,
    }


def figure_row(row: DayRates) -> Row:
    values = {"mid": row.mid, "bid": row.bid, "ask": row.ask}
    shown: Row = {name: "–" if value is None else formats.number(value) for name, value in values.items()}
    return shown | {
        "iso": row.day.isoformat(),
        "day": formats.day(row.day),
        "source": row.source,
        "tables": ", ".join(table_words(table) for table in row.tables),
    }


def table_words(table: str) -> str:
    return _("cena złota") if table == "gold" else table


def proof_row(row: DayRates) -> Row:
    return {
        "number": row.tables[0] if row.sha256 and row.tables[0] != "gold" else "",
        "source": row.source,
        "sha256": row.sha256,
        "url": row.url,
        "fetched_iso": row.fetched_at.isoformat() if row.fetched_at else "",
        "fetched": formats.moment(row.fetched_at) if row.fetched_at else "",
    }
