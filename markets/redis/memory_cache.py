"""A cached answer, and the cache of them in the memory of this process."""

import gzip
import threading
import time
from collections import OrderedDict
from hashlib import blake2b
from typing import Self

import msgspec
from django.conf import settings

# Shorter bodies fit into one packet without compression.
MIN_COMPRESSED_BYTES = 1000
MEMORY_BYTES = 32_000_000


class Cached(msgspec.Struct, array_like=True, frozen=True):
    """One cached answer; `packed` is the body in gzip, empty for a short body."""

    stamp: bytes
    etag: str
    body: bytes
    packed: bytes

    @classmethod
    def of(cls, stamp: bytes, body: bytes) -> Self:
        packed = gzip.compress(body, 6, mtime=0) if len(body) > MIN_COMPRESSED_BYTES else b""
        return cls(stamp, blake2b(body, digest_size=16).hexdigest(), body, packed)

    @property
    def size(self) -> int:
        return len(self.body) + len(self.packed)


class Memory:
    """The process-local LRU cache: at most `limit` bytes, each answer for REDIS_CACHE_TTL by the monotonic clock."""

    def __init__(self, limit: int = MEMORY_BYTES) -> None:
        self.limit = limit
        self.lock = threading.Lock()
        self.forget()

    def forget(self) -> None:
        self.size = 0
        self.rows: OrderedDict[str, tuple[float, Cached]] = OrderedDict()

    def get(self, key: str, stamp: bytes) -> Cached | None:
        with self.lock:
            expires, kept = self.rows.get(key, (0.0, None))
            if kept is None or kept.stamp != stamp or time.monotonic() > expires:
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
