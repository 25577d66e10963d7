"""The licence check: whose data may be shown to whom, on every page, endpoint and export.

A source declares what its terms allow (`public_display`, `public_api`); operators may change that. Operators get all
data from the API; pages are the same for everybody.
"""

from enum import Enum
from typing import Protocol

from django.db.models import Q
from django.http import HttpRequest

from markets import access
from markets.errors import NotPublicError


class Licensed(Protocol):
    """The part of a source that this module needs; the models import this module, so it cannot import them."""

    code: str


class Audience(Enum):
    """The kind of caller; the value is the field of Source that decides, none for operators."""

    PAGE = "public_display"
    API = "public_api"
    OPERATOR = ""


def audience(request: HttpRequest) -> Audience:
    """The audience of an API request: OPERATOR for who may see the tables of prices and rates in the admin."""
    return Audience.OPERATOR if access.may(request, *access.UNLICENSED) else Audience.API


def may(source: Licensed, audience: Audience) -> bool:
    return audience is Audience.OPERATOR or bool(getattr(source, audience.value))


def shown_to(audience: Audience, source: str = "source") -> Q:
    """A filter for rows whose source may be shown; `source` is the lookup path to the source, "" for sources."""
    if audience is Audience.OPERATOR:
        return Q()
    return Q(**{f"{source}__{audience.value}" if source else audience.value: True})


def refuse(source: Licensed, audience: Audience) -> None:
    """Raises NotPublicError if a requested source may not be shown: an empty answer would say that it has no data."""
    if not may(source, audience):
        raise NotPublicError(f"The figures of {source.code} are not shown in public")
