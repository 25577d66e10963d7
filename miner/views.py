"""The page of the miner: what it is doing, what it did, when it goes on."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.paginator import Page
from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import cache_control
from django.views.decorators.http import conditional_page, require_safe

from markets import clock, formats, messages
from markets.admin_base import BoundedPaginator
from markets.models import Job, Source
from markets.queries import calendars
from markets.store.gaps import CANDLES
from markets.views import BUSY, CALM, HtmxRequest, Row, shown_sources
from markets.views import page as page_of
from miner import queries

JOBS_A_PAGE = 50
SOURCE, STATE, PAGE = "zrodlo", "stan", "strona"
ICONS = {"running": "↻", "success": "✓", "skipped": "–", "failed": "✕"}
LIGHTS = {"running": "busy", "success": "good", "skipped": "muted", "failed": "bad"}
STATUSES = {str(value): words for value, words in Job.Status.choices}
TRIGGERS = {str(value): words for value, words in Job.Trigger.choices}
REASONS = {str(value): words for value, words in Job.Reason.choices}
# What is done for all sources together.
NAMES = {
    "batch.priority": gettext_lazy("Najważniejsze instrumenty: ceny bieżące"),
    "batch.secondary": gettext_lazy("Pozostałe instrumenty: ustawienie w kolejce"),
    "batch.queue": gettext_lazy("Kolejka priorytetów: następne instrumenty"),
    "resume": gettext_lazy("Porządki: wznowienie przerwanych wczytań"),
    "reap": gettext_lazy("Porządki: przerwane zadania"),
    "retention": gettext_lazy("Porządki: stare ceny, świece i zadania"),
    "listings": gettext_lazy("Wykazy symboli źródeł"),
    "problems": gettext_lazy("Porządki: szukanie problemów"),
}

STATES = {
    "active": gettext_lazy("czynne"),
    "paused": gettext_lazy("wstrzymane"),
    "disabled": gettext_lazy("wyłączone"),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """The filter of the journal as the address has it; what is no source or state is not filtered by."""

    source: str = ""
    state: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str], names: Mapping[str, str]) -> "Wanted":
        source, state = query.get(SOURCE, ""), query.get(STATE, "")
        return cls(source if source in names else "", state if state in STATUSES else "")

    def address(self, number: int = 1) -> str:
        """What is empty, and a first page, is left out."""
        page = str(number) if number > 1 else ""
        return queries.address(reverse("jobs"), {SOURCE: self.source, STATE: self.state, PAGE: page})


@require_safe
@cache_control(no_cache=True)
@conditional_page
def jobs(request: HtmxRequest) -> HttpResponse:
    """Six statements: sources, running jobs, sums by series, timetable, the bounded count and a page of the journal."""
    now, sources = clock.now(), list(Source.objects.all())
    names = {source.code: source.name for source in sources}
    wanted, runs = Wanted.of(request.GET, names), queries.upcoming(sources)
    read = page_of_journal(wanted, request.GET.get(PAGE, ""))
    running = [job_row(job, names) for job in queries.running_jobs()]
    context: Row = {
        "running": running,
        "series": [series_row(row, names) for row in queries.series_sums()],
        "runs": [run_row(run, names, now) for run in runs],
        "jobs": [job_row(job, names) for job in read],
        "read": pager(wanted, read),
        "selects": selects(wanted, names),
        "filtered": wanted != Wanted(),
        "here": wanted.address(read.number),
        "sources": shown_sources(sources),
        "every": BUSY if running else CALM,
    }
    return page_of(request, "miner/jobs.html", context, until=until(sources, runs, now))


def until(sources: list[Source], runs: list[dict[str, Any]], now: datetime) -> datetime:
    """When the timetable says something else without news: a run is due, a pause is over, a day ends."""
    moments = [*(run["next_run"] for run in runs), *(source.paused_until for source in sources)]
    return min(moment for moment in (calendars.midnight_after(now), *moments) if moment and moment > now)


def page_of_journal(wanted: Wanted, number: str) -> Page[dict[str, Any]]:
    """The page of that number; the first for what is no page number, the last for one behind the end."""
    paginator = BoundedPaginator(queries.journal(wanted.source, wanted.state), JOBS_A_PAGE)
    digits = number.isascii() and number.isdigit() and len(number) < 10
    return paginator.page(min(max(int(number) if digits else 1, 1), paginator.num_pages))


def pager(wanted: Wanted, read: Page[dict[str, Any]]) -> Row:
    paginator, number = read.paginator, read.number
    return {
        "number": formats.whole(number),
        "total": formats.whole(paginator.num_pages),
        "several": paginator.num_pages > 1,
        "is_cut": isinstance(paginator, BoundedPaginator) and paginator.is_cut and not read.has_next(),
        "newer": wanted.address(number - 1) if read.has_previous() else "",
        "older": wanted.address(number + 1) if read.has_next() else "",
    }


def selects(wanted: Wanted, names: Mapping[str, str]) -> list[Row]:
    states = {state: str(words) for state, words in STATUSES.items()}
    return [
        {"name": SOURCE, "label": _("Źródło"), "options": options(names, wanted.source)},
        {"name": STATE, "label": _("Stan"), "options": options(states, wanted.state)},
    ]


def options(known: Mapping[str, str], chosen: str) -> list[tuple[str, str, bool]]:
    return [(value, text, value == chosen) for value, text in known.items()]


def label(job_type: str, names: Mapping[str, str]) -> str:
    """`nbp.A` as people say it: the name of the source and of what it publishes."""
    code, _dot, rest = job_type.partition(".")
    if code == "brain":
        return _("Sygnały: sprawdzenie, czy wszystko wyliczono")
    if code == "assets":
        return _("Wyszukanie symbolu %s") % rest
    if job_type in NAMES:
        return str(NAMES[job_type])
    series, _dot, part = rest.partition(".")
    if series.startswith(CANDLES):
        series, part = "candles", series.removeprefix(CANDLES)
    known = {
        "gold": _("złoto"),
        "mid": _("kursy średnie"),
        "eurofxref": _("kursy referencyjne"),
        "": _("wszystkie tabele"),
        "quotes": _("ceny bieżące"),
        "history": _("historia cen"),
        "candles": _("świece %s") % part,
        "fill": _("historia świec %s") % part if part else _("zamówiona historia"),
        "gaps": _("luki"),
        "price": _("historia cen"),
        "listing": _("wykaz symboli"),
        "check": _("sprawdzenie połączenia"),
    }
    what = known.get(series, _("tabela %s") % series)
    window = _(", okno publikacji") if part.startswith("window") else ""
    return f"{names[code]}: {what}{window}" if code in names else job_type


def job_row(job: Mapping[str, Any], names: Mapping[str, str]) -> Row:
    """How long a run that goes on has taken is said by its begin alone: the page does not change by the second."""
    status, reason = str(STATUSES[job["status"]]), REASONS.get(job["reason"], job["reason"])
    ended = job["finished_at"]
    return {
        "id": job["id"],
        "label": label(job["job_type"], names),
        "icon": ICONS[job["status"]],
        "light": LIGHTS[job["status"]],
        "status": f"{status}: {reason}" if reason else status,
        "times": f"×{job['repeats'] + 1}" if job["repeats"] else "",
        "trigger": TRIGGERS.get(job["trigger"], job["trigger"]),
        "started_at": job["started_at"],
        "duration": formats.duration((ended - job["started_at"]).total_seconds()) if ended else formats.DASH,
        "error": messages.shown(job["error"], job["error_message"]),
        "notes": messages.shown_all(job["notes"], job["note_messages"]),
        "reached": formats.day(job["reached"]) if job["reached"] else "",
    } | counts(job)


def counts(job: Mapping[str, Any]) -> Row:
    columns = {"rows": "rows_written", "revised": "revised", "refused": "refused", "requests": "requests"}
    found: Row = {name: formats.whole(job[column]) for name, column in columns.items()}
    return found | {
        "retries": formats.whole(job["retries"]),
        "windows": job["windows"],
        "done": job["windows_done"],
        "total_words": formats.plural(job["windows"], _("zakresu dat,zakresów dat,zakresów dat")),
    }


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
