"""What the front needs to know of an answer beside its bytes, noted in the environ by the outermost middleware."""

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from charon.metrics import view_of
from charon.request_log import route_of

# The front sets it to None where it would keep the answer.
NOTE = "charon.kept"


class Note(NamedTuple):
    """`until` is when the first sentence that was made from the clock turns; None where nobody said so. `scopes` are
    those that this very answer was made of, where they are fewer than its address may show.
    """

    view: str
    route: str
    until: datetime | None
    scopes: tuple[str, ...] | None


def noted(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if NOTE in request.META:
            until, scopes = getattr(response, "until", None), getattr(response, "scopes", None)
            request.META[NOTE] = Note(view_of(request), route_of(request), until, scopes)
        return response

    return middleware
