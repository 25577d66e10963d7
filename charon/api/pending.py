"""Waiting for an answer without holding a thread: for the server's event loop, which may call Django in a thread.

Under a server without such a loop (runserver, the tests) nobody waits, and the client gets the 202.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

from django.db import DatabaseError, close_old_connections
from django.http import HttpResponse

from charon.api.errors import envelope
from charon.request_log import log_error
from markets.api.responses import Pending
from markets.errors import QuestionError

WAIT_SECONDS = 10.0
# A batch takes a second or two; 40 questions of 2 ms are nothing to a thread.
LOOK_SECONDS = 0.25
# What describes the body or the 202 itself; everything else is what the middleware has said of this request.
OWN_HEADERS = {"content-type", "content-length", "location"}

InThread = Callable[[Callable[[], HttpResponse | None]], Awaitable[HttpResponse | None]]


async def settled(pending: Pending, in_thread: InThread) -> HttpResponse:
    """The answer once it is there, or the 202 after WAIT_SECONDS; between two looks nothing is held."""
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        await asyncio.sleep(LOOK_SECONDS)
        if (answer := await in_thread(lambda: look(pending))) is not None:
            return answer
    return pending


def look(pending: Pending) -> HttpResponse | None:
    """One look, in a thread of Django; a database that is away for a moment has nothing to say yet."""
    try:
        answer = pending.look()
    except QuestionError as error:
        answer = envelope(pending.asked, error.status, error.message, error.detail, error.code)
    except DatabaseError:
        return None
    finally:
        close_old_connections()
    if answer is not None:
        for name, value in pending.items():
            if name.lower() not in OWN_HEADERS:
                answer.headers[name] = value
        if answer.status_code >= 400:
            log_error(pending.asked, answer.status_code)
    return answer
