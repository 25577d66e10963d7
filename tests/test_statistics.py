"""The planner's statistics after a big load: on PostgreSQL at once, elsewhere and after a small one none."""

from datetime import date
from decimal import Decimal

from django.db import connection
from django.test.utils import CaptureQueriesContext

from markets.models import Job
from markets.records import RateRecord, Table
from markets.store import statistics
from markets.store.publish import publish
from miner.collect import one_table
from tests.databases import needs_postgres, needs_sqlite


def analysed(job: Job, rows: int) -> list[str]:
    """What is said to the database of statistics after a job that brought so many rows."""
    job.rows_written, job.status = rows, Job.Status.SUCCESS
    with CaptureQueriesContext(connection) as asked:
        one_table.conclude(job)
    return [query["sql"] for query in asked if "ANALYZE" in query["sql"]]


@needs_postgres
def test_a_job_that_brought_many_rates_leaves_statistics_of_the_columns_of_questions(job: Job) -> None:
    assert job.source is not None
    publish([Table("A", date(2026, 10, 26), [RateRecord("USD", Decimal("3.9293"))])], job.source, job)
    assert analysed(job, statistics.MANY - 1) == [], "a day's table is no load"
    assert len(analysed(job, statistics.MANY)) == len(statistics.COLUMNS)
    with connection.cursor() as cursor:
        cursor.execute("SELECT attname FROM pg_stats WHERE tablename = 'markets_rate'")
        assert {"instrument_id", "source_id", "table", "effective_date"} <= {name for (name,) in cursor.fetchall()}


@needs_sqlite
def test_sqlite_plans_without_them(job: Job) -> None:
    assert analysed(job, statistics.MANY) == []
