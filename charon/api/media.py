"""What kinds of bodies an operation takes and gives: 415 and 406 for others."""

from collections.abc import Sequence

from django.http import HttpRequest, HttpResponse
from ninja.operation import Operation

from charon.api.errors import envelope
from charon.api.parameters import NOTHING

JSON = "application/json"
ANYTHING = frozenset({"", "*/*", JSON})


def taken(operation: Operation) -> list[str]:
    """The types of bodies that the operation reads; none where it reads no body."""
    more = dict((operation.openapi_extra or {}).get("requestBody", {}).get("content", {}))
    reads = any(model.__ninja_param_source__ == "body" for model in operation.models)
    return list(dict.fromkeys([*([JSON] if reads else []), *more]))


def given(operation: Operation) -> list[str]:
    """The types of its answers: JSON, and what its documentation says beside that."""
    answers = (operation.openapi_extra or {}).get("responses", {})
    more = [kind for answer in answers.values() for kind in answer.get("content", {})]
    return list(dict.fromkeys([JSON, *more]))


def refused(request: HttpRequest, operation: Operation) -> HttpResponse | None:
    """415 for a body that is said to be of another type, 406 for a client that takes none of the answer's types.

    A body without a type is taken for JSON, as is one of nothing. `*/*`, no Accept at all and an empty one take
    everything.
    """
    accept = request.META.get("HTTP_ACCEPT", "").strip()  # request.headers first reads all of them
    if request.method == "GET" and accept in ANYTHING:
        return None
    kinds, sent = taken(operation), request.content_type or ""
    if kinds and sent and not is_one_of(sent, kinds) and not NOTHING.fullmatch(request.body.strip()):
        answer = envelope(request, 415, f"A body of the type {sent} is not taken", {"types": kinds})
        answer.headers["Accept"] = ", ".join(kinds)
        return answer
    offered = given(operation)
    if accept and not any(request.accepts(kind) for kind in offered):
        return envelope(request, 406, "There is no answer of a type that Accept names", {"types": offered})
    return None


def is_one_of(sent: str, kinds: Sequence[str]) -> bool:
    """`application/merge-patch+json` is JSON too (RFC 6839)."""
    return sent in kinds or (JSON in kinds and sent.endswith("+json"))
