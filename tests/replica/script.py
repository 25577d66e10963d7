"""Faults on demand, for every service alike.

A script is a JSON list. Each entry says which requests it hits and what happens to them; all entries that hit a request
work together, in their order. Requests are counted from 1, anew whenever a script is set.

Which requests (none of these: all of them):
  "at": n               only the n-th request
  "from": n, "to": m    the n-th to the m-th, either end may be left out
  "path": "regex"       only requests whose path and query contain it (it does not change the counting)

What happens:
  "status": 429, "body": "slow down", "headers": {"Retry-After": "7"}    this answer instead of the right one
  "fault": "maintenance"   an answer of the service's own repertoire (below) instead of the right one
  "headers": {...}      without a status: added to the right answer
  "delay": 1.5          seconds of waiting before the answer
  "cut": 100 | "half"   the right head with the full Content-Length, that many bytes of the body (or half), then the end
  "drop": true          the connection is closed without an answer
  "rubbish": "html" | "bytes" | "truncated-json"    status 200 and a body that is not what it should be
  "replace": [old, new] a text replaced wherever it stands in a right body
  "spoil": "doubled" | "nulled"   the last record of a list stands twice; every seventh figure is null

What changes at the service, for good, from the first request or from the request "at" or "from" on ("path" is ignored):
  "tell": ["delist", "XRPUSDT"]                     a method of the service (below) with its arguments
And at the bank, the NBP, in a form of its own:
  "figure": ["A", "2024-01-02", "USD", "9.9999"]    a correction; letters A, B, C ("bid/ask"), gold (code "XAU")
  "withhold": ["A", "2024-01-02"]                   that table is not out yet
  "publish": ["A", "2024-01-02"]                    now it is

Faults: coingecko `cloudflare`, `error-200`; deribit `maintenance`, `too-many`; binance `firewall`, `blocked`, `busy`.
To be told: nbp `empty LETTER DAY`, `mend LETTER DAY`; ecb `withhold DAY`, `publish DAY`, `correct DAY CODE FIGURE`;
coingecko `stale ID`, `delist ID`; binance `delist SYMBOL`, `halt SYMBOL`, `relist SYMBOL`; deribit `testnet true`;
polygon `bid TICKER missing|null|zero|right`, `remove TICKER`, `restore TICKER`.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from http import HTTPStatus
from typing import Literal

import msgspec

from tests.replica import spoil
from tests.replica.answer import Answer, phrase, plain, with_body, with_headers
from tests.replica.service import Service
from tests.replica.tables import Letter

RUBBISH = {
    "html": ("text/html; charset=utf-8", b"<html><body><h1>Przerwa techniczna</h1></body></html>"),
    "bytes": ("application/json; charset=utf-8", bytes(range(255, 127, -1)) * 4),
}
SPOILERS = {"doubled": spoil.doubled, "nulled": spoil.nulled}


class Entry(msgspec.Struct, forbid_unknown_fields=True, rename={"first": "from", "last": "to"}):
    at: int | None = None
    first: int | None = None
    last: int | None = None
    path: str = ""
    status: int | None = None
    body: str | None = None
    fault: str | None = None
    headers: dict[str, str] = {}
    delay: float = 0.0
    cut: int | Literal["half"] | None = None
    drop: bool = False
    rubbish: Literal["html", "bytes", "truncated-json"] | None = None
    replace: tuple[str, str] | None = None
    spoil: Literal["doubled", "nulled"] | None = None
    tell: list[object] = []
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

    def steps(self, service: Service) -> list[Callable[[], None]]:
        news = {"correct": self.figure, "withhold": self.withhold, "publish": self.publish}
        told = [service.step(name, given) for name, given in news.items() if given]
        return told + ([service.step(str(self.tell[0]), self.tell[1:])] if self.tell else [])


class Script:
    def __init__(self, entries: Sequence[Mapping[str, object]], service: Service) -> None:
        self._service = service
        self._entries = msgspec.convert(entries, list[Entry])
        self._untold = [(entry, step) for entry in self._entries for step in entry.steps(service)]
        self._asked = 0
        if unknown := {entry.fault for entry in self._entries if entry.fault} - service.faults.keys():
            raise msgspec.ValidationError(f"{service.name} has no fault {unknown}; it has {list(service.faults)}")
        self._tell()

    def hit(self, target: str) -> list[Entry]:
        """To be called once per request: it counts."""
        self._asked += 1
        self._tell()
        return [entry for entry in self._entries if entry.hits(self._asked, target)]

    def spoilt(self, answer: Answer, entries: Sequence[Entry], now: datetime) -> Answer:
        for entry in entries:
            if entry.fault is not None:
                answer = self._service.faults[entry.fault](now)
            answer = with_headers(changed(answer, entry), entry.headers)
        return answer

    def _tell(self) -> None:
        for due in [untold for untold in self._untold if untold[0].due(self._asked)]:
            due[1]()
            self._untold.remove(due)


def changed(answer: Answer, entry: Entry) -> Answer:
    if entry.status is not None:
        said = phrase(entry.status)
        return plain(entry.status, said, f"{entry.status} {said}" if entry.body is None else entry.body)
    if entry.rubbish == "truncated-json":
        return replace(with_body(answer, answer.body[: len(answer.body) // 2]), status=200, reason=b"OK")
    if entry.rubbish:
        kind, body = RUBBISH[entry.rubbish]
        return Answer(200, b"OK", {"Content-Type": kind}, body)
    if entry.replace and answer.status == HTTPStatus.OK:
        old, new = entry.replace
        return with_body(answer, answer.body.replace(old.encode(), new.encode()))
    if entry.spoil and answer.status == HTTPStatus.OK:
        return with_body(answer, SPOILERS[entry.spoil](answer.body))
    return answer


def cut_at(entries: Sequence[Entry], size: int) -> int | None:
    """How many bytes of the body may leave; None is all of them."""
    cuts = [size // 2 if entry.cut == "half" else entry.cut for entry in entries if entry.cut is not None]
    return min(cuts, default=None)
