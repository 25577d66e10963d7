"""The address by which the world calls this installation, and the contact for those who find a hole in it."""

import re
from urllib.parse import urlsplit

from charon.startup_messages import said
from charon.variables import NotUnderstood

NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*", re.IGNORECASE)
SIX = re.compile(r"[0-9a-f:.]+", re.IGNORECASE)
MAIL = re.compile(r"[^\s@:/<>]+@[^\s@:/<>]+")


def public_url(text: str) -> tuple[str, str]:
    """(origin, host) of PUBLIC_URL; two empty strings for none. Charon lives at the root of a host."""
    if not text:
        return "", ""
    fault = NotUnderstood("PUBLIC_URL", said("{} is no address of a site; write https://rates.example.org", repr(text)))
    try:
        parts = urlsplit(text.rstrip("/"))
        port = parts.port
    except ValueError:
        raise fault from None
    host = parts.hostname or ""
    is_named = SIX.fullmatch(host) if ":" in host else NAME.fullmatch(host)
    rest = parts.path or parts.query or parts.fragment or "@" in parts.netloc or port == 0 or text != text.strip()
    if parts.scheme not in {"http", "https"} or not is_named or rest:
        raise fault
    host = f"[{host}]" if ":" in host else host
    # As a browser writes an origin: the usual port of the scheme is left out.
    is_usual = port in {None, {"http": 80, "https": 443}[parts.scheme]}
    return f"{parts.scheme}://{host}{'' if is_usual else f':{port}'}", host


def contact(text: str) -> str:
    """A URI for the line Contact (RFC 9116, 2.5.3); a bare e-mail address is made one."""
    if MAIL.fullmatch(text):
        return f"mailto:{text}"
    scheme, _, rest = text.partition(":")
    if text and (scheme not in {"https", "mailto", "tel"} or not rest or not text.isprintable() or " " in text):
        fault = "{} is neither an e-mail address nor https://, mailto: or tel:"
        raise NotUnderstood("SECURITY_CONTACT", said(fault, repr(text)))
    return text
