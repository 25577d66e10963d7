"""The outbox: what arrived for whom, open until the brain has decided on it."""

from datetime import date

from markets.models import Ingest, Job
from markets.store import bulk

TABLE = Ingest._meta.db_table
COLUMNS = {
    "instrument_id": "bigint",
    "job_id": "bigint",
    "kind": "text",
    "from_date": "date",
    "to_date": "date",
    "rows": "integer",
    "tries": "smallint",
    "error": "text",
}
WIDEN = (
    "ON CONFLICT (job_id, instrument_id) DO UPDATE SET "
    f"from_date = CASE WHEN excluded.from_date < {TABLE}.from_date THEN excluded.from_date ELSE {TABLE}.from_date END, "
    f"to_date = CASE WHEN excluded.to_date > {TABLE}.to_date THEN excluded.to_date ELSE {TABLE}.to_date END, "
    f"rows = {TABLE}.rows + excluded.rows, processed = NULL, tries = 0, error = ''"
)


def widen(days: dict[int, list[date]], kind: str, job: Job) -> None:
    """One announcement an instrument and job, widened as its windows come in and open again each time.

    The days of an instrument are ascending.
    """
    rows = [
        (instrument, job.pk, kind, written[0].isoformat(), written[-1].isoformat(), len(written), 0, "")
        for instrument, written in days.items()
    ]
    bulk.insert(TABLE, COLUMNS, rows, WIDEN)
