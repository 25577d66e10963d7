"""The addresses that a row may name: public https hosts only, against SSRF.

Server-side request forgery: a client must not make Charon request hosts of its own network. A URL is checked as it is
written when it is stored, and the addresses of its name at each connection (markets.network.guarded). What the
environment names (`*_BASE_URL`, CHANNEL_ALLOWED_HOSTS) is the operator's own and trusted.
"""

import ipaddress
import re
import socket
from enum import StrEnum
from urllib.parse import SplitResult, urlsplit

from markets.errors import QuestionError

# 8443 is the registered second port of https (IANA); any other would make Charon a port scanner.
PORTS = {None, 443, 8443}
# Top-level names of private networks (RFC 6761; RFC 6762, appendix G; RFC 8375).
PRIVATE_NAMES = {"localhost", "localdomain", "local", "internal", "intranet", "private", "corp", "home", "lan", "arpa"}
LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\Z")
TOP_LABEL = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])\Z")
# IANA has allocated global unicast addresses from this block only (RFC 4291); 64:ff9b::/96 is NAT64 (RFC 6052).
UNICAST = ipaddress.IPv6Network("2000::/3")
TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")
# Python 3.11 calls them global: protocol assignments with Oracle's metadata (RFC 6890), relays of 6to4 (RFC 7526),
# Azure's metadata (learn.microsoft.com, "What is IP address 168.63.129.16"), and documentation (RFC 9637).
SPECIAL = tuple(map(ipaddress.ip_network, ("192.0.0.0/24", "192.88.99.0/24", "168.63.129.16/32", "3fff::/20")))
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Fault(StrEnum):
    """Why Charon must not request a URL."""

    CHARACTERS = "has characters that an address does not have; write other alphabets as xn--"
    NO_ADDRESS = "is not an address"
    SCHEME = "must begin with https://"
    LOGIN = "must not hold a user name or a password; a key travels in the environment"
    QUERY = "must not hold a query or a fragment; paths are put behind it"
    PORT = "must have no port, or 443 or 8443"
    NO_HOST = "names no host"
    INNER_ADDRESS = "is an address inside a network, not a public one"
    INNER_NAME = "is a name inside a network, not a public one"


def public(url: str) -> str:
    """Returns the URL if a client of the API may set it; raises QuestionError with the reason if not."""
    if url and (fault := against(url)):
        raise QuestionError(f"base_url: {fault}", {"field": "base_url"})
    return url


def against(url: str) -> Fault | None:
    """The reason why Charon must not request this URL; None if it may."""
    if not url.isascii() or re.search(r"[\s\\\x00-\x1f\x7f]", url):
        return Fault.CHARACTERS
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return Fault.NO_ADDRESS
    return of_parts(parts) or of_host((parts.hostname or "").removesuffix("."))


def of_parts(parts: SplitResult) -> Fault | None:
    if parts.scheme != "https":
        return Fault.SCHEME
    if "@" in parts.netloc:
        return Fault.LOGIN
    if parts.query or parts.fragment:
        return Fault.QUERY
    if not parts.hostname:
        return Fault.NO_HOST
    return None if parts.port in PORTS else Fault.PORT


def of_host(host: str) -> Fault | None:
    literal = literal_of(host)
    if literal is not None:
        return None if is_public(literal) else Fault.INNER_ADDRESS
    labels = host.split(".")
    if not all(map(LABEL.match, labels)) or not TOP_LABEL.match(labels[-1]):
        return Fault.NO_HOST if len(labels) > 1 else Fault.INNER_NAME
    return Fault.INNER_NAME if len(labels) == 1 or labels[-1] in PRIVATE_NAMES else None


def literal_of(host: str) -> Address | None:
    """The IP address in any notation that a resolver accepts: 127.1, 2130706433, 0x7f.0.0.1, 0177.1, ::1."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except OSError:
        return None


def is_public(address: Address) -> bool:
    """Whether the address is globally reachable; an IPv6 address that embeds an IPv4 address counts as the latter."""
    if any(address in network for network in SPECIAL):
        return False
    if isinstance(address, ipaddress.IPv4Address):
        return address.is_global and not address.is_multicast
    carried = carried_by(address)
    return is_public(carried) if carried else address in UNICAST and address.is_global


def carried_by(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that is embedded in the IPv6 address: mapped, 6to4 or NAT64."""
    if address in TRANSLATED:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour
