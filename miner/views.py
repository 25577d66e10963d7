"""The page of the miner: what it is doing, what it did, when it goes on."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import cache_control
from django.views.decorators.http import conditional_page, require_safe

from markets import clock, formats
from markets.models import Source
from markets.queries import calendars
from markets.views import BUSY, CALM, HtmxRequest, Row, shown_sources
from markets.views import page as page_of
from miner import journal, queries
from miner.job_names import label

STATES = {
    "active": gettext_lazy("czynne"),
    "paused": gettext_lazy("wstrzymane"),
    "disabled": gettext_lazy("wyłączone"),
}


@require_safe
@cache_control(no_cache=True)
@conditional_page
def jobs(request: HtmxRequest) -> HttpResponse:
    """Six statements: sources, running jobs, sums by series, timetable, the bounded count and a page of the journal."""
    now, sources = clock.now(), list(Source.objects.all())
    names = {source.code: source.name for source in sources}
    wanted, runs = journal.Wanted.of(request.GET, names), queries.upcoming(sources)
    read = journal.page_of(wanted, request.GET.get(journal.PAGE, ""))
    running = [journal.job_row(job, names) for job in queries.running_jobs()]
    context: Row = {
        "running": running,
        "series": [series_row(row, names) for row in queries.series_sums()],
        "runs": [run_row(run, names, now) for run in runs],
        "jobs": [journal.job_row(job, names) for job in read],
        "read": journal.pager(wanted, read),
        "selects": journal.selects(wanted, names),
        "filtered": wanted != journal.Wanted(),
        "here": wanted.address(read.number),
        "sources": shown_sources(sources),
        "every": BUSY if running else CALM,
    }
    return page_of(request, "miner/jobs.html", context, until=until(sources, runs, now))


def until(sources: list[Source], runs: list[dict[str, Any]], now: datetime) -> datetime:
    """When the timetable says something else without news: a run is due, a pause is over, a day ends."""
    moments: list[datetime | None] = [*(run["next_run"] for run in runs), *(source.paused_until for source in sources)]
    return min(moment for moment in (calendars.midnight_after(now), *moments) if moment and moment > now)


def series_row(row: Mapping[str, Any], names: Mapping[str, str]) -> Row:
    return {
        "label": label(str(row["job_type"]), names),
        "last_good": row["last_good"],
        "last_rows": row["last_rows"],
        "rows": formats.whole(row["rows"]),
        "refused": formats.whole(row["refused_figures"]),
    }


def run_row(run: Mapping[str, Any], names: Mapping[str, str], now: datetime) -> Row:
    """What is due starts with the next tick of the scheduler, within 30 s."""
    next_run = run["next_run"]
    return {
        "label": label(run["name"] or run["task"], names),
        "next_run": next_run if next_run and next_run > now else None,
        "interval": interval(run["every_seconds"]),
        "state": STATES[run["state"]],
        "light": "good" if run["state"] == "active" else "muted",
    }


def interval(seconds: int | None) -> str:
    """`co 30 s`, `co 5 min`, `co 1 h`, `co 1 h 30 min`; None is what runs at hours of its own."""
    if seconds is None:
        return _("o stałych porach")
    hours, minutes, rest = seconds // 3600, seconds // 60 % 60, seconds % 60
    parts = [f"{count}{formats.NBSP}{unit}" for count, unit in ((hours, "h"), (minutes, "min"), (rest, "s")) if count]
    return _("co %s") % " ".join(parts)
