"""Two addresses behind each chart: its figures for the browser, and the same in a table."""

import msgspec
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import conditional_page, require_safe

from charon.pages.charts import daily, payload, row, table, traded
from charon.pages.charts.question import asked
from charon.pages.charts.series import Series
from markets.views import HtmxRequest, page


def series_of(request: HttpRequest, code: str) -> Series:
    """Candles where an interval is named, official days else. 404 for what has neither."""
    if len(code) > 32 or "\0" in code:
        raise Http404
    candles = "interwal" in request.GET
    question = asked(request.GET, code, candles)
    series = traded.read(question) if candles else daily.read(question)
    if not len(series.columns):
        raise Http404
    return series


def name_of(series: Series) -> str:
    return "" if series.question.candles else row.named(series.question.code)


@require_safe
@cache_control(no_cache=True)
@conditional_page
def data(request: HttpRequest, code: str) -> HttpResponse:
    """The figures as JSON; an unchanged answer costs no bytes (304)."""
    series = series_of(request, code)
    facts = payload.payload(series, name_of(series)) | row.addresses(series)
    return HttpResponse(msgspec.json.encode(facts), content_type="application/json")


@require_safe
@cache_control(no_cache=True)
@conditional_page
def rows(request: HtmxRequest, code: str) -> HttpResponse:
    """The drawn bars in a table: a fragment for the page of the chart, a page of its own without scripts."""
    series = series_of(request, code)
    return page(request, "chart/table.html", table.context(series, name_of(series)))
