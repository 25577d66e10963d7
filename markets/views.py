"""The shared parts of all pages: one URL returns the whole page, or its fragment to htmx."""

from collections.abc import Iterable
from datetime import datetime
from typing import TypeVar

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django_htmx.middleware import HtmxDetails

from markets import formats
from markets.licence import Audience, may
from markets.models import Job, Source
from markets.queries.freshness import SourceRow

Row = dict[str, object]
S = TypeVar("S", Source, SourceRow)
# Seconds between two refreshes of a page: official rates change once a day, a running back-fill all the time.
CALM, BUSY = 60, 15


class HtmxRequest(HttpRequest):
    htmx: HtmxDetails


def wants_fragment(request: HtmxRequest) -> bool:
    """Whether to return the fragment: not for a boosted link, nor for a page restored from the history."""
    return bool(request.htmx) and not request.htmx.boosted and not request.htmx.history_restore_request


def page(
    request: HtmxRequest, template: str, context: Row, until: datetime | None = None, status: int = 200
) -> HttpResponse:
    """The page of a template `x/x.html`; for htmx its fragment `x/_x.html`, the region that it asks for again.

    `until` is when its first sentence made from the clock turns: up to then the same rows give the same bytes. Without
    it no cache may keep the page.
    """
    if wants_fragment(request):
        folder, _slash, name = template.rpartition("/")
        template = f"{folder}/_{name}"
    response = render(request, template, context, status=status)
    response.until = until  # type: ignore[attr-defined]
    return response


def shown_sources(sources: Iterable[S]) -> list[S]:
    """The sources whose attribution the page's footer shows."""
    return [source for source in sources if may(source, Audience.PAGE) and source.available]


def backfill_row(job: Job | None) -> Row | None:
    """The view model of `37 z 98 zakresów dat (tabela A, do 31.05.2012)`; None without a running back-fill."""
    if job is None:
        return None
    series = job.job_type.partition(".")[2]
    what = {"gold": _("złoto"), "mid": _("kursy średnie")}.get(series, _("tabela %s") % series)
    reached = _(", do %s") % formats.day(job.reached) if job.reached else ""
    return {
        "archive": job.source is not None and job.source.fallback_for_id is not None,
        "done": job.windows_done,
        "total": job.windows,
        "total_words": formats.plural(job.windows, _("zakresu dat,zakresów dat,zakresów dat")),
        "detail": what + reached,
    }
