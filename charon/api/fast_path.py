"""The short way to a cached answer whose address was asked for before, today.

An address (path and query string) that was answered leads straight to its key: nothing is parsed, validated or looked
up again. The cache is asked each time whether the answer still holds. Only public answers are cached: a client that
names a token or a session goes the long way, where operators are recognised.
"""

from collections.abc import Callable
from datetime import date

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from charon.api.errors import no_database
from charon.kept.watched import PUBLIC
from markets import clock
from markets.api import exports
from markets.api.responses import CachedAnswer, send
from markets.errors import is_storage_fault
from markets.queries import calendars
from markets.redis import generations, memory_cache, response_cache

View = Callable[[HttpRequest], HttpResponseBase]
Address = tuple[str, str]

# For each path: nobody drives out the questions of another one by asking a thousand things.
MAX_QUESTIONS = 500
MAX_QUERY_LENGTH = 300
OF_DAY = (generations.ANY, PUBLIC)


class RecentQuestions:
    """Addresses and their questions of one day in Warsaw, because a question may mean that "today".

    Day and questions are one tuple that is replaced as a whole: no thread finds an address of one day under another.
    The questions of a path are emptied when they are too many.
    """

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        self.page: tuple[date, dict[str, dict[str, response_cache.Question]]] = (date.min, {})

    def find(self, address: Address, today: date) -> response_cache.Question | None:
        day, paths = self.page
        return paths.get(address[0], {}).get(address[1]) if day == today else None

    def remember(self, address: Address, question: response_cache.Question, today: date) -> None:
        """`today` is the day on which the question was read, which may have ended since."""
        day, paths = self.page
        if day != today:
            paths = {}
            self.page = (today, paths)
        path, query = address
        if len(paths.get(path, ())) >= MAX_QUESTIONS:
            paths[path] = {}
        if len(query) <= MAX_QUERY_LENGTH:
            paths.setdefault(path, {})[query] = question


asked = RecentQuestions()


def ready_answers(get_response: View) -> View:
    """Sends a cached answer before the other middleware runs, and a newly cached one with the same headers."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        today = clock.today()
        address = (request.path_info, request.META.get("QUERY_STRING", ""))
        question = asked.find(address, today)
        is_public = request.method == "GET" and is_anonymous(request) and takes_json(request)
        try:
            kept = look(request, question) if question and is_public else None
        except (DatabaseError, InterfaceError) as error:
            if is_storage_fault(error):
                return no_database(request, error)
            kept = None  # the long way tells of it
        if kept:
            return of_day(send(request, kept))
        response = get_response(request)
        if not isinstance(response, CachedAnswer):
            return response
        if response.again:
            asked.remember(address, response.question, today)
        return of_day(send(request, response.kept))

    return middleware


def of_day(response: HttpResponseBase) -> HttpResponseBase:
    """The front may keep it as long as the cache does: generations, what `public` watches, and the day."""
    response.until = calendars.midnight_after(clock.now())  # type: ignore[attr-defined]
    response.scopes = OF_DAY  # type: ignore[attr-defined]
    return response


def takes_json(request: HttpRequest) -> bool:
    """Whoever asks for another type is heard by the operation."""
    accept = request.META.get("HTTP_ACCEPT", "*/*")
    if accept == "*/*":
        return True
    return ("application/json" in accept or "*/*" in accept) and exports.accepted(request) is None


def is_anonymous(request: HttpRequest) -> bool:
    """Neither a token nor a session, right or wrong: no operator can be behind it."""
    if "HTTP_AUTHORIZATION" in request.META:
        return False
    return "HTTP_COOKIE" not in request.META or settings.SESSION_COOKIE_NAME not in request.COOKIES


def look(request: HttpRequest, question: response_cache.Question) -> memory_cache.Cached | None:
    request.get_host()  # refuses a host that is none of ours, as the middleware would that is passed by
    return response_cache.look(question)
