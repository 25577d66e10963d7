"""Decisions: the ledger, and the newest state of every series."""

from collections import Counter
from datetime import datetime, timedelta
from itertools import starmap
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Path, Query, Router

from markets.api import cursors
from markets.api.as_of import checked
from markets.api.export_query import JSON
from markets.api.responses import DAILY as KEPT_A_DAY
from markets.api.responses import counted_behind, fresh, listing, page_of, serve, typed, unusual
from markets.api.schemas import COMMON_ERRORS, Envelope, NewestFirst, Paging
from markets.errors import QuestionError, UnknownCodeError
from markets.licence import Audience, audience
from markets.models import Instrument
from markets.queries.found import find
from markets.queries.lookup import nearest
from markets.redis import generations, response_cache
from signals import decision_texts, known, rating, ratings, rules
from signals.api_rows import Asked, closed, closed_markets, current_places, current_row, is_shown, signal_rows
from signals.explain_rows import explanation
from signals.models import DAILY, AnalysisSnapshot, Signal, midnight
from signals.schemas import (
    CurrentPage,
    CurrentQuery,
    Explanation,
    SignalPage,
    SignalPath,
    SignalQuery,
)

router = Router(tags=["signals"])

LAST_MOMENT = timedelta(days=1, microseconds=-1)
# In the place of a rule's name: every rule.
ALL = "all"


@router.get(
    "/signals",
    response={200: SignalPage, 404: Envelope, **COMMON_ERRORS},
    operation_id="signals",
    summary="Decisions",
)
def signals(request: HttpRequest, query: Query[SignalQuery], paging: Query[NewestFirst]) -> HttpResponse:
    """Decisions of a rule, newest bar first: results of a computation, no investment advice.

    Every BUY and SELL of the history is here, and from the first start on every day, HOLD included. With `limit=1` the
    answer is the newest decision. Without `rule` these are the decisions of the primary rule on daily bars. With
    `as_of` they are those that had been made at that moment.
    """
    as_of = checked(query.as_of)
    instrument = find_instrument(query.code) if query.code else None
    wanted = chosen(query, instrument)
    scope = instrument.code if instrument else generations.ANY
    rest = unusual(query, "code", "rule") | unusual(paging, "limit") | rule_of(query.rule)

    def question(limit: int) -> response_cache.Question:
        return response_cache.Question.of("signals", scope, scope, limit, **rest)

    def compute(asker: Audience) -> dict[str, Any]:
        if paging.format == JSON:
            return decision_page(wanted, asker, paging)
        return listing(paging, decision_texts.decisions(asker, **wanted), signal_rows)

    if as_of is not None:  # any moment may be asked about: what is kept for everybody would be pushed out
        return fresh(request, compute(audience(request)), KEPT_A_DAY)
    return serve(request, response_cache.of_page(paging.limit, question), compute, instrument, query.code)


@router.get(
    "/signals/current",
    response={200: CurrentPage, **COMMON_ERRORS},
    operation_id="signals_current",
    summary="Now",
)
def current(request: HttpRequest, query: Query[CurrentQuery], paging: Query[Paging]) -> HttpResponse:
    """The newest state of every series under a rule, HOLD and "not enough data" included.

    Without `rule` this is the primary rule on daily bars. `all` lists every rule, and the rating of each series: the
    mean of the votes of its rules, from -1 (all for selling) to 1; `rating` lists the ratings alone. With `as_of` it is
    the newest decision that the ledger had at that moment; ratings are not kept, and asking for them alone is 400.
    """
    as_of = checked(query.as_of)
    wanted = asked_for(query.rule)
    if as_of is not None:
        return fresh(request, current_at(request, wanted, as_of, paging), KEPT_A_DAY)
    everywhere = named(query.rule).get("rule") == ALL
    rest = {"series": wanted, "everywhere": everywhere} | unusual(paging, "limit")

    def question(limit: int) -> response_cache.Question:
        return response_cache.Question.of("signals", generations.ANY, "current", limit, **rest)

    def compute(asker: Audience) -> dict[str, Any]:
        places = current_places(asker, wanted, everywhere)
        return page_of(paging, places, lambda part: typed(paging, list(starmap(current_row, part)), "generated_at"))

    return serve(request, response_cache.of_page(paging.limit, question), compute)


def current_at(request: HttpRequest, wanted: list[Asked], as_of: datetime, paging: Paging) -> dict[str, Any]:
    if all(one.rule == ratings.NAME for one in wanted):
        raise QuestionError("Ratings are not kept; ask for the rules, whose decisions are", {"rule": ratings.NAME})
    asker = audience(request)
    shown = Instrument.objects.exclude(pk__in=closed(asker))
    return page_of(paging, known.current_at(shown, wanted, closed_markets(asker), as_of), list)


