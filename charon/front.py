"""The front of a web worker: what granian calls on its event loop for every request.

It answers what is kept (charon.kept), refuses bodies that are not taken and reads the others within a deadline; only
then one of Django's threads is asked.
A client that is slow to send or to read costs a connection and nothing else: no thread waits for it, and it is cut off
within seconds. One that asks for much at once waits behind itself: callers take turns. Everything else is Django's,
which runs without the front under runserver and in tests.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import get_ident
from typing import Any, TypeVar

from django.conf import settings

from charon import refusals
from charon.access_log import STATIC
from charon.api.addresses import canonical
from charon.api.client_address import address_in
from charon.api.limited import HEALTH, READING, VERDICT
from charon.api.limits import Verdict, over_reads
from charon.api.pending import settled
from charon.kept.asking import asked_of
from charon.kept.keeper import Keeper, Making, own_of, reply
from charon.kept.short import Short
from charon.serving import bodies, sockets, worker_beat, wsgi
from charon.serving.pipe import Pipe
from charon.serving.rsgi import Proto, Scope
from charon.serving.turns import Turns
from charon.serving.wsgi import Answer, Application
from markets import clock
from markets.api.responses import Pending

T = TypeVar("T")
logger = logging.getLogger(__name__)

# What is smaller fits into the kernel's buffer of its connection (charon.serving.sockets).
LARGE = sockets.SEND_BUFFER
# Of large answers whose clients have not taken them yet; beyond it the slowest one is given up.
LARGE_BYTES = 64_000_000
# Others wait for the thread: a million figures at a modem's speed are no reason to let them wait for longer.
EXPORT_SECONDS = 600.0
GONE = (BrokenPipeError, TimeoutError)
# Who waits for a thread like a caller: what makes the days of a currency ready.
SERIES = "series"


class Front:
    def __init__(self, django: Application) -> None:
        self.short = Short(partial(wsgi.answer, django))
        self.threads = ThreadPoolExecutor(settings.DJANGO_THREADS, "django")
        self.exports = ThreadPoolExecutor(1, "export")
        self.keeper = Keeper(ThreadPoolExecutor(1, "stamp"))
        self.turns = Turns(self.threads)
        self.exporting = False
        self.large: dict[asyncio.Task[None], int] = {}
        self.busy: dict[int, float] = {}

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        loop.call_soon(sockets.limit_slow_readers)  # granian listens by then
        self.beat = loop.create_task(worker_beat.beat(lambda: min(self.busy.values(), default=None)))

    async def __rsgi__(self, scope: Scope, proto: Proto) -> None:
        began, making = time.perf_counter(), None
        if asked := asked_of(scope):
            kept = self.keeper.at_hand(asked)
            if kept is None:
                kept, making = await self.keeper.found(asked)
                asked = asked._replace(at=clock.now().timestamp())  # it may have waited over the turn of a minute
            if kept:
                given = await self.keeper.given(scope, asked, kept, began)
                if isinstance(given, Verdict):
                    return refuse_caller(scope, proto, given)
                return await self.send(scope, proto, given)
        length, transfer = scope.headers.get("content-length"), scope.headers.get("transfer-encoding")
        path = canonical(scope.path) if length else ""
        if status := bodies.refusal(scope.method, path, length, transfer):
            return refuse(scope, proto, status)
        try:
            body = await bodies.read(proto) if length else b""
        except TimeoutError:
            return refuse(scope, proto, 408)
        except Exception:  # granian's error for a client that went away has no class of its own
            return None
        environ = wsgi.environ_of(scope, body)
        if verdict := over_limit(environ):
            return refuse_caller(scope, proto, verdict)
        if not self.turns.has_place_for(caller_of(environ)):
            return refuse(scope, proto, 503)
        await self.ask_django(scope, proto, environ, making if scope.method == "GET" else None)
        return None

    async def ask_django(self, scope: Scope, proto: Proto, environ: dict[str, Any], making: Making | None) -> None:
        caller = caller_of(environ)
        if making is None:
            answer = await self.turns.run(caller, lambda: self.run_django(environ))
        else:
            with self.keeper.alone(making):
                answer = await self.turns.run(caller, lambda: making.run(self.run_django, environ))
        if scope.method not in READING:
            self.keeper.stamp.expire()
        if making and making.kept:
            answer = reply(scope.method, making.asked, making.kept.pack(making.asked.encoding), own_of(answer))
            self.keeper.series.saw(making.asked, making.kept, partial(self.turns.run, SERIES))
        await self.send(scope, proto, await self.settle(answer.pending) if answer.pending else answer)

    async def settle(self, pending: Pending) -> Answer:
        """The result in place of the 202, when it comes within ten seconds; no thread is held meanwhile."""
        response = await settled(pending, partial(in_thread, self.threads))
        return Answer(response.status_code, list(response.items()), response.content)

    def run_django(self, environ: dict[str, Any]) -> Answer:
        thread = get_ident()
        self.busy[thread] = time.monotonic()
        try:
            return self.short.answer(environ)
        finally:
            del self.busy[thread]

    async def send(self, scope: Scope, proto: Proto, answer: Answer) -> None:
        if answer.path:
            proto.response_file(answer.status, answer.headers, answer.path)
        elif answer.stream:
            await self.export(scope, proto, answer)
        elif len(answer.body) > LARGE:
            await self.send_large(proto, answer)
        elif answer.status == 304:
            proto.response_empty(304, answer.headers)
        else:
            proto.response_bytes(answer.status, answer.headers, answer.body)

    async def send_large(self, proto: Proto, answer: Answer) -> None:
        """Its bytes are ours until the client has taken them, and a thousand slow readers would fill the memory."""
        task = asyncio.ensure_future(pour(proto, answer))
        self.large[task] = len(answer.body)
        while sum(self.large.values()) > LARGE_BYTES:
            slowest = next(iter(self.large))
            slowest.cancel()
            del self.large[slowest]
        await asyncio.wait([task])
        self.large.pop(task, None)

    async def export(self, scope: Scope, proto: Proto, answer: Answer) -> None:
        """Streams have a thread of their own, one at a time. Its end, however it comes, ends what the stream reads."""
        if self.exporting:
            await in_thread(self.threads, answer.stream.close)
            return refuse(scope, proto, 503)
        self.exporting = True
        try:
            await self.stream(scope, proto, answer)
        except BrokenPipeError:
            logger.debug("A client left its export")
        except Exception:
            logger.exception("An export broke off", extra={"request_id": dict(answer.headers).get("X-Request-ID", "")})
            refuse(scope, proto, 500)  # said only where nothing has been sent
        finally:
            self.exporting = False
            await in_thread(self.exports, answer.stream.close)
        return None

    async def stream(self, scope: Scope, proto: Proto, answer: Answer) -> None:
        """One that fails is cut before its pipe is closed: the end of the pipe is the end of a whole answer."""
        chunks = iter(answer.stream)
        with Pipe(lambda path: proto.response_file(answer.status, answer.headers, path)) as pipe:
            try:
                async with asyncio.timeout(EXPORT_SECONDS):
                    while (chunk := await in_thread(self.exports, lambda: next(chunks, None))) is not None:
                        await pipe.write(chunk)
            except BaseException:
                if pipe.opened:
                    sockets.cut(scope.client)
                raise
            if not pipe.opened:
                proto.response_empty(answer.status, answer.headers)


def caller_of(environ: dict[str, Any]) -> str:
    """The address, as the limits count it. Who watches Charon is not behind what else its machine asks."""
    address = address_in(environ)
    return f"{address} health" if canonical(environ["PATH_INFO"]) == HEALTH else address


def over_limit(environ: dict[str, Any]) -> Verdict | None:
    """Of a caller without a token that has no read left: it is told so, however many others wait."""
    path = canonical(environ["PATH_INFO"])
    if "HTTP_AUTHORIZATION" in environ or path == HEALTH or path.startswith(STATIC):
        return None
    return over_reads(address_in(environ))


def refuse_caller(scope: Scope, proto: Proto, verdict: Verdict) -> None:
    response = refusals.answer(wsgi.environ_of(scope, b"") | {VERDICT: verdict}, 429)
    proto.response_bytes(response.status_code, [*response.items()], b"".join(response))


def refuse(scope: Scope, proto: Proto, status: int) -> None:
    response = refusals.answer(wsgi.environ_of(scope, b""), status)
    # What the client has not sent yet is not read: the connection ends with the answer.
    proto.response_bytes(response.status_code, [*response.items(), ("Connection", "close")], b"".join(response))


async def pour(proto: Proto, answer: Answer) -> None:
    """With its length: a client that is given up must not take what it has for the whole."""
    headers = [(name, value) for name, value in answer.headers if name.lower() != "content-length"]
    headers.append(("Content-Length", str(len(answer.body))))
    try:
        with Pipe(lambda path: proto.response_file(answer.status, headers, path)) as pipe:
            await pipe.write(answer.body)
    except GONE:
        logger.debug("A client left its answer")


async def in_thread(pool: ThreadPoolExecutor, work: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(pool, work)
