"""How to connect, as the environment says: proxies, those who are asked without one, and trusted authorities.

HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY in any case, SSL_CERT_FILE, SSL_CERT_DIR and SSLKEYLOGFILE. They are
read here and not by httpx, which breaks on `socks://`, on `[::1]` and on a `#` in a password, and quotes what it did
not understand. No convention says how they are written; https://curl.se/docs/manpage.html (ENVIRONMENT) comes nearest.
"""

import os
import ssl
from importlib.util import find_spec
from pathlib import Path
from urllib.request import getproxies

import httpx

from miner.fetch.errors import Misconfigured
from miner.fetch.proxy_address import Exceptions, exceptions_of, proxy_of

SCHEMES = ("http", "https")
AUTHORITY_FILE, AUTHORITY_FOLDERS, KEY_LOG = "SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE"


class Routes(httpx.BaseTransport):
    """Through the proxy of the scheme, or directly for a host that NO_PROXY names."""

    def __init__(self, direct: httpx.BaseTransport, proxies: dict[str, httpx.BaseTransport], but: Exceptions) -> None:
        self.direct, self.proxies, self.but = direct, proxies, but

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self.route(request.url).handle_request(request)

    def route(self, url: httpx.URL) -> httpx.BaseTransport:
        proxy = self.proxies.get(url.scheme)
        return self.direct if proxy is None or self.but.has(url.raw_host.decode(), url.port) else proxy

    def close(self) -> None:
        for transport in (self.direct, *self.proxies.values()):
            transport.close()


def transport() -> httpx.BaseTransport:
    """Raises Misconfigured, which names the variable that cannot be understood and never quotes it."""
    check_folders()
    trusted = authorities()
    # With the settings of the system where there are any, on macOS and Windows.
    found = {kind: value for kind, value in getproxies().items() if value.strip()}
    chosen = {scheme: scheme if scheme in found else "all" for scheme in SCHEMES}
    wanted = {scheme: kind for scheme, kind in chosen.items() if kind in found}
    but = exceptions(found) if wanted else Exceptions()
    proxies = {} if but.everything else {scheme: via(kind, found, trusted) for scheme, kind in wanted.items()}
    return Routes(httpx.HTTPTransport(verify=trusted, trust_env=False), proxies, but)


def via(kind: str, found: dict[str, str], trusted: ssl.SSLContext) -> httpx.BaseTransport:
    """The transport through the proxy of this kind: `http`, `https` or `all`."""
    variable = variable_of(kind, found)
    try:
        proxy = proxy_of(found[kind])
    except ValueError as error:
        raise Misconfigured(variable, str(error)) from None
    if proxy.url.scheme.startswith("socks") and find_spec("socksio") is None:
        raise Misconfigured(variable, "a SOCKS proxy needs the package socksio")
    return httpx.HTTPTransport(verify=trusted, trust_env=False, proxy=proxy)


def exceptions(found: dict[str, str]) -> Exceptions:
    try:
        return exceptions_of(found.get("no", ""))
    except ValueError as error:
        raise Misconfigured(variable_of("no", found), str(error)) from None


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
        raise Misconfigured(guilty(), type(error).__name__) from None


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
        raise Misconfigured(AUTHORITY_FOLDERS, "no folder of certificates that can be read")
