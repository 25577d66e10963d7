"""The pages of one currency and of gold: at most eight statements, no model objects."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from urllib.parse import urlencode

from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import conditional_page, require_safe

from charon.pages import (
    charts,
    history,
    instrument_figures,
    instrument_rules,
    instrument_signal,
    instrument_tables,
    rows,
)
from charon.pages.charts import daily
from charon.pages.charts.question import Question, asked, parameters
from charon.pages.instrument_signal import Closes
from charon.pages.tax import ask_row
from markets import clock
from markets.decimals import scale_of
from markets.instruments.names import GOLD
from markets.queries import drawn, freshness, freshness_facts, headline
from markets.queries import rates as questions
from markets.queries.freshness import Freshness, LatestPublication
from markets.queries.headline import Headline
from markets.views import BUSY, CALM, HtmxRequest, Row, backfill_row, page, shown_sources, wants_fragment
from signals import decided
from signals.decided import Decided
from signals.history import LEAD_DAYS
from signals.rules import Rule

LONGEST_CODE = 32
# Of the other rules only the bar before their decision is needed, which no holiday moves further away.
A_BAR = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class PageSubject:
    """What a page is about; `found` is None while there is no figure, `newest` the newest table A of all."""

    code: str
    name: str
    found: Headline | None
    newest: LatestPublication | None


@require_safe
@cache_control(no_cache=True)
@conditional_page
def currency(request: HtmxRequest, code: str) -> HttpResponse:
    found, newest = headline.read(code)
    if found and code != GOLD:
        return show(request, PageSubject(code, found.line.name, found, newest))
    named = headline.named(code)
    if named is None:
        return unknown(request, code)
    if named.code != code or code == GOLD:
        return redirect(address(request, named.code))
    return show(request, PageSubject(code, named.name, None, newest))


@require_safe
@cache_control(no_cache=True)
@conditional_page
def gold(request: HtmxRequest) -> HttpResponse:
    found, newest = headline.read(GOLD)
    return show(request, PageSubject(GOLD, found.line.name if found else rows.name_of(GOLD), found, newest))


def address(request: HtmxRequest, code: str) -> str:
    query = request.GET.urlencode()
    return f"{rows.page_of(code)}{'?' if query else ''}{query}"


def unknown(request: HtmxRequest, code: str) -> HttpResponse:
    if len(code) > LONGEST_CODE:
        raise Http404
    found = [{"code": near, "href": rows.page_of(near)} for near in questions.nearest_currencies(code)]
    return render(request, "instrument/unknown.html", {"code": code.upper(), "nearest": found}, status=404)


def show(request: HtmxRequest, subject: PageSubject) -> HttpResponse:
    now = clock.now()
    facts = freshness_facts.facts(subject.newest, now)
    truth = freshness.judge(facts, now)
    question = asked(request.GET, subject.code)
    shown = shared(request.GET, question, subject, truth)
    if subject.found:
        shown |= filled(request, question, subject.found, truth)
    return page(request, "instrument/instrument.html", shown, until=until(subject, truth))


def until(subject: PageSubject, truth: Freshness) -> datetime:
    """When the first sentence turns; of table B also that its figure is of the week before last."""
    turns = [truth.until]
    if subject.found and subject.found.line.table == "B":
        turns.append(instrument_figures.midday(subject.found.line.day) + instrument_figures.WEEKLY_IS_OLD)
    return min(turn for turn in turns if turn > truth.now)


def shared(query: QueryDict, question: Question, subject: PageSubject, truth: Freshness) -> Row:
    backfill = truth.facts.backfill
    is_gold = subject.code == GOLD
    return {
        "code": subject.code,
        "name": subject.name,
        "gold": is_gold,
        "here": rows.page_of(subject.code) + with_month(parameters(question), query),
        "truth": truth,
        "backfill": backfill_row(backfill),
        "sources": shown_sources(truth.facts.sources),
        "every": BUSY if backfill else CALM,
        "unit": _("zł/g") if is_gold else _("zł"),
        "ask": None if is_gold else ask_row(day_after(subject), code=subject.code),
    }


def day_after(subject: PageSubject) -> date:
    """The question for tax is about the day before; of a retired currency about its last one."""
    found = subject.found
    return found.line.day + timedelta(days=1) if found and found.line.retired else clock.today()


def with_month(parameters: str, query: QueryDict) -> str:
    """The region is asked for again with the month that its history shows."""
    month = {name: query[name][:LONGEST_CODE] for name in (history.YEAR, history.MONTH) if query.get(name)}
    return parameters + (f"{'&' if parameters else '?'}{urlencode(month)}" if month else "")


def filled(request: HtmxRequest, question: Question, found: Headline, truth: Freshness) -> Row:
    """States, decisions, days, the month and the record: a statement each."""
    line, rule = found.line, question.rule
    scale, path = scale_of(line.value), rows.page_of(line.code)
    states = decided.states(found.instrument)
    decisions = decided.decisions(found.instrument, rule.name)
    since = lead_day(rule, found, decisions.turns)
    first = min(since, daily.first_day(question, found.last_mid))
    columns = drawn.official(line.code, first, found.last_mid, band=False)
    closes = Closes(line.code, line.table, columns, since, scale)
    chart = {}
    if not wants_fragment(request):
        known = daily.Known(found.last_mid, columns)
        chart = {"chart": charts.chart_row(request.GET, line.code, page=path, name=line.name, known=known)}
    return chart | {
        "figure": instrument_figures.headline(found),
        "state": instrument_figures.state(line, truth),
        "signal": instrument_signal.card(rule, states, decisions.turns.get(rule.name), closes, line, truth),
        "decisions": len(decisions.newest),
        "decisions_rows": instrument_tables.decision_rows(decisions.newest, rule, scale),
        "more": decisions.more,
        "lists": lists(line.code, rule),
        "statistics": instrument_tables.statistics(rule, states, line),
        **instrument_rules.context(found, truth, states, decisions.turns, closes, question),
        "history": history.context(line.code, request.GET, found.extent),
    }


def lead_day(rule: Rule, found: Headline, turns: Mapping[str, Decided]) -> date:
    """From which day on the rules need figures: with them the averages are settled by the bar that decided and by the
    newest one.
    """
    lead = timedelta(days=LEAD_DAYS)
    of_turns = [daily.earlier(turn.day, lead if name == rule.name else A_BAR) for name, turn in turns.items()]
    return min([daily.earlier(found.last_mid, lead), *of_turns])


def lists(code: str, rule: Rule) -> Row:
    """Where all decisions of this rule stand: as a page, and in the API."""
    return {
        "page": f"{reverse('signals')}?{urlencode({'instrument': code, 'regula': rule.name})}",
        "api": f"{reverse('api:signals')}?{urlencode({'code': code, 'rule': rule.name})}",
    }
