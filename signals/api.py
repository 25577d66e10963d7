"""Decisions: the ledger, and the newest state of every instrument."""

from collections.abc import Iterator
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from markets.api.responses import listing, serve, unusual
from markets.api.schemas import COMMON_ERRORS, Envelope, Paging
from markets.errors import QuestionError, UnknownCodeError
from markets.instruments.find import find
from markets.licence import Audience, shown_to
from markets.models import Instrument, Quote, Rate, Source
from markets.queries.lookup import nearest
from markets.redis import response_cache
from signals import rules
from signals.models import AnalysisSnapshot, Signal, midnight
from signals.schemas import CurrentPage, SignalPage, SignalQuery

router = Router(tags=["signals"])

COLUMNS = (
    "id",
    "instrument__code",
    "rule",
    "timeframe",
    "as_of",
    "signal",
    "macd",
    "signal_line",
    "histogram",
    "horizon_days",
    "version",
    "generated_at",
)
# The API keeps the names that it began with.
FIELDS = {"instrument__code": "code", "version": "edition"}
# What the closes of a daily series stand in, and where they go when they leave it.
TABLES = ("A", "B", "gold")
STATS = ("as_of", "signal", "turned", "turned_on", "histogram", "trend", "bars", "warm_up")


@router.get(
    "/signals",
    response={200: SignalPage, 400: Envelope, 404: Envelope, **COMMON_ERRORS},
    operation_id="signals",
    summary="Decisions",
)
def signals(request: HttpRequest, query: Query[SignalQuery], paging: Query[Paging]) -> HttpResponse:
    """Decisions of the rules, newest bar first: results of a computation, no investment advice.

    Every BUY and SELL of the history is here, and from the first start on every bar, HOLD included. With `limit=1` the
    answer is the newest decision.
    """
    instrument = find_instrument(query.code) if query.code else None
    rows = chosen(query, instrument)
    scope = instrument.code if instrument else response_cache.ANY
    rest = unusual(query, "code") | unusual(paging, "limit")
    question = response_cache.Question.of("signals", scope, scope, paging.limit, **rest)

    def compute(asker: Audience) -> dict[str, Any]:
        return listing(paging, rows.exclude(instrument__in=closed(asker)), signal_rows)

    return serve(request, question, compute, instrument, query.code)


@router.get(
    "/signals/current", response={200: CurrentPage, **COMMON_ERRORS}, operation_id="signals_current", summary="Now"
)
def current(request: HttpRequest, paging: Query[Paging]) -> HttpResponse:
    """The newest state of every instrument under today's rule, HOLD and "not enough data" included."""
    official = Rate.objects.filter(instrument=OuterRef("pk"))
    rows = Instrument.objects.filter(Exists(official)).order_by("code")
    rest = {"rule": rules.macd_cross().name} | unusual(paging, "limit")
    question = response_cache.Question.of("signals", response_cache.ANY, "current", paging.limit, **rest)

    def compute(asker: Audience) -> dict[str, Any]:
        return listing(paging, rows.exclude(pk__in=closed(asker)), current_rows)

    return serve(request, question, compute)


def closed(asker: Audience) -> QuerySet[Quote, Any]:
    """Instruments whose decisions may not be shown: their averages are made of figures of a source that may not be.

    A source and what stands in for it share one series, so both must be shown. Told by the newest figure of each
    series, a row an instrument: decisions are many, and the figures behind them many more.
    """
    if asker is Audience.OPERATOR:
        return Quote.objects.none().values("instrument")
    hidden = Source.objects.exclude(shown_to(asker, ""))
    family = Q(source__in=hidden) | Q(source__fallbacks__in=hidden) | Q(source__fallback_for__in=hidden)
    return Quote.objects.filter(family, table__in=TABLES).values("instrument")


def chosen(query: SignalQuery, instrument: Instrument | None) -> QuerySet[Signal]:
    if query.from_ and query.to and query.from_ > query.to:
        raise QuestionError(
            f"from ({query.from_}) is later than to ({query.to})", {"from": query.from_, "to": query.to}
        )
    wanted = {
        "instrument": instrument,
        "signal": query.signal,
        "rule": query.rule,
        "as_of__gte": midnight(query.from_) if query.from_ else None,
        "as_of__lte": midnight(query.to) if query.to else None,
    }
    rows = Signal.objects.filter(**{name: value for name, value in wanted.items() if value is not None})
    return rows.order_by("-as_of", "-version", "-id")


def find_instrument(text: str) -> Instrument:
    instrument = find(text)
    if instrument is None:
        codes = {code: code for code in Instrument.objects.values_list("code", flat=True)}
        raise UnknownCodeError(f"There is no instrument {text!r}", {"nearest": nearest(text, codes)})
    return instrument


def signal_rows(rows: QuerySet[Signal]) -> Iterator[dict[str, Any]]:
    names = [FIELDS.get(name, name) for name in COLUMNS]
    for values in rows.values_list(*COLUMNS):
        item = dict(zip(names, values, strict=True))
        item["as_of"] = item["as_of"].date()
        yield item | {name: f"{item[name]:f}" for name in ("macd", "signal_line", "histogram")}


def current_rows(instruments: QuerySet[Instrument]) -> Iterator[dict[str, Any]]:
    """Two queries, however many instruments there are."""
    rule = rules.macd_cross()
    page = list(instruments.values_list("pk", "code"))
    states = {
        row.instrument_id: row
        for row in AnalysisSnapshot.objects.filter(rule=rule.name, window="30d", instrument__in=[pk for pk, _ in page])
    }
    for pk, code in page:
        state = states.get(pk)
        stats = state.stats if state else {}
        yield {
            "code": code,
            "rule": rule.name,
            "timeframe": rule.timeframe,
            "status": state.status if state else "pending",
            **{name: stats.get(name) for name in STATS},
            "generated_at": state.generated_at if state else None,
        }
