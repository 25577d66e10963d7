"""Logins: what django-axes asks of this project, the line in the log of a failed one, and a new session each."""

import logging
from typing import Any

from django.contrib.auth.signals import user_logged_in, user_login_failed
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse

from charon.api.client_address import UNKNOWN, address_of
from charon.api.limited import too_many
from charon.request_log import route_of

logger = logging.getLogger(__name__)

RETRY_SECONDS = 15 * 60


def address(request: HttpRequest) -> str | None:
    found = address_of(request)
    return None if found == UNKNOWN else found


def no_name(*_: Any) -> str:
    """The name that was typed is kept nowhere: now and then it is the password."""
    return ""


def locked(request: HttpRequest, *_: Any) -> HttpResponse:
    response = too_many(request)
    response.headers["Retry-After"] = str(RETRY_SECONDS)
    return response


@receiver(user_login_failed)
def log_failure(request: HttpRequest | None = None, **_: Any) -> None:
    if request is not None:
        logger.warning("A login from %s failed at %s", address_of(request), route_of(request))


@receiver(user_logged_in)
def begin_session(request: HttpRequest, **_: Any) -> None:
    """Django keeps the session of somebody who logs in again: an id that was stolen before would live on."""
    request.session.cycle_key()
