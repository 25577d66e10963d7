"""The chart as the row of a template: everything but its figures, which the browser asks for."""

from collections.abc import Sequence
from urllib.parse import urlencode

from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _

from charon.pages.charts import daily, line, lines, traded, words
from charon.pages.charts.daily import Known
from charon.pages.charts.question import TIMEFRAMES, Question, asked, parameters, text_of
from charon.pages.charts.series import Series, is_long
from markets import formats
from markets.instruments.names import GOLD, currency_name
from markets.queries.history import RANGES
from markets.views import Row

OTHERS = ("EUR", "USD", "CHF", "GBP", "JPY", "CZK", GOLD)
API = "/api/v1/"
Others = Sequence[tuple[str, str]]


def chart_row(
    query: QueryDict, code: str, *, page: str, name: str = "", others: Others | None = None, known: Known | None = None
) -> Row:  # fmt: skip
    """Of the official days of a currency or of gold; two queries, three where the series has a pause.

    `page` is the address of the page without its query; `others` are codes and names to compare with. With days that
    are `known`, from `daily.first_day` on, there is a query for the pauses alone.
    """
    question = asked(query, code)
    series = daily.read(question, with_lines=False, known=known)
    offered = others if others is not None else [(other, named(other)) for other in OTHERS]
    zoomed = question.first is not None or question.last is not None
    hrefs = {key: page + parameters(question, zakres=key, od="", do="") for key in RANGES}
    names = words.range_names()
    ranges = [
        {"key": key, "name": names.get(key, key), "current": key == question.period and not zoomed, "href": hrefs[key]}
        for key in RANGES
    ]
    return common(series, page, name, offered) | {"ranges": ranges}


def candle_row(query: QueryDict, code: str, *, page: str, name: str = "", others: Others = ()) -> Row:
    """Of the candles of an instrument at a source; two queries, three where one is absent."""
    question = asked(query, code, candles=True)
    series = traded.read(question, with_lines=False)
    hrefs = {key: page + parameters(question, interwal=key, od="", do="") for key in TIMEFRAMES}
    ranges = [{"key": key, "name": key, "current": key == question.timeframe, "href": hrefs[key]} for key in TIMEFRAMES]
    source = _(series.source.name) if series.source else ""
    return common(series, page, name, others) | {"ranges": ranges, "source": source}


def named(code: str) -> str:
    return _("złoto") if code == GOLD else currency_name(code, "en" if formats.english() else "pl")


def addresses(series: Series) -> Row:
    """Of the table and of the lines for a spreadsheet that say the same."""
    csv = csv_of_candles(series) if series.question.candles else csv_of_days(series)
    return {"table": address("chart_table", series.question), "csv": csv}


def common(series: Series, page: str, name: str, others: Others) -> Row:
    question = series.question
    return {
        "drawn": series.drawn,
        "none": not series.drawn,
        "candles": question.candles,
        "page": page,
        "timeframe": question.timeframe,
        "data": address("chart_data", question),
        "summary": words.summary(series, name),
        "notes": words.notes(series) if series.drawn else [],
        "path": line.path(series) if series.drawn else "",
        "width": line.WIDTH,
        "height": line.HEIGHT,
        "source": "",
        "volume": any(series.columns.volumes),
        **switches(series, others),
        **addresses(series),
    }


def switches(series: Series, others: Others) -> Row:
    """The form: indicators, of which some have a panel, the scale, the other series, and what it must carry on."""
    question, titles = series.question, lines.titles()
    indicators = [{"name": key, "title": titles[key], "on": key in question.shown} for key in series.offered]
    compared = [(code, other, code == question.compared) for code, other in others if code != question.code]
    return {
        "switches": indicators,
        "panels": [one for one in indicators if one["name"] in lines.PANELS],
        "others": [{"code": code, "name": other, "on": on} for code, other, on in compared],
        "log_offered": is_long(series),
        "log": question.logarithmic,
        "hidden": hidden(question),
    }


def address(name: str, question: Question) -> str:
    kind = {} if not question.candles else {"interwal": question.timeframe}
    return reverse(name, kwargs={"code": question.code}) + parameters(question, **kind)


def hidden(question: Question) -> list[tuple[str, str]]:
    """What a form must carry so that its other parameters stay."""
    facts = {
        "interwal": question.timeframe,
        "zrodlo": question.source,
        "zakres": "" if question.candles else question.period,
        "od": text_of(question.first, question) if question.first else "",
        "do": text_of(question.last, question) if question.last else "",
        "regula": question.rule.name,
    }
    return [(name, value) for name, value in facts.items() if value]


def csv_of_days(series: Series) -> str:
    """The API's lines of the part in view."""
    if not series.drawn:
        return ""
    first, last = (series.columns.times[row] for row in (series.view[0], series.view[1] - 1))
    span = {"from": first, "to": last, "format": "csv"}
    if series.question.code == GOLD:
        return f"{API}gold?{urlencode(span)}"
    return f"{API}rates?{urlencode({'code': series.question.code, **span})}"


def csv_of_candles(series: Series) -> str:
    if not series.drawn or series.source is None:
        return ""
    first, last = (series.columns.times[row].replace("Z", ":00Z") for row in (series.view[0], series.view[1] - 1))
    facts = {
        "symbol": series.question.code, "timeframe": series.question.timeframe, "source": series.source.code,
        "from": first, "to": last, "format": "csv",
    }  # fmt: skip
    return f"{API}candles?{urlencode(facts, safe=':')}"
