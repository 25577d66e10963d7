"""The one shape of every error: `{"error": {"code", "message", "detail", "id"}}`."""

import logging
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from markets.api.responses import reply
from markets.jobs.redact import without_secrets

logger = logging.getLogger(__name__)

# In the environ: the fault of the storage that this request has met already. It waits no second time for the same.
FAULT = "charon.storage_fault"
# A database that is restarted is back within seconds.
RETRY_SECONDS = 10
CODES = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    408: "request_timeout",
    409: "conflict",
    411: "length_required",
    413: "too_large",
    415: "unsupported_media_type",
    422: "invalid_parameters",
    429: "too_many_requests",
    500: "internal_error",
    503: "unavailable",
}
WORDS = {
    400: "The request could not be understood",
    401: "This is for operators: name a token, or sign in as staff",
    403: "This is not allowed",
    404: "There is nothing at this address; /docs lists what there is",
    408: "The body of the request did not arrive in time",
    411: "A body needs its Content-Length; one in pieces (Transfer-Encoding) is not taken",
    413: "A body of up to 64 kB (POST /tax-rate: 256 kB) is taken, and only by methods that change something",
    429: "Too many requests; Retry-After says for how many seconds to wait",
    500: "Something went wrong on our side; please name the id when you report it",
    503: "The database cannot be reached at the moment",
}


NO_VALID_CALLER = "The token is not valid: wrong, revoked, or of another scheme than Bearer"


def envelope(request: HttpRequest, status: int, message: str = "", detail: Any = None, code: str = "") -> HttpResponse:
    """An error as the API answers it; without more words those of its status. What it quotes has no secret."""
    error = {
        "code": code or CODES.get(status, "error"),
        "message": without_secrets(message) or WORDS.get(status, "The request failed"),
        "detail": clean(detail),
        "id": request.META["charon.request_id"],
    }
    response = reply({"error": error}, status)
    response.headers["Content-Length"] = str(len(response.content))
    return response


def unauthorized(request: HttpRequest) -> HttpResponse:
    """Nobody is known by what the request names, or it names nobody where somebody has to be known."""
    response = envelope(request, 401, NO_VALID_CALLER if "HTTP_AUTHORIZATION" in request.META else "")
    response.headers["WWW-Authenticate"] = "Bearer"
    return response


def clean(detail: Any) -> Any:
    """The same without secrets: `detail` quotes what was asked for."""
    if isinstance(detail, str):
        return without_secrets(detail)
    if isinstance(detail, dict):
        return {key: clean(value) for key, value in detail.items()}
    return [clean(value) for value in detail] if isinstance(detail, list | tuple) else detail


def no_database(request: HttpRequest, error: BaseException) -> HttpResponse:
    logger.error("The database cannot be asked: %s", error, exc_info=error)
    return unavailable(request)


def unavailable(request: HttpRequest, message: str = "", detail: Any = None) -> HttpResponse:
    """The database or the disk is at fault: a client may try again."""
    response = envelope(request, 503, message, detail)
    response.headers["Retry-After"] = str(RETRY_SECONDS)
    return response


def is_bare(response: HttpResponseBase) -> bool:
    """An error that Django wrote, in HTML or in nothing at all."""
    return response.status_code >= 400 and not response.get("Content-Type", "").startswith("application/json")


def seal(request: HttpRequest, response: HttpResponseBase) -> HttpResponse:
    """The same error in our envelope; Allow and its kin stay, what was said of the old content goes."""
    message, detail = "", None
    if response.status_code == 405:
        allowed = sorted(word.strip() for word in response.get("Allow", "").split(",") if word.strip())
        message, detail = f"{request.method} is not allowed here; use {' or '.join(allowed)}", {"allowed": allowed}
        response.headers["Allow"] = ", ".join(allowed)  # of a set, whose order is another in each process
    sealed = envelope(request, response.status_code, message, detail)
    for name, value in response.items():
        if not name.lower().startswith("content-"):
            sealed.headers[name] = value
    return sealed
