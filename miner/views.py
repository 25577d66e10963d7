"""The page of the miner: what it is doing, what it did, when it goes on."""

from datetime import datetime
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import Max, Q, Sum
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import cache_control
from django.views.decorators.http import conditional_page, require_safe

from markets import clock, formats
from markets.models import Job, Source
from markets.store.gaps import CANDLES
from markets.views import BUSY, CALM, HtmxRequest, Row, shown_sources, wants_fragment
from miner.queries import upcoming

JOBS_A_PAGE = 50
ICONS = {"running": "↻", "success": "✓", "skipped": "–", "failed": "✕"}
LIGHTS = {"running": "busy", "success": "good", "skipped": "muted", "failed": "bad"}
# What is done for all sources together.
NAMES = {
    "batch.priority": gettext_lazy("Najważniejsze instrumenty: ceny bieżące"),
    "batch.secondary": gettext_lazy("Pozostałe instrumenty: do kolejki"),
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


@require_safe
@cache_control(no_cache=True)
@conditional_page
def jobs(request: HtmxRequest) -> HttpResponse:
    now = clock.now()
    sources = list(Source.objects.all())
    names = {source.code: source.name for source in sources}
    page = page_of(request.GET.get("strona", ""))
    running = [job_row(job, names, now) for job in Job.objects.filter(status=Job.Status.RUNNING).order_by("pk")]
    context = {
        "running": running,
        "tables": [table_row(row, names, now) for row in summary()],
        "runs": [run_row(run, names, now) for run in upcoming()],
        "jobs": [job_row(job, names, now) for job in page],
        "page": page,
        "sources": shown_sources(sources),
        "every": BUSY if running else CALM,
    }
    return render(request, "miner/_jobs.html" if wants_fragment(request) else "miner/jobs.html", context)


def page_of(number: str) -> Page[Job]:
    """The page of that number; the first for what is no page number, the last for one behind the end."""
    paginator = Paginator(Job.objects.all(), JOBS_A_PAGE)
    digits = number.isascii() and number.isdigit() and len(number) < 10
    wanted = int(number) if digits else 1
    return paginator.page(min(max(wanted, 1), paginator.num_pages))


def summary() -> list[dict[str, Any]]:
    """One line a table: when it was last found complete, what it has brought."""
    well = Q(status__in=[Job.Status.SUCCESS, Job.Status.SKIPPED])
    totals = Job.objects.values("job_type").annotate(
        last_good=Max("finished_at", filter=well),
        last_rows=Max("finished_at", filter=Q(rows_written__gt=0)),
        rows=Sum("rows_written"),
        refused_figures=Sum("refused"),
    )
    return [dict(row) for row in totals.order_by("job_type")]


def label(job_type: str, names: dict[str, str]) -> str:
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
        "history": _("dawne ceny"),
        "candles": _("świece %s") % part,
        "fill": _("dawne świece %s") % part if part else _("zamówiona historia"),
        "gaps": _("luki"),
        "price": _("dawne ceny"),
        "listing": _("wykaz symboli"),
        "check": _("sprawdzenie połączenia"),
    }
    what = known.get(series, _("tabela %s") % series)
    window = _(", okno publikacji") if part.startswith("window") else ""
    return f"{names[code]}: {what}{window}" if code in names else job_type


def job_row(job: Job, names: dict[str, str], now: datetime) -> Row:
    seconds = job.duration_seconds
    status = Job.Status(job.status).label
    reason = job.get_reason_display() if job.reason else ""
    return {
        "id": job.pk,
        "label": label(job.job_type, names),
        "icon": ICONS[job.status],
        "light": LIGHTS[job.status],
        "status": f"{status}: {reason}" if reason else status,
        "times": f"×{job.repeats + 1}" if job.repeats else "",
        "trigger": job.get_trigger_display(),
        "iso": job.started_at.isoformat(),
        "started": formats.moment(job.started_at),
        "ago": formats.relative(job.started_at, now),
        "duration": formats.duration(max(0.0, (now - job.started_at).total_seconds()) if seconds is None else seconds),
        "rows": formats.whole(job.rows_written),
        "revised": formats.whole(job.revised),
        "refused": formats.whole(job.refused),
        "requests": formats.whole(job.requests),
        "retries": formats.whole(job.retries),
        "error": job.error,
        "notes": job.notes,
        "windows": job.windows,
        "done": job.windows_done,
        "total_words": formats.plural(job.windows, _("paczki,paczek,paczek")),
        "reached": formats.day(job.reached) if job.reached else "",
    }


def table_row(row: dict[str, Any], names: dict[str, str], now: datetime) -> Row:
    def told(moment: object) -> str:
        return f"{formats.moment(moment)} ({formats.relative(moment, now)})" if isinstance(moment, datetime) else "–"

    return {
        "label": label(str(row["job_type"]), names),
        "last_good": told(row["last_good"]),
        "last_rows": told(row["last_rows"]),
        "rows": formats.whole(row["rows"]),
        "refused": formats.whole(row["refused_figures"]),
    }


def run_row(run: dict[str, Any], names: dict[str, str], now: datetime) -> Row:
    next_run = run["next_run"] or now
    return {
        "label": label(run["name"] or run["task"], names),
        "iso": next_run.isoformat(),
        "when": formats.near(next_run, now),
        "in": formats.relative(max(next_run, now), now),
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
