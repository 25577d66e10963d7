"""The items of the responses about decisions, and the instruments whose decisions may not be shown."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple, TypeVar

import msgspec
from django.db.models import Case, Exists, OuterRef, Q, QuerySet, TextField, When
from django.db.models.functions import Cast

from markets.licence import Audience, shown_to
from markets.models import Candle, Instrument, Listing, Quote, Rate, Source
from markets.queries.asked_once import TEXTS, PreparedQuestion
from markets.queries.texts import Moment
from markets.timeframes import SECONDS as LENGTHS
from signals import ledger
from signals.digits import plain
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
    "superseded",
    "inputs",
    "params",
    "program",
    "generated_at",
)
# The API keeps the names that it began with.
FIELDS = {"instrument__code": "code", "version": "edition"}
# What the closes of a daily series stand in, and where they go when they leave it.
TABLES = ("A", "B", "gold")
PENDING: tuple[str, dict[str, Any], None] = ("pending", {}, None)
NOT_MEANT: tuple[str, dict[str, Any], None] = (AnalysisSnapshot.Status.NOT_APPLICABLE, {}, None)
STATS = ("as_of", "signal", "turned", "turned_on", "histogram", "trend", "bars", "warm_up")

S = TypeVar("S", Signal, AnalysisSnapshot)


class Asked(NamedTuple):
    """A rule, or the rating: the timeframes that it is meant for, and its values that have a title."""

    rule: str
    timeframes: tuple[str, ...]
    values: tuple[str, ...] = ()


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
    """Instruments whose candles may come from a source that may not be shown: one that lists them and is asked, or was
    until it was switched off.
    """
    if asker is Audience.OPERATOR:
        return Listing.objects.none().values("instrument")
    hidden = Source.objects.exclude(shown_to(asker, ""))
    stored = Exists(Candle.objects.filter(instrument=OuterRef("instrument"), source=OuterRef("source")))
    rows = Listing.objects.filter(Q(source__enabled=True) | stored, source__in=hidden)
    rows = rows.exclude(instrument__kind__in=OFFICIAL_KINDS)
    return rows.values("instrument")


def without_closed(rows: QuerySet[S], asker: Audience) -> QuerySet[S]:
    """Of decisions or states those that the audience may see."""
    return rows.exclude(instrument__in=closed(asker)).exclude(instrument__in=closed_markets(asker))


def is_shown(row: Signal, asker: Audience) -> bool:
    """Whether the audience may see this decision; one query."""
    return without_closed(Signal.objects.filter(pk=row.pk), asker).exists()


def signal_rows(rows: QuerySet[Any]) -> Iterator[dict[str, Any]]:
    """Rows that `superseded` is known of (`signals.known`)."""
    names = [FIELDS.get(name, name) for name in COLUMNS]
    for values in rows.values_list(*COLUMNS):
        item = dict(zip(names, values, strict=True))
        item["as_of"] = item["as_of"].date() if item["timeframe"] == DAILY else item["as_of"]
        yield item | {name: None if item[name] is None else f"{item[name]:f}" for name in ledger.COLUMNS}


def current_places(asker: Audience, wanted: Sequence[Asked], everywhere: bool) -> list[tuple[Any, ...]]:
    """What `current_row` makes a row of, for each series and each rule that was asked for; two queries.

    Series are the days of what has official rates, and all that the engine has met. With `everywhere` a rule has a row
    also where it is meant for other timeframes: it does not apply. What is decided on candles of a hidden instrument
    is left out.
    """
    timeframes = {timeframe for one in wanted for timeframe in one.timeframes}
    states = {
        tuple(place): (status, msgspec.json.decode(stats) if stats else {}, generated_at)
        for *place, status, stats, generated_at in STATES.bare_rows_of([*timeframes], [one.rule for one in wanted])
    }
    met: dict[int, set[str]] = defaultdict(set)
    for pk, _rule, timeframe in states:
        met[pk].add(timeframe)
    found = []
    for pk, code, has_rates, is_hidden in listed(asker).rows_of():
        days = {DAILY} & timeframes if has_rates else set()
        for timeframe in sorted(days if is_hidden else days | met[pk], key=LENGTHS.__getitem__, reverse=True):
            for one in wanted:
                if everywhere or timeframe in one.timeframes:
                    missing = PENDING if timeframe in one.timeframes else NOT_MEANT
                    state = states.get((pk, one.rule, timeframe), missing)
                    found.append((code, one, timeframe, *state))
    return found


def states_of(timeframes: tuple[str], rules: tuple[str]) -> QuerySet[AnalysisSnapshot, Any]:
    """Of the rules what they say as text, of the other ones that there is a series."""
    texts = Cast("stats", TextField()), Moment("generated_at")
    said, moment = (Case(When(rule__in=rules, then=text), output_field=TextField()) for text in texts)
    rows = AnalysisSnapshot.objects.filter(window__in=AnalysisSnapshot.KEEPERS, timeframe__in=timeframes)
    return rows.values_list("instrument", "rule", "timeframe", "status", said, moment)


STATES = PreparedQuestion(states_of, (TEXTS[0],), (TEXTS[1],))


@cache
def listed(asker: Audience) -> PreparedQuestion:
    """Every instrument whose decisions the audience may see; whether it has official rates and hidden candles."""

    def asked() -> QuerySet[Instrument, Any]:
        official = Exists(Rate.objects.filter(instrument=OuterRef("pk")))
        hidden = Exists(closed_markets(asker).filter(instrument=OuterRef("pk")))
        rows = Instrument.objects.exclude(pk__in=closed(asker)).annotate(official=official, hidden=hidden)
        return rows.order_by("code").values_list("pk", "code", "official", "hidden")

    return PreparedQuestion(asked)


def current_row(
    code: str, asked: Asked, timeframe: str, status: str, stats: dict[str, Any], generated_at: str | None
) -> dict[str, Any]:  # fmt: skip
    figures = {name: stats.get(name) for name in STATS}
    if status == AnalysisSnapshot.Status.FAILED:
        figures["signal"] = None
    return {
        "code": code,
        "rule": asked.rule,
        "timeframe": timeframe,
        "status": status,
        **figures,
        "values": {name: digits(stats.get(name)) for name in asked.values} if stats else None,
        "rating": digits(stats.get("rating")),
        "rating_label": stats.get("label"),
        "generated_at": generated_at,
    }


def digits(value: float | None) -> str | None:
    return None if value is None else plain(value)
