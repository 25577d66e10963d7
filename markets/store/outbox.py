"""The outbox: what arrived for whom. Open rows are widened by every writer until their consumer claims them."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time
from typing import Any, NamedTuple

from markets import clock
from markets.models import Job, OutboxEvent
from markets.store import bulk

TABLE = OutboxEvent._meta.db_table
COLUMNS = {
    "instrument_id": "bigint",
    "kind": "text",
    "consumer": "text",
    "from_date": "timestamptz",
    "to_date": "timestamptz",
    "rows": "integer",
    "opened_at": "timestamptz",
    "job_id": "bigint",
    "tries": "smallint",
    "error": "text",
    "claimed_by": "text",
}
CONSUMERS = sorted(OutboxEvent.Consumer.values)
# The condition of the constraint `one_open_event`, word for word: SQLite compares the expressions.
WIDEN = (
    "ON CONFLICT (instrument_id, kind, consumer) WHERE claimed_until IS NULL AND processed IS NULL DO UPDATE SET "
    f"from_date = CASE WHEN excluded.from_date < {TABLE}.from_date THEN excluded.from_date ELSE {TABLE}.from_date END, "
    f"to_date = CASE WHEN excluded.to_date > {TABLE}.to_date THEN excluded.to_date ELSE {TABLE}.to_date END, "
    f"rows = {TABLE}.rows + excluded.rows, job_id = excluded.job_id"
)

RATE, GOLD, PRICE = "rate", "gold", "price"


class Arrival(NamedTuple):
    """Rows of one series that were written: the first and the last bar, and how many."""

    instrument: int
    kind: str
    first: datetime
    last: datetime
    rows: int


def write(arrivals: Iterable[Arrival], job: Job | None) -> set[str]:
    """Widen the open row of every series and consumer, or begin one: one statement. Answers the kinds that came.

    In one order everywhere: two writers of different sources meet in the row of one instrument, and PostgreSQL would
    otherwise find a deadlock.
    """
    news = sorted(arrivals)
    times = {one.first for one in news} | {one.last for one in news}  # few and shared: a table is of one day
    adapted, now = {moment: bulk.moment(moment) for moment in times}, bulk.moment(clock.now())
    rows: list[tuple[Any, ...]] = []
    for instrument, kind, first, last, count in news:
        span = adapted[first], adapted[last]
        rows += [(instrument, kind, consumer, *span, count, now, job and job.pk, 0, "", "") for consumer in CONSUMERS]
    bulk.insert(TABLE, COLUMNS, rows, WIDEN)
    return {one.kind for one in news}


def of_days(days: dict[int, list[date]], table_kind: str) -> list[Arrival]:
    """Arrivals of official tables; the days of an instrument ascend."""
    kind = GOLD if table_kind == "metal" else RATE
    return [
        Arrival(instrument, kind, midnight(written[0]), midnight(written[-1]), len(written))
        for instrument, written in days.items()
    ]


def midnight(day: date) -> datetime:
    """The moment that stands for a day: its midnight in UTC."""
    return datetime.combine(day, time.min, UTC)
