"""The engine's tasks: one that claims whatever is open, and the wake-up that asks for it."""

import logging
import os
import sys
import time
from collections.abc import Collection
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django_q.models import OrmQ
from django_q.signing import SignedPackage
from django_q.tasks import async_task

from markets import clock, events, problems
from markets.jobs import job_leases, runs
from markets.licence import Audience
from markets.models import Instrument, OutboxEvent
from markets.redis import pubsub
from markets.store.sharing import yield_to_writers
from signals import claims, ledger, snapshots
from signals.api_rows import closed, closed_markets
from signals.models import DAILY, AnalysisSnapshot, Signal
from signals.outcomes import tasks as outcomes
from signals.written import Written

logger = logging.getLogger(__name__)

CATCH_UP = "signals.tasks.catch_up"


def enqueue_catch_up() -> bool:
    """Ask for a catch-up, in the caller's transaction, unless one waits already."""
    return enqueue(CATCH_UP, group="brain")


def enqueue(func: str, **options: object) -> bool:
    if any(is_task(row, func) for row in OrmQ.objects.filter(key=settings.BRAIN_QUEUE, lock__lte=timezone.now())):
        return False
    async_task(func, cluster=settings.BRAIN_QUEUE, **options)
    return True


def is_catch_up(row: OrmQ) -> bool:
    return is_task(row, CATCH_UP)


def is_task(row: OrmQ, func: str) -> bool:
    """A row that nobody here can read (another key, rubbish) is none; the queue's broker closes it."""
    try:
        task = SignedPackage.loads(row.payload)
    except Exception as error:
        logger.debug("Queue row %s cannot be read: %s", row.pk, type(error).__name__)
        return False
    return bool(task["func"] == func)


def catch_up() -> int:
    """Decide on every instrument that has news, for at most 40 s; answers how many rows were written."""
    if not shares_its_workers():
        return decide_on_news()
    with claims.alone() as ours:
        if not ours:
            return 0  # the other pass asks for one more when it has ended
        written = decide_on_news()
    if claims.has_come():
        enqueue_catch_up()
    return written


def decide_on_news() -> int:
    job_leases.reap()
    claims.pass_over()
    if is_first_run() and not is_compiled():
        load_rules()  # while the archive arrives, which is decided on when it is whole
    began, written = time.monotonic(), 0
    deadline, breath = began + settings.TASK_WORK.total_seconds(), began
    for timeframe in claims.cycles():
        written += cycle_of(timeframe)
    for instrument in claims.waiting():
        if time.monotonic() > deadline:
            enqueue_catch_up()
            break
        written += process(instrument)
        breath = yield_to_writers(breath)
    else:
        ask_for_outcomes()
    tell_problems()
    return written


def is_first_run() -> bool:
    """Whether nothing has ever been decided on here."""
    return not AnalysisSnapshot.objects.exists()


def is_compiled() -> bool:
    """Whether a process has begun to keep machine code; to load it for nothing costs each pass 0.8 s."""
    return machine_code().is_dir()


def machine_code() -> Path:
    return Path(os.environ.get("NUMBA_CACHE_DIR") or Path(settings.DATA_DIR) / "numba")


def shares_its_workers() -> bool:
    """One queue of two workers does everything on SQLite: in a first pass of two engines nobody would ask for prices,
    and a source that is asked every 15 s would count as silent.
    """
    return bool(settings.BRAIN_QUEUE == settings.MINER_QUEUE)


def ask_for_outcomes() -> None:
    """Of what was never computed, one family at a time: two would hold both workers of a small installation. The queue
    keeps the row of a task until its result is there.
    """
    family = outcomes.due()
    rows = OrmQ.objects.filter(key=settings.BRAIN_QUEUE) if family else OrmQ.objects.none()
    if family and not any(is_task(row, outcomes.RECOMPUTE_FAMILY) for row in rows):
        outcomes.recompute(family)


def tell_problems() -> None:
    """What fails stands on the claims; what works more slowly is known where it was loaded, in a deciding process."""
    failing = {"": one} if (one := claims.failing()) else {}
    problems.settle("engine", failing | snapshots.failing())
    if compiled := sys.modules.get("signals.compiled"):
        problems.settle("compiler", {"": compiled.fault} if compiled.fault else {})


