"""The response cache: encoded API answers with their ETag, valid until the data behind them changes.

Every answer depends on one instrument, or on ANY. In Redis it is stored with the stamp that was current before its
values were read. A change deletes the stamp (`cache:generation:<code>`) after its commit, and the next request draws a
new random one. So old bytes never pass as new ones, in whatever order readers and writers come, and a cached answer
costs one round trip and no query. If a deletion is lost, old bytes live until REDIS_CACHE_TTL. Without Redis, or while
it is away, answers are in this process's memory with the number of the table `Generation`, which every writer raises in
its own transaction: one small query tells whether they are valid.

Nobody can fill either from outside: a key is made of parsed parameters, equal pages under many limits are one answer
(`of_page`), and each kind of answer has a share of the bytes, in Redis as in memory.
"""

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Self

import msgspec
from django.conf import settings

from markets.redis import cache_stats, generations, memory_cache
from markets.redis import client as redis_client
from markets.redis.memory_cache import Body, Cached

if TYPE_CHECKING:
    import redis

Made = bytes | Body

PATIENCE_SECONDS = 1.0
TICK_SECONDS = 0.01
# The lock of a process that dies while it computes expires after this; those that wait give up earlier (1 s).
LOCK_MILLISECONDS = 5000
STRIPES = 64
# A page that is not full is the same for every limit above it: it is kept under the next one of these.
ROUND_LIMITS = (100, 1000, settings.NINJA_PAGINATION_MAX_LIMIT)
# Bytes of answers that are written to Redis within one REDIS_CACHE_TTL; each kind has its part. Twice as many may be
# there at once, when all of them are written at the end of one period and at the beginning of the next.
REDIS_BYTES = 128_000_000


@dataclass(frozen=True, slots=True)
class Question:
    """A request to the cache: the kind of answer, what it depends on (a code or ANY), and the cache key.

    `wider` is the key of the same question with a round limit: what stands there answers it too, unless it has more
    items than `limit`.
    """

    kind: str
    scope: str
    key: str
    limit: int = 0
    wider: str = ""

    @classmethod
    def of(cls, kind: str, scope: str, *places: object, **rest: object) -> Self:
        """The key is `cache:<kind>:<places>`, with a hash of `rest`: the parameters that differ from their defaults."""
        parts = ["cache", kind, *map(str, places)]
        if rest:
            parts.append(blake2b(repr(sorted(rest.items())).encode(), digest_size=8).hexdigest())
        return cls(kind, scope, ":".join(parts))

    @property
    def keys(self) -> tuple[str, ...]:
        return (self.key, self.wider) if self.wider else (self.key,)

    def answers(self, kept: Cached | None, key: str) -> bool:
        return kept is not None and (key == self.key or 0 <= kept.items <= self.limit)

    def place_of(self, kept: Cached) -> str:
        """The key that the answer is kept under."""
        return self.wider if self.wider and 0 <= kept.items < self.limit else self.key


def of_page(limit: int, make: Callable[[int], Question]) -> Question:
    """The question for a page of a list; `make` makes it for any limit."""
    wider = next(one for one in ROUND_LIMITS if one >= limit)
    question = make(limit)
    return question if wider == limit else replace(question, limit=limit, wider=make(wider).key)


def look(question: Question) -> Cached | None:
    """The cached answer, if there is a valid one."""
    if (found := fetch(question)) is not None:
        kept, _ = found
    else:
        kept = remembered(question, generations.number_of(question.scope))
    if kept:
        cache_stats.count(question.kind, "hit")
    return kept


def answer(question: Question, compute: Callable[[], Made], number: int | None = None) -> Cached:
    """The cached answer, or a new one from `compute`; of several concurrent requests, one computes.

    `number`: the generation of the question's instrument, where it was read already. An exception of `compute` is
    raised and not cached.
    """
    results: list[str] = []

    def counted() -> Made:
        results.append("miss")
        return compute()

    kept = from_redis(question, counted) or from_memory(question, counted, number)
    cache_stats.count(question.kind, results[0] if results else "hit")
    return kept


def fetch(question: Question) -> tuple[Cached | None, bytes | None] | None:
    """The answer in Redis if it is valid, and the current stamp; None when Redis cannot be reached."""
    names = [generations.stamp_name(question.scope), *map(redis_client.name, question.keys)]
    found: list[Any] | None = redis_client.ask(lambda client: client.mget(names), None)
    if found is None:
        return None
    kept = first_valid(question, *found)
    cache_stats.log_read(question.key, len(kept.body) + len(kept.packed) if kept else 0)
    return kept, found[0]


def first_valid(question: Question, stamp: bytes | None, *raws: bytes | None) -> Cached | None:
    found = ((key, valid(raw, stamp)) for key, raw in zip(question.keys, raws, strict=True))
    return next((kept for key, kept in found if question.answers(kept, key)), None)


