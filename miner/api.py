"""Sources, jobs and the timetable."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from markets.access import operator
from markets.api.responses import POLLED, fresh, listing, private, reply
from markets.api.schemas import COMMON_ERRORS, Envelope, Paging
from markets.models import Job, Source
from markets.queries import jobs as job_log
from markets.queries.rates import find_source
from miner import queries, sources
from miner.fetch import allowed_urls
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
    response={
        201: SourceItem, 400: Envelope, 401: Envelope, 403: Envelope, 404: Envelope, 409: Envelope, **COMMON_ERRORS
    },
    auth=operator,
    operation_id="source_register",
    summary="Register a source",
)  # fmt: skip
def source_register(request: HttpRequest, new: NewSource) -> HttpResponse:
    """Operators only. A provider that is installed and has no source yet gets one, with its timetable.

    404 names the codes that are installed in `detail`; `base_url` must be public and https.
    """
    row = sources.register(new.code, new.choices() | {"base_url": allowed_urls.public(new.base_url)})
    [shown] = queries.source_rows(Source.objects.filter(pk=row.pk))
    return private(reply(shown, 201))


@router.get("/jobs", response={200: JobPage, 404: Envelope, **COMMON_ERRORS}, operation_id="jobs", summary="Jobs")
def jobs(request: HttpRequest, query: Query[JobQuery], paging: Query[Paging]) -> HttpResponse:
    """What the miner did, newest first. A long run shows `windows_done` of `windows` and the day it has `reached`."""
    wanted: dict[str, Any] = {"job_type": query.type, "status": query.status}
    if query.source is not None:
        wanted["source"] = find_source(query.source)
    rows = Job.objects.filter(**{name: value for name, value in wanted.items() if value is not None})
    return fresh(request, listing(paging, rows, job_log.job_rows))


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
    return fresh(request, {"items": rows[paging.offset : paging.offset + paging.limit], "count": len(rows)})
