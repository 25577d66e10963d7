"""The brain's tasks: one that claims whatever is open, and the bell that asks for it."""

import logging
import time

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone
from django_q.models import OrmQ
from django_q.signing import SignedPackage
from django_q.tasks import async_task

from markets import clock, events
from markets.jobs import runs
from markets.models import Ingest, Instrument, Job, Rate, Source
from markets.redis import client as redis_client
from signals import rules, snapshots
from signals.models import Signal

logger = logging.getLogger(__name__)

CATCH_UP = "signals.tasks.catch_up"
MAX_TRIES = 5


def enqueue_catch_up() -> bool:
    """Ask for a catch-up, in the caller's transaction, unless one waits already."""
    if any(is_catch_up(row) for row in OrmQ.objects.filter(key=settings.BRAIN_QUEUE, lock__lte=timezone.now())):
        return False
    async_task(CATCH_UP, cluster=settings.BRAIN_QUEUE, group="brain")
    return True


def is_catch_up(row: OrmQ) -> bool:
    """A row that nobody here can read (another key, rubbish) is none; the queue's broker closes it."""
    try:
        task = SignedPackage.loads(row.payload)
    except Exception as error:
        logger.debug("Queue row %s cannot be read: %s", row.pk, type(error).__name__)
        return False
    return bool(task["func"] == CATCH_UP)


def catch_up() -> int:
    """Decide on every instrument that has news, for at most 40 s; answers how many rows were written."""
    runs.reap()
    deadline, written = time.monotonic() + settings.TASK_WORK.total_seconds(), 0
    for instrument in waiting():
        if time.monotonic() > deadline:
            enqueue_catch_up()
            break
        written += process(instrument)
    return written


def waiting() -> list[Instrument]:
    """Instruments with open announcements, or without a state under one of the rules, whose sources are at rest."""
    open_rows = Ingest.objects.filter(instrument=OuterRef("pk"), processed=None, tries__lt=MAX_TRIES)
    failed = Ingest.objects.filter(instrument=OuterRef("pk"), processed=None, tries__gte=MAX_TRIES)
    # What only markets price has no official rate that a daily rule could be asked about.
    official = Rate.objects.filter(instrument=OuterRef("pk"))
    news = Q(Exists(open_rows)) | (snapshots.undecided() & ~Q(Exists(failed)) & Q(Exists(official)))
    return list(Instrument.objects.filter(news).exclude(quotes__source__in=filling()).order_by("kind", "code"))


def filling() -> set[int]:
    """Sources with an open job, and their kin: what such a job has not brought yet would make a false history."""
    open_jobs = Job.objects.filter(status=Job.Status.RUNNING, source__isnull=False)
    busy = Source.objects.filter(Q(job__in=open_jobs) | Q(fallbacks__job__in=open_jobs)).distinct()
    return {pk for source in busy for pk in (source.pk, *source.fallbacks.values_list("pk", flat=True))}


def process(instrument: Instrument) -> int:
    """Claim all open announcements, decide once, mark them processed: one transaction. A failure is counted on them."""
    from signals import engine  # pandas and numba weigh 100 MB: only the processes that decide load them

    try:
        with transaction.atomic():
            if instrument.quotes.filter(source__in=filling()).exists():
                return 0
            claimed = list(Ingest.objects.select_for_update().filter(instrument=instrument, processed=None))
            since = min((row.from_date for row in claimed), default=None)
            written = engine.decide(instrument, since=since)
            Ingest.objects.filter(pk__in=[row.pk for row in claimed]).update(processed=clock.now())
            announce(instrument, rules.primary(), written)
    except Exception as error:
        logger.exception("The brain failed on %s", instrument.code)
        words = runs.scrub(repr(error))
        open_announcements(instrument).update(tries=F("tries") + 1, error=words)
        redis_client.note_error(f"signals.{instrument.code}", "ta-service", words)
        return 0
    return written


def announce(instrument: Instrument, rule: rules.Rule, written: int) -> None:
    """Outsiders hear of new decisions, and of the newest one, when the transaction has been committed."""
    if not written or not settings.REDIS_URL:
        return
    rows = Signal.objects.filter(instrument=instrument, rule=rule.name, timeframe="1d")
    newest = rows.order_by("-as_of", "-version").first()
    if newest is None:
        return
    day, label = newest.as_of.date(), newest.signal
    transaction.on_commit(lambda: events.decided(instrument.code, rule.name, "1d", day, label, written), robust=True)


def recompute(codes: list[str]) -> int:
    """The whole series of these instruments again; what comes out the same writes nothing."""
    from signals import engine

    total = 0
    for instrument in Instrument.objects.filter(code__in=codes).exclude(quotes__source__in=filling()):
        with transaction.atomic():
            written = engine.decide(instrument)
            announce(instrument, rules.primary(), written)
        total += written
    return total


def open_announcements(instrument: Instrument) -> QuerySet[Ingest]:
    return Ingest.objects.filter(instrument=instrument, processed=None, tries__lt=MAX_TRIES)
