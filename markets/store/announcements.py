"""The outbox: what arrived for whom, open until the brain has decided on it."""

from datetime import date

from django.db import connection

from markets.models import Ingest, Job

TABLE = Ingest._meta.db_table
WIDEN = (
    f"INSERT INTO {TABLE} (instrument_id, job_id, kind, from_date, to_date, rows, processed, tries, error) "
    "VALUES (%s, %s, %s, %s, %s, %s, NULL, 0, '') "
    "ON CONFLICT (job_id, instrument_id) DO UPDATE SET "
    f"from_date = CASE WHEN excluded.from_date < {TABLE}.from_date THEN excluded.from_date ELSE {TABLE}.from_date END, "
    f"to_date = CASE WHEN excluded.to_date > {TABLE}.to_date THEN excluded.to_date ELSE {TABLE}.to_date END, "
    f"rows = {TABLE}.rows + excluded.rows, processed = NULL, tries = 0, error = ''"
)


def widen(days: dict[int, list[date]], kind: str, job: Job) -> None:
    """One announcement an instrument and job, widened as its windows come in and open again each time."""
    rows = [
        (instrument, job.pk, kind, min(written).isoformat(), max(written).isoformat(), len(written))
        for instrument, written in days.items()
    ]
    if rows:
        with connection.cursor() as cursor:
            cursor.executemany(WIDEN, rows)
