"""The fast path of cached answers: a URL that was answered today leads straight to its cache key.

Path and query string of an answered request map to its cache key, so that a repeated request is not parsed, validated
or routed again. The cache decides each time whether the answer is valid. Cached answers are public: a request with a
token or a session takes the normal path, which recognises operators.
"""

import re
from collections.abc import Callable
from datetime import date

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response

from markets import clock
from markets.api.responses import JSON, Ready
from markets.redis import response_cache

View = Callable[[HttpRequest], HttpResponseBase]
# Path and query string of a request.
Target = tuple[str, str]

# Browsers and proxies reuse an answer for a minute, and for a day while Charon cannot be reached (RFC 5861).
CACHE_CONTROL = "public, max-age=60, stale-if-error=86400"
ACCEPTS_GZIP = re.compile(r"\bgzip\b(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))")
MAX_QUESTIONS = 2000
MAX_QUERY_LENGTH = 300


class RecentQuestions:
    """Cache keys by path and query string, for one day in Warsaw, since a request may mean "today". Cleared when full.

    Day and keys are replaced together as one tuple, so that no thread reads the keys of one day under another.
    """

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        self.page: tuple[date, dict[Target, response_cache.Question]] = (date.min, {})

    def find(self, target: Target, today: date) -> response_cache.Question | None:
        day, questions = self.page
        return questions.get(target) if day == today else None

    def remember(self, target: Target, question: response_cache.Question, today: date) -> None:
        """`today` is the day on which the request was read, which may have ended since."""
        day, questions = self.page
        if day != today or len(questions) >= MAX_QUESTIONS:
            questions = {}
            self.page = (today, questions)
        if len(target[1]) <= MAX_QUERY_LENGTH:
            questions[target] = question


asked = RecentQuestions()


def ready_answers(get_response: View) -> View:
    """Middleware: sends a cached answer before any other work, and remembers the keys of new answers."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        today = clock.today()
        target = (request.path_info, request.META.get("QUERY_STRING", ""))
        question = asked.find(target, today)
        if question and request.method == "GET" and is_anonymous(request) and (kept := look(request, question)):
            return send(request, kept)
        response = get_response(request)
        if not isinstance(response, Ready):
            return response
        if response.again:
            asked.remember(target, response.question, today)
        return send(request, response.kept)

    return middleware


def is_anonymous(request: HttpRequest) -> bool:
    """Whether the request has neither a token nor a session, valid or not: it cannot be an operator's."""
    if "HTTP_AUTHORIZATION" in request.META:
        return False
    return "HTTP_COOKIE" not in request.META or settings.SESSION_COOKIE_NAME not in request.COOKIES


def look(request: HttpRequest, question: response_cache.Question) -> response_cache.Cached | None:
    """The cached answer; None when the database fails, so that the API reports the error."""
    request.get_host()  # raises DisallowedHost, as the middleware that is bypassed would
    try:
        return response_cache.look(question)
    except (DatabaseError, InterfaceError):
        return None


def send(request: HttpRequest, kept: response_cache.Cached) -> HttpResponseBase:
    packed = bool(kept.packed) and bool(ACCEPTS_GZIP.search(request.META.get("HTTP_ACCEPT_ENCODING", "")))
    body = kept.packed if packed else kept.body
    # A strong ETag promises equal bytes (RFC 9110, 8.8.1), so gzip needs its own. Proxies append -gzip to what they
    # compress, and Caddy strips it from If-None-Match: with that ending our ETag would never match.
    etag = f'"{kept.etag}.gz"' if packed else f'"{kept.etag}"'
    headers = {
        "Cache-Control": CACHE_CONTROL,
        "Content-Length": str(len(body)),
        "ETag": etag,
        "Vary": "Accept-Encoding",
    }
    if packed:
        headers["Content-Encoding"] = "gzip"
    response = HttpResponse(body, content_type=JSON, headers=headers)
    return get_conditional_response(request, etag=etag, response=response) or response
