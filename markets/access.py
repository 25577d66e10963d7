"""Who may do what: the API asks the permissions of Django that the admin asks.

An account has the permissions that the admin gave it, a superuser all of them, a token those of its scopes. A request
that names a token is judged by the token alone.
"""

import hmac
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import models
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from markets.jobs.redact import TOKEN_START

SAFE = {"GET", "HEAD"}
CALLER = "charon.caller"

# To follow an asset writes what the admin writes under these permissions: an instrument with aliases and listings.
FOLLOW = ("markets.add_alias", "markets.add_instrument", "markets.add_listing", "markets.change_listing")
UNFOLLOW = ("markets.change_listing",)
REGISTER_SOURCE = ("markets.add_source",)
# As the admin's action that fetches now.
RUN_BATCH = ("markets.change_source",)
HEAL_GAPS = ("markets.change_source",)
READ_LOG = ("markets.view_job",)
ADD_OVERRIDE = ("markets.add_override",)
# To withdraw is the one change that an override knows.
WITHDRAW_OVERRIDE = ("markets.change_override",)
ADD_ALERT = ("alerts.add_alertrule",)
CHANGE_ALERT = ("alerts.change_alertrule",)
DELETE_ALERT = ("alerts.delete_alertrule",)
ACKNOWLEDGE = ("alerts.change_alertevent",)
SET_ALERT_DEFAULTS = ("alerts.change_alertdefaults",)
READ_CHANNELS = ("alerts.view_channel",)
READ_DELIVERIES = ("alerts.view_delivery",)
READ_SILENCES = ("alerts.view_silence",)
ADD_SILENCE = ("alerts.add_silence",)
END_SILENCE = ("alerts.change_silence",)
# Rows that their licence keeps from the public: who sees the tables in the admin gets them from the API.
UNLICENSED = ("markets.view_candle", "markets.view_quote", "markets.view_rate", "markets.view_tick")


class Scope(models.TextChoices):
    READ = "read", _("odczyt: publiczne dane, z własnym limitem")
    WRITE = "write", _("zapis: śledzenie instrumentów i alerty")
    OPERATOR = "operator", _("operator: wszystko, co umie API")


SILENCE = (*READ_SILENCES, *ADD_SILENCE, *END_SILENCE)
WRITES = frozenset({*FOLLOW, *UNFOLLOW, *ADD_ALERT, *CHANGE_ALERT, *DELETE_ALERT, *ACKNOWLEDGE, *SILENCE})
MINES = (*REGISTER_SOURCE, *RUN_BATCH, *HEAL_GAPS)
OVERRIDE = (*ADD_OVERRIDE, *WITHDRAW_OVERRIDE)
OPERATES = frozenset({*MINES, *READ_LOG, *SET_ALERT_DEFAULTS, *READ_CHANNELS, *READ_DELIVERIES, *OVERRIDE})
GRANTS: dict[str, frozenset[str]] = {
    Scope.READ: frozenset(),
    Scope.WRITE: WRITES,
    Scope.OPERATOR: WRITES | OPERATES | {*UNLICENSED},
}


@dataclass(frozen=True, slots=True)
class Caller:
    """A program that names a token. `name` is for limits and logs, `row` the client token's key; never the token."""

    name: str
    permissions: frozenset[str]
    row: int | None = None


STRANGER = Caller("", frozenset())


def granted(scopes: list[str]) -> frozenset[str]:
    return frozenset().union(*(GRANTS.get(scope, frozenset()) for scope in scopes))


def hash_of(token: str) -> str:
    """A fast hash is right for 32 random bytes: nobody can try 2^256 of them. A slow one is for passwords."""
    return sha256(token.encode()).hexdigest()


def caller_of(request: HttpRequest) -> Caller | None:
    """None without the header Authorization; STRANGER when it names no token that is valid, whatever its scheme."""
    header = request.META.get("HTTP_AUTHORIZATION")
    if header is None:
        return None
    if CALLER not in request.META:
        request.META[CALLER] = identify(header)
    caller: Caller = request.META[CALLER]
    return caller


def identify(header: str) -> Caller:
    scheme, _space, given = header.partition(" ")
    token = given.strip()
    if scheme.lower() != "bearer":
        return STRANGER
    if is_api_token(token):
        return Caller("API_TOKEN", GRANTS[Scope.OPERATOR])
    if not token.startswith(TOKEN_START):
        return STRANGER
    # The models ask the licence, which asks this module: it cannot import them.
    row = apps.get_model("markets", "ApiToken").objects.filter(hash=hash_of(token), revoked_at=None).first()
    return Caller(f"token {row.pk}", granted(row.scopes), row.pk) if row else STRANGER


def is_api_token(token: str) -> bool:
    """Whether it is the API_TOKEN; False if none is set. Compares in constant time (timing attacks)."""
    known = settings.API_TOKEN.encode()
    return hmac.compare_digest(token.encode(), known) and bool(known)


def name_of(request: HttpRequest) -> str:
    """Who asks, as rows keep it: the token's name or the account's."""
    caller = caller_of(request)
    return caller.name if caller else str(request.user.get_username())


def may(request: HttpRequest, *permissions: str) -> bool:
    caller = caller_of(request)
    return user_may(request.user, *permissions) if caller is None else caller.permissions.issuperset(permissions)


def user_may(user: Any, *permissions: str) -> bool:
    """As the admin asks: an active account of the staff that has the permissions."""
    return bool(user.is_active and user.is_staff and user.has_perms(permissions))
