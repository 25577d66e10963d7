"""How the runs of each source ended, day by day; one statement for all sources."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import Count, DateField, Func, Q, Sum

from markets.clock import WARSAW
from markets.models import Job
from markets.queries.calendars import DAY
from markets.queries.jobs import OWN_REASONS

DAYS = 90
WELL = Q(status__in=(Job.Status.SUCCESS, Job.Status.SKIPPED))


class LocalDay(Func):
    """The day of a moment in Polish time.

    SQLite knows no zones: it takes today's offset, so that a run within an hour of midnight may count for the day
    beside on the other side of a change of the clocks. Django's own TruncDate calls Python once a row there, which
    takes as long for 10,000 jobs as the rest of the page three times.
    """

    output_field = DateField()
    template = "(%(expressions)s AT TIME ZONE 'Europe/Warsaw')::date"

    def __init__(self, name: str, now: datetime) -> None:
        offset = now.astimezone(WARSAW).utcoffset() or timedelta()
        super().__init__(name, hours=int(offset.total_seconds() // 3600))

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        template = "strftime('%%%%Y-%%%%m-%%%%d', %(expressions)s, '+%(hours)s hours')"
        return self.as_sql(compiler, connection, template=template, **context)


@dataclass(frozen=True, slots=True)
class DayRuns:
    """Ended runs of one day and how many of them went well; a skip is as good as a success."""

    runs: int = 0
    good: int = 0


@dataclass(slots=True)
class Record:
    """Of one source: its days that have any run, and the requests since midnight in Poland."""

    days: dict[date, DayRuns] = field(default_factory=dict)
    requests_today: int = 0


def records(now: datetime, days: int = DAYS) -> Mapping[int, Record]:
    """By source id. Runs that the system itself broke off say nothing about a source, and those that run nothing yet.

    Jobs are pruned after RETENTION_DAYS: a day without an entry is one that nothing is known of.
    """
    today = now.astimezone(WARSAW).date()
    midnight = datetime.combine(today, time(), WARSAW)
    since = datetime.combine(today - DAY * (days - 1), time(), WARSAW)
    told = ~Q(status=Job.Status.RUNNING) & ~Q(reason__in=OWN_REASONS)
    rows = (
        Job.objects.filter(started_at__gte=since, source__isnull=False)
        .order_by()
        .values_list("source_id", LocalDay("started_at", now))
        .annotate(
            runs=Count("pk", filter=told),
            good=Count("pk", filter=told & WELL),
            asked=Sum("requests", filter=Q(started_at__gte=midnight)),
        )
    )
    found: defaultdict[int, Record] = defaultdict(Record)
    for source, day, runs, good, asked in rows:
        found[source].requests_today += asked or 0
        if runs:
            found[source].days[day] = DayRuns(runs, good)
    return found
