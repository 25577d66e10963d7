"""What of a request decides about a kept answer, and the request as Django is asked when there is none.

Django is given the question alone: no cookie, no other parameters, no header by which an answer differs. What is kept
cannot depend on what it was never told.
"""

import re
from functools import lru_cache
from typing import Any, NamedTuple

from django.conf import settings
from django.http.request import split_domain_port, validate_host

from charon.api.client_address import MAX_FORWARDED, client_address, is_proxy
from charon.kept.answers import encoding_of
from charon.kept.questions import Question, question_of
from charon.serving.rsgi import Headers, Scope
from charon.serving.wsgi import as_latin_1
from markets.api.exports import media_type
from markets.exports import FORMATS

# Who names one of these goes the long way: an operator, another origin, or a body that nobody takes.
NOT_KEPT = frozenset({"authorization", "origin", "content-length", "transfer-encoding"})
DROPPED = (
    *("HTTP_COOKIE", "HTTP_ACCEPT_ENCODING", "HTTP_RANGE"),
    *("HTTP_IF_MATCH", "HTTP_IF_NONE_MATCH", "HTTP_IF_MODIFIED_SINCE", "HTTP_IF_UNMODIFIED_SINCE"),
)
HTMX = "HTTP_HX_"
REFUSES = re.compile(r"q=0(?:\.0*)?\s*(?:,|$)")
# What is judged once and remembered: a longer one is no browser's, and a thousand of 90 kB each would fill the memory.
LONGEST_HEADER = 300
OTHER_TYPES = frozenset(media_type(one) for one in FORMATS.values())


class Asked(NamedTuple):
    question: Question
    key: tuple[str | bool, ...]
    is_fragment: bool
    is_secure: bool
    encoding: str


def asked_of(scope: Scope) -> Asked | None:
    """None for what goes the long way."""
    if scope.method not in {"GET", "HEAD"}:
        return None
    question, headers = question_of(scope.path, scope.query_string), scope.headers
    if question is None:
        return None
    names = headers.keys()
    host, accept, encodings = (joined(headers, names, name) for name in ("host", "accept", "accept-encoding"))
    if max(len(host), len(accept), len(encodings)) > LONGEST_HEADER:
        return None
    if not NOT_KEPT.isdisjoint(names) or not is_ours(host):
        return None
    if "cookie" in names and any(settings.SESSION_COOKIE_NAME in cookie for cookie in headers.get_all("cookie")):
        return None
    if question.is_api:
        if "accept" in names and not takes_json(accept):
            return None
        is_fragment = False
    else:
        is_fragment = "hx-request" in names and wants_fragment(headers)
    encoding, secure = encoding_of(encodings) if encodings else "", is_secure(scope, names)
    return Asked(question, (*question.key, is_fragment, secure), is_fragment, secure, encoding)


def joined(headers: Headers, names: list[str], name: str) -> str:
    return ",".join(headers.get_all(name)) if name in names else ""


def wants_fragment(headers: Headers) -> bool:
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


def is_secure(scope: Scope, names: list[str]) -> bool:
    """Over HTTPS browsers are told to come back over it; a proxy of ours says so of its clients."""
    is_believed = settings.SECURE_PROXY_SSL_HEADER and is_proxy(peer_of(scope), settings.TRUSTED_PROXIES)
    if is_believed and "x-forwarded-proto" in names:
        return ",".join(scope.headers.get_all("x-forwarded-proto")).split(",")[0].strip() == "https"
    return scope.scheme == "https"


def peer_of(scope: Scope) -> str:
    return scope.client.rpartition(":")[0].strip("[]")


def address_of(scope: Scope) -> str:
    """The caller, as `charon.api.client_address.address_in` finds it in an environ."""
    headers = scope.headers
    given = headers.get("x-forwarded-for") and ",".join(headers.get_all("x-forwarded-for"))
    forwarded = (given or "")[-MAX_FORWARDED:]
    return client_address(peer_of(scope), forwarded, settings.TRUSTED_PROXIES)


def environ_of(asked: Asked, environ: dict[str, Any]) -> dict[str, Any]:
    question = asked.question
    told = {name: value for name, value in environ.items() if name not in DROPPED and not name.startswith(HTMX)}
    told |= {"PATH_INFO": as_latin_1(question.path), "QUERY_STRING": question.query}
    if question.is_api:
        told["HTTP_ACCEPT"] = "*/*"
    if asked.is_fragment:
        told["HTTP_HX_REQUEST"] = "true"
    return told
