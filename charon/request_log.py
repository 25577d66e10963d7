"""What is logged of requests, and what never is: the query string, and a secret that stands in an address.

Each 4xx and 5xx has one line with method, route and status, and the id of the answer beside it. The route is that of
our own table: a path or a query is a stranger's text, and people put tokens there.
"""

import logging
import re
from collections.abc import Callable
from urllib.parse import quote, unquote_plus

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import Resolver404, resolve

from charon.api.client_address import address_of
from markets.jobs.redact import without_keys, without_secrets

logger = logging.getLogger(__name__)

View = Callable[[HttpRequest], HttpResponseBase]

# Of these the log says who was refused.
REFUSALS = {401, 403, 408, 411, 413, 429}
# Set on a request that was refused before a view ran: its line stands in the log once a minute for each address.
EARLY = "charon.refusal"
EARLY_SECONDS = 60.0
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
MASK = "***"
SECRET_NAME = re.compile(
    r"(?i)api[-_]?key|token|secret|passw|authorization|credential|signature|^(?:key|pwd|auth|sig)$"
)
# A query without any of these is left as it came; `%` may hide each of them.
SUSPECT = re.compile(r"(?i)key|token|secret|passw|pwd|auth|credential|sig|[%@]")
QUERY = re.compile(r"\?\S*")


def secrets_masked(get_response: View) -> View:
    """A secret in an address is masked before anything reads it: no answer, page, redirect or log can tell it.

    It would help nobody either: a token is read from the header Authorization alone.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        query = request.META.get("QUERY_STRING", "")
        if query and (SUSPECT.search(query) or without_keys(query) != query):
            request.META["QUERY_STRING"] = masked(query)
        path = request.path
        if "@" in path or "=" in path or without_keys(path) != path:
            request.path, request.path_info = without_secrets(request.path), without_secrets(request.path_info)
        return get_response(request)

    return middleware


def masked(query: str) -> str:
    return "&".join(map(masked_pair, query.split("&")))


def masked_pair(pair: str) -> str:
    """`token=***`; of a value that holds a secret (`url=https://name:password@host`) the rest stays."""
    name, mark, _ = pair.partition("=")
    if mark and SECRET_NAME.search(unquote_plus(name)):
        return f"{name}={MASK}"
    text = unquote_plus(pair)
    clean = without_secrets(text)
    if clean == text:
        return pair
    return "=".join(quote(part, safe="*") for part in clean.split("=", 1))


def errors_logged(get_response: View) -> View:
    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if response.status_code >= 400:
            log_error(request, response.status_code)
        return response

    return middleware


def log_error(request: HttpRequest, status: int) -> None:
    early = EARLY in request.META
    address = address_of(request) if early or status in REFUSALS else ""
    # A refusal costs a client next to nothing: a thousand in a second would be a thousand lines.
    told = {"cause": f"{status} to {address}", "seconds": EARLY_SECONDS} if early else None
    # 503 is an answer that we mean; what is behind it is logged where it is found.
    level = logging.ERROR if status == 500 else logging.WARNING
    logger.log(level, "%s%s", described(request, status), f" to {address}" if address else "", extra=told)


def described(request: HttpRequest, status: int | str) -> str:
    """`GET /api/v1/rates 422`; `/?` where no route leads."""
    method = request.method if request.method in METHODS else "other"
    return f"{method} {route_of(request)} {status}"


def route_of(request: HttpRequest) -> str:
    """The route as the code has it; a request that was refused early has not asked for it yet."""
    try:
        return f"/{(request.resolver_match or resolve(request.path_info)).route}"
    except Resolver404:
        return "/?"


class RouteOnly(logging.Filter):
    """Takes paths, queries and hosts out of Django's own records about requests.

    Its line about an answer goes, since ours has told it. A traceback stays and gets our line. A refusal
    (`django.security`) keeps its name alone, for its text may quote the Host header. The development server writes
    lines of its own.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name == "django.server":
            record.msg, record.args = QUERY.sub("", record.getMessage()), None
            return True
        request = getattr(record, "request", None)
        if not record.name.startswith("django.") or not isinstance(request, HttpRequest):
            return True
        reason = record.name.rpartition(".")[2] if record.name.startswith("django.security.") else ""
        if not record.exc_info and not reason:
            return False
        if reason:
            record.exc_info = record.exc_text = None
        record.msg, record.args = described(request, reason or getattr(record, "status_code", 500)), None
        return True
