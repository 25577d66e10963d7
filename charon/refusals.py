"""What is answered before a view runs: a body that is not taken or does not come, too many that wait, and a caller
that has asked too much already.

The front answers these on its event loop, without a thread and without the database; `limit_bodies` does where there is
no front (runserver, tests). Both take the same way: envelope or page, request id, policy, metrics.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from charon.api import limited
from charon.api.addresses import is_api
from charon.api.errors import RETRY_SECONDS, envelope
from charon.api.limits import Verdict
from charon.middleware import View, page_of_error
from charon.request_log import EARLY
from charon.serving import bodies

# Of the middleware those that need neither a database nor a session, in its order.
OUTER = frozenset(
    {
        "charon.metrics.measured",
        "charon.middleware.request_id",
        "charon.access_log.access_logged",
        "charon.languages.by_address",
        "charon.request_log.errors_logged",
        "charon.request_log.secrets_masked",
        "charon.api.client_address.believed_scheme",
        "django.middleware.security.SecurityMiddleware",
        "charon.middleware.api_paths",
        "charon.middleware.cache_rules",
        "charon.api.cors.ApiCors",
        "charon.middleware.page_policy",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
    }
)
REASONS = {
    400: gettext_noop("Żądanie podaje długość treści na dwa sposoby."),
    408: gettext_noop("Treść żądania nie dotarła na czas."),
    411: gettext_noop("Żądanie nie podaje długości treści."),
    500: gettext_noop("Coś poszło nie tak po naszej stronie."),
    413: gettext_noop("Przesłana treść jest za duża albo ten adres jej nie przyjmuje."),
    503: gettext_noop("Zbyt wiele żądań czeka w tej chwili na odpowiedź. Spróbuj ponownie za chwilę."),
}
BUSY = "Too many requests are waiting at the moment"


def refuse(request: HttpRequest, status: int) -> HttpResponse:
    """The refusal itself, as the API or a page says it."""
    request.META[EARLY] = status
    if status == 429:
        verdict: Verdict = request.META[limited.VERDICT]
        response = limited.refused(request, verdict)
        for name, value in verdict.headers:
            response.headers[name] = value
    elif is_api(request.path_info):
        response = envelope(request, status, BUSY if status == 503 else "")
    else:
        number = str(request.META.get("charon.request_id", ""))
        reason = _(REASONS[status])
        # Whoever has sent a form reads what to do with it: a list of tax rates is pasted as long as it is.
        template = "413.html" if status == 413 and request.method in bodies.TAKING else "refused.html"
        response = page_of_error(template, status, number, reason, reason=reason)
    if status == 503:
        response.headers["Retry-After"] = str(RETRY_SECONDS)
    return response


def limit_bodies(get_response: View) -> View:
    def middleware(request: HttpRequest) -> HttpResponseBase:
        meta = request.META
        method, length, transfer = str(request.method), meta.get("CONTENT_LENGTH"), meta.get("HTTP_TRANSFER_ENCODING")
        if status := bodies.refusal(method, request.path_info, length, transfer):
            return refuse(request, status)
        return get_response(request)

    return middleware


def answer(environ: dict[str, Any], status: int) -> HttpResponseBase:
    """The refusal of a request that no thread has seen, with everything that the outer middleware adds."""
    return chain()(WSGIRequest(environ | {EARLY: status}))


@cache
def chain() -> View:
    def inner(request: HttpRequest) -> HttpResponseBase:
        return refuse(request, request.META[EARLY])

    view: View = inner
    for path in reversed(settings.MIDDLEWARE):
        if path in OUTER:
            view = wrap(view, path)
    return view


def wrap(inner: View, path: str) -> View:
    middleware: Callable[[View], View] = import_string(path)
    try:
        return middleware(inner)
    except MiddlewareNotUsed:
        return inner
