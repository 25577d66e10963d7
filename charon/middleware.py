"""What happens to every request: an id, the API's many addresses, and what caches must know."""

import sys
from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _

from charon import request_ids
from charon.api.addresses import canonical, is_api
from charon.api.errors import RETRY_SECONDS, is_bare, seal
from charon.languages import ENGLISH
from charon.templatetags import cdn
from markets.errors import is_storage_fault

View = Callable[[HttpRequest], HttpResponseBase]


def request_id(get_response: View) -> View:
    """An id that log, answer, error and the tasks of it share; one that a proxy gave is kept if it is harmless."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        given = request.META.get("HTTP_X_REQUEST_ID", "")  # request.headers first reads all of them: 6 µs
        request.META["charon.request_id"] = number = request_ids.chosen(given)
        with request_ids.working_for(number):
            response = get_response(request)
        response.headers["X-Request-ID"] = number
        return response

    return middleware


def server_error(request: HttpRequest) -> HttpResponse:
    """The page of an error names the id that the log has; whatever is broken, it answers.

    Django calls this while it handles the error. A database that is away is no fault of ours: it has a page of its own.
    """
    number = str(request.META.get("charon.request_id", ""))
    error = sys.exception()
    if isinstance(error, UnreadablePostError):
        return bad_request(request, error)
    if error is not None and is_storage_fault(error):
        response = page_of_error("503.html", 503, number, _("Baza danych jest chwilowo niedostępna."))
        response.headers["Retry-After"] = str(RETRY_SECONDS)
        return response
    return page_of_error("500.html", 500, number, _("Coś poszło nie tak."))


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's page is English and says nothing; a form that is too large is told from one that cannot be read."""
    status, words = 400, _("Nie udało się odczytać zapytania.")
    if isinstance(exception, RequestDataTooBig):
        status, words = 413, _("Formularz jest za duży.")
    number = str(request.META.get("charon.request_id", ""))
    return page_of_error(f"{status}.html", status, number, words)


def page_of_error(template: str, status: int, number: str, words: str, **context: str) -> HttpResponse:
    """In the language of the address. Where even the template is broken, the words and the number alone."""
    try:
        return HttpResponse(render_to_string(template, {"number": number, "status": status, **context}), status=status)
    except Exception:
        text = f"{words} {_('Numer zdarzenia:')} {number}"
        return HttpResponse(text, status=status, content_type="text/plain; charset=utf-8")


def api_paths(get_response: View) -> View:
    """All spellings of an API address lead to one, without a redirect, and every error below it is an envelope."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        request.path_info = canonical(request.path_info)
        if not is_api(request.path_info):
            return get_response(request)
        method = request.method
        if method == "HEAD":
            request.method = "GET"  # the server leaves the body out
        response = get_response(request)
        request.method = method
        if method == "OPTIONS" and response.status_code == 405:
            response = options(response)
        elif is_bare(response):
            response = seal(request, response)
        if not response.get("Content-Type", "").startswith("text/html"):
            without_language(response)
        return response

    return middleware


def options(response: HttpResponseBase) -> HttpResponse:
    """What may be done here is an answer, not an error."""
    allowed = {word.strip() for word in response.get("Allow", "").split(",")} | {"OPTIONS"}
    if "GET" in allowed:
        allowed.add("HEAD")
    answer = HttpResponse(status=204, headers={"Allow": ", ".join(sorted(allowed - {""}))})
    del answer.headers["Content-Type"]  # of no content
    return answer


def without_language(response: HttpResponseBase) -> None:
    """The API speaks one language, not the page's: a cache needs no copy of an answer for each of them."""
    response.headers.pop("Content-Language", None)
    varied = response.get("Vary", "").split(", ")
    if "Accept-Language" in varied:
        response.headers.pop("Vary")
        if others := [name for name in varied if name != "Accept-Language"]:
            response.headers["Vary"] = ", ".join(others)


def cache_rules(get_response: View) -> View:
    """No cache keeps an error; a page and its fragment share an address and differ by HX-Request."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if response.status_code >= 400:
            response.headers["Cache-Control"] = "no-store"
        if response.get("Content-Type", "").startswith("text/html"):
            patch_vary_headers(response, ["HX-Request"])
        return response

    return middleware


def page_policy(get_response: View) -> View:
    """What a page may load: its own files, and the exact files of the CDN unless that is switched off.

    No page has inline scripts or styles, so one that is kept needs neither nonces nor hashes. The API's documentation
    brings a policy of its own; the admin loads its own files alone.
    """
    policy = ("default-src 'self'; img-src 'self' data:; {scripts}; style-src 'self'; connect-src 'self'; "
        "object-src 'none'; frame-ancestors 'none'; base-uri 'self'; form-action 'self'")  # fmt: skip
    own = policy.format(scripts="script-src 'self'")
    with_cdn = policy.format(scripts=" ".join(["script-src 'self'", *cdn.files()])) if settings.CDN_ENABLED else own

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if response.get("Content-Type", "").startswith("text/html"):
            of_page = own if request.path_info.removeprefix(ENGLISH).startswith("/admin/") else with_cdn
            response.headers.setdefault("Content-Security-Policy", of_page)
        return response

    return middleware
