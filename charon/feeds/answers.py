"""The one way to answer here: parameters checked, the language on, bytes with an ETag, refusals in words, no cookie."""

from collections.abc import Callable
from functools import wraps
from hashlib import blake2b

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import translation
from django.utils.cache import get_conditional_response
from django.utils.http import parse_http_date_safe
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.http import require_safe

from charon.feeds import questions
from markets.errors import QuestionError

Answer = Callable[..., HttpResponse]
# Readers ask once an hour, pages that show a picture each time: five minutes spare most of the questions.
PUBLIC = "public, max-age=300, stale-if-error=86400"


def plain_refusal(error: QuestionError) -> HttpResponse:
    return HttpResponse(error.message + "\n", status=error.status, content_type="text/plain; charset=utf-8")


def public(
    *names: str, refuse: Callable[[QuestionError], HttpResponse] = plain_refusal
) -> Callable[[Answer], Callable[..., HttpResponseBase]]:
    """A view for anybody that knows these parameters; it is called with what was asked, in the language asked for."""

    def outer(view: Answer) -> Callable[..., HttpResponseBase]:
        @xframe_options_exempt
        @require_safe
        @wraps(view)
        def inner(request: HttpRequest, **path: str) -> HttpResponseBase:
            language = request.GET.get("lang", "")
            with translation.override(language if language in questions.LANGUAGES else questions.LANGUAGES[0]):
                try:
                    return kept(request, view(request, questions.asked(request.GET, names), **path))
                except QuestionError as error:
                    return refuse(error)

        return inner

    return outer


def kept(request: HttpRequest, response: HttpResponse) -> HttpResponseBase:
    """With its headers; 304 for a client that has it."""
    etag = f'"{blake2b(response.content, digest_size=16).hexdigest()}"'
    response.headers["ETag"] = etag
    response.headers["Cache-Control"] = PUBLIC
    response.headers.setdefault("Content-Language", translation.get_language())
    changed = parse_http_date_safe(response.headers.get("Last-Modified", ""))
    return get_conditional_response(request, etag=etag, last_modified=changed, response=response) or response
