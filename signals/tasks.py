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
from signals import rules, snapshots
from signals.models import DAILY, AnalysisSnapshot, Signal
from signals.rules.rule import OFFICIAL

logger = logging.getLogger(__name__)

CATCH_UP = "signals.tasks.catch_up"
MAX_TRIES = 5
# A pass over one instrument takes seconds, a task 60 s at most.
LEASE = timedelta(seconds=120)
OFFICIAL_KINDS = {"rate": DAILY, "gold": DAILY}


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


def timeframes() -> dict[str, str]:
    """The timeframe of each kind of news that one of the rules is about; what is not here is passed over."""
    named = {timeframe for rule in rules.active() if OFFICIAL not in rule.needs for timeframe in rule.timeframes}
    return OFFICIAL_KINDS | {f"candle:{timeframe}": timeframe for timeframe in named}


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
    return free().filter(kind__in=timeframes(), tries__lt=MAX_TRIES).exists()


def pass_over() -> None:
    """What no rule applies to is done. Rows that a writer holds at this moment are left for the next pass."""
    with transaction.atomic():
        rows = free().exclude(kind__in=timeframes()).select_for_update(skip_locked=True)
        if unruled := list(rows.values_list("pk", flat=True)):
            OutboxEvent.objects.filter(pk__in=unruled).update(processed=clock.now())


def waiting() -> list[Instrument]:
    """Instruments with news, or without a state under one of the rules, whose history is whole."""
    kinds = timeframes()
    events_of_it = unprocessed().filter(instrument=OuterRef("pk"), kind__in=kinds)
    news = free().filter(instrument=OuterRef("pk"), kind__in=kinds, tries__lt=MAX_TRIES)
    # What only markets price has no official rate that a daily rule could be asked about.
    official = Rate.objects.filter(instrument=OuterRef("pk"))
    stateless = snapshots.undecided() & ~Q(Exists(events_of_it)) & Q(Exists(official))
    return list(whole(Instrument.objects.filter(Q(Exists(news)) | stateless)).order_by("kind", "code"))


def state_of(instrument: Instrument | OuterRef) -> QuerySet[AnalysisSnapshot]:
    return AnalysisSnapshot.objects.filter(instrument=instrument, timeframe=DAILY)


def whole(instruments: QuerySet[Instrument]) -> QuerySet[Instrument]:
    """Those that may be decided on: a half history would give decisions that nobody could have made."""
    decided = gaps.being_overtaken().filter(Exists(state_of(OuterRef("pk"))))
    return instruments.exclude(pk__in=gaps.half_known().values("pk")).exclude(pk__in=decided.values("pk"))


def process(instrument: Instrument) -> int:
    """Claim all that is open, decide once, mark it processed with the signals. A failure is counted on the claim."""
    claimed = claim(instrument)
    if not claimed and unprocessed().filter(instrument=instrument, kind__in=timeframes()).exists():
        return 0  # another pass was faster
    rows = OutboxEvent.objects.filter(pk__in=[row.pk for row in claimed], processed=None)
    try:
        with transaction.atomic():
            if not whole(Instrument.objects.filter(pk=instrument.pk)).exists():
                rows.update(claimed_until=clock.now())
                return 0
            written = decide(instrument, claimed)
            rows.update(processed=clock.now())
            announce(instrument, rules.primary(), written)
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
        rows = free().filter(instrument=instrument, kind__in=timeframes())
        claimed = folded(list(rows.select_for_update().order_by("kind", "pk")))
        OutboxEvent.objects.filter(pk__in=[row.pk for row in claimed]).update(
            claimed_by=runs.this_process(), claimed_until=clock.now() + LEASE
        )
    return claimed


def folded(rows: list[OutboxEvent]) -> list[OutboxEvent]:
    """One row a kind: the newest takes along what failed before it. Else an instrument that fails for ever would leave
    a row with each poll, 2,880 a day where candles come every 30 s, and every pass would claim all of them.
    """
    newest = {row.kind: row for row in rows}
    older = [row for row in rows if row is not newest[row.kind]]
    for row in older:
        kept = newest[row.kind]
        kept.from_time, kept.to_time = min(kept.from_time, row.from_time), max(kept.to_time, row.to_time)
        kept.rows += row.rows
    if older:
        OutboxEvent.objects.filter(pk__in=[row.pk for row in older]).delete()
        OutboxEvent.objects.bulk_update(newest.values(), ["from_time", "to_time", "rows"])
    return list(newest.values())


def decide(instrument: Instrument, claimed: list[OutboxEvent]) -> int:
    """The one way into the engine: each timeframe that has news, from its first changed bar; without news all days."""
    from signals import engine  # pandas and numba weigh 100 MB: only the processes that decide load them

    kinds, since = timeframes(), dict[str, datetime]()
    for row in claimed:
        timeframe = kinds[row.kind]
        since[timeframe] = min(row.from_time, since.get(timeframe, row.from_time))
    if not since:
        return engine.decide(instrument)
    return sum(engine.decide(instrument, timeframe, first) for timeframe, first in since.items())


def announce(instrument: Instrument, rule: rules.Rule, written: int) -> None:
    """Outsiders hear of new decisions, and of the newest one, when the transaction has been committed."""
    if not written or not settings.REDIS_URL:
        return
    rows = Signal.objects.filter(instrument=instrument, rule=rule.name, timeframe=DAILY)
    newest = rows.order_by("-as_of", "-version").first()
    if newest is None:
        return
    day, label = newest.as_of.date(), newest.signal
    transaction.on_commit(lambda: events.decided(instrument.code, rule.name, DAILY, day, label, written), robust=True)


def recompute(codes: list[str]) -> int:
    """The whole series of these instruments again; what comes out the same writes nothing."""
    total = 0
    for instrument in whole(Instrument.objects.filter(code__in=codes)):
        with transaction.atomic():
            written = decide(instrument, [])
            announce(instrument, rules.primary(), written)
        total += written
    return total
