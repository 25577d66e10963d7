"""What the engine has to decide on: events in the outbox, each claimed by one pass at a time."""

from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from markets import clock, file_locks
from markets.jobs import job_leases
from markets.messages import Message
from markets.models import Instrument, OutboxEvent, Rate
from markets.queries import gaps
from markets.timeframes import SECONDS
from signals import rules, snapshots
from signals.models import DAILY, OFFICIAL_KINDS, AnalysisSnapshot
from signals.rules.rule import OFFICIAL

MAX_TRIES = 5
# A pass over one instrument takes seconds, a task 60 s at most.
LEASE = timedelta(seconds=120)
DAILY_NEWS = {"rate": DAILY, "gold": DAILY}


def timeframes() -> dict[str, str]:
    """The timeframe of each kind of news that one of the rules is about; what is not here is passed over."""
    named = {timeframe for rule in rules.active() if OFFICIAL not in rule.needs for timeframe in rule.timeframes}
    return DAILY_NEWS | {f"candle:{timeframe}": timeframe for timeframe in named}


def is_news(kinds: Collection[str]) -> bool:
    """Whether one of these kinds is about a rule. The official ones are, and load none to tell."""
    return not DAILY_NEWS.keys().isdisjoint(kinds) or not timeframes().keys().isdisjoint(kinds)


def cycles() -> list[str]:
    """The timeframes of candles that have news for one of the rules, the shortest first."""
    kinds = [kind for kind in timeframes() if kind not in DAILY_NEWS]
    there = set(news_of_markets().filter(kind__in=kinds, tries=0).values_list("kind", flat=True).distinct())
    return [timeframe for timeframe in SECONDS if f"candle:{timeframe}" in there]


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


def has_come() -> bool:
    """Whether there is news that no pass has tried yet, and that one may decide on: of a half history it waits."""
    news = free().filter(instrument=OuterRef("pk"), kind__in=timeframes(), tries=0)
    return whole(Instrument.objects.filter(Exists(news))).exists()


@contextmanager
def alone() -> Iterator[bool]:
    """Whether no other process of this machine is deciding; none begins to before the end of the block.

    Between two instruments a pass holds no claim.
    """
    folder = Path(settings.DATA_DIR) / "run"
    folder.mkdir(parents=True, exist_ok=True)
    with file_locks.alone(folder / "engine.lock") as ours:
        yield ours


def failing() -> Message | None:
    """The instruments on whose news the engine failed, ten at most, with the newest error; None when all is well."""
    rows = unprocessed().filter(tries__gt=0).exclude(error="").order_by("-pk")
    found = list(rows.values_list("instrument__code", "error")[:10])
    codes = sorted({code for code, _ in found})
    return Message("about", about=", ".join(codes), reason=found[0][1]) if found else None


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
    fills = gaps.first_fills()
    if not fills:
        return instruments
    decided = gaps.being_overtaken(fills).filter(Exists(state_of(OuterRef("pk"))))
    return instruments.exclude(pk__in=gaps.half_known(fills).values("pk")).exclude(pk__in=decided.values("pk"))


def claim(instrument: Instrument) -> list[OutboxEvent]:
    """Take what is open for the length of a lease, in a transaction of its own: writers begin new rows meanwhile.

    In the order in which writers take these rows.
    """
    with transaction.atomic():
        rows = free().filter(instrument=instrument, kind__in=timeframes())
        claimed = folded(list(rows.select_for_update().order_by("kind", "pk")))
        OutboxEvent.objects.filter(pk__in=[row.pk for row in claimed]).update(
            claimed_by=job_leases.this_process(), claimed_until=clock.now() + LEASE
        )
    return claimed


def claim_cycle(timeframe: str) -> list[OutboxEvent]:
    """The news of candles that can be taken together: one row a series, that has not failed. No half history is among
    them, for only official rates have one.

    Rows that somebody holds at this moment are left for the next pass.
    """
    with transaction.atomic():
        rows = news_of_markets().filter(kind=f"candle:{timeframe}").select_for_update(skip_locked=True, of=("self",))
        found = list(rows.order_by("pk"))
        times = Counter(row.instrument_id for row in found)
        claimed = [row for row in found if times[row.instrument_id] == 1 and not row.tries]
        OutboxEvent.objects.filter(pk__in=[row.pk for row in claimed]).update(
            claimed_by=job_leases.this_process(), claimed_until=clock.now() + LEASE
        )
    return claimed


def news_of_markets() -> QuerySet[OutboxEvent]:
    return free().exclude(instrument__kind__in=OFFICIAL_KINDS)


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
        kept.opened_at = min(filter(None, (kept.opened_at, row.opened_at)), default=None)
    if older:
        OutboxEvent.objects.filter(pk__in=[row.pk for row in older]).delete()
        OutboxEvent.objects.bulk_update(newest.values(), ["from_time", "to_time", "rows", "opened_at"])
    return list(newest.values())
