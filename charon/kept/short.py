"""The plainest question, answered in a thread of Django without Django: `charon.api.plain` as the front asks it.

Of a cold answer of a year, half of the time was a request, a response and the middlewares. What they say is the same
for each such question, so it is learned from the answer that they gave to the first one of the day. Whatever is not
exactly so is asked of Django, as is all that has no answer here.
"""

import time
from collections.abc import Callable
from datetime import date
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from django.conf import settings
from django.db import DatabaseError, InterfaceError, close_old_connections

from charon import access_log, metrics, request_ids
from charon.api import plain
from charon.api.client_address import address_in, is_proxy
from charon.api.errors import FAULT
from charon.api.limits import READS, check
from charon.kept.answers import OWN, Pairs
from charon.kept.noting import NOTE, Note
from charon.serving.wsgi import Answer
from markets import clock
from markets.api.responses import link_of

# Of one body alone, and told here.
OF_ONE = OWN | {"etag", "content-length", "link"}


class Learned(NamedTuple):
    """Headers that every such answer has, in Django's order, with what is noted of it; for one day, as the note is."""

    day: date
    headers: Pairs
    note: Note


class Short:
    """One for each front. `django` answers an environ."""

    def __init__(self, django: Callable[[dict[str, Any]], Answer]) -> None:
        self.django = django
        self.learned: dict[bool, Learned] = {}

    def answer(self, environ: dict[str, Any]) -> Answer:
        asked = plain_of(environ)
        if asked is None:
            return self.django(environ)
        secure, today = is_secure(environ), clock.today()
        known = self.learned.get(secure)
        if known and known.day == today and (told := answered(asked, known, environ)):
            return told
        answer = self.django(environ)
        names = {name.lower() for name, _ in answer.headers}
        if environ[NOTE] and answer.status == 200 and "etag" in names and today == clock.today():
            headers = [pair for pair in answer.headers if pair[0].lower() not in OF_ONE]
            self.learned[secure] = Learned(today, headers, environ[NOTE])
        return answer


def plain_of(environ: dict[str, Any]) -> plain.Plain | None:
    """What the front keeps is asked by nobody in particular."""
    if NOTE not in environ or environ["PATH_INFO"] != plain.PATH or environ["REQUEST_METHOD"] != "GET":
        return None
    return plain.read_of(environ["QUERY_STRING"])


def answered(asked: plain.Plain, known: Learned, environ: dict[str, Any]) -> Answer | None:
    """Read, limited, counted and logged as Django does it."""
    began, number = time.perf_counter(), request_ids.chosen(environ.get("HTTP_X_REQUEST_ID", ""))
    try:
        with request_ids.working_for(number):
            found = plain.answer(asked)
    except (DatabaseError, InterfaceError) as error:
        environ[FAULT] = error
        return None
    finally:
        close_old_connections()
    if found is None:
        return None
    kept, note = found.kept, known.note
    verdict = check(address_in(environ), "", READS)
    own = [*(verdict.headers if verdict else ()), ("X-Request-ID", number)]
    environ[NOTE] = note
    seconds = time.perf_counter() - began
    if settings.ENABLE_METRICS_ENDPOINT:
        metrics.count("GET", note.view, 200, seconds)
    if settings.LOG_ACCESS:
        access_log.write("GET", note.route, 200, seconds, len(kept.body))
    of_body = [("Content-Length", str(len(kept.body))), ("ETag", f'"{kept.etag}"')]
    if kept.next:
        of_body.append(next_page(environ["PATH_INFO"], environ["QUERY_STRING"], kept.next))
    return Answer(200, [*known.headers, *of_body, *own], kept.body)


def next_page(path: str, query: str, following: str) -> tuple[str, str]:
    return "Link", link_of(path, dict(parse_qsl(query)), dict(parse_qsl(following)))


def is_secure(environ: dict[str, Any]) -> bool:
    """As `charon.kept.asking.is_secure` sees the same request: over HTTPS browsers are told to come back over it."""
    forwarded = environ.get("HTTP_X_FORWARDED_PROTO")
    is_believed = settings.SECURE_PROXY_SSL_HEADER and is_proxy(environ["REMOTE_ADDR"], settings.TRUSTED_PROXIES)
    if is_believed and forwarded is not None:
        return bool(forwarded.split(",")[0].strip() == "https")
    return bool(environ["wsgi.url_scheme"] == "https")
