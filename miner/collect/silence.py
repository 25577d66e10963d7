"""The silence of a publisher: which days are sure to have a publication, and why none came."""

from datetime import date, timedelta

import holidays
from django.db.models import Max

from markets.jobs import runs
from markets.messages import Message
from markets.models import Publication, Source
from markets.records import Table
from miner.collect.window_plan import Span
from miner.providers.base import TableSeries

DAY = timedelta(days=1)


def last_day(window: Span, tables: list[Table]) -> date:
    """The last one with a publication, as far as this window knows."""
    return tables[-1].effective_date if tables else window[0] - DAY


def missing(series: TableSeries, window: Span, tables: list[Table], limit: date) -> Message | None:
    """What should be in the window and is not; None where nothing is missing."""
    seen = last_day(window, tables)
    if not silent(series, seen, min(window[1], limit)):
        return None
    return Message("nothing_published", first=seen + DAY, last=window[1])


def last_sure_day(source: Source, series: TableSeries, today: date) -> date:
    """Up to here a publication is sure to exist: what this release knows, or another table of the source confirms."""
    newest = Publication.objects.filter(source=source).aggregate(newest=Max("effective_date"))["newest"]
    return min(max(series.known_until, newest or series.known_until), today - DAY)


def silent(series: TableSeries, seen: date, limit: date) -> bool:
    """So many weekdays after the last publication seen are a breakage, not a pause."""
    days = (seen + DAY * number for number in range(1, (limit - seen).days + 1))
    return sum(day.weekday() < 5 for day in days) >= series.silence


def closed(series: TableSeries, day: date) -> bool:
    """Whether the publisher keeps a holiday: its country's, or its market's (TARGET is `ECB`)."""
    markets = holidays.list_supported_financial()
    calendar = holidays.financial_holidays if series.closed in markets else holidays.country_holidays
    return day in calendar(series.closed, years=day.year)


def why_nothing(series: TableSeries, today: date) -> runs.Reason:
    """Why there is nothing to ask for; an archive is simply complete."""
    weekend = today.weekday() > 4 and series.last is None
    return runs.Reason.WEEKEND if weekend else runs.Reason.UP_TO_DATE


def why_empty(series: TableSeries, newest: date, today: date) -> runs.Reason:
    """Why nothing came after the newest publication. A long silence is called one, whatever day it is today."""
    if silent(series, newest, today - DAY):
        return runs.Reason.SILENT
    if today.weekday() > 4:
        return runs.Reason.WEEKEND
    if closed(series, today):
        return runs.Reason.HOLIDAY
    return runs.Reason.NOT_YET
