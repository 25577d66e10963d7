"""Who may do what only operators may: a program with the token of API_TOKEN, a person who is signed in as staff."""

import hmac
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from ninja.security.base import AuthBase
from ninja.utils import check_csrf

from markets.errors import ForbiddenError

SAFE = {"GET", "HEAD"}


class Operator(AuthBase):
    """For `auth=` of an endpoint; answers who it is, nothing for nobody.

    Who names a token is judged by it alone. A form in a stranger's page could use somebody's session: what changes
    anything needs the CSRF token of our own pages beside it.
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
    """Without a token in the settings none is right. The time that the comparison takes tells nothing."""
    scheme, _, given = header.partition(" ")
    known = settings.API_TOKEN.encode()
    same = hmac.compare_digest(given.strip().encode(), known)
    return bool(known) and scheme.lower() == "bearer" and same


def is_staff(request: HttpRequest) -> bool:
    return bool(request.user.is_active and request.user.is_staff)