@router.get(
    "/signals/{id}/explain",
    response={200: Explanation, 404: Envelope, **COMMON_ERRORS},
    operation_id="signal_explain",
    summary="Why",
)
def explain(request: HttpRequest, decision: Path[SignalPath]) -> HttpResponse:
    """Why a decision was what it was: the sentence in Polish and English, the formula and its parameters, the bars that
    decided, the next price that would bring the opposite, how the other rules stood on that bar, and warnings.
    """
    row = Signal.objects.select_related("instrument").filter(pk=decision.id).first()

    def shown_to(asker: Audience) -> Signal:
        if row is None or not is_shown(row, asker):
            raise UnknownCodeError(f"There is no decision {decision.id}", None)
        return row

    scope = row.instrument.code if row else generations.ANY
    question = response_cache.Question.of("signals", scope, scope, "explain", decision.id)
    return serve(request, question, lambda asker: explanation(shown_to(asker)))


def rule_of(text: str | None) -> dict[str, str]:
    """The same for the cache, where the primary rule on daily bars alone is what is answered without a name."""
    primary = rules.primary()
    found = named(text)
    return {} if found.get("rule") == primary.name and tuple(primary.timeframes) == (DAILY,) else found


def named(text: str | None) -> dict[str, str]:
    """The rule that was asked for under its stored name; two spellings of it are one question."""
    if text is None:
        return {}
    return {"rule": ALL if text.lower() == ALL else stored_name(text)}


def stored_name(text: str) -> str:
    """Of a rule that decides today, or of one that has decided before its parameters were changed; or the rating."""
    if text.strip().lower() == ratings.NAME:
        return ratings.NAME
    rule = rules.find(text)
    if rule is not None:
        return rule.name
    if AnalysisSnapshot.objects.filter(rule=text).exists():  # its decisions have no index by rule
        return text
    raise UnknownCodeError(f"There is no rule {text!r}", {"nearest": nearest(text, rules.names())})


def asked_for(text: str | None) -> list[Asked]:
    """What the rows are about; a rule with former parameters was asked about days, as far as anybody knows."""
    if text is None:
        return [asked(rules.primary())._replace(timeframes=(DAILY,))]
    name = named(text)["rule"]
    everything = [*map(asked, rules.active()), *rated()]
    return [one for one in everything if name in {ALL, one.rule}] or [Asked(name, (DAILY,))]


def asked(rule: rules.Rule) -> Asked:
    return Asked(rule.name, tuple(rule.timeframes), tuple(value.name for value in rule.values if value.title))


def rated() -> list[Asked]:
    """The rating, on the timeframes that enough rules are meant for."""
    counts = Counter(timeframe for rule in rules.active() for timeframe in rule.timeframes)
    meant = tuple(timeframe for timeframe, count in counts.items() if count >= rating.FEWEST)
    return [Asked(ratings.NAME, meant)] if meant else []


def decision_page(wanted: dict[str, Any], asker: Audience, paging: NewestFirst) -> dict[str, Any]:
    """As `listing` makes it of rows, of text: one row more than are sent says whether there is a next page."""
    paging.begins_once()
    behind = cursors.values_of(decision_texts.newest_first(), paging.cursor) if paging.cursor else []
    question = decision_texts.question(asker, tuple(wanted), len(behind))
    lines = question.page(paging.limit + 1, paging.offset, *wanted.values(), *behind)
    cursor = decision_texts.cursor_of(lines[paging.limit - 1]) if len(lines) > paging.limit else None
    whole = decision_texts.question(asker, tuple(wanted), 0)
    items = decision_texts.items(lines[: paging.limit])
    return counted_behind(paging, items, lambda: whole.count(*wanted.values()), cursor)


def chosen(query: SignalQuery, instrument: Instrument | None) -> dict[str, Any]:
    """The conditions of decisions."""
    if query.from_ and query.to and query.from_ > query.to:
        raise QuestionError(
            f"from ({query.from_}) is later than to ({query.to})", {"from": query.from_, "to": query.to}
        )
    name = rule_of(query.rule).get("rule")
    daily = {"rule": rules.primary().name, "timeframe": DAILY}
    wanted = (daily if name is None else {} if name == ALL else {"rule": name}) | {
        "instrument": instrument and instrument.pk,
        "signal": query.signal,
        "as_of__gte": midnight(query.from_) if query.from_ else None,
        "as_of__lte": midnight(query.to) + LAST_MOMENT if query.to else None,
        "generated_at__lte": query.as_of,
    }
    return {name: value for name, value in wanted.items() if value is not None}


def find_instrument(text: str) -> Instrument:
    instrument = find(text)
    if instrument is None:
        codes = {code: code for code in Instrument.objects.values_list("code", flat=True)}
        raise UnknownCodeError(f"There is no instrument {text!r}", {"nearest": nearest(text, codes)})
    return instrument
