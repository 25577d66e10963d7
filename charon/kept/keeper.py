"""What the front does with kept answers: find one that holds, give it out, and have one made where there is none."""

import asyncio
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from django.conf import settings

from charon import access_log, metrics, request_ids
from charon.api.limits import KEPT, READS, Verdict, check
from charon.kept import answers, asking, stamp
from charon.kept.answers import Kept, Pairs
from charon.kept.asking import Asked
from charon.kept.noting import NOTE
from charon.kept.shelves import Shelves
from charon.serving.rsgi import Proto, Scope
from charon.serving.wsgi import Answer
from markets import clock

# Of what nobody said when it turns: an age in minutes may stand in it, and what no watched table tells.
SHORT_SECONDS = 5.0
# Of several who ask for what is being made, each waits for it so long, and then asks for itself.
WAIT_SECONDS = 1.0


class Making:
    """One answer while Django makes it; `kept` is None for what is not kept."""

    def __init__(self, asked: Asked, versions: tuple[int, ...]) -> None:
        self.asked, self.versions = asked, versions
        self.done: asyncio.Future[Kept | None] = asyncio.get_running_loop().create_future()
        self.kept: Kept | None = None

    def run(self, django: Callable[[dict[str, Any]], Answer], environ: dict[str, Any]) -> Answer:
        """In a thread of Django."""
        told = asking.environ_of(self.asked, environ) | {NOTE: None}
        answer = django(told)
        if note := told[NOTE]:
            question, now = self.asked.question, clock.now().timestamp()
            turns = now + SHORT_SECONDS if note.until is None else note.until.timestamp()
            self.kept = Kept.of(answer, note.view, note.route, pack=turns > now)
            if self.kept:
                self.kept.versions = self.versions
                self.kept.until = min(turns, now + SHORT_SECONDS) if question.is_brief else turns
        return answer


class Keeper:
    def __init__(self, threads: ThreadPoolExecutor) -> None:
        self.stamp, self.shelves = stamp.Stamp(threads), Shelves()
        self.making: dict[tuple[str | bool, ...], Making] = {}

    async def found(self, asked: Asked) -> tuple[Kept | None, Making | None]:
        """The answer, if one holds; else what makes it, unless the database is away."""
        versions = await self.stamp.current()
        if versions is None:
            return None, None
        wanted, now = stamp.taken(versions, asked.question.scopes), clock.now().timestamp()
        kept = self.shelves.get(asked.key)
        if kept and kept.versions == wanted and now < kept.until:
            return kept, None
        if running := self.making.get(asked.key):
            await asyncio.wait([running.done], timeout=WAIT_SECONDS)
            if running.done.done() and (kept := running.done.result()) and clock.now().timestamp() < kept.until:
                return kept, None
        return None, Making(asked, wanted)

    @contextmanager
    def alone(self, making: Making) -> Iterator[None]:
        """Whoever asks the same meanwhile waits for it."""
        key = making.asked.key
        ours = self.making.setdefault(key, making) is making
        try:
            yield
        finally:
            if ours:
                del self.making[key]
            making.done.set_result(making.kept)
            if making.kept and clock.now().timestamp() < making.kept.until:
                self.shelves.put(key, making.kept)


def give(scope: Scope, proto: Proto, kept: Kept, began: float) -> Verdict | None:
    """Limited, counted and logged as Django does it. The verdict on a caller beyond its limit, who is given nothing."""
    verdict = check(asking.address_of(scope), "", READS, KEPT)
    if verdict and not verdict.allowed:
        return verdict
    own = [("X-Request-ID", request_ids.chosen(scope.headers.get("x-request-id") or ""))]
    if verdict:
        own += verdict.headers.items()
    status = send(scope, proto, kept, own)
    seconds = time.perf_counter() - began
    if settings.ENABLE_METRICS_ENDPOINT:
        metrics.count(scope.method, kept.view, status, seconds)
    if settings.LOG_ACCESS:
        size = len(kept.plain.body) if status == 200 else 0
        access_log.write(scope.method, kept.route, status, seconds, size)
    return None


def send(scope: Scope, proto: Proto, kept: Kept, own: Pairs) -> int:
    """The bytes as this client takes them, 304 for one that has them. The status."""
    headers = scope.headers
    form = kept.form_for(headers.get("accept-encoding"))
    if answers.is_known(form.etag, headers.get("if-none-match")):
        proto.response_empty(304, form.known + own)
        return 304
    proto.response_bytes(200, form.headers + own, b"" if scope.method == "HEAD" else form.body)
    return 200


def own_of(answer: Answer) -> Pairs:
    """What an answer of Django says of its own request alone."""
    return [(name, value) for name, value in answer.headers if name.lower() in answers.OWN]
