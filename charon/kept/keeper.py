"""What the front does with kept answers: find one that holds, give it out, and have one made where there is none."""

import asyncio
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from charon import access_log, metrics, request_ids
from charon.api.limits import KEPT, READS, Verdict, check
from charon.chosen import chosen
from charon.kept import answers, asking, stamp
from charon.kept.answers import Form, Kept, Pairs
from charon.kept.asking import Asked
from charon.kept.noting import NOTE, Note
from charon.kept.series import ReadySeriesShelf
from charon.kept.shelves import Shelves
from charon.kept.stamp import Versions
from charon.serving.rsgi import Scope
from charon.serving.wsgi import Answer
from markets import clock

# Of what nobody said when it turns: an age in minutes may stand in it, and what no watched table tells.
SHORT_SECONDS = 5.0
# Of several who ask for what is being made, each waits for it so long, and then asks for itself.
WAIT_SECONDS = 1.0


class Making:
    """One answer while Django makes it; `kept` is None for what is not kept."""

    def __init__(self, asked: Asked, versions: Versions, before: Kept | None) -> None:
        self.asked, self.versions, self.before = asked, versions, before
        self.done: asyncio.Future[Kept | None] = asyncio.get_running_loop().create_future()
        self.kept: Kept | None = None

    def run(self, django: Callable[[dict[str, Any]], Answer], environ: dict[str, Any]) -> Answer:
        """In a thread of Django."""
        told = asking.environ_of(self.asked, environ) | {NOTE: None}
        answer = django(told)
        if note := told[NOTE]:
            self.keep(answer, note)
        return answer

    def keep(self, answer: Answer, note: Note) -> None:
        """What came out the same as before is packed already."""
        self.kept = kept = Kept.of(answer, note.view, note.route)
        if kept is None:
            return
        question, now = self.asked.question, clock.now().timestamp()
        turns = now + SHORT_SECONDS if note.until is None else note.until.timestamp()
        kept.until = min(turns, now + SHORT_SECONDS) if question.is_brief else turns
        kept.scopes = question.scopes if note.scopes is None else note.scopes
        kept.versions = stamp.taken(self.versions, kept.scopes)
        if self.before and self.before.plain == kept.plain:
            kept.packed = self.before.packed
        kept.pack(self.asked.encoding)


class Keeper:
    def __init__(self, threads: ThreadPoolExecutor) -> None:
        self.stamp, self.shelves, self.series = stamp.Stamp(threads), Shelves(), ReadySeriesShelf()
        # Not the thread of the stamp: a database that hangs holds that one.
        self.packing = ThreadPoolExecutor(1, "packing")
        self.making: dict[tuple[str | bool, ...], Making] = {}

    def at_hand(self, asked: Asked) -> Kept | None:
        """The answer, if nothing need be waited for: mostly so."""
        versions, kept = self.stamp.fresh(), self.shelves.get(asked.key)
        return kept if kept and versions and kept.holds(versions, asked.at) else None

    async def found(self, asked: Asked) -> tuple[Kept | None, Making | None]:
        """The answer, if one holds; else what makes it, unless the database is away."""
        versions = await self.stamp.current()
        if versions is None:
            return None, None
        kept = self.shelves.get(asked.key)
        if kept and kept.holds(versions, clock.now().timestamp()):
            return kept, None
        if ready := self.series.answer(asked, versions):
            self.shelves.put(asked.key, ready)
            return ready, None
        ends = time.monotonic() + WAIT_SECONDS
        # One that was begun before a change is not what whoever made the change may see: the next one is.
        while (running := self.making.get(asked.key)) and (left := ends - time.monotonic()) > 0:
            await asyncio.wait([running.done], timeout=left)
            made = running.done.result() if running.done.done() else None
            if made and made.is_as_new_as(versions) and clock.now().timestamp() < made.until:
                return made, None
            if running.done.done() and made is None:
                break
        return None, Making(asked, versions, kept)

    async def given(self, scope: Scope, asked: Asked, kept: Kept, began: float) -> Answer | Verdict:
        """The answer, counted and logged as Django does it; for a caller beyond its limit the verdict."""
        verdict = check(asking.address_of(scope, asked.headers), "", READS, KEPT, asked.at)
        if verdict and not verdict.allowed:
            return verdict
        form = kept.form_for(asked.encoding)
        if form is None:
            form = await asyncio.get_running_loop().run_in_executor(self.packing, kept.pack, asked.encoding)
        number = "X-Request-ID", request_ids.chosen(asked.headers.get("x-request-id", ""))
        answer = reply(scope.method, asked, form, [number, *verdict.headers] if verdict else [number])
        count(scope, kept, answer.status, began)
        return answer

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


def reply(method: str, asked: Asked, form: Form, own: Pairs) -> Answer:
    """The bytes as this client takes them, 304 for one that has them; `own` is told to this request alone."""
    known = asked.headers.get("if-none-match")
    if known and answers.is_known(form.etag, known):
        return Answer(304, form.known + own)
    return Answer(200, form.headers + own, b"" if method == "HEAD" else form.body)


def count(scope: Scope, kept: Kept, status: int, began: float) -> None:
    """As Django's middlewares count and log it."""
    wanted, seconds = chosen(), time.perf_counter() - began
    if wanted.counts_requests:
        metrics.count(scope.method, kept.view, status, seconds)
    if wanted.logs_requests:
        size = len(kept.plain.body) if status == 200 else 0
        access_log.write(scope.method, kept.route, status, seconds, size)


def own_of(answer: Answer) -> Pairs:
    """What an answer of Django says of its own request alone."""
    return [(name, value) for name, value in answer.headers if name.lower() in answers.OWN]
