"""A cached answer, and the cache of them in the memory of this process."""

import gzip
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import NamedTuple, Self

import msgspec
from django.conf import settings

# Shorter bodies fit into one packet without compression.
MIN_COMPRESSED_BYTES = 1000
# The part of each kind of answer, so that a million questions of one kind drive out no answer of another. The whole
# history of a currency takes 0.9 MB.
PART, PARTS = 1 / 8, {"rates": 1 / 2}
# What a row costs beside its body: without it a million empty pages would count as 30 MB and take a gigabyte.
ROW_BYTES = 600


class Page(msgspec.Struct):
    """As much of a body as tells how many items it has."""

    items: list[msgspec.Raw]


class Body(NamedTuple):
    """An answer that has a next page."""

    content: bytes
    next: str


class Cached(msgspec.Struct, array_like=True, frozen=True):
    """One cached answer; `packed` is the body in gzip, empty as long as nobody asked for it (`pack`). `items` is -1
    where it is no list.

    `next` is what the next page differs by, as the query of an address; empty where there is none.
    """

    stamp: bytes
    etag: str
    body: bytes
    packed: bytes
    items: int = -1
    next: str = ""

    @classmethod
    def of(cls, stamp: bytes, made: bytes | Body) -> Self:
        body, following = made if isinstance(made, Body) else (made, "")
        return cls(stamp, blake2b(body, digest_size=16).hexdigest(), body, b"", items_in(body), following)

    def pack(self) -> bytes:
        """The body in gzip, made once; empty for a short body. A year of rates takes a tenth of its whole answer."""
        if not self.packed and len(self.body) > MIN_COMPRESSED_BYTES:
            msgspec.structs.force_setattr(self, "packed", gzip.compress(self.body, 6, mtime=0))
        return self.packed

    @property
    def size(self) -> int:
        """With room for the packed body, there or not: a list of the API shrinks to less than an eighth."""
        return len(self.body) + (len(self.body) // 8 if len(self.body) > MIN_COMPRESSED_BYTES else 0) + ROW_BYTES


def items_in(body: bytes) -> int:
    try:
        return len(msgspec.json.decode(body, type=Page).items)
    except msgspec.DecodeError:
        return -1


def kind_of(key: str) -> str:
    """`rates` of `cache:rates:USD:…`."""
    return key.split(":", 2)[1] if ":" in key else key


def share_of(kind: str, limit: int) -> int:
    return int(limit * PARTS.get(kind, PART))


@dataclass(slots=True)
class Shelf:
    """The answers of one kind, the one that was not asked for longest first."""

    size: int = 0
    rows: OrderedDict[str, tuple[float, Cached]] = field(default_factory=OrderedDict)

    def drop(self, key: str) -> None:
        if key in self.rows:
            self.size -= self.rows.pop(key)[1].size


class Memory:
    """The process-local LRU cache: each kind has its part of `limit`, each answer REDIS_CACHE_TTL (monotonic clock)."""

    def __init__(self, limit: int | None = None) -> None:
        self.limit = settings.MEMORY_CACHE_BYTES if limit is None else limit
        self.lock = threading.Lock()
        self.forget()

    def forget(self) -> None:
        self.shelves: dict[str, Shelf] = {}

    def get(self, key: str, stamp: bytes) -> Cached | None:
        with self.lock:
            rows = self.shelves.setdefault(kind_of(key), Shelf()).rows
            expires, kept = rows.get(key, (0.0, None))
            if kept is None or kept.stamp != stamp or time.monotonic() > expires:
                return None
            rows.move_to_end(key)
            return kept

    def put(self, key: str, kept: Cached) -> None:
        kind = kind_of(key)
        share = share_of(kind, self.limit)
        with self.lock:
            shelf = self.shelves.setdefault(kind, Shelf())
            shelf.drop(key)
            if kept.size > share:
                return
            shelf.rows[key] = (time.monotonic() + settings.REDIS_CACHE_TTL, kept)
            shelf.size += kept.size
            while shelf.size > share:
                shelf.drop(next(iter(shelf.rows)))


memory = Memory()