def remembered(question: Question, stamp: bytes) -> Cached | None:
    """The answer in this process's memory, if it is valid."""
    found = ((key, memory_cache.memory.get(key, stamp)) for key in question.keys)
    return next((kept for key, kept in found if question.answers(kept, key)), None)


def valid(raw: bytes | None, stamp: bytes | None) -> Cached | None:
    """Decodes a stored answer; None for an outdated one, and for bytes that are not a cached answer."""
    try:
        kept = msgspec.msgpack.decode(raw or b"", type=Cached)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return kept if kept.stamp == stamp else None


def from_redis(question: Question, compute: Callable[[], Made]) -> Cached | None:
    """None when Redis cannot be reached, or cannot store: it is full, or another type of value has the key."""
    if (found := fetch(question)) is None or found[0]:
        return found[0] if found else None
    deadline = time.monotonic() + PATIENCE_SECONDS
    while claimed := claim(question):
        kept, stamp, ours = claimed
        if kept is None and (ours or time.monotonic() > deadline):
            return keep(question, stamp, compute)
        if ours:
            release(question)
        if kept:
            return kept
        time.sleep(TICK_SECONDS)
    return None


def claim(question: Question) -> tuple[Cached | None, bytes, bool] | None:
    """The answer that was stored meanwhile, the current stamp (drawn now if missing), and whether we got the lock."""
    key, stamp_key = redis_client.name(question.key), generations.stamp_name(question.scope)

    def work(client: "redis.Redis") -> tuple[Cached | None, bytes, bool] | None:
        pipe = client.pipeline(transaction=False)
        pipe.set(stamp_key, secrets.token_bytes(12), nx=True)
        pipe.set(f"{key}:lock", 1, nx=True, px=LOCK_MILLISECONDS)
        pipe.mget([stamp_key, *map(redis_client.name, question.keys)])
        _, ours, (stamp, *raws) = pipe.execute()
        return None if stamp is None else (first_valid(question, stamp, *raws), stamp, bool(ours))

    return redis_client.ask(work, None)


def keep(question: Question, stamp: bytes, compute: Callable[[], Made]) -> Cached:
    """Compute the answer and store it with the stamp from before; one that could not be stored is returned too."""
    try:
        kept = Cached.of(stamp, compute())
        kept.pack()  # once for every process that reads it there
    except BaseException:
        release(question)
        raise
    place, value = question.place_of(kept), msgspec.msgpack.encode(kept)

    def write(client: "redis.Redis") -> bool:
        """The value before the lock goes: whoever gets the lock next must find it."""
        fits = takes(client, question.kind, memory_cache.ROW_BYTES + len(value))
        pipe = client.pipeline(transaction=False)
        if fits:
            pipe.set(redis_client.name(place), value, ex=settings.REDIS_CACHE_TTL)
        pipe.delete(f"{redis_client.name(question.key)}:lock")
        return bool(pipe.execute()[0]) and fits

    if redis_client.ask(write, otherwise=False):
        cache_stats.count_write(place, len(value), settings.REDIS_CACHE_TTL)
    return kept


def takes(client: "redis.Redis", kind: str, size: int) -> bool:
    """Take so many bytes of what this kind may write within one REDIS_CACHE_TTL, which is how long each answer lives.

    What is not kept is computed each time it is asked for. A full Redis refuses the count, and so the answer.
    """
    written = redis_client.name(f"cache:written:{kind}")
    pipe = client.pipeline(transaction=False)
    pipe.set(written, 0, ex=settings.REDIS_CACHE_TTL, nx=True)
    pipe.incrby(written, size)
    total = redis_client.settle(pipe)[-1]
    return isinstance(total, int) and total <= memory_cache.share_of(kind, REDIS_BYTES)


def release(question: Question) -> None:
    """Delete the lock. If it expired meanwhile another process may hold it: then two compute, which is safe."""
    redis_client.ask(lambda client: client.delete(redis_client.name(f"{question.key}:lock")), None)


def from_memory(question: Question, compute: Callable[[], Made], number: int | None) -> Cached:
    stamp = generations.number_of(question.scope) if number is None else generations.stamp_of(number)
    if kept := remembered(question, stamp):
        return kept
    lock = stripes[hash(question.key) % STRIPES]
    ours = lock.acquire(timeout=PATIENCE_SECONDS)
    try:
        if kept := remembered(question, stamp):
            return kept
        kept = Cached.of(stamp, compute())
        memory_cache.memory.put(question.place_of(kept), kept)
        return kept
    finally:
        if ours:
            lock.release()


# Of the threads of this process that request the same answer, one computes; some different questions share a lock.
stripes = [threading.Lock() for _ in range(STRIPES)]
