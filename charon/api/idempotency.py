"""`Idempotency-Key`: a write that is asked for twice is done once, and answered twice with the same bytes.

Only what was done is kept. A refusal, whose repetition does no harm, and a fault of ours leave the key free.
"""

import logging
import re
from collections.abc import Callable
from hashlib import sha256

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from charon.api.errors import envelope
from markets import access
from markets.api.responses import JSON, private
from markets.errors import log_cause
from markets.models import IdempotentAnswer
from markets.store import idempotent_answers

logger = logging.getLogger(__name__)

HEADER = "Idempotency-Key"
KEY = re.compile(r"[\x21-\x7e]{1,255}")
REPLAYED = "Idempotent-Replayed"


def once(request: HttpRequest, run: Callable[[], HttpResponseBase]) -> HttpResponseBase:
    """The answer of `run`, or the one that it gave before to the same key, caller and request."""
    key = request.headers.get(HEADER)
    if key is None or not is_known(request):
        return run()
    if not KEY.fullmatch(key):
        fault = {"field": HEADER, "message": "must be 1 to 255 visible characters of ASCII"}
        return envelope(request, 422, f"Wrong parameters: {HEADER}", [fault])
    row, is_first = idempotent_answers.begin(access.name_of(request), key, fingerprint(request))
    return kept(request, row, run) if is_first else again(request, row)


def is_known(request: HttpRequest) -> bool:
    caller = access.caller_of(request)
    return bool(request.user.is_authenticated) if caller is None else caller is not access.STRANGER


def fingerprint(request: HttpRequest) -> str:
    asked = [str(request.method), request.get_full_path(), request.content_type or ""]
    return sha256("\n".join(asked).encode() + b"\n" + request.body).hexdigest()


def kept(
    request: HttpRequest, row: IdempotentAnswer, run: Callable[[], HttpResponseBase]
) -> HttpResponseBase:  # fmt: skip
    try:
        response = run()
    except BaseException:
        idempotent_answers.give_up(row)
        raise
    if response.status_code >= 400 or not isinstance(response, HttpResponse):
        idempotent_answers.give_up(row)
    else:
        finish(request, row, response)
    return response


def finish(request: HttpRequest, row: IdempotentAnswer, response: HttpResponse) -> None:
    """Keeps the answer. Where that fails the work is done all the same, and whoever asked for it is told so."""
    location = response.headers.get("Location", "")
    try:
        idempotent_answers.finish(row, response.status_code, response.content.decode(), location)
    except DatabaseError as error:
        number = request.META["charon.request_id"]
        logger.error("%s: the answer to a key was not kept: %s", number, type(error).__name__, extra=log_cause(error))


def again(request: HttpRequest, row: IdempotentAnswer) -> HttpResponse:
    if row.request != fingerprint(request):
        return envelope(request, 422, f"This {HEADER} came with another request", code="idempotency_key_reused")
    if row.status is None:
        return envelope(request, 409, "The first request with this key is still being worked on", code="in_progress")
    response = HttpResponse(row.body, status=row.status, content_type=JSON)
    if row.location:
        response.headers["Location"] = row.location
    response.headers[REPLAYED] = "true"
    return private(response)
