"""May the figures of a source be shown? The one gate before every page, endpoint and export.

A source says what its terms allow (`public_display`, `public_api`), operators may change that, and operators see
everything over the API. Pages are the same for everybody.
"""

from enum import Enum
from typing import Protocol

from django.db.models import Q
from django.http import HttpRequest

from markets.access import is_staff, is_token
from markets.errors import NotPublicError


class Licensed(Protocol):
    """A source, as far as this gate looks at it; the tables ask here and must not be imported."""

    code: str


class Audience(Enum):
    """Who is asking; the value is the choice of the source that decides, none for operators."""

    PAGE = "public_display"
    API = "public_api"
    OPERATOR = ""


def audience(request: HttpRequest) -> Audience:
    """Who asks the API: an operator by session or token, else anybody."""
    given = request.headers.get("Authorization")
    known = is_staff(request) if given is None else is_token(given)
    return Audience.OPERATOR if known else Audience.API


def may(source: Licensed, audience: Audience) -> bool:
    return audience is Audience.OPERATOR or bool(getattr(source, audience.value))


def shown_to(audience: Audience, source: str = "source") -> Q:
    """For a filter: the rows whose source may be shown; `source` is the way from the row to it, "" for sources."""
    if audience is Audience.OPERATOR:
        return Q()
    return Q(**{f"{source}__{audience.value}" if source else audience.value: True})


def refuse(source: Licensed, audience: Audience) -> None:
    """Where one source was asked for: an empty answer would say that it has nothing."""
    if not may(source, audience):
        raise NotPublicError(f"The figures of {source.code} are not shown in public")
