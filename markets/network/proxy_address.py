"""What HTTPS_PROXY and its like, and NO_PROXY, say; a ValueError tells what is wrong and quotes nothing."""

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import unquote

import httpx

from markets.messages import Message

# Desktops write socks:// and mean SOCKS5, where the proxy looks names up; curl calls that socks5h.
SCHEMES = {"http": "http", "https": "https", "socks": "socks5", "socks5": "socks5", "socks5h": "socks5h"}
PORTS = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}
PARTS = re.compile(
    r"(?:(?P<scheme>[a-z][a-z0-9+.-]*)://)?(?:(?P<user>.*)@)?(?P<place>[^@]*)\Z", re.IGNORECASE | re.DOTALL
)
PLACE = re.compile(r"(?:\[(?P<six>[^\]]*)\]|(?P<name>[^\s:/?#\[\]]+))(?::(?P<port>[^/]*))?/*\Z")
NAME = re.compile(
    r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*\.?\Z", re.IGNORECASE
)
PORT = re.compile(r"[0-9]{1,5}\Z")
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def proxy_of(value: str) -> httpx.Proxy:
    """The proxy that this text means; without a scheme it is an HTTP proxy."""
    found = PARTS.match(unquoted(value))
    scheme = SCHEMES.get((found["scheme"] or "http").lower()) if found else None
    if found is None or scheme is None:
        raise ValueError(Message("proxy_no_address"))
    place = PLACE.match(found["place"])
    if place is None:
        raise ValueError(Message("proxy_place"))
    host = six_of(place["six"]) if place["six"] is not None else name_of(place["name"])
    port = port_of(place["port"]) if place["port"] else PORTS[scheme]
    return httpx.Proxy(httpx.URL(scheme=scheme, host=host, port=port), auth=login_of(found["user"] or ""))


def login_of(text: str) -> tuple[str, str] | None:
    """(user, password); what stands before the last @, so that a password may hold any character."""
    user, _, password = map(unquote, text.partition(":"))
    if not f"{user}{password}".isprintable():
        raise ValueError(Message("proxy_login"))
    return (user, password) if text else None


def unquoted(value: str) -> str:
    """Without the quotation marks that a file of variables may have left around it."""
    value = value.strip()
    return value[1:-1].strip() if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'" else value


def six_of(text: str) -> str:
    try:
        return str(ipaddress.IPv6Address(text))
    except ValueError:
        raise ValueError(Message("proxy_brackets")) from None


def name_of(text: str) -> str:
    """The name as DNS knows it: other alphabets as xn--."""
    try:
        name = text.encode("idna").decode()
    except UnicodeError:
        name = ""
    if not NAME.match(name):
        raise ValueError(Message("proxy_host"))
    return name


def port_of(text: str) -> int:
    if not PORT.match(text) or not 0 < int(text) < 2**16:
        raise ValueError(Message("proxy_port"))
    return int(text)


@dataclass(frozen=True, slots=True)
class Exceptions:
    """Those who are asked without a proxy; a port of 0 means every port."""

    everything: bool = False
    names: tuple[tuple[str, int], ...] = ()
    networks: tuple[tuple[Network, int], ...] = ()

    def has(self, host: str, port: int | None) -> bool:
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            host = f".{host.lower().rstrip('.')}"
            return self.everything or any(host.endswith(name) and at in {0, port} for name, at in self.names)
        return self.everything or any(address in network and at in {0, port} for network, at in self.networks)


def exceptions_of(value: str) -> Exceptions:
    """NO_PROXY: names (with all that ends in them), addresses and networks, by commas or spaces; `*` is everything."""
    words = [word for word in re.split(r"[,;\s]+", unquoted(value)) if word]
    names, networks = [], []
    for word in words:
        if word == "*":
            continue
        host, port = split_port(re.sub(r"\A[a-z]+://", "", word.lower()).rstrip("/"))
        try:
            networks.append((ipaddress.ip_network(host, strict=False), port))
        except ValueError:
            names.append((f".{name_of(host.removeprefix('*').strip('.'))}", port))
    return Exceptions("*" in words, tuple(names), tuple(networks))


def split_port(text: str) -> tuple[str, int]:
    """(host, port): `host:80`, `[::1]:80`, `[::1]`, `::1`; brackets around a network count as well."""
    host, colon, port = text.rpartition(":")
    if text.startswith("[") and text.endswith("]"):
        return text[1:-1], 0
    if text.startswith("[") and host.endswith("]"):
        return host[1:-1], port_of(port)
    if colon and ":" not in host:
        return host, port_of(port)
    return text, 0
