"""What had been decided at a moment: the ledger is append-only, so that it can say which row of a bar counted then.

Of candles only BUY and SELL are kept, and of official rates every day since the first run. A state that was shown and
not kept (the rating, a trend, how many bars were missing) cannot be known afterwards.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet, Subquery

from markets.models import Instrument, Listing
from markets.timeframes import SECONDS as LENGTHS
from signals import ledger, ratings, rules
from signals.api_rows import Asked, digits
from signals.models import DAILY, AnalysisSnapshot, Signal
from signals.queries import TURNS

COLUMNS = (
    *("pk", "instrument__code", "rule", "timeframe", "as_of", "signal", *ledger.COLUMNS),
    *("values", "generated_at"),
)
Row = dict[str, Any]


def superseded(as_of: datetime | None = None) -> Exists:
    """Whether a higher version of the bar was known at the moment, or is known now."""
    newer = Signal.objects.filter(**ledger.SAME_BAR, version__gt=OuterRef("version"))
    return Exists(newer if as_of is None else newer.filter(generated_at__lte=as_of))


def current_at(
    instruments: QuerySet[Instrument], wanted: Sequence[Asked], hidden: QuerySet[Listing, Any], as_of: datetime
) -> list[Row]:  # fmt: skip
    """A row for each series that a rule had decided on by then, sorted by code; two statements."""
    places = [(one, timeframe) for one in wanted if one.rule != ratings.NAME for timeframe in one.timeframes]
    places.sort(key=lambda place: LENGTHS[place[1]], reverse=True)
    found = {}
    for number, (one, timeframe) in enumerate(places):
        rows = standing_at(one.rule, timeframe, as_of)
        found[f"newest_{number}"] = Subquery(rows.values("pk")[:1])
        found[f"turned_{number}"] = Subquery(rows.filter(signal__in=TURNS).values("pk")[:1])
    closed = Exists(hidden.filter(instrument=OuterRef("pk")))
    listed = list(instruments.annotate(closed=closed, **found).order_by("code").values("closed", *found))
    rows_by_id = decisions({row[name] for row in listed for name in found if row[name]})
    return list(states(listed, places, rows_by_id))


def standing_at(rule: str, timeframe: str, as_of: datetime) -> QuerySet[Signal]:
    """Of an instrument, newest bar first: the rows that counted then, but those whose bar had left its series."""
    rows = Signal.objects.filter(
        instrument=OuterRef("pk"), rule=rule, timeframe=timeframe, generated_at__lte=as_of
    ).exclude(values__has_key="withdrawn")  # fmt: skip
    return rows.filter(~superseded(as_of)).order_by("-as_of", "-version")


def decisions(ids: set[int]) -> dict[int, Row]:
    rows = Signal.objects.filter(pk__in=ids).order_by()
    return {row["pk"]: row for row in rows.values(*COLUMNS)}


def states(
    listed: Sequence[Row], places: Sequence[tuple[Asked, str]], found: dict[int, Row]
) -> Iterator[Row]:  # fmt: skip
    """Candles of an instrument that may not be shown are left out."""
    for row in listed:
        for number, (one, timeframe) in enumerate(places):
            newest, turned = row[f"newest_{number}"], row[f"turned_{number}"]
            if newest in found and not (row["closed"] and timeframe != DAILY):
                yield state(one, found[newest], found.get(turned))


def state(asked: Asked, newest: Row, turned: Row | None) -> Row:
    """In the shape of a row of `/signals/current`; what the ledger does not keep is null."""
    rule = rules.find(asked.rule)
    kept = newest["values"] if isinstance(newest["values"], dict) else {}
    exact = {name: newest[name] for name in ledger.COLUMNS}
    return {
        "code": newest["instrument__code"],
        "rule": asked.rule,
        "timeframe": newest["timeframe"],
        "status": AnalysisSnapshot.Status.OK,
        "as_of": shown(newest),
        "signal": newest["signal"],
        "turned": turned and turned["signal"],
        "turned_on": turned and shown(turned),
        "histogram": None if exact["histogram"] is None else float(exact["histogram"]),  # as without `as_of`
        "trend": None,
        "bars": kept.get("bars"),
        "warm_up": rule.warm_up if rule else None,
        "values": {name: value_of(name, exact, kept) for name in asked.values},
        "rating": None,
        "rating_label": None,
        "generated_at": newest["generated_at"],
    }


def value_of(name: str, exact: Row, kept: Row) -> str | None:
    if exact.get(name) is not None:
        return f"{exact[name]:f}"
    return digits(kept.get(name))


def shown(row: Row) -> Any:
    return row["as_of"].date() if row["timeframe"] == DAILY else row["as_of"]
