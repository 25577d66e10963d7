"""What all pages share. One URL is one view: the whole page, or its fragment when htmx asks."""

from collections.abc import Iterable

from django.http import HttpRequest
from django.utils.translation import gettext as _
from django_htmx.middleware import HtmxDetails

from markets import formats
from markets.licence import Audience, may
from markets.models import Job, Source

Row = dict[str, object]
# Seconds between two refreshes: official rates change once a day, a back-fill all the time.
CALM, BUSY = 60, 15


class HtmxRequest(HttpRequest):
    htmx: HtmxDetails


def wants_fragment(request: HtmxRequest) -> bool:
    """Not for a boosted link, nor for a step back to a page that the browser no longer holds."""
    return bool(request.htmx) and not request.htmx.boosted and not request.htmx.history_restore_request


def shown_sources(sources: Iterable[Source]) -> list[Source]:
    """Those whose attribution stands at the foot of a page."""
    return [source for source in sources if may(source, Audience.PAGE) and source.available]


def backfill_row(job: Job | None) -> Row | None:
    """For `37 z 98 paczek (tabela A, do 31.05.2012)`."""
    if job is None:
        return None
    series = job.job_type.partition(".")[2]
    what = {"gold": _("złoto"), "mid": _("kursy średnie")}.get(series, _("tabela %s") % series)
    reached = _(", do %s") % formats.day(job.reached) if job.reached else ""
    return {
        "archive": job.source is not None and job.source.fallback_for_id is not None,
        "done": job.windows_done,
        "total": job.windows,
        "total_words": formats.plural(job.windows, _("paczki,paczek,paczek")),
        "detail": what + reached,
    }
