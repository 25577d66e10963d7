"""What is missing, and which histories are not whole yet."""

from collections.abc import Sequence

from django.db.models import Exists, OuterRef, Q, QuerySet

from markets import clock
from markets.jobs import job_leases
from markets.models import Gap, Instrument, Job, Publication, Quote, Source

# After so many failed tries a first fill is given up for now, where newer figures stand behind the gap.
GIVE_UP = 3


def missing(source: Source | None = None) -> QuerySet[Gap]:
    """The gaps that nobody has accepted, by place."""
    rows = Gap.objects.filter(accepted_at=None).select_related("source", "instrument")
    return rows if source is None else rows.filter(source=source)


def of_series(source: Source, table: str) -> list[Gap]:
    """All gaps of one table of a source, accepted ones as well: what a run plans by. Ascending."""
    return list(Gap.objects.filter(source=source, table=table).order_by("from_time", "pk"))


def first_fills() -> list[Gap]:
    """Series whose history is being brought for the first time. One that failed again and again is not waited for when
    a newer series begins behind it, nor is a source that is switched off: it brings nothing more. A paused one goes on.
    """
    newer = Publication.objects.filter(
        source=OuterRef("source"), table=OuterRef("table"), effective_date__gt=OuterRef("to_time__date")
    )
    given_up = Q(tries__gte=GIVE_UP) & Q(Exists(newer))
    rows = missing().filter(reason=Gap.Reason.FIRST_FILL, instrument=None)
    rows = rows.filter(source__enabled=True, source__available=True)
    return list(rows.exclude(given_up))


def half_known(fills: Sequence[Gap] | None = None) -> QuerySet[Instrument]:
    """Instruments of whose daily history a part is still to come.

    The newest official price tells which source reaches furthest. It is the official one: its own series (table A,
    gold) must be whole. It is a fallback: that one must be, for the official series stands behind it. So nothing waits
    for a fallback that the official source has overtaken, nor for an official source that a whole fallback stands in
    for, nor for another table.
    """
    is_half = Q(pk__in=[])
    for gap in first_fills() if fills is None else fills:
        if gap.source.fallback_for_id is not None:
            is_half |= Q(quotes__source=gap.source)
        elif gap.table in {"A", "gold"}:
            is_half |= of_table(gap)
    return Instrument.objects.filter(is_half)


def being_overtaken(fills: Sequence[Gap] | None = None) -> QuerySet[Instrument]:
    """Instruments known from a whole fallback whose official series a live job is bringing at this moment.

    What was decided on the fallback stands until that job is done: each window of it would compute a hundred whole
    series again, to the same result.
    """
    is_behind = Q(pk__in=[])
    for gap in first_fills() if fills is None else fills:
        if gap.source.fallback_for_id is None and gap.table in {"A", "gold"} and is_running(gap):
            is_behind |= Q(kind__in=kinds_of(gap), quotes__source__in=gap.source.fallbacks.all())
    return Instrument.objects.filter(is_behind)


def of_table(gap: Gap) -> Q:
    return Q(kind__in=kinds_of(gap)) & Q(Exists(Quote.objects.filter(instrument=OuterRef("pk"), source=gap.source)))


def kinds_of(gap: Gap) -> list[str]:
    """The kinds of instruments whose daily series this table is."""
    metal = Instrument.Kind.METAL.value
    return [metal] if gap.table == "gold" else [kind for kind in Instrument.Kind.values if kind != metal]


def is_running(gap: Gap) -> bool:
    """Whether a job of exactly this series works or waits for its continuation; a dead one does not count."""
    running = Job.objects.filter(
        job_type=f"{gap.source.code}.{gap.table}", status=Job.Status.RUNNING, lease_until__gt=clock.now()
    )
    return any(not job.worker or job_leases.is_alive(job.worker) for job in running)
