"""Answers of the API kept as they go out: encoded once, with their ETag, and given again until what they say changes.

Every answer depends on one instrument, or on ANY. With Redis it stands under its key with the stamp that was in force
before its figures were read; a change removes the stamp (`cache:generation:<code>`) after its commit, and the next
question draws a new one that was never used before. So no old bytes can pass for new ones, in whatever order messages
and writers come, and an answer costs one round trip and no database. A removal that is lost leaves old bytes alone
until REDIS_CACHE_TTL. Without Redis, or while it is away, answers stand in this process's memory under the number of
the table `Generation`, which every writer raises in its own transaction: one small query says whether they still hold.
"""

import gzip
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Self

import msgspec
import redis
from django.conf import settings
from django.db import connection, transaction

from markets.models import Generation, Instrument
from markets.redis import cache_stats
from markets.redis import client as redis_client

# An answer about several instruments: it is old as soon as any of them changes. No code looks like this.
ANY = "*"
# Shorter bodies fit into one packet as they are.
WORTH_PACKING = 1000
PATIENCE_SECONDS = 1.0
TICK_SECONDS = 0.01
# Whoever computes and dies holds the others up no longer than this; they lose patience before.
LOCK_MILLISECONDS = 5000
MEMORY_BYTES = 32_000_000
STRIPES = 64

TABLE = Generation._meta.db_table
RAISE = f"ON CONFLICT (instrument_id) DO UPDATE SET number = {TABLE}.number + 1"
NUMBER = (
    f"SELECT {TABLE}.number FROM {TABLE} JOIN {Instrument._meta.db_table} instrument "
    f"ON instrument.id = {TABLE}.instrument_id WHERE instrument.code = %s"
)
SUM = f"SELECT COALESCE(SUM(number), 0) FROM {TABLE}"


class Cached(msgspec.Struct, array_like=True, frozen=True):
    """One answer; `packed` is the body in gzip, empty where that gains nothing."""

    stamp: bytes
    etag: str
    body: bytes
    packed: bytes

    @classmethod
    def of(cls, stamp: bytes, body: bytes) -> Self:
        packed = gzip.compress(body, 6, mtime=0) if len(body) > WORTH_PACKING else b""
        return cls(stamp, blake2b(body, digest_size=16).hexdigest(), body, packed)

    @property
    def size(self) -> int:
        return len(self.body) + len(self.packed)


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked: of which kind, what it depends on (a code or ANY), and the key of its answer."""

    kind: str
    scope: str
    key: str

    @classmethod
    def of(cls, kind: str, scope: str, *places: object, **rest: object) -> Self:
        """`cache:<kind>:<places>`, with a hash of `rest`: the parameters that are not as by default."""
        words = ["cache", kind, *map(str, places)]
        if rest:
            words.append(blake2b(repr(sorted(rest.items())).encode(), digest_size=8).hexdigest())
        return cls(kind, scope, ":".join(words))


def changed(instruments: Collection[int]) -> None:
    """In the transaction that changes what we say of these instruments, best as its last act."""
    ids = sorted(set(instruments))  # everybody takes the rows in this order: no deadlock
    if not ids:
        return
    with connection.cursor() as cursor:
        rows = ", ".join(["(%s, 1)"] * len(ids))
        cursor.execute(f"INSERT INTO {TABLE} (instrument_id, number) VALUES {rows} {RAISE}", ids)
    if settings.REDIS_URL:
        codes = list(Instrument.objects.filter(pk__in=ids).values_list("code", flat=True))
        transaction.on_commit(lambda: remove_stamps(codes), robust=True)


def everything_changed(**_: object) -> None:
    """A choice about a source may concern every answer."""
    with transaction.atomic():
        changed(Instrument.objects.values_list("pk", flat=True))


def remove_stamps(codes: list[str]) -> None:
    """Removing is all: it may come twice or late, and even a full Redis does it."""
    names = [stamp_name(scope) for scope in (*codes, ANY)]
    redis_client.ask(lambda client: client.delete(*names), None)


def stamp_name(scope: str) -> str:
    return redis_client.name(f"cache:generation:{scope}")


def look(question: Question) -> Cached | None:
    """The answer if one is kept that still holds."""
    if (found := fetch(question)) is not None:
        kept, _ = found
    else:
        kept = memory.get(question.key, number_of(question.scope))
    if kept:
        cache_stats.count(question.kind, "hit")
    return kept


def answer(question: Question, compute: Callable[[], bytes], number: int | None = None) -> Cached:
    """What is kept, or what `compute` makes of the tables; of many that ask at once, one computes.

    `number`: the generation of the question's instrument, where it was read already. What `compute` raises is kept
    by nobody.
    """
    results: list[str] = []

    def counted() -> bytes:
        results.append("miss")
        return compute()

    kept = from_redis(question, counted) or from_memory(question, counted, number)
    cache_stats.count(question.kind, results[0] if results else "hit")
    return kept


def fetch(question: Question) -> tuple[Cached | None, bytes | None] | None:
    """The answer in Redis if it holds, and the stamp in force; None when Redis cannot be asked."""
    names = redis_client.name(question.key), stamp_name(question.scope)
    found: list[Any] | None = redis_client.ask(lambda client: client.mget(*names), None)
    if found is None:
        return None
    kept = valid(found[0], found[1])
    cache_stats.sample_read(question.key, kept.size if kept else 0)
    return kept, found[1]


def valid(raw: bytes | None, stamp: bytes | None) -> Cached | None:
    """Whatever stands there that is no answer of ours, or an older one, is none."""
    try:
        kept = msgspec.msgpack.decode(raw or b"", type=Cached)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return kept if kept.stamp == stamp else None


def from_redis(question: Question, compute: Callable[[], bytes]) -> Cached | None:
    """None when Redis cannot be asked, or takes nothing: it is full, or somebody else's rubbish is in the way."""
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
    """The answer that came meanwhile, the stamp in force (drawn now if there was none), and whether we compute."""
    key, stamp_key = redis_client.name(question.key), stamp_name(question.scope)

    def work(client: redis.Redis) -> tuple[Cached | None, bytes, bool] | None:
        pipe = client.pipeline(transaction=False)
        pipe.set(stamp_key, secrets.token_bytes(12), nx=True)
        pipe.set(f"{key}:lock", 1, nx=True, px=LOCK_MILLISECONDS)
        pipe.mget(key, stamp_key)
        _, ours, (raw, stamp) = pipe.execute()
        return None if stamp is None else (valid(raw, stamp), stamp, bool(ours))

    return redis_client.ask(work, None)


