"""What a list of origins, of networks or of spans must look like; a ValueError names the variable."""

import re
from collections.abc import Iterable
from ipaddress import ip_network

from environs import validate

from charon.startup_messages import said
from charon.variables import NotUnderstood, whole

ORIGIN = re.compile(r"(https?)://((?:\*\.)?[a-z0-9.-]+|\[[0-9a-f:]+\])(?::([0-9]{1,5}))?", re.IGNORECASE)
USUAL_PORTS = {"http": 80, "https": 443}
HOST = re.compile(r"([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::([0-9]{1,5}))?")

# The rule's sentence speaks of eight averages; each may be as slow as those of MACD.
RIBBON = 8
LONGEST_SPAN = 400


def between(low: float, high: float) -> validate.Range:
    return validate.Range(min=low, max=high, error=f"must be {low} to {high}")


def ribbon(given: Iterable[str]) -> tuple[int, ...]:
    """The spans of the averages of RIBBON_SPANS, from the fastest to the slowest."""
    try:
        spans = tuple(whole(text) for text in given)
    except ValueError:
        spans = ()
    if len(spans) != RIBBON or list(spans) != sorted(set(spans)) or spans[0] < 1 or spans[-1] > LONGEST_SPAN:
        fault = "must be {} whole numbers from 1 to {}, each above the one before"
        raise NotUnderstood("RIBBON_SPANS", said(fault, RIBBON, LONGEST_SPAN))
    return spans


def origins(name: str, given: Iterable[str], patterns: bool = False) -> list[str]:
    """As a browser writes them, for they are compared letter by letter: in small letters, without the usual port.

    `patterns`: whether https://*.example.org means all its subdomains; elsewhere * alone means all origins.
    """
    return [origin(name, text.strip().rstrip("/"), patterns) for text in given if text.strip()]


def origin(name: str, text: str, patterns: bool) -> str:
    found = ORIGIN.fullmatch(text)
    port = int(found[3] or 0) if found else 0
    if text == "*" and not patterns:
        return text
    if not found or port > 65535 or ("*" in text and not patterns):
        raise NotUnderstood(name, said("{} is no origin; write https://rates.example.org", text))
    scheme, host = found[1].lower(), found[2].lower()
    return f"{scheme}://{host}" + (f":{port}" if port not in {0, USUAL_PORTS[scheme]} else "")


def hosts(name: str, given: Iterable[str]) -> tuple[str, ...]:
    """Hosts, of all their ports or of one, in small letters: `receiver.lan`, `10.0.0.5:8080`, `[::1]:9000`."""
    return tuple(host(name, text.strip().lower()) for text in given if text.strip())


def host(name: str, text: str) -> str:
    found = HOST.fullmatch(text)
    if not found or not 0 < int(found[2] or 1) < 2**16:
        raise NotUnderstood(name, said("{} is no host; write receiver.lan or 10.0.0.5:8080", text))
    return text


def networks(name: str, given: Iterable[str]) -> tuple[str, ...]:
    """Addresses and networks; a host part that is set is a slip of the pen, not another network."""
    return tuple(network(name, text.strip()) for text in given)


def network(name: str, text: str) -> str:
    try:
        return str(ip_network(text))
    except ValueError:
        raise NotUnderstood(name, said("{} is no address and no network; write 10.0.0.0/8", text)) from None
