"""The short way to the cached answers that somebody asked for in the same words today.

The words (path and query string) of a question that was answered lead straight to its key: nothing is parsed, checked
or looked up again. Whether the answer still holds is asked of the cache each time. What is kept is for the public:
whoever says who they are goes the long way, where an operator is told from others.
"""

from collections.abc import Callable
from datetime import date

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from markets import clock
from markets.api.responses import CachedAnswer, send
from markets.redis import response_cache

View = Callable[[HttpRequest], HttpResponseBase]
Words = tuple[str, str]

MOST = 2000
LONGEST = 300


class RecentQuestions:
    """Words and their questions of one day in Warsaw, whose "today" they may stand for. When full it begins again.

    Day and questions are one page that is turned as a whole: no thread finds the words of one day under another.
    """

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        self.page: tuple[date, dict[Words, response_cache.Question]] = (date.min, {})

    def find(self, words: Words, today: date) -> response_cache.Question | None:
        day, questions = self.page
        return questions.get(words) if day == today else None

    def remember(self, words: Words, question: response_cache.Question, today: date) -> None:
        """`today` is the day on which the question was read, which may have ended since."""
        day, questions = self.page
        if day != today or len(questions) >= MOST:
            questions = {}
            self.page = (today, questions)
        if len(words[1]) <= LONGEST:
            questions[words] = question


asked = RecentQuestions()


def ready_answers(get_response: View) -> View:
    """What is ready goes out before anything else is done; what was made ready goes out in the same shape."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        today = clock.today()
        words = (request.path_info, request.META.get("QUERY_STRING", ""))
        question = asked.find(words, today)
        if question and request.method == "GET" and is_anonymous(request) and (kept := look(request, question)):
            return send(request, kept)
        response = get_response(request)
        if not isinstance(response, CachedAnswer):
            return response
        if response.again:
            asked.remember(words, response.question, today)
        return send(request, response.kept)

    return middleware


def is_anonymous(request: HttpRequest) -> bool:
    """Neither a token nor a session, right or wrong: no operator can be behind it."""
    if "HTTP_AUTHORIZATION" in request.META:
        return False
    return "HTTP_COOKIE" not in request.META or settings.SESSION_COOKIE_NAME not in request.COOKIES


def look(request: HttpRequest, question: response_cache.Question) -> response_cache.Cached | None:
    """A database that cannot be asked is for the API to complain of."""
    request.get_host()  # refuses a host that is none of ours, as the middleware would that is passed by
    try:
        return response_cache.look(question)
    except (DatabaseError, InterfaceError):
        return None
