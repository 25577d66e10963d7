"""The short way to the plainest question: `code`, `from`, `to` and perhaps `limit` of `/rates`, in any order, asked by
somebody without a token or session.

Nothing of it needs a session, a form or a schema: what parses any question takes longer than the answer to this one.
Whatever is not exactly so goes the long way, as does all that has no answer here, so that one place tells of faults.
"""

import re
from collections.abc import Callable
from datetime import date
from typing import NamedTuple
from urllib.parse import parse_qsl

from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from charon.api.addresses import API
from charon.api.errors import FAULT, no_database
from charon.api.fast_path import is_anonymous, takes_json
from charon.api.limited import HEAVY_ROWS
from markets.api import rates
from markets.api.responses import CachedAnswer
from markets.api.schemas import MAX_LIMIT, Paging
from markets.errors import QuestionError, is_storage_fault

View = Callable[[HttpRequest], HttpResponseBase]

PATH = f"{API}rates"
NEEDED = {"code", "from", "to"}
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
VALUES = {"code": re.compile(r"[A-Za-z]{3}"), "from": DAY, "to": DAY, "limit": re.compile(r"[1-9][0-9]{0,4}")}
LONGEST = 100
DEFAULT_LIMIT = str(Paging.model_fields["limit"].default)


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
        if fault := request.META.get(FAULT):
            return no_database(request, fault)
        try:
            found = answer(asked)
        except (DatabaseError, InterfaceError) as error:
            return no_database(request, error)
        return CachedAnswer(*found) if found else get_response(request)

    return middleware


def plain_of(query: str) -> Plain | None:
    pairs = parse_qsl(query, keep_blank_values=True) if len(query) <= LONGEST else []
    told = dict(pairs)
    if len(told) != len(pairs) or not NEEDED <= told.keys() <= VALUES.keys():
        return None
    if not all(VALUES[name].fullmatch(value) for name, value in pairs):
        return None
    try:
        days = date.fromisoformat(told["from"]), date.fromisoformat(told["to"])
    except ValueError:
        return None
    asked = Plain(told["code"], *days, int(told.get("limit", DEFAULT_LIMIT)))
    return asked if asked.start <= asked.end and asked.limit <= MAX_LIMIT else None


def read_of(query: str) -> Plain | None:
    """One that counts as a read: a period of many years is a heavy question."""
    asked = plain_of(query)
    return asked if asked and (asked.end - asked.start).days < HEAVY_ROWS else None


def answer(asked: Plain) -> rates.Answered | None:
    """A fault of the storage is raised: who asks Django then waits for the same once more."""
    try:
        return rates.plain(*asked)
    except (ValueError, QuestionError):
        return None
    except (DatabaseError, InterfaceError) as error:
        if is_storage_fault(error):
            raise
        return None
