"""How to connect, as the environment says: proxies, those who are asked without one, and trusted authorities.

HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY in any case, SSL_CERT_FILE, SSL_CERT_DIR and SSLKEYLOGFILE. They are
read here and not by httpx, which breaks on `socks://`, on `[::1]` and on a `#` in a password, and quotes what it did
not understand. No convention says how they are written; https://curl.se/docs/manpage.html (ENVIRONMENT) comes nearest.
"""

import os
import ssl
from collections.abc import Callable, Mapping
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from urllib.request import getproxies

import httpx

from markets.messages import Message
from markets.network import guarded, timed
from markets.network.proxy_address import Exceptions, exceptions_of, proxy_of

SCHEMES = ("http", "https")
AUTHORITY_FILE, AUTHORITY_FOLDERS, KEY_LOG = "SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE"


class NotUnderstood(Exception):
    """A variable that says how to connect; its value stands nowhere, for an address of a proxy may hold a password."""

    def __init__(self, variable: str, fault: str) -> None:
        super().__init__(Message("about", about=variable, reason=fault))
        self.variable, self.fault = variable, fault


class Routes(httpx.BaseTransport):
    """Through the proxy of the scheme, or directly for a host that NO_PROXY names.

    `single`: directly, each connection for one request. One to an address is not used again: it may be the address of
    another name as well, for which its certificate was not verified. `guards`: which addresses must be public.
    """

    def __init__(
        self,
        direct: httpx.BaseTransport,
        single: httpx.BaseTransport,
        proxies: Mapping[str, httpx.BaseTransport],
        but: Exceptions,
        guards: Callable[[httpx.URL], bool],
    ) -> None:
        self.direct, self.single, self.proxies, self.but, self.guards = direct, single, proxies, but, guards

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        way = self.route(request.url)
        if not self.guards(request.url):
            return way.handle_request(request)
        is_direct = way is self.direct
        return guarded.ask(request, self.single if is_direct else way, looks_up=is_direct)

    def route(self, url: httpx.URL) -> httpx.BaseTransport:
        proxy = self.proxies.get(url.scheme)
        return self.direct if proxy is None or self.but.has(url.raw_host.decode(), url.port) else proxy

    def close(self) -> None:
        for transport in (self.direct, self.single, *self.proxies.values()):
            transport.close()


def transport(guards: Callable[[httpx.URL], bool], ends_in_time: bool = False) -> Routes:
    """Raises NotUnderstood, which names the variable that cannot be understood and never quotes it.

    `ends_in_time`: whether `timed.within` bounds the requests; then no connection is kept.
    """
    check_folders()
    made = partial(timed.transport if ends_in_time else httpx.HTTPTransport, verify=authorities(), trust_env=False)
    # With the settings of the system where there are any, on macOS and Windows.
    found = {kind: value for kind, value in getproxies().items() if value.strip()}
    chosen = {scheme: scheme if scheme in found else "all" for scheme in SCHEMES}
    wanted = {scheme: kind for scheme, kind in chosen.items() if kind in found}
    but = exceptions(found) if wanted else Exceptions()
    proxies = {} if but.everything else {scheme: made(proxy=via(kind, found)) for scheme, kind in wanted.items()}
    single = made() if ends_in_time else made(limits=httpx.Limits(max_keepalive_connections=0))
    return Routes(single if ends_in_time else made(), single, proxies, but, guards)


def via(kind: str, found: dict[str, str]) -> httpx.Proxy:
    """The proxy of this kind: `http`, `https` or `all`."""
    variable = variable_of(kind, found)
    try:
        proxy = proxy_of(found[kind])
    except ValueError as error:
        raise NotUnderstood(variable, str(error)) from None
    if proxy.url.scheme.startswith("socks") and find_spec("socksio") is None:
        raise NotUnderstood(variable, Message("socks_package"))
    return proxy


def exceptions(found: dict[str, str]) -> Exceptions:
    try:
        return exceptions_of(found.get("no", ""))
    except ValueError as error:
        raise NotUnderstood(variable_of("no", found), str(error)) from None


def variable_of(kind: str, found: dict[str, str]) -> str:
    """The name as it stands in the environment: the lower-case one counts before the other."""
    name = f"{kind}_proxy"
    names = (own for own, value in sorted(os.environ.items(), reverse=True) if own.lower() == name)
    return next((own for own in names if os.environ[own] == found[kind]), "the proxy settings of the system")


def authorities() -> ssl.SSLContext:
    """The authorities that vouch for a server; reading their certificates takes 15 ms."""
    try:
        return httpx.create_ssl_context()
    except (OSError, ValueError) as error:
        raise NotUnderstood(guilty(), type(error).__name__) from None


def guilty() -> str:
    """Which of the variables breaks the context: each is tried alone."""
    alone = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        if os.environ.get(KEY_LOG):
            alone.keylog_filename = os.environ[KEY_LOG]
    except (OSError, ValueError):
        return KEY_LOG
    return AUTHORITY_FILE if os.environ.get(AUTHORITY_FILE) else AUTHORITY_FOLDERS


def check_folders() -> None:
    """OpenSSL takes folders that do not exist, or are empty, without a word; then no server can be trusted."""
    folders = os.environ.get(AUTHORITY_FOLDERS, "")
    if not folders or os.environ.get(AUTHORITY_FILE):
        return
    try:
        filled = any(any(Path(folder).iterdir()) for folder in folders.split(os.pathsep) if Path(folder).is_dir())
    except (OSError, ValueError):
        filled = False
    if not filled:
        raise NotUnderstood(AUTHORITY_FOLDERS, Message("no_certificates"))
