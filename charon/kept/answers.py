"""A kept answer: its bytes, plain and packed, with the headers that are the same for everybody."""

import gzip
import re
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

from charon.serving.wsgi import Answer
from markets.api.responses import ACCEPTS_GZIP
from markets.redis.memory_cache import MIN_COMPRESSED_BYTES, ROW_BYTES

Pairs = list[tuple[str, str]]

# Of one request alone, and set anew for each.
OWN = frozenset({"x-request-id", "ratelimit", "ratelimit-policy"})
# Of the body, which a 304 does not have.
OF_BODY = frozenset({"content-type", "content-length", "content-encoding", "content-language", "content-disposition"})
SECRET = re.compile(r"\b(?:private|no-store)\b")
TAGS = re.compile(r'(?:W/)?("[^"]*")')


class Form(NamedTuple):
    """One encoding of the body, with its headers, and those of its 304."""

    etag: str
    headers: Pairs
    known: Pairs
    body: bytes


@dataclass(slots=True)
class Kept:
    """`versions` and `until` say how long it holds; `view` and `route` are those of metrics and access log.

    `counter` is that of the metrics for this view, found once: to look it up costs more than to raise it.
    """

    plain: Form
    packed: Form | None
    view: str
    route: str
    versions: tuple[int, ...] = ()
    until: float = 0.0
    counters: Any = None

    @property
    def size(self) -> int:
        return len(self.plain.body) + (len(self.packed.body) if self.packed else 0) + 2 * ROW_BYTES

    def form_for(self, accepted: str | None) -> Form:
        return self.packed if self.packed and accepted and ACCEPTS_GZIP.search(accepted) else self.plain

    @classmethod
    def of(cls, answer: Answer, view: str, route: str, *, pack: bool) -> Self | None:
        """None for what is not everybody's: another status, a cookie, a private answer, a file or a stream."""
        told = {name.lower(): value for name, value in answer.headers}
        if answer.status != 200 or answer.path or answer.stream or answer.pending or "content-encoding" in told:
            return None
        if "set-cookie" in told or "etag" not in told or SECRET.search(told.get("cache-control", "no-store")):
            return None
        headers = [
            (name, value)
            for name, value in answer.headers
            if name.lower() not in OWN and name.lower() not in {"etag", "content-length", "vary"}
        ]
        headers.append(("Vary", vary(told.get("vary", ""))))
        etag, body = told["etag"].removeprefix("W/"), answer.body
        plain = form(headers, etag, body)
        if not pack or len(body) <= MIN_COMPRESSED_BYTES:
            return cls(plain, None, view, route)
        small = gzip.compress(body, 6, mtime=0)
        packed = form([*headers, ("Content-Encoding", "gzip")], f'{etag[:-1]}.gz"', small)
        return cls(plain, packed, view, route)


def vary(told: str) -> str:
    """What Django names, and that the bytes may be packed."""
    names = [name for name in told.split(", ") if name]
    return ", ".join(dict.fromkeys([*names, "Accept-Encoding"]))


def form(headers: Pairs, etag: str, body: bytes) -> Form:
    tagged = [*headers, ("ETag", etag)]
    known = [(name, value) for name, value in tagged if name.lower() not in OF_BODY]
    return Form(etag, [*tagged, ("Content-Length", str(len(body)))], known, body)


def is_known(etag: str, given: str | None) -> bool:
    """Whether `If-None-Match` names it (RFC 9110, 13.1.2: compared as weak ones)."""
    if not given:
        return False
    return given in {etag, "*"} or etag in TAGS.findall(given)
