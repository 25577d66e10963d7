"""The engine's tasks: one that claims whatever is open, and the wake-up that asks for it."""

import logging
import time
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone
from django_q.models import OrmQ
from django_q.signing import SignedPackage
from django_q.tasks import async_task

from markets import clock, events
from markets.jobs import runs
from markets.models import Instrument, OutboxEvent, Rate
from markets.queries import gaps
from markets.redis import client as redis_client
from signals import rules
from signals.models import AnalysisSnapshot, Signal

logger = logging.getLogger(__name__)

CATCH_UP = "signals.tasks.catch_up"
MAX_TRIES = 5
# A pass over one instrument takes seconds, a task 60 s at most.
LEASE = timedelta(seconds=120)
# The timeframe of the rules that apply to a kind of news; what is not here is passed over.
TIMEFRAMES = {"rate": "1d", "gold": "1d"}


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
    pass_over()
    deadline, written = time.monotonic() + settings.TASK_WORK.total_seconds(), 0
    for instrument in waiting():
        if time.monotonic() > deadline:
            enqueue_catch_up()
            break
        written += process(instrument)
    return written


def unprocessed() -> QuerySet[OutboxEvent]:
    """What the engine has not worked off, claimed by another pass or not."""
    return OutboxEvent.objects.filter(consumer=OutboxEvent.Consumer.ENGINE, processed=None)


def free() -> QuerySet[OutboxEvent]:
    """Of it, what this pass may claim. A claim beyond its own length is of a clock that went wrong, and void."""
    now = clock.now()
    is_free = Q(claimed_until=None) | Q(claimed_until__lte=now) | Q(claimed_until__gt=now + LEASE)
    return unprocessed().filter(is_free)


def is_open() -> bool:
    """Whether there is something that a pass would decide on."""
    return free().filter(kind__in=TIMEFRAMES, tries__lt=MAX_TRIES).exists()


def pass_over() -> None:
    """What no rule applies to is done. Rows that a writer holds at this moment are left for the next pass."""
    with transaction.atomic():
        rows = free().exclude(kind__in=TIMEFRAMES).select_for_update(skip_locked=True)
        if unruled := list(rows.values_list("pk", flat=True)):
            OutboxEvent.objects.filter(pk__in=unruled).update(processed=clock.now())


def waiting() -> list[Instrument]:
    """Instruments with news, or without a state under today's rule, whose history is whole."""
    events_of_it = unprocessed().filter(instrument=OuterRef("pk"), kind__in=TIMEFRAMES)
    news = free().filter(instrument=OuterRef("pk"), kind__in=TIMEFRAMES, tries__lt=MAX_TRIES)
    # What only markets price has no official figure that today's rule could be asked about.
    official = Rate.objects.filter(instrument=OuterRef("pk"))
    stateless = ~Q(Exists(state_of(OuterRef("pk")))) & ~Q(Exists(events_of_it)) & Q(Exists(official))
    return list(whole(Instrument.objects.filter(Q(Exists(news)) | stateless)).order_by("kind", "code"))


def state_of(instrument: Instrument | OuterRef) -> QuerySet[AnalysisSnapshot]:
    return AnalysisSnapshot.objects.filter(instrument=instrument, rule=rules.macd_cross().name)


def whole(instruments: QuerySet[Instrument]) -> QuerySet[Instrument]:
    """Those that may be decided on: a half history would give decisions that nobody could have made."""
    decided = gaps.being_overtaken().filter(Exists(state_of(OuterRef("pk"))))
    return instruments.exclude(pk__in=gaps.half_known().values("pk")).exclude(pk__in=decided.values("pk"))


def process(instrument: Instrument) -> int:
    """Claim all that is open, decide once, mark it processed with the signals. A failure is counted on the claim."""
    claimed = claim(instrument)
    if not claimed and unprocessed().filter(instrument=instrument, kind__in=TIMEFRAMES).exists():
        return 0  # another pass was faster
    rows = OutboxEvent.objects.filter(pk__in=[row.pk for row in claimed], processed=None)
    try:
        with transaction.atomic():
            if not whole(Instrument.objects.filter(pk=instrument.pk)).exists():
                rows.update(claimed_until=clock.now())
                return 0
            written = decide(instrument, min((row.from_time for row in claimed), default=None))
            rows.update(processed=clock.now())
            announce(instrument, rules.macd_cross(), written)
    except Exception as error:
        logger.exception("The engine failed on %s", instrument.code)
        words = runs.scrub(repr(error))
        rows.filter(tries__lt=MAX_TRIES).update(claimed_until=clock.now(), tries=F("tries") + 1, error=words)
        rows.filter(tries__gte=MAX_TRIES).update(claimed_until=clock.now())
        redis_client.note_error(f"signals.{instrument.code}", "ta-service", words)
        return 0
    return written


def claim(instrument: Instrument) -> list[OutboxEvent]:
    """Take what is open for the length of a lease, in a transaction of its own: writers begin new rows meanwhile.

    In the order in which writers take these rows.
    """
    with transaction.atomic():
        rows = free().filter(instrument=instrument, kind__in=TIMEFRAMES)
        claimed = list(rows.select_for_update().order_by("kind", "pk"))
        OutboxEvent.objects.filter(pk__in=[row.pk for row in claimed]).update(
            claimed_by=runs.this_process(), claimed_until=clock.now() + LEASE
        )
    return claimed


def decide(instrument: Instrument, since: datetime | None) -> int:
    """The one way into the engine; `since` is the first bar that changed, None all of them."""
    from signals import engine  # pandas and numba weigh 100 MB: only the processes that decide load them

    return engine.decide(instrument, rules.macd_cross(), since and since.date())


def announce(instrument: Instrument, rule: rules.MacdCross, written: int) -> None:
    """Outsiders hear of new decisions, and of the newest one, when the transaction has been committed."""
    if not written or not settings.REDIS_URL:
        return
    newest = Signal.objects.filter(instrument=instrument, rule=rule.name).order_by("-as_of", "-version")[0]
    day, label = newest.as_of.date(), newest.signal
    transaction.on_commit(
        lambda: events.decided(instrument.code, rule.name, rule.timeframe, day, label, written), robust=True
    )


def recompute(codes: list[str]) -> int:
    """The whole series of these instruments again; what comes out the same writes nothing."""
    total = 0
    for instrument in whole(Instrument.objects.filter(code__in=codes)):
        with transaction.atomic():
            written = decide(instrument, None)
            announce(instrument, rules.macd_cross(), written)
        total += written
    return total
