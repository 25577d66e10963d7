"""The facts of freshness, read from the database: publications, failed runs, schedules, back-fills."""

from dataclasses import replace
from datetime import datetime

from django.db.models import F, OuterRef, Q, Subquery, Value
from django.db.models.functions import Concat
from django_q.models import Schedule

from markets.models import Job, Publication, Source
from markets.queries import jobs, source_state
from markets.queries.freshness import OFFICIAL, Facts, LatestPublication, Trouble

OFFICIAL_TABLES = ("A", "B", "C", "gold")


def facts(newest: LatestPublication | None, now: datetime) -> Facts:
    """Reads the facts in four queries; `newest` comes from the quotes that the page reads anyway."""
    code = OuterRef("code")
    schedules = Schedule.objects.filter(Q(name=code) | Q(name__startswith=Concat(code, Value("."))))
    next_run = Subquery(schedules.order_by("next_run").values("next_run")[:1])
    sources = list(Source.objects.annotate(next_run=next_run))
    source = next((row for row in sources if row.code == OFFICIAL), None)
    asking = source is not None and source.enabled
    paused = source.paused_until if source else None
    return Facts(
        newest=with_proof(newest) if newest and newest.official else newest,
        trouble=trouble() if asking else None,
        backfill=running_backfill(),
        next_try=source.next_run if source and asking else None,
        enabled=source is None or source.enabled,
        paused_until=paused if paused and paused > now else None,
        sources=tuple(sources),
    )


def with_proof(newest: LatestPublication) -> LatestPublication:
    """The same publication with its number and the time when we fetched it."""
    row = Publication.objects.filter(source__code=newest.source, table="A", effective_date=newest.day).first()
    if row is None:
        return newest
    return replace(newest, number=row.number, fetched_at=row.fetched_at)


def trouble() -> Trouble | None:
    """Of the official tables, as the state of their source tells it."""
    job_types = [f"{OFFICIAL}.{table}" for table in OFFICIAL_TABLES]
    return source_state.worst_trouble(one.trouble for one in jobs.ends(Q(job_type__in=job_types)).values())


def running_backfill() -> Job | None:
    """The running back-fill: that of the official source before that of its archive."""
    source_group = Q(source__code=OFFICIAL) | Q(source__fallback_for__code=OFFICIAL)
    rows = Job.objects.filter(source_group, status=Job.Status.RUNNING, windows__gt=1)
    return rows.select_related("source").order_by(F("source__fallback_for").asc(nulls_first=True), "pk").first()
