"""Requests to public addresses alone: each connection goes to an address that was checked just before.

The name is looked up once and the connection is made to what was found: a name that answers with a public address when
it is checked and with an inner one when it is connected to (DNS rebinding) gains nothing. TLS is verified for the name.
"""

import ipaddress
from typing import Any

import httpx

from markets.messages import Message
from markets.network import allowed_urls, timed


class NotPublic(Exception):
    """The address is not public, and nothing was connected; says why, and never which address."""


def ask(request: httpx.Request, way: httpx.BaseTransport, looks_up: bool) -> httpx.Response:
    """The answer; raises NotPublic for an address that is not public.

    `looks_up`: whether Charon itself looks the name up; behind a proxy, the proxy does. All other failures are one and
    the same, so that nobody learns from them which ports are open; the true one is the cause.
    """
    check(request.url)
    try:
        return by_address(request, way) if looks_up else way.handle_request(request)
    except (httpx.TransportError, OSError, UnicodeError) as error:
        raise httpx.ConnectError("the address of its own cannot be reached") from error


def check(url: httpx.URL) -> None:
    if fault := allowed_urls.against(str(url.copy_with(raw_path=b"/", fragment=None))):
        raise NotPublic(Message(f"address_{fault.name.lower()}"))


def by_address(request: httpx.Request, way: httpx.BaseTransport) -> httpx.Response:
    """Tries the addresses of the host one after the other; the header Host keeps the name, and so does TLS."""
    url = request.url
    extensions = {**request.extensions, "sni_hostname": url.host.removesuffix(".")}
    failed: httpx.TransportError = httpx.ConnectError("none of its addresses")
    for address in addresses(url):
        how: dict[str, Any] = {"headers": request.headers, "stream": request.stream, "extensions": extensions}
        try:
            return way.handle_request(httpx.Request(request.method, url.copy_with(host=address), **how))
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            failed = error
    raise failed


def addresses(url: httpx.URL) -> list[str]:
    """What the name leads to; raises NotPublic when one of them is not public."""
    lines = timed.look_up(url.host, url.port or 443)
    found = list(dict.fromkeys(str(line[4][0]) for line in lines))
    if not all(allowed_urls.is_public(ipaddress.ip_address(address)) for address in found):
        raise NotPublic(Message("leads_inside"))
    return found
