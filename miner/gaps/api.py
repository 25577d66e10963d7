"""Gaps: what is missing, a year of a table day by day, and asking again.

They are here and not beside the rates because only providers know when a table is published. They tell of no figure,
so that, as with `/sources` and `/jobs`, there is nothing for a licence to keep from anybody.
"""

from collections import Counter
from datetime import date, timedelta
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from markets import clock, licence
from markets.access import HEAL_GAPS
from markets.api.operator import Operator
from markets.api.responses import POLLED, fresh, listing, private, reply
from markets.api.schemas import COMMON_ERRORS, SERIES_ERRORS, Envelope, Paging
from markets.errors import QuestionError, UnknownCodeError
from markets.models import Gap, Source
from markets.queries import gap_days
from markets.queries.latest_prices import midnight
from markets.queries.lookup import nearest
from markets.queries.prices import find_asset
from markets.queries.rates import find_source
from miner.gaps import ask, rows, tables
from miner.gaps.schemas import DaysQuery, GapPage, GapQuery, Healing, HealWish, YearOfDays
from miner.gaps.wish import Wish

router = Router(tags=["gaps"])

DAY = timedelta(days=1)
ORDER = ("source__code", "table", "from_time", "pk")


@router.get("/gaps", response={200: GapPage, **SERIES_ERRORS}, operation_id="gaps", summary="What is missing")
def gaps(request: HttpRequest, query: Query[GapQuery], paging: Query[Paging]) -> HttpResponse:
    """What a source has not given of what it should, why, and who asks for it again when.

    A gap of an official table tells what became of each of its first days: a known holiday is no missing day.
    """
    audience = licence.audience(request)
    found = matching(query).order_by(*ORDER)
    return fresh(request, listing(paging, found, lambda page: rows.items(page, audience is licence.Audience.OPERATOR)))


def matching(query: GapQuery) -> QuerySet[Gap]:
    check_period(query.from_, query.to)
    found = Gap.objects.all()
    source = find_source(query.source) if query.source is not None else None
    if source is not None:
        found = found.filter(source=source)
    if query.table is not None:
        found = found.filter(table=known_table(query.table, source))
    if query.instrument is not None:
        found = found.filter(instrument=find_asset(query.instrument))
    if query.from_ is not None:
        found = found.filter(to_time__gte=midnight(query.from_))
    if query.to is not None and query.to < date.max:
        found = found.filter(from_time__lt=midnight(query.to + DAY))
    return found


def known_table(text: str, source: Source | None) -> str:
    """Raises UnknownCodeError; an empty list would say that nothing of it is missing."""
    if source is not None:
        return tables.find_table(source, text)
    names = sorted({name for row in Source.objects.all() for name in tables.names_of(row)})
    if text not in names:
        raise UnknownCodeError(
            f"No source has a table {text!r}", {"nearest": nearest(text, {name: name for name in names})}
        )
    return text


def check_period(first: date | None, last: date | None) -> None:
    if first is not None and last is not None and first > last:
        raise QuestionError(f"from ({first}) is later than to ({last})", {"from": first, "to": last})


@router.get(
    "/gaps/days", response={200: YearOfDays, **SERIES_ERRORS}, operation_id="gap_days", summary="A year day by day"
)
def days(request: HttpRequest, query: Query[DaysQuery]) -> HttpResponse:
    """A word for each day of a year of one official table. The published tables decide, the calendar only explains.

    Three statements. Candles and prices come every day: see `/gaps`.
    """
    source = find_source(query.source)
    table = tables.daily(tables.find_series(source, query.table))
    first, last, now = date(query.year, 1, 1), date(query.year, 12, 31), clock.now()
    year = [first + DAY * number for number in range((last - first).days + 1)]
    known = gap_days.known(source, query.table, first, last, table.timetable.longest_pause)
    words = [gap_days.word(day, table, known, now) for day in year]
    named = {day: gap_days.holiday_name(day, word, table) for day, word in zip(year, words, strict=True)}
    content = {
        "source": source.code,
        "table": query.table,
        "year": query.year,
        "first": table.first,
        "days": words,
        "names": {day: name for day, name in named.items() if name},
        "counts": Counter(words),
    }
    return fresh(request, content, POLLED)


@router.post(
    "/gaps/heal",
    response={200: Healing, 202: Healing, 404: Envelope, 408: Envelope, 409: Envelope, **COMMON_ERRORS},
    auth=Operator(*HEAL_GAPS),
    operation_id="gaps_heal",
    summary="Ask for gaps again now",
)
def heal(request: HttpRequest, wish: HealWish) -> HttpResponse:
    """Operators only. A job asks again for the gaps of one table, whenever their next try is.

    202 with the job and where to look (`see`, also in Location); the same wish again gets the same job as long as it
    waits or runs. 200 where nothing of it is missing. What an operator has accepted is left out unless `accepted` says
    otherwise. 404 for an unknown source, table or instrument; 409 while that table is being asked for otherwise, and
    for a source that is switched off, paused, without its key, or rests.
    """
    check_period(wish.from_, wish.to)
    source = find_source(wish.source)
    table = tables.find_table(source, wish.table)
    instrument = find_asset(wish.instrument).pk if wish.instrument is not None else None
    wanted = Wish(instrument, wish.from_ or date.min, wish.to or date.max, wish.accepted)
    ask.check_awake(source)
    task = ask.plan(source, table, wanted)
    told: dict[str, Any] = {"status": "nothing", "source": source.code, "table": table, "parts": 0}
    if task is None:
        return private(reply(told | {"job": None, "see": None}))
    job = ask.start(source, table, wanted, task)
    see = ask.see(job.job_type)
    response = reply(told | {"status": "pending", "parts": task.parts, "job": job.pk, "see": see}, 202)
    response.headers["Location"] = see
    return private(response)
