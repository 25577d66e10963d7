"""The one shape of every error: `{"error": {"code", "message", "detail", "id"}}`."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from markets.api.responses import reply

# A database that is restarted is back within seconds.
RETRY_SECONDS = 10
CODES = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    422: "invalid_parameters",
    500: "internal_error",
    503: "unavailable",
}
WORDS = {
    400: "The request could not be understood",
    401: "This is for operators: name the token of API_TOKEN, or sign in as staff",
    403: "This is not allowed",
    404: "There is nothing at this address; /docs lists what there is",
    500: "Something went wrong on our side; please name the id when you report it",
    503: "The database cannot be reached at the moment",
}


def envelope(request: HttpRequest, status: int, message: str = "", detail: Any = None, code: str = "") -> HttpResponse:
    """An error as the API answers it; without more words those of its status."""
    error = {
        "code": code or CODES.get(status, "error"),
        "message": message or WORDS.get(status, "The request failed"),
        "detail": detail,
        "id": request.META["charon.request_id"],
    }
    return reply({"error": error}, status)


def unavailable(request: HttpRequest) -> HttpResponse:
    """The database or the disk is at fault: a client may try again."""
    response = envelope(request, 503)
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
    sealed = envelope(request, response.status_code, message, detail)
    for name, value in response.items():
        if not name.lower().startswith("content-"):
            sealed.headers[name] = value
    sealed.headers["Content-Length"] = str(len(sealed.content))
    return sealed
