"""Sources, jobs and the timetable."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from markets.access import REGISTER_SOURCE
from markets.api.operator import Operator
from markets.api.responses import POLLED, fresh, listing, page_of, private, reply
from markets.api.schemas import COMMON_ERRORS, Envelope, NewestFirst, Paging
from markets.errors import UnknownCodeError
from markets.models import Job, Source
from markets.queries import jobs as job_log
from markets.queries.lookup import nearest
from markets.queries.rates import find_source
from miner import queries, sources
from miner.providers import PROVIDERS
from miner.schemas import (
    JobPage,
    JobQuery,
    MinerQuery,
    MinerStats,
    NewSource,
    SourceItem,
    SourcePage,
    UpcomingPage,
)

router = Router(tags=["miner"])


@router.get("/sources", response={200: SourcePage, **COMMON_ERRORS}, operation_id="sources", summary="Sources")
def source_list(request: HttpRequest, paging: Query[Paging]) -> HttpResponse:
    """Where the figures come from: what each source publishes, its terms, and how it was last reached."""
    rows = Source.objects.order_by("code")
    return fresh(request, listing(paging, rows, queries.source_rows), POLLED)


@router.post(
    "/sources",
    response={201: SourceItem, 404: Envelope, 408: Envelope, 409: Envelope, **COMMON_ERRORS},
    auth=Operator(*REGISTER_SOURCE),
    operation_id="source_register",
    summary="Register a source",
)
def source_register(request: HttpRequest, new: NewSource) -> HttpResponse:
    """Operators only. A provider that is installed and has no source yet gets one, with its timetable. A package may be
    installed while Charon runs.

    404 names the codes that are installed in `detail`; `base_url` must be public and https.
    """
    row = sources.register(new.code, new.choices())
    [shown] = queries.source_rows(Source.objects.filter(pk=row.pk))
    return private(reply(shown, 201))


@router.get("/jobs", response={200: JobPage, 404: Envelope, **COMMON_ERRORS}, operation_id="jobs", summary="Jobs")
def jobs(request: HttpRequest, query: Query[JobQuery], paging: Query[NewestFirst]) -> HttpResponse:
    """What the miner did, newest first. A long run shows `windows_done` of `windows` and the day it has `reached`.

    A type that no source has and that never ran is 404 with the nearest ones.
    """
    wanted: dict[str, Any] = {"job_type": known_type(query.type), "status": query.status}
    if query.source is not None:
        wanted["source"] = find_source(query.source)
    rows = Job.objects.filter(**{name: value for name, value in wanted.items() if value is not None})
    return fresh(request, listing(paging, rows, job_log.job_rows))


def known_type(text: str | None) -> str | None:
    """The type of a job that has run or that a table has. An empty list would say that there was no such job."""
    if text is None or Job.objects.filter(job_type=text).exists():
        return text
    tables = {f"{code}.{series.table}" for code, provider in PROVIDERS.items() for series in provider.series}
    if text in tables:
        return text
    types = tables.union(Job.objects.order_by().values_list("job_type", flat=True).distinct())
    raise UnknownCodeError(f"There is no type of job {text!r}", {"nearest": nearest(text, {row: row for row in types})})


@router.get(
    "/stats/miner", response={200: MinerStats, **COMMON_ERRORS}, operation_id="miner_stats", summary="The miner's work"
)
def miner_stats(request: HttpRequest, query: Query[MinerQuery]) -> HttpResponse:
    """The last jobs, their mean duration, the figures written and how each type of job last ended."""
    last = Job.objects.all()[: query.limit]
    return fresh(request, {"jobs": list(job_log.job_rows(last)), **job_log.stats()})


@router.get(
    "/stats/upcoming", response={200: UpcomingPage, **COMMON_ERRORS}, operation_id="upcoming", summary="The timetable"
)
def upcoming(request: HttpRequest, paging: Query[Paging]) -> HttpResponse:
    """What will run next, the soonest first; times in UTC. A poll of less than a minute has no `minutes`."""
    rows = queries.upcoming()
    return fresh(request, page_of(paging, rows, list))
