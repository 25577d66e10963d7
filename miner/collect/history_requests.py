"""Requests for the past of a listing: once, and an hour after a failure again."""

from collections.abc import Sequence
from datetime import timedelta

from django.db import models
from django.dispatch import Signal

from markets import clock
from markets.models import Job, Listing, Source
from miner.models import SyncStatus
from miner.providers.base import QuoteSource

# Sent in the transaction that marks the listings; the task is enqueued by a receiver, so that no name of one is here.
history_wanted = Signal()
# What CoinGecko sells without a plan; others have less.
HISTORY = timedelta(days=365)
PAST_AGAIN = timedelta(hours=1)
RUNNING = Job.Status.RUNNING


def request_history(source: Source, listings: Sequence[Listing]) -> None:
    """Once, and an hour after a failure again; while one is being brought it is too early to say what will lack."""
    now, today = clock.now(), clock.today()
    due = models.Q(past_asked_at=None) | models.Q(past_asked_at__lte=now - PAST_AGAIN)
    rows = SyncStatus.objects.filter(due, listing__in=[row.pk for row in listings], past_at=None)
    # Who was tried most comes last: some that always fail keep no other from its past.
    names = dict(rows.order_by("past_tries", "listing__priority", "pk").values_list("listing", "listing__ticker"))
    if not names or Job.objects.filter(job_type=history_job(source), status=RUNNING, lease_until__gt=now).exists():
        return
    SyncStatus.objects.filter(listing__in=names).update(past_asked_at=now)
    history_wanted.send(sender=Source, source=source, tickers=list(names.values()), start=today - HISTORY, end=today)


def history_job(source: Source) -> str:
    """The job that brings it."""
    return f"{source.code}.history"


def has_history(provider: object) -> bool:
    return isinstance(provider, QuoteSource) and type(provider).fetch_history is not QuoteSource.fetch_history
