"""The address of who asks. What the headers X-Forwarded-… say is believed only of the proxies of TRUSTED_PROXIES."""

import ipaddress
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from charon.chosen import chosen

# A household has a whole /64 of IPv6, and may use another address of it for each request.
PREFIX_OF_ONE = 64
MAX_KNOWN = 4096
# The proxies write at its end, each address with at most 45 characters. What is remembered must not be as long as a
# stranger likes: 4,096 headers of 60 kB were 250 MB.
MAX_FORWARDED = 500
UNKNOWN = "unknown"

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
View = Callable[[HttpRequest], HttpResponseBase]


def believed_scheme(get_response: View) -> View:
    """Drops the X-Forwarded-Proto of strangers: Django (SECURE_PROXY_SSL_HEADER) believes everybody's."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        meta = request.META
        if "HTTP_X_FORWARDED_PROTO" in meta and not is_proxy(meta.get("REMOTE_ADDR", ""), settings.TRUSTED_PROXIES):
            del meta["HTTP_X_FORWARDED_PROTO"]
        return get_response(request)

    return middleware


@lru_cache(MAX_KNOWN)
def is_proxy(peer: str, proxies: tuple[str, ...]) -> bool:
    address = parsed(peer)
    return address is not None and any(address in ipaddress.ip_network(proxy) for proxy in proxies)


def address_of(request: HttpRequest) -> str:
    return address_in(request.META)


def address_in(meta: dict[str, Any]) -> str:
    """From the headers as WSGI names them: the front counts by the same rule before there is a request."""
    forwarded = meta.get("HTTP_X_FORWARDED_FOR", "")[-MAX_FORWARDED:]
    return client_address(meta.get("REMOTE_ADDR", ""), forwarded, chosen().trusted_proxies)


@lru_cache(MAX_KNOWN)
def client_address(peer: str, forwarded: str, proxies: tuple[str, ...]) -> str:
    """The right-most address that is no trusted proxy's; what stands to the left of it any client can write."""
    networks = [ipaddress.ip_network(proxy) for proxy in proxies]
    found = parsed(peer)
    for text in reversed(forwarded.split(",")):
        if found is None or not any(found in network for network in networks):
            break
        before = parsed(text)
        if before is None:
            break
        found = before
    return UNKNOWN if found is None else shown(found)


def parsed(text: str) -> Address | None:
    """`192.0.2.1`, with a port, `2001:db8::1`, `[2001:db8::1]:443`; None for anything else."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def shown(address: Address) -> str:
    """An IPv4 address, or the network of an IPv6 address."""
    if address.version == 4:
        return str(address)
    return str(ipaddress.ip_network((address, PREFIX_OF_ONE), strict=False).network_address)
