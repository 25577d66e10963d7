"""The items of the responses about decisions, and the instruments whose decisions may not be shown."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from markets.licence import Audience, shown_to
from markets.models import Instrument, Listing, Quote, Rate, Source
from signals import ledger
from signals.models import DAILY, OFFICIAL_KINDS, AnalysisSnapshot, Signal

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
PENDING: tuple[str, dict[str, Any], None] = ("pending", {}, None)
APPLIED = (AnalysisSnapshot.Status.OK, AnalysisSnapshot.Status.WARMING_UP)
STATS = ("as_of", "signal", "turned", "turned_on", "histogram", "trend", "bars", "warm_up")


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


def closed_markets(asker: Audience) -> QuerySet[Listing, Any]:
    """Instruments whose candles may come from a source that may not be shown: one that lists them and is asked."""
    if asker is Audience.OPERATOR:
        return Listing.objects.none().values("instrument")
    hidden = Source.objects.exclude(shown_to(asker, "")).filter(enabled=True)
    rows = Listing.objects.filter(source__in=hidden).exclude(instrument__kind__in=OFFICIAL_KINDS)
    return rows.values("instrument")


def signal_rows(rows: QuerySet[Signal]) -> Iterator[dict[str, Any]]:
    names = [FIELDS.get(name, name) for name in COLUMNS]
    for values in rows.values_list(*COLUMNS):
        item = dict(zip(names, values, strict=True))
        item["as_of"] = item["as_of"].date() if item["timeframe"] == DAILY else item["as_of"]
        yield item | {name: None if item[name] is None else f"{item[name]:f}" for name in ledger.COLUMNS}


def current_rows(
    instruments: QuerySet[Instrument], wanted: list[tuple[str, str]], hidden: QuerySet[Listing, Any]
) -> list[dict[str, Any]]:
    """A row for each instrument with official rates, and for each other series that a rule applies to; two queries.

    What is decided on candles of a `hidden` instrument is left out.
    """
    rows = AnalysisSnapshot.objects.filter(rule__in={name for name, _ in wanted}, window="30d")
    columns = ("instrument", "rule", "timeframe", "status", "stats", "generated_at")
    states = {tuple(row[:3]): row[3:] for row in rows.values_list(*columns)}
    official = Exists(Rate.objects.filter(instrument=OuterRef("pk")))
    listed = instruments.annotate(official=official, hidden=Exists(hidden.filter(instrument=OuterRef("pk"))))
    found = []
    for pk, code, has_rates, is_hidden in listed.order_by("code").values_list("pk", "code", "official", "hidden"):
        for name, timeframe in wanted:
            state = states.get((pk, name, timeframe), PENDING)
            applied = state[0] in APPLIED
            if not (applied and is_hidden) and (applied or (has_rates and timeframe == DAILY)):
                found.append(current_row(code, name, timeframe, *state))
    return found


def current_row(
    code: str, rule: str, timeframe: str, status: str, stats: dict[str, Any], generated_at: datetime | None
) -> dict[str, Any]:  # fmt: skip
    return {
        "code": code,
        "rule": rule,
        "timeframe": timeframe,
        "status": status,
        **{name: stats.get(name) for name in STATS},
        "generated_at": generated_at,
    }
