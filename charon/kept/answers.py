"""A kept answer: its bytes, plain and packed, with the headers that are the same for everybody."""

import gzip
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple, Self

import brotli

from charon.kept.stamp import Versions, taken
from charon.serving.wsgi import Answer
from markets.redis.memory_cache import MIN_COMPRESSED_BYTES, ROW_BYTES

Pairs = list[tuple[str, str]]

# The smaller one first: twenty years of a currency are 853 kB, 34 in gzip and 28 in brotli, in 8 and in 10 ms.
PACKED: Mapping[str, Callable[[bytes], bytes]] = {
    "br": lambda body: brotli.compress(body, quality=5),
    "gzip": lambda body: gzip.compress(body, 6, mtime=0),
}
# Behind the tag of the plain bytes. Caddy cuts off the ending -gzip when a tag comes back.
ENDINGS = {"br": "br", "gzip": "gz"}
REFUSED = re.compile(r"q=0(?:\.0*)?")

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
    """`versions` of its `scopes` and `until` say how long it holds; `view` and `route` are those of metrics and access
    log.

    A packed form is made when the first client takes it: most questions are asked once.
    """

    plain: Form
    view: str
    route: str
    packed: dict[str, Form] = field(default_factory=dict)
    scopes: tuple[str, ...] = ()
    versions: tuple[int, ...] = ()
    until: float = 0.0
    compared: Versions | None = None

    @property
    def size(self) -> int:
        """With room for both packed forms, there or not: together less than a quarter."""
        return len(self.plain.body) * 5 // 4 + (1 + len(PACKED)) * ROW_BYTES

    def holds(self, versions: Versions, at: float) -> bool:
        """Mostly they are the very versions it was compared with last."""
        if self.compared is not versions:
            if self.versions != taken(versions, self.scopes):
                return False
            self.compared = versions
        return at < self.until

    def is_as_new_as(self, versions: Versions) -> bool:
        """Versions only grow."""
        return all(mine >= versions[scope] for mine, scope in zip(self.versions, self.scopes, strict=True))

    def form_for(self, encoding: str) -> Form | None:
        """None where it has not been packed so yet."""
        if not encoding or len(self.plain.body) <= MIN_COMPRESSED_BYTES:
            return self.plain
        return self.packed.get(encoding)

    def pack(self, encoding: str) -> Form:
        """In a thread: a large answer takes ten milliseconds."""
        made = self.form_for(encoding)
        if made is None:
            plain = self.plain
            headers = [pair for pair in plain.headers if pair[0] not in {"ETag", "Content-Length"}]
            etag = f'{plain.etag[:-1]}.{ENDINGS[encoding]}"'
            made = form([*headers, ("Content-Encoding", encoding)], etag, PACKED[encoding](plain.body))
            self.packed[encoding] = made
        return made

    @classmethod
    def of(cls, answer: Answer, view: str, route: str) -> Self | None:
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
        return cls(form(headers, told["etag"].removeprefix("W/"), answer.body), view, route)


@lru_cache(1024)
def encoding_of(accepted: str) -> str:
    """The first of PACKED that `Accept-Encoding` takes; empty where it takes none (RFC 9110, 12.5.3)."""
    asked = [part.partition(";") for part in accepted.lower().split(",")]
    taken = {name.strip() for name, _, weight in asked if not REFUSED.fullmatch(weight.replace(" ", ""))}
    return next((one for one in PACKED if one in taken), "")


def vary(told: str) -> str:
    """What Django names, and that the bytes may be packed."""
    names = [name for name in told.split(", ") if name]
    return ", ".join(dict.fromkeys([*names, "Accept-Encoding"]))


def form(headers: Pairs, etag: str, body: bytes) -> Form:
    tagged = [*headers, ("ETag", etag)]
    known = [(name, value) for name, value in tagged if name.lower() not in OF_BODY]
    return Form(etag, [*tagged, ("Content-Length", str(len(body)))], known, body)


def is_known(etag: str, given: str) -> bool:
    """Whether `If-None-Match` names it (RFC 9110, 13.1.2: compared as weak ones)."""
    return given in {etag, "*"} or etag in TAGS.findall(given)