def cycle_of(timeframe: str) -> int:
    """Claim the news of candles of this timeframe, and decide on all of them at once. What needs more than a step, and
    everything when that fails, is given back, to be taken one instrument at a time.
    """
    claimed = claims.claim_cycle(timeframe)
    if not claimed:
        return 0
    load_rules()
    from signals import cycle  # as below

    done, written = set[int](), 0
    try:
        with transaction.atomic():
            decided = cycle.decide(timeframe, {row.instrument_id: row.from_time for row in claimed})
            done = decided.instruments
            ours = [row.pk for row in claimed if row.instrument_id in done]
            OutboxEvent.objects.filter(pk__in=ours, processed=None).update(processed=clock.now())
            announce(decided.written)
            written = sum(one.rows for one in decided.written)
    except Exception:
        logger.exception("The candles of %s cannot be decided on together", timeframe)
        done, written = set(), 0
    if rest := [row.pk for row in claimed if row.instrument_id not in done]:
        OutboxEvent.objects.filter(pk__in=rest, processed=None).update(claimed_until=clock.now())
    return written


def process(instrument: Instrument) -> int:
    """Claim all that is open, decide once, mark it processed with the signals. A failure is counted on the claim."""
    claimed = claims.claim(instrument)
    if not claimed and claims.unprocessed().filter(instrument=instrument, kind__in=claims.timeframes()).exists():
        return 0  # another pass was faster
    load_rules()
    rows = OutboxEvent.objects.filter(pk__in=[row.pk for row in claimed], processed=None)
    try:
        with transaction.atomic():
            if not claims.whole(Instrument.objects.filter(pk=instrument.pk)).exists():
                rows.update(claimed_until=clock.now())
                return 0
            written = decide(instrument, claimed)
            rows.update(processed=clock.now())
            announce(written)
    except Exception as error:
        logger.exception("The engine failed on %s", instrument.code)
        words = runs.scrub(repr(error))
        rows.filter(tries__lt=claims.MAX_TRIES).update(claimed_until=clock.now(), tries=F("tries") + 1, error=words)
        rows.filter(tries__gte=claims.MAX_TRIES).update(claimed_until=clock.now())
        pubsub.note_error(f"signals.{instrument.code}", "ta-service", words)
        return 0
    return sum(one.rows for one in written)


def load_rules() -> None:
    """Load and compile before a transaction begins: 5 s of a core, in which nobody else could write on SQLite."""
    from signals import engine  # numba weighs 110 MB with its code: only the processes that decide load them

    engine.compile_rules()


def decide(instrument: Instrument, claimed: list[OutboxEvent]) -> list[Written]:
    """The one way into the engine: each timeframe that has news, from its first changed bar; without news all days."""
    from signals import engine  # as above

    kinds, since = claims.timeframes(), dict[str, datetime | None]()
    for row in claimed:
        timeframe = kinds[row.kind]
        since[timeframe] = min(row.from_time, since.get(timeframe) or row.from_time)
    return [
        Written(instrument, rule, timeframe, rows)
        for timeframe, first in (since or {DAILY: None}).items()
        for rule, rows in engine.decisions(instrument, timeframe, first).items()
        if rows
    ]


def announce(written: Collection[Written]) -> None:
    """Outsiders hear of new decisions, and of the newest one, when the transaction has been committed."""
    if not written or not settings.REDIS_URL:
        return
    ids = {one.instrument.pk for one in written}
    days, candles = (
        set(rows.filter(instrument__in=ids).values_list("instrument", flat=True))
        for rows in (closed(Audience.API), closed_markets(Audience.API))
    )
    told = []
    for one in written:
        newest = one.newest or newest_of(one)
        if newest is not None:
            as_of = newest.as_of.date() if one.timeframe == DAILY else newest.as_of
            public = one.instrument.pk not in days | candles
            told.append(
                events.Decision(one.instrument.code, one.rule, one.timeframe, as_of, newest.signal, one.rows, public)
            )
    transaction.on_commit(lambda: events.decided(told), robust=True)


def newest_of(one: Written) -> Signal | None:
    rows = ledger.newest_versions(instrument=one.instrument, rule=one.rule, timeframe=one.timeframe)
    return rows.order_by("-as_of").first()


def recompute(codes: list[str]) -> int:
    """The whole series of these instruments again; what comes out the same writes nothing."""
    load_rules()
    total = 0
    for instrument in claims.whole(Instrument.objects.filter(code__in=codes)):
        with transaction.atomic():
            written = decide(instrument, [])
            announce(written)
        total += sum(one.rows for one in written)
    return total
