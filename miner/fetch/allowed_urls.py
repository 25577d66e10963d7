"""The base URLs that the API accepts for a source: public https hosts only, against SSRF.

Server-side request forgery: a client must not make Charon request hosts of its own network. Names are checked as they
are written: the address of a public DNS name is known only when it is resolved.
"""

import ipaddress
import re
import socket
from urllib.parse import SplitResult, urlsplit

from markets.errors import QuestionError

# Top-level names of private networks (RFC 6761; RFC 6762, appendix G; RFC 8375).
PRIVATE_NAMES = {"localhost", "localdomain", "local", "internal", "intranet", "private", "corp", "home", "lan", "arpa"}
LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\Z")
TOP_LABEL = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])\Z")
# IANA has allocated global unicast addresses from this block only (RFC 4291); 64:ff9b::/96 is NAT64 (RFC 6052).
UNICAST = ipaddress.IPv6Network("2000::/3")
TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def public(url: str) -> str:
    """Returns the URL if a client of the API may set it; raises QuestionError with the reason if not."""
    if url and (reason := against(url)):
        raise QuestionError(f"base_url: {reason}", {"field": "base_url"})
    return url


def against(url: str) -> str:
    """The reason why Charon must not request this URL; empty if it may."""
    if not url.isascii() or re.search(r"[\s\\\x00-\x1f\x7f]", url):
        return "has characters that an address does not have; write other alphabets as xn--"
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return "is not an address"
    return of_parts(parts) or of_host((parts.hostname or "").removesuffix("."))


def of_parts(parts: SplitResult) -> str:
    if parts.scheme != "https":
        return "must begin with https://"
    if "@" in parts.netloc:
        return "must not hold a user name or a password; a key travels in the environment"
    if parts.query or parts.fragment:
        return "must not hold a query or a fragment; paths are put behind it"
    return "" if parts.hostname else "names no host"


def of_host(host: str) -> str:
    literal = literal_of(host)
    if literal is not None:
        return "" if is_public(literal) else "is an address inside a network, not a public one"
    labels = host.split(".")
    if not all(map(LABEL.match, labels)) or not TOP_LABEL.match(labels[-1]):
        return "names no host" if len(labels) > 1 else "is a name inside a network, not a public one"
    return "is a name inside a network, not a public one" if len(labels) == 1 or labels[-1] in PRIVATE_NAMES else ""


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
    if isinstance(address, ipaddress.IPv4Address):
        return address.is_global and not address.is_multicast
    carried = carried_by(address)
    return is_public(carried) if carried else address in UNICAST and address.is_global


def carried_by(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that is embedded in the IPv6 address: mapped, 6to4 or NAT64."""
    if address in TRANSLATED:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour
