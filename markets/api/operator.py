"""The rights of an endpoint: `auth=Operator(...)`. The permissions themselves are in `markets.access`."""

from typing import Any

from django.http import HttpRequest
from ninja.security.base import AuthBase
from ninja.utils import check_csrf

from markets.access import SAFE, STRANGER, caller_of, may
from markets.errors import ForbiddenError


class Operator(AuthBase):
    """For `auth=` of an endpoint, with the permissions that it needs; returns the caller, or None for the public.

    A session needs the CSRF token of our own pages for every method that changes data; otherwise a form on another
    site could use it.
    """

    openapi_type = "http"
    openapi_scheme = "bearer"
    openapi_description = "API_TOKEN or a client token; a browser whose account has the permission needs none."

    def __init__(self, *permissions: str) -> None:
        super().__init__()
        self.permissions = permissions

    def __call__(self, request: HttpRequest) -> Any:
        caller = caller_of(request)
        known = request.user.is_authenticated if caller is None else caller is not STRANGER
        if not known:
            return None
        if not may(request, *self.permissions):
            who = "account" if caller is None else "token"
            raise ForbiddenError(f"Only operators may do this; the {who} needs {', '.join(self.permissions)}")
        if caller is None and request.method not in SAFE and check_csrf(request):
            raise ForbiddenError("The CSRF token is missing or wrong; reload the page, or use a token of the API")
        return caller or request.user
