"""The configuration of channels, encrypted: whoever reads the database or a backup of it reads no address and no key.

Fernet (github.com/fernet/spec) with a key made of SECRET_KEY by HKDF (RFC 5869). With another SECRET_KEY, unless the
old one stands in SECRET_KEY_FALLBACKS, a channel has to be set up again.
"""

import base64
import json
from collections.abc import Mapping

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

PURPOSE = b"charon.channels"


class Unreadable(Exception):
    """The configuration was sealed under another SECRET_KEY."""


def seal(config: Mapping[str, str]) -> str:
    return keys().encrypt(json.dumps(dict(config), sort_keys=True).encode()).decode()


def unseal(sealed: str) -> dict[str, str]:
    """Raises Unreadable."""
    if not sealed:
        return {}
    try:
        text = keys().decrypt(sealed.encode())
    except InvalidToken:
        raise Unreadable from None
    return dict(json.loads(text))


def keys() -> MultiFernet:
    return MultiFernet([fernet(str(secret)) for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)])


def fernet(secret: str) -> Fernet:
    key = HKDF(algorithm=SHA256(), length=32, salt=None, info=PURPOSE).derive(secret.encode())
    return Fernet(base64.urlsafe_b64encode(key))
