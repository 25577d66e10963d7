"""The authentication of operators: the API_TOKEN of a program, or the session of a staff account."""

import hmac
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from ninja.security.base import AuthBase
from ninja.utils import check_csrf

from markets.errors import ForbiddenError

SAFE = {"GET", "HEAD"}


class Operator(AuthBase):
    """For `auth=` of an endpoint; returns the operator, or None for other callers.

    A request with a token is judged by the token alone. A session needs the CSRF token of our own pages for every
    method that changes data; otherwise a form on another site could use it.
    """

    openapi_type = "http"
    openapi_scheme = "bearer"
    openapi_description = "The token of API_TOKEN; a browser that is signed in as staff needs none."

    def __call__(self, request: HttpRequest) -> Any:
        if "Authorization" in request.headers:
            return "token" if is_token(request.headers["Authorization"]) else None
        user = request.user
        if not user.is_authenticated:
            return None
        if not is_staff(request):
            raise ForbiddenError("Only operators may do this; this account is not one of them")
        if request.method not in SAFE and check_csrf(request):
            raise ForbiddenError("The CSRF token is missing or wrong; reload the page, or use the token of API_TOKEN")
        return user


operator = Operator()


def is_token(header: str) -> bool:
    """Whether the header has the API_TOKEN; False if none is set. Compares in constant time (timing attacks)."""
    scheme, _, given = header.partition(" ")
    known = settings.API_TOKEN.encode()
    same = hmac.compare_digest(given.strip().encode(), known)
    return bool(known) and scheme.lower() == "bearer" and same


def is_staff(request: HttpRequest) -> bool:
    return bool(request.user.is_active and request.user.is_staff)
