"""How much a caller may ask: each address or token, by kind of question, in windows of a minute.

`check` knows no request, so that whatever stands in front of Django counts by the same rule. Reads are counted in the
memory of the process. Writes and heavy questions are counted for all processes together: in Redis, without it in the
database, and where neither takes the count at once in the memory of the process, since no limit may cost an answer.
"""

import threading
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from django.conf import settings

from charon.chosen import chosen
from markets import clock
from markets.redis import client as redis_client
from markets.store import caller_counts

if TYPE_CHECKING:
    import redis

WINDOW = 60
# A question counts ten tenths; an answer that was kept costs about a tenth of one that is computed.
WHOLE, KEPT = 10, 1
# Callers that one process counts in a window, at some 200 bytes each; those beyond are let through.
MAX_CALLERS = 20_000


class Kind(StrEnum):
    READS = "reads"
    WRITES = "writes"
    HEAVY = "heavy"


# To ask an enum for one of these takes longer than all the rest of a count.
READS = Kind.READS
NAMES = {kind: kind.value for kind in Kind}
QUOTAS = {Kind.READS: "LIMIT_READS", Kind.WRITES: "LIMIT_WRITES", Kind.HEAVY: "LIMIT_HEAVY"}


class Verdict(NamedTuple):
    """`left` of `quota` questions, until the window ends in `seconds`."""

    kind: Kind
    allowed: bool
    quota: int
    left: int
    seconds: int

    @property
    def headers(self) -> list[tuple[str, str]]:
        """draft-ietf-httpapi-ratelimit-headers-10, sections 3 and 4."""
        kind, _allowed, quota, left, seconds = self
        name = NAMES[kind]
        return [
            ("RateLimit", f'"{name}";r={left};t={seconds}'),
            ("RateLimit-Policy", f'"{name}";q={quota};w={WINDOW}'),
        ]


class Counts:
    """The callers of one window; the next window begins with an empty page."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.forget()

    def forget(self) -> None:
        self.until = 0
        self.page: dict[str, int] = {}

    def add(self, caller: str, until: int, amount: int) -> int:
        with self.lock:
            # A question that waited over the turn counts in the new window; a clock that was set back begins another.
            if until > self.until or until < self.until - WINDOW:
                self.until, self.page = until, {}
            count = self.page.get(caller, 0) + amount
            if count > amount or len(self.page) < MAX_CALLERS:
                self.page[caller] = count
            return count


counts = Counts()


def check(address: str, token: str, kind: Kind, tenths: int = WHOLE, at: float | None = None) -> Verdict | None:
    """Count a question of this caller and say whether it may be answered; None where the limit is switched off.

    A caller is its token (the name of it, `access.Caller.name`) or, without one, its address. `at` is a moment of the
    clock that was read already.
    """
    quota: int = chosen().limit_reads if kind is READS else getattr(settings, QUOTAS[kind])
    if not quota:
        return None
    now = int(clock.now().timestamp() if at is None else at)
    until = now - now % WINDOW + WINDOW
    caller = f"{NAMES[kind]}:{token or address}"
    left = quota * WHOLE - (counts.add if kind is READS else counted)(caller, until, tenths)
    return Verdict(kind, left >= 0, quota, left // WHOLE if left > 0 else 0, until - now)


def over_reads(address: str) -> Verdict | None:
    """The verdict on a caller that has no read left in this window, before anything is done for it; None for others."""
    quota = chosen().limit_reads
    if not quota or counts.page.get(f"{NAMES[READS]}:{address}", 0) + KEPT <= quota * WHOLE:
        return None
    verdict = check(address, "", READS, KEPT)
    return None if verdict is None or verdict.allowed else verdict  # allowed: a new window begins


def counted(caller: str, until: int, tenths: int) -> int:
    """For all processes together."""
    count = in_redis(caller, until, tenths)
    if count is None:
        count = caller_counts.add(caller, until, tenths)
    return counts.add(caller, until, tenths) if count is None else count


def in_redis(caller: str, until: int, tenths: int) -> int | None:
    def add(client: "redis.Redis") -> int:
        key = redis_client.name(f"limit:{caller}:{until}")
        pipe = client.pipeline(transaction=False)
        pipe.incrby(key, tenths)
        pipe.expire(key, 2 * WINDOW)
        return int(pipe.execute()[0])

    return redis_client.ask(add, None)
