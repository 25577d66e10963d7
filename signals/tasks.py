"""The engine's tasks: one that claims whatever is open, and the wake-up that asks for it."""

import logging
import sys
import time
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django_q.models import OrmQ
from django_q.signing import SignedPackage
from django_q.tasks import async_task

from markets import clock, events, problems
from markets.jobs import job_leases, runs
from markets.models import Instrument, OutboxEvent
from markets.redis import pubsub
from signals import claims, ledger, rules
from signals.models import DAILY

logger = logging.getLogger(__name__)

CATCH_UP = "signals.tasks.catch_up"


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
    job_leases.reap()
    claims.pass_over()
    deadline, written = time.monotonic() + settings.TASK_WORK.total_seconds(), 0
    for instrument in claims.waiting():
        if time.monotonic() > deadline:
            enqueue_catch_up()
            break
        written += process(instrument)
    tell_problems()
    return written


def tell_problems() -> None:
    """What fails stands on the claims; what works more slowly is known where it was loaded, in a deciding process."""
    failing = claims.failing()
    problems.settle("engine", {"": failing} if failing else {})
    if compiled := sys.modules.get("signals.compiled"):
        problems.settle("compiler", {"": compiled.fault} if compiled.fault else {})


def process(instrument: Instrument) -> int:
    """Claim all that is open, decide once, mark it processed with the signals. A failure is counted on the claim."""
    claimed = claims.claim(instrument)
    if not claimed and claims.unprocessed().filter(instrument=instrument, kind__in=claims.timeframes()).exists():
        return 0  # another pass was faster
    rows = OutboxEvent.objects.filter(pk__in=[row.pk for row in claimed], processed=None)
    try:
        with transaction.atomic():
            if not claims.whole(Instrument.objects.filter(pk=instrument.pk)).exists():
                rows.update(claimed_until=clock.now())
                return 0
            written = decide(instrument, claimed)
            rows.update(processed=clock.now())
            announce(instrument, rules.primary(), written)
    except Exception as error:
        logger.exception("The engine failed on %s", instrument.code)
        words = runs.scrub(repr(error))
        rows.filter(tries__lt=claims.MAX_TRIES).update(claimed_until=clock.now(), tries=F("tries") + 1, error=words)
        rows.filter(tries__gte=claims.MAX_TRIES).update(claimed_until=clock.now())
        pubsub.note_error(f"signals.{instrument.code}", "ta-service", words)
        return 0
    return written


def decide(instrument: Instrument, claimed: list[OutboxEvent]) -> int:
    """The one way into the engine: each timeframe that has news, from its first changed bar; without news all days."""
    from signals import engine  # pandas and numba weigh 100 MB: only the processes that decide load them

    kinds, since = claims.timeframes(), dict[str, datetime]()
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
    rows = ledger.newest_versions(instrument=instrument, rule=rule.name, timeframe=DAILY)
    newest = rows.order_by("-as_of").first()
    if newest is None:
        return
    day, label = newest.as_of.date(), newest.signal
    transaction.on_commit(lambda: events.decided(instrument.code, rule.name, DAILY, day, label, written), robust=True)


def recompute(codes: list[str]) -> int:
    """The whole series of these instruments again; what comes out the same writes nothing."""
    total = 0
    for instrument in claims.whole(Instrument.objects.filter(code__in=codes)):
        with transaction.atomic():
            written = decide(instrument, [])
            announce(instrument, rules.primary(), written)
        total += written
    return total
