"""Decisions: the ledger, and the newest state of every series."""

from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from markets.api.responses import listing, serve, unusual
from markets.api.schemas import COMMON_ERRORS, Envelope, Paging
from markets.errors import QuestionError, UnknownCodeError
from markets.instruments.find import find
from markets.licence import Audience
from markets.models import Instrument
from markets.queries.lookup import nearest
from markets.redis import generations, response_cache
from signals import rules
from signals.api_rows import closed, closed_markets, current_rows, signal_rows
from signals.models import DAILY, Signal, midnight
from signals.schemas import CurrentPage, CurrentQuery, SignalPage, SignalQuery

router = Router(tags=["signals"])

LAST_MOMENT = timedelta(days=1, microseconds=-1)
# In the place of a rule's name: every rule.
ALL = "all"


@router.get(
    "/signals",
    response={200: SignalPage, 400: Envelope, 404: Envelope, **COMMON_ERRORS},
    operation_id="signals",
    summary="Decisions",
)
def signals(request: HttpRequest, query: Query[SignalQuery], paging: Query[Paging]) -> HttpResponse:
    """Decisions of a rule, newest bar first: results of a computation, no investment advice.

    Every BUY and SELL of the history is here, and from the first start on every day, HOLD included. With `limit=1` the
    answer is the newest decision. Without `rule` these are the decisions of the primary rule on daily bars.
    """
    instrument = find_instrument(query.code) if query.code else None
    rows = chosen(query, instrument)
    scope = instrument.code if instrument else generations.ANY
    rest = unusual(query, "code") | unusual(paging, "limit") | named(query.rule)
    question = response_cache.Question.of("signals", scope, scope, paging.limit, **rest)

    def compute(asker: Audience) -> dict[str, Any]:
        shown = rows.exclude(instrument__in=closed(asker)).exclude(instrument__in=closed_markets(asker))
        return listing(paging, shown, signal_rows)

    return serve(request, question, compute, instrument, query.code)


@router.get(
    "/signals/current",
    response={200: CurrentPage, 404: Envelope, **COMMON_ERRORS},
    operation_id="signals_current",
    summary="Now",
)
def current(request: HttpRequest, query: Query[CurrentQuery], paging: Query[Paging]) -> HttpResponse:
    """The newest state of every instrument under a rule, HOLD and "not enough data" included.

    Without `rule` this is the primary rule on daily bars.
    """
    wanted = wanted_series(query.rule)
    rest = {"rule": wanted[0][0]} | named(query.rule) | unusual(paging, "limit")
    question = response_cache.Question.of("signals", generations.ANY, "current", paging.limit, **rest)

    def compute(asker: Audience) -> dict[str, Any]:
        items = current_rows(Instrument.objects.exclude(pk__in=closed(asker)), wanted, closed_markets(asker))
        return {"items": items[paging.offset :][: paging.limit], "count": len(items)}

    return serve(request, question, compute)


def named(text: str | None) -> dict[str, str]:
    """The rule that was asked for under its stored name; two spellings of it are one question."""
    if text is None:
        return {}
    return {"rule": ALL if text.lower() == ALL else stored_name(text)}


def stored_name(text: str) -> str:
    """Of a rule that decides today, or of one that has decided before its parameters were changed."""
    rule = rules.find(text)
    if rule is not None:
        return rule.name
    if Signal.objects.filter(rule=text).exists():
        return text
    raise UnknownCodeError(f"There is no rule {text!r}", {"nearest": nearest(text, rules.names())})


def wanted_series(text: str | None) -> list[tuple[str, str]]:
    """Rule and timeframe of what is asked for."""
    if text is None:
        return [(rules.primary().name, DAILY)]
    name = named(text)["rule"]
    asked = [(rule.name, timeframe) for rule in rules.active() for timeframe in rule.timeframes]
    return [pair for pair in asked if name in {ALL, pair[0]}] or [(name, DAILY)]


def chosen(query: SignalQuery, instrument: Instrument | None) -> QuerySet[Signal]:
    if query.from_ and query.to and query.from_ > query.to:
        raise QuestionError(
            f"from ({query.from_}) is later than to ({query.to})", {"from": query.from_, "to": query.to}
        )
    name = named(query.rule).get("rule")
    daily = {"rule": rules.primary().name, "timeframe": DAILY}
    wanted = (daily if name is None else {} if name == ALL else {"rule": name}) | {
        "instrument": instrument,
        "signal": query.signal,
        "as_of__gte": midnight(query.from_) if query.from_ else None,
        "as_of__lte": midnight(query.to) + LAST_MOMENT if query.to else None,
    }
    rows = Signal.objects.filter(**{name: value for name, value in wanted.items() if value is not None})
    return rows.order_by("-as_of", "-version", "-id")


def find_instrument(text: str) -> Instrument:
    instrument = find(text)
    if instrument is None:
        codes = {code: code for code in Instrument.objects.values_list("code", flat=True)}
        raise UnknownCodeError(f"There is no instrument {text!r}", {"nearest": nearest(text, codes)})
    return instrument
