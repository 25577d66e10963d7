"""The pages of the ground floor. One URL is one view: the whole page, or its fragment when htmx asks."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import conditional_page, require_safe
from django_htmx.middleware import HtmxDetails

from markets import clock
from markets.answers import board, freshness
from markets.models import Job, Source
from markets.templatetags import polish

Row = dict[str, object]
# Seconds between two refreshes: official rates change once a day, a back-fill all the time.
CALM, BUSY = 60, 15


class HtmxRequest(HttpRequest):
    htmx: HtmxDetails


def wants_fragment(request: HtmxRequest) -> bool:
    return bool(request.htmx) and not request.htmx.boosted


@require_safe
@cache_control(no_cache=True)
@conditional_page
def dashboard(request: HtmxRequest) -> HttpResponse:
    now = clock.now()
    sources = list(Source.objects.all())
    rates = board.board()
    truth = freshness.judge(freshness.facts(rates.newest, sources, now), now)
    context = {
        "truth": truth,
        "backfill": backfill_row(truth.facts.backfill),
        "gold": currency_row(rates.gold) if rates.gold else None,
        "currencies": [currency_row(line) for line in rates.currencies],
        "retired": [currency_row(line) for line in rates.retired],
        "days": sorted(rates.days.items()),
        "sources": shown_sources(sources),
        "every": BUSY if truth.facts.backfill else CALM,
    }
    template = "markets/_rates.html" if wants_fragment(request) else "markets/dashboard.html"
    return render(request, template, context)


def shown_sources(sources: list[Source]) -> list[Source]:
    """Those whose attribution stands at the foot of a page."""
    return [source for source in sources if source.public_display and source.available]


def currency_row(line: board.Line) -> Row:
    """Ready strings: filters in a loop of 150 rows cost four fifths of the page."""
    many = board.per_many(line)
    return {
        "code": line.code,
        "name": line.name,
        "unit": line.unit,
        "table": line.table,
        "iso": line.day.isoformat(),
        "day": polish.day(line.day),
        "value": polish.figure(line.value),
        "many": f"{polish.whole(many[0])} {line.code} = {polish.figure(many[1])} zł" if many else "",
        "change": "" if line.change is None else polish.signed(line.change),
        "percent": "" if line.percent is None else polish.percent(line.percent),
        "direction": direction(line),
        "arrow": {"up": "▲", "down": "▼"}.get(direction(line), ""),
    }


def direction(line: board.Line) -> str:
    if not line.change:
        return "flat"
    return "up" if line.change > 0 else "down"


def backfill_row(job: Job | None) -> Row | None:
    """For `37 z 98 paczek (tabela A, do 31.05.2012)`."""
    if job is None:
        return None
    series = job.job_type.partition(".")[2]
    what = {"gold": _("złoto"), "mid": _("kursy średnie")}.get(series, _("tabela %s") % series)
    reached = _(", do %s") % polish.day(job.reached) if job.reached else ""
    return {
        "archive": job.source is not None and job.source.stands_in_for_id is not None,
        "done": job.windows_done,
        "total": job.windows,
        "total_words": polish.plural(job.windows, _("paczki,paczek,paczek")),
        "detail": what + reached,
    }