def keep(question: Question, stamp: bytes, compute: Callable[[], bytes]) -> Cached:
    """Compute and put it under the stamp from before; an answer that could not be written is an answer all the same."""
    try:
        kept = Cached.of(stamp, compute())
    except BaseException:
        release(question)
        raise
    key, value = redis_client.name(question.key), msgspec.msgpack.encode(kept)

    def write(client: redis.Redis) -> bool:
        pipe = client.pipeline(transaction=False)
        pipe.delete(f"{key}:lock")
        pipe.set(key, value, ex=settings.REDIS_CACHE_TTL)
        return bool(pipe.execute()[1])

    if redis_client.ask(write, otherwise=False):
        cache_stats.count_write(len(value))
    return kept


def release(question: Question) -> None:
    """If it ran out meanwhile it is another's by now, who will not be alone then: no harm."""
    redis_client.ask(lambda client: client.delete(redis_client.name(f"{question.key}:lock")), None)


def from_memory(question: Question, compute: Callable[[], bytes], number: int | None) -> Cached:
    stamp = number_of(question.scope) if number is None else stamp_of(number)
    if kept := memory.get(question.key, stamp):
        return kept
    lock = stripes[hash(question.key) % STRIPES]
    ours = lock.acquire(timeout=PATIENCE_SECONDS)
    try:
        if kept := memory.get(question.key, stamp):
            return kept
        kept = Cached.of(stamp, compute())
        memory.put(question.key, kept)
        return kept
    finally:
        if ours:
            lock.release()


def number_of(scope: str) -> bytes:
    """The generation of an instrument, or the sum of all, as a stamp; it must be read before the figures are."""
    with connection.cursor() as cursor:
        if scope == ANY:
            cursor.execute(SUM)
        else:
            cursor.execute(NUMBER, [scope])
        row = cursor.fetchone()
    return stamp_of(row[0] if row else 0)


def stamp_of(number: int) -> bytes:
    return b"%d" % number


class Memory:
    """The answers asked for last, as many as fit; each for REDIS_CACHE_TTL at most, by the monotonic clock."""

    def __init__(self, limit: int = MEMORY_BYTES) -> None:
        self.limit = limit
        self.lock = threading.Lock()
        self.forget()

    def forget(self) -> None:
        self.size = 0
        self.rows: OrderedDict[str, tuple[float, Cached]] = OrderedDict()

    def get(self, key: str, stamp: bytes) -> Cached | None:
        with self.lock:
            until, kept = self.rows.get(key, (0.0, None))
            if kept is None or kept.stamp != stamp or time.monotonic() > until:
                return None
            self.rows.move_to_end(key)
            return kept

    def put(self, key: str, kept: Cached) -> None:
        with self.lock:
            self.drop(key)
            if kept.size > self.limit:
                return
            self.rows[key] = (time.monotonic() + settings.REDIS_CACHE_TTL, kept)
            self.size += kept.size
            while self.size > self.limit:
                self.drop(next(iter(self.rows)))

    def drop(self, key: str) -> None:
        if key in self.rows:
            self.size -= self.rows.pop(key)[1].size


memory = Memory()
# Of the threads of this process that ask for the same, one computes; a few different questions share a lock.
stripes = [threading.Lock() for _ in range(STRIPES)]
