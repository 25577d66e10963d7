"""What of a request decides about a kept answer, and the request as Django is asked when there is none.

Django is given the question alone: no cookie, no other parameters, no header by which an answer differs. What is kept
cannot depend on what it was never told.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from django.conf import settings
from django.http.request import split_domain_port, validate_host

from charon.api.client_address import MAX_FORWARDED, client_address, is_proxy
from charon.chosen import chosen
from charon.kept.answers import encoding_of
from charon.kept.questions import Question, question_of
from charon.serving.rsgi import Scope
from charon.serving.wsgi import as_latin_1, values_of
from markets import clock
from markets.api.exports import media_type
from markets.exports import FORMATS

# Who names one of these goes the long way: an operator, another origin, or a body that nobody takes.
NOT_KEPT = frozenset({"authorization", "origin", "content-length", "transfer-encoding"})
DROPPED = (
    *("HTTP_COOKIE", "HTTP_ACCEPT_ENCODING", "HTTP_RANGE"),
    *("HTTP_IF_MATCH", "HTTP_IF_NONE_MATCH", "HTTP_IF_MODIFIED_SINCE", "HTTP_IF_UNMODIFIED_SINCE"),
)
HTMX = "HTTP_HX_"
FORWARDED = "x-forwarded-proto"
REFUSES = re.compile(r"q=0(?:\.0*)?\s*(?:,|$)")
# What is judged once and remembered: a longer one is no browser's, and a thousand of 90 kB each would fill the memory.
LONGEST_HEADER = 300
OTHER_TYPES = frozenset(media_type(one) for one in FORMATS.values())


class Asked(NamedTuple):
    """`at` is when, in seconds of the clock."""

    at: float
    question: Question
    key: tuple[str | bool, ...]
    is_fragment: bool
    is_secure: bool
    encoding: str
    headers: Mapping[str, str]


def asked_of(scope: Scope) -> Asked | None:
    """None for what goes the long way."""
    if scope.method not in {"GET", "HEAD"}:
        return None
    question = question_of(scope.path, scope.query_string)
    if question is None:
        return None
    headers = values_of(scope.headers)
    host, accept, encodings = headers.get("host", ""), headers.get("accept", ""), headers.get("accept-encoding", "")
    if len(host) > LONGEST_HEADER or len(accept) > LONGEST_HEADER or len(encodings) > LONGEST_HEADER:
        return None
    if not NOT_KEPT.isdisjoint(headers) or not is_ours(host):
        return None
    if "cookie" in headers and settings.SESSION_COOKIE_NAME in headers["cookie"]:
        return None
    if question.is_api:
        if "accept" in headers and not takes_json(accept):
            return None
        is_fragment = False
    else:
        is_fragment = "hx-request" in headers and wants_fragment(headers)
    encoding = encoding_of(encodings) if encodings else ""
    secure = is_secure(scope, headers) if FORWARDED in headers else scope.scheme == "https"
    return Asked(
        clock.now().timestamp(), question, (*question.key, is_fragment, secure), is_fragment, secure, encoding, headers
    )


def wants_fragment(headers: Mapping[str, str]) -> bool:
    """As `markets.views.wants_fragment` sees the same headers."""
    asked, *whole = (headers.get(f"hx-{name}") == "true" for name in ("request", "boosted", "history-restore-request"))
    return asked and not any(whole)


@lru_cache(1024)
def is_ours(host: str) -> bool:
    """As `HttpRequest.get_host` judges it."""
    domain, _port = split_domain_port(host)
    return bool(domain) and validate_host(domain, settings.ALLOWED_HOSTS)


@lru_cache(1024)
def takes_json(accept: str) -> bool:
    """Whoever may want another type is heard by the operation."""
    kinds = {kind.partition(";")[0].strip() for kind in accept.split(",")}
    return (
        not kinds.isdisjoint({"application/json", "*/*"})
        and OTHER_TYPES.isdisjoint(kinds)
        and not REFUSES.search(accept)
    )


def is_secure(scope: Scope, headers: Mapping[str, str]) -> bool:
    """Over HTTPS browsers are told to come back over it; a proxy of ours says so of its clients."""
    if settings.SECURE_PROXY_SSL_HEADER and is_proxy(peer_of(scope), settings.TRUSTED_PROXIES):
        return headers[FORWARDED].split(",")[0].strip() == "https"
    return scope.scheme == "https"


def peer_of(scope: Scope) -> str:
    return scope.client.rpartition(":")[0].strip("[]")


def address_of(scope: Scope, headers: Mapping[str, str]) -> str:
    """The caller, as `charon.api.client_address.address_in` finds it in an environ."""
    forwarded = headers.get("x-forwarded-for", "")[-MAX_FORWARDED:]
    return client_address(peer_of(scope), forwarded, chosen().trusted_proxies)


def environ_of(asked: Asked, environ: dict[str, Any]) -> dict[str, Any]:
    question = asked.question
    told = {name: value for name, value in environ.items() if name not in DROPPED and not name.startswith(HTMX)}
    told |= {"PATH_INFO": as_latin_1(question.path), "QUERY_STRING": question.query}
    if question.is_api:
        told["HTTP_ACCEPT"] = "*/*"
    if asked.is_fragment:
        told["HTTP_HX_REQUEST"] = "true"
    return told
