"""What the evaluation has to look at: its rows of the outbox, claimed by one pass at a time."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import transaction
from django.db.models import Q, QuerySet

from markets import clock
from markets.jobs import job_leases, runs
from markets.models import OutboxEvent
from markets.redis import pubsub
from signals.claims import MAX_TRIES

__all__ = ["KINDS", "MAX_TRIES", "News", "claim", "done", "failed", "is_open", "open_rows", "overtaken", "unprocessed"]

KINDS = frozenset({"price", "rate", "gold"})
# A pass takes seconds, its task 60 s at most.
LEASE = timedelta(seconds=60)


class News(NamedTuple):
    """The rows of one instrument, and the time from which on something is new."""

    rows: list[int]
    since: datetime
    tries: int


def unprocessed() -> QuerySet[OutboxEvent]:
    """What is still to be looked at, claimed by another pass or not."""
    return OutboxEvent.objects.filter(consumer=OutboxEvent.Consumer.ALERTS, processed=None, tries__lt=MAX_TRIES)


def open_rows() -> QuerySet[OutboxEvent]:
    """Of it, what a pass may claim. A claim beyond its own length is of a clock that went wrong, and void."""
    now = clock.now()
    is_free = Q(claimed_until=None) | Q(claimed_until__lte=now) | Q(claimed_until__gt=now + LEASE)
    return unprocessed().filter(is_free)


def is_open() -> bool:
    return open_rows().filter(kind__in=KINDS).exists()


def claim() -> dict[int, News]:
    """By instrument, in a transaction of its own: writers begin new rows meanwhile. Candles are passed over."""
    with transaction.atomic():
        rows = open_rows().select_for_update(skip_locked=True).order_by("pk")
        found = list(rows.values_list("pk", "instrument_id", "kind", "from_time", "tries"))
        news, passed_over = dict[int, News](), list[int]()
        for pk, instrument, kind, since, tries in found:
            if kind not in KINDS:
                passed_over.append(pk)
                continue
            known = news.get(instrument, News([], since, 0))
            news[instrument] = News([*known.rows, pk], min(known.since, since), max(known.tries, tries))
        done(passed_over)
        claimed = [pk for one in news.values() for pk in one.rows]
        OutboxEvent.objects.filter(pk__in=claimed).update(
            claimed_by=job_leases.this_process(), claimed_until=clock.now() + LEASE
        )
    return news


def done(rows: Collection[int]) -> None:
    if rows:
        OutboxEvent.objects.filter(pk__in=rows, processed=None).update(processed=clock.now())


def overtaken(instruments: Collection[int]) -> None:
    """What was given up of an instrument is over as soon as its later prices have been evaluated."""
    given_up = OutboxEvent.objects.filter(
        consumer=OutboxEvent.Consumer.ALERTS, processed=None, tries__gte=MAX_TRIES, instrument__in=instruments
    )
    given_up.update(processed=clock.now())


def failed(code: str, one: News, error: Exception) -> None:
    """The newest row counts the tries of all: an instrument that fails for ever leaves no row with each poll."""
    words = runs.scrub(repr(error))
    done(one.rows[:-1])
    OutboxEvent.objects.filter(pk=one.rows[-1], processed=None).update(
        claimed_until=clock.now(), tries=one.tries + 1, error=words
    )
    pubsub.note_error(f"alerts.{code}", "ta-service", words)
