"""A signed webhook: Standard Webhooks 1.0.0 (github.com/standard-webhooks/standard-webhooks, spec).

The bytes that are signed are the bytes that are sent. While a secret is changed both sign, and the receiver may know
either of them.
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import UTC
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from markets import clock
from signals.alerts.channels import addresses, http
from signals.alerts.channels.channel import Config, Failed, Field, Kind, Message, misconfigured

PREFIX = "whsec_"
SECRET_BYTES = range(24, 65)
# The specification asks for less than 20 kB.
MAX_BYTES = 20_000
# Letters of each text and members of each list and object, tried in this order until the body is short enough.
SHORTER = ((2000, 100), (500, 20), (100, 10), (50, 5))
ADDRESS_HELP = _("Publiczny adres https; wyjątki wymienia zmienna CHANNEL_ALLOWED_HOSTS")
NEW_KEY = _("Nowy klucz tworzy polecenie: echo whsec_$(openssl rand -base64 32)")
BOTH_SIGN = _("Na czas zmiany: wiadomości są podpisane oboma kluczami")


def send(config: Config, message: Message) -> int:
    """The status of the answer. Each try has the same id and the same body, and a signature of its own moment."""
    if check(config):
        raise misconfigured()
    secrets = secrets_of(config)
    body = body_of(message)
    sent_at = str(int(clock.now().timestamp()))
    headers = {
        "Content-Type": "application/json",
        "webhook-id": message.key,
        "webhook-timestamp": sent_at,
        "webhook-signature": " ".join(signature(secret, message.key, sent_at, body) for secret in keys_of(secrets)),
    }
    return http.post(config["url"], body, headers, secrets=secrets)


def signature(key: bytes, message_id: str, sent_at: str, body: bytes) -> str:
    """`v1,` and the HMAC-SHA256 of `id.timestamp.body` in base64."""
    signed = b".".join((message_id.encode(), sent_at.encode(), body))
    return f"v1,{base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()}"


def secrets_of(config: Config) -> list[str]:
    """The new secret first."""
    return [secret for name in ("secret", "old_secret") if (secret := config.get(name, ""))]


def keys_of(secrets: list[str]) -> Iterator[bytes]:
    try:
        yield from map(key_of, secrets)
    except ValueError:
        raise Failed("a secret of this channel is malformed", final=True) from None


def key_of(secret: str) -> bytes:
    """The bytes of `whsec_...`; raises ValueError, which quotes nothing, unless they are 24 to 64."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True) if secret.startswith(PREFIX) else b""
    except (binascii.Error, ValueError):
        key = b""
    if len(key) not in SECRET_BYTES:
        raise ValueError("a secret is whsec_ and the base64 of 24 to 64 bytes")
    return key


def body_of(message: Message) -> bytes:
    """JSON of less than 20 kB, equal in each try: `timestamp` is when it happened. What is too long is shortened."""
    body = encoded(message, facts(message) | dict(message.data))
    for letters, members in SHORTER:
        if len(body) < MAX_BYTES:
            return body
        cut = shortened(facts(message), letters, members) | shortened(dict(message.data), letters, members)
        body = encoded(message, cut | {"shortened": True})
    return body if len(body) < MAX_BYTES else encoded(message, shortened(facts(message), 200, 5) | {"shortened": True})


def facts(message: Message) -> dict[str, Any]:
    return {
        "title": message.title,
        "text": message.text,
        "incident": message.incident,
        "critical": message.critical,
        "link": message.link,
    }


def encoded(message: Message, data: dict[str, Any]) -> bytes:
    at = message.at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    whole = {"type": message.type, "timestamp": at, "data": data}
    # Sorted, because PostgreSQL gives the keys of its JSON back in another order.
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode("utf-8", "replace")


def shortened(value: Any, letters: int, members: int) -> Any:
    if isinstance(value, str):
        return value if len(value) <= letters else value[: letters - 1] + "…"
    if isinstance(value, list | tuple):
        return [shortened(one, letters, members) for one in value[:members]]
    if isinstance(value, dict):
        return {name: shortened(one, letters, members) for name, one in sorted(value.items())[:members]}
    return value


def check(config: Config) -> dict[str, str]:
    faults = {"url": addresses.fault_in_words(config.get("url", ""))}
    for name in ("secret", "old_secret"):
        if (secret := config.get(name, "")) or name == "secret":
            faults[name] = fault_of_secret(secret)
    return {name: fault for name, fault in faults.items() if fault}


def fault_of_secret(secret: str) -> str:
    try:
        key_of(secret)
    except ValueError:
        return gettext("Klucz to whsec_, a po nim od 24 do 64 bajtów w base64")
    return ""


def target(config: Config) -> str:
    return addresses.host_of(config.get("url", ""))


KIND = Kind(
    "webhook",
    _("webhook"),
    (
        Field("url", _("Adres"), secret=True, help=ADDRESS_HELP),
        Field("secret", _("Klucz podpisu"), secret=True, help=NEW_KEY),
        Field("old_secret", _("Poprzedni klucz podpisu"), secret=True, required=False, help=BOTH_SIGN),
    ),
    check,
    target,
    send,
)
