"""Faults on demand.

A script is a JSON list. Each entry says which requests it hits and what happens to them; all entries that hit a request
work together, in their order. Requests are counted from 1, anew whenever a script is set.

Which requests (none of these: all of them):
  "at": n               only the n-th request
  "from": n, "to": m    the n-th to the m-th, either end may be left out
  "path": "regex"       only requests whose path and query contain it (it does not change the counting)

What happens:
  "status": 429, "body": "slow down", "headers": {"Retry-After": "7"}    this answer instead of the right one
  "headers": {...}      without a status: added to the right answer
  "delay": 1.5          seconds of waiting before the answer
  "cut": 100 | "half"   the right head with the full Content-Length, that many bytes of the body (or half), then the end
  "drop": true          the connection is closed without an answer
  "rubbish": "html" | "bytes" | "truncated-json"    status 200 and a body that is not what it should be
  "replace": [old, new] a text replaced wherever it stands in a right body

What changes at the bank, for good, from the first request or from the request "at" or "from" on ("path" is ignored):
  "figure": ["A", "2024-01-02", "USD", "9.9999"]    a correction; letters A, B, C ("bid/ask"), gold (code "XAU")
  "withhold": ["A", "2024-01-02"]                   that table is not out yet
  "publish": ["A", "2024-01-02"]                    now it is
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from http import HTTPStatus
from http.client import responses
from typing import Literal

import msgspec

from tests.replica import nbp
from tests.replica.bank import Bank
from tests.replica.nbp import Answer
from tests.replica.tables import Letter

RUBBISH = {
    "html": ("text/html; charset=utf-8", b"<html><body><h1>Przerwa techniczna</h1></body></html>"),
    "bytes": ("application/json; charset=utf-8", bytes(range(255, 127, -1)) * 4),
}


class Entry(msgspec.Struct, forbid_unknown_fields=True, rename={"first": "from", "last": "to"}):
    at: int | None = None
    first: int | None = None
    last: int | None = None
    path: str = ""
    status: int | None = None
    body: str | None = None
    headers: dict[str, str] = {}
    delay: float = 0.0
    cut: int | Literal["half"] | None = None
    drop: bool = False
    rubbish: Literal["html", "bytes", "truncated-json"] | None = None
    replace: tuple[str, str] | None = None
    figure: tuple[Letter, date, str, str] | None = None
    withhold: tuple[Letter, date] | None = None
    publish: tuple[Letter, date] | None = None

    def __post_init__(self) -> None:
        re.compile(self.path)

    def hits(self, n: int, target: str) -> bool:
        in_time = (self.at or n) == n and (self.first or n) <= n <= (self.last or n)
        return in_time and re.search(self.path, target) is not None

    def due(self, n: int) -> bool:
        return n >= (self.at or self.first or 0)

    def tell(self, bank: Bank) -> None:
        if self.figure:
            bank.correct(*self.figure)
        if self.withhold:
            bank.withhold(*self.withhold)
        if self.publish:
            bank.publish(*self.publish)


class Script:
    def __init__(self, entries: Sequence[Mapping[str, object]], bank: Bank) -> None:
        self._entries = msgspec.convert(entries, list[Entry])
        self._untold = list(self._entries)
        self._bank = bank
        self._asked = 0
        self._tell()

    def hit(self, target: str) -> list[Entry]:
        """To be called once per request: it counts."""
        self._asked += 1
        self._tell()
        return [entry for entry in self._entries if entry.hits(self._asked, target)]

    def _tell(self) -> None:
        for entry in [entry for entry in self._untold if entry.due(self._asked)]:
            entry.tell(self._bank)
            self._untold.remove(entry)


def spoilt(answer: Answer, entries: Sequence[Entry]) -> Answer:
    for entry in entries:
        answer = changed(answer, entry)
        answer = Answer(answer.status, answer.reason, {**answer.headers, **entry.headers}, answer.body)
    return answer


def changed(answer: Answer, entry: Entry) -> Answer:
    if entry.status is not None:
        phrase = responses.get(entry.status, "")
        return nbp.plain(entry.status, phrase, f"{entry.status} {phrase}" if entry.body is None else entry.body)
    if entry.rubbish == "truncated-json":
        return nbp.ok(answer.body[: len(answer.body) // 2])
    if entry.rubbish:
        kind, body = RUBBISH[entry.rubbish]
        return Answer(200, b"OK", {"Content-Type": kind}, body)
    if entry.replace and answer.status == HTTPStatus.OK:
        old, new = entry.replace
        return nbp.ok(answer.body.replace(old.encode(), new.encode()))
    return answer


def cut_at(entries: Sequence[Entry], size: int) -> int | None:
    """How many bytes of the body may leave; None is all of them."""
    cuts = [size // 2 if entry.cut == "half" else entry.cut for entry in entries if entry.cut is not None]
    return min(cuts, default=None)
