"""The state of every source: what the tables say of it, judged in `markets.queries.source_state`."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime

from django.db.models import Exists, F, OuterRef, Q, Subquery, Value
from django.db.models.functions import Concat
from django_q.models import Schedule

from markets import clock
from markets.models import Job, Listing, Publication, Quote, Source
from markets.queries import jobs, source_state
from markets.queries.calendars import Timetable
from markets.queries.freshness import Trouble
from markets.queries.jobs import Ends
from markets.queries.source_state import SeriesFacts, SourceFacts, SourceState
from miner import schedule, sources
from miner.models import Poll
from miner.providers import PROVIDERS
from miner.providers.base import TableSeries
from miner.pulse import polls

NEWEST = "newest_"


def states(now: datetime | None = None) -> list[SourceState]:
    """One judgement a source, sorted by code. Three queries, and one more while something fails."""
    now, ends = now or clock.now(), jobs.ends(Q(source__isnull=False))
    asked = {row.name: row for row in Poll.objects.all()}
    found = [source_state.judge(facts_of(row, ends, asked, now), now) for row in source_rows()]
    return [with_fallback(one, found) for one in found]


def source_rows() -> list[Source]:
    """The sources with their newest day of each table, their rest and their next run."""
    names = {series.table for provider in PROVIDERS.values() for series in provider.series}
    days = Publication.objects.filter(source=OuterRef("pk")).order_by("-effective_date").values("effective_date")
    newest = {NEWEST + name: Subquery(days.filter(table=name)[:1]) for name in names}
    code = OuterRef("code")
    runs = Schedule.objects.filter(Q(name=code) | Q(name__startswith=Concat(code, Value(".")))).order_by("next_run")
    resumed = Schedule.objects.filter(name=schedule.RESUMES).values("next_run")
    extra = {
        "newest_price": newest_price(OuterRef("pk")),
        "next_run": Subquery(runs.values("next_run")[:1]),
        "resumed_at": Subquery(resumed[:1]),
        "cooling_until": F("spent__blocked_until"),
    }
    return list(Source.objects.select_related("spent").annotate(**newest, **extra).order_by("code"))


def newest_price(source: OuterRef) -> Subquery:
    """The moment of the newest price of a source; those of a wrong clock and of yesterday's close say nothing of it."""
    followed = Listing.objects.filter(instrument=OuterRef("instrument"), source=OuterRef("source"), tracked=True)
    polled = Quote.objects.filter(Exists(followed), source=source, effective_date=None, end_of_day=False)
    come = polled.filter(observed_at__lte=clock.now() + clock.SKEW)
    return Subquery(come.order_by("-observed_at").values("observed_at")[:1])


def newest_prices() -> dict[str, datetime]:
    """By the name of the poll that brings them."""
    found = Source.objects.values_list("code", newest_price(OuterRef("pk")))
    return {f"{code}.quotes": moment for code, moment in found if moment}


def facts_of(row: Source, ends: Mapping[str, Ends], asked: Mapping[str, Poll], now: datetime) -> SourceFacts:
    provider = PROVIDERS.get(row.code)
    found = [*(table_facts(row, series, ends) for series in provider.series)] if provider else []
    own = polls.polls_of(row) if provider else []
    if provider and provider.rotating:
        own.append(polls.queue_poll())
    observed = {f"{row.code}.quotes": getattr(row, "newest_price", None)}
    found += [poll_facts(poll.name, poll.every, asked.get(poll.name), ends, observed.get(poll.name)) for poll in own]
    cooling = getattr(row, "cooling_until", None)
    moments: list[datetime | None] = [replace(poll, cooling_until=cooling).next(now) for poll in own]
    if provider and not provider.scheduled and any(is_resumed(one) for one in found):
        moments.append(getattr(row, "resumed_at", None))
    series = [ends[one.name] for one in found if one.name in ends]
    return SourceFacts(
        source=row,
        series=tuple(found),
        wants_key=sources.wants_key(row),
        cooling_until=cooling,
        next_try=min(filter(None, [getattr(row, "next_run", None), *moments]), default=None),
        last_success=newest_of(one.success for one in series),
        last_failure=newest_of(one.failure for one in series),
    )


def is_resumed(series: SeriesFacts) -> bool:
    """Whether a series without a timetable is asked for again with whatever gave up."""
    return not series.filling and (series.trouble is not None or not series.complete)


def newest_of(moments: Iterable[datetime | None]) -> datetime | None:
    return max(filter(None, moments), default=None)


def table_facts(row: Source, series: TableSeries, ends: Mapping[str, Ends]) -> SeriesFacts:
    """A history that does not grow is here when a run found it whole."""
    name = f"{row.code}.{series.table}"
    end, newest = ends.get(name), getattr(row, NEWEST + series.table)
    whole = series.last is not None and end is not None and end.success is not None
    return SeriesFacts(
        name,
        newest=series.last if whole else newest,
        timetable=timetable(series),
        trouble=end.trouble if end else None,
        filling=end is not None and end.filling,
        complete=whole,
    )


def timetable(series: TableSeries) -> Timetable:
    start, end = (series.hours.start, series.hours.end) if series.hours else (None, None)
    return Timetable(series.weekdays, series.closed, series.longest_pause, start, end)


def poll_facts(
    name: str, every: int, row: Poll | None, ends: Mapping[str, Ends], observed: datetime | None = None
) -> SeriesFacts:
    """A poll that never succeeded waits since it was asked for; its error counts also where no job tells of it."""
    row, end = row or Poll(name=name), ends.get(name)
    trouble = end.trouble if end else None
    if trouble is None and row.done_at is None and row.asked_at:
        trouble = Trouble(Job.Reason.ERROR, str(Job.Reason.ERROR.label), row.asked_at)
    return SeriesFacts(
        name,
        newest=row.done_at,
        observed=observed,
        every=every,
        waiting=row.asked_at,
        trouble=trouble if row.error else None,
    )


def with_fallback(one: SourceState, found: Iterable[SourceState]) -> SourceState:
    """A fallback stands in while the official source has no day as new as its own."""
    official = next((other for other in found if other.source.pk == one.source.fallback_for_id), None)
    if official is None or (ours := newest_day(one)) is None:
        return one
    theirs = newest_day(official)
    return one if theirs and theirs >= ours else replace(one, stands_in_for=official.source.name)


def newest_day(state: SourceState) -> date | None:
    """Of its first table."""
    newest = state.series[0].facts.newest if state.series else None
    return newest.date() if isinstance(newest, datetime) else newest
