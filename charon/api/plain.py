"""The short way to the plainest question: `/rates?code=USD&from=…&to=…&limit=…` of somebody without a token or session.

Nothing of it needs a session, a form or a schema: what parses any question takes longer than the answer to this one.
Whatever is not exactly so goes the long way, as does all that has no answer here, so that one place tells of faults.
"""

import re
from collections.abc import Callable
from datetime import date
from typing import NamedTuple

from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from charon.api.addresses import API
from charon.api.fast_path import is_anonymous, takes_json
from markets.api import rates
from markets.api.responses import CachedAnswer
from markets.api.schemas import MAX_LIMIT
from markets.errors import QuestionError

View = Callable[[HttpRequest], HttpResponseBase]

PATH = f"{API}rates"
DAY = "([0-9]{4}-[0-9]{2}-[0-9]{2})"
PLAIN = re.compile(f"code=([A-Za-z]{{3}})&from={DAY}&to={DAY}&limit=([1-9][0-9]{{0,4}})")


class Plain(NamedTuple):
    code: str
    start: date
    end: date
    limit: int


def plain_questions(get_response: View) -> View:
    def middleware(request: HttpRequest) -> HttpResponseBase:
        if request.path_info != PATH or request.method != "GET":
            return get_response(request)
        asked = plain_of(request.META.get("QUERY_STRING", ""))
        if asked is None or not is_anonymous(request) or not takes_json(request):
            return get_response(request)
        request.get_host()  # refuses a host that is none of ours, as the middleware would that is passed by
        found = answer(asked)
        return CachedAnswer(*found) if found else get_response(request)

    return middleware


def plain_of(query: str) -> Plain | None:
    found = PLAIN.fullmatch(query)
    if found is None:
        return None
    code, first, last, limit = found.groups()
    try:
        asked = Plain(code, date.fromisoformat(first), date.fromisoformat(last), int(limit))
    except ValueError:
        return None
    return asked if asked.start <= asked.end and asked.limit <= MAX_LIMIT else None


def answer(asked: Plain) -> rates.Answered | None:
    try:
        return rates.plain(*asked)
    except (ValueError, QuestionError, DatabaseError, InterfaceError):
        return None
