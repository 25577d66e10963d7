"""Redaction: removes API keys, tokens and passwords from text before it is stored, logged or answered."""

import re

from django.conf import settings

# key=value and "key": "value", also with a scheme before the value or quotes around one of several words.
NAMED = re.compile(
    r"""(?ix) ( (?:api[-_]?key | token | secret | password | authorization) ["']? \s* [=:] \s* )
    (?: "[^"]*" | '[^']*' | (?:(?:bearer|basic|token)\s+)? [^&\s"',]+ )"""
)
PASSWORD = re.compile(r"://[^@\s]+@")
OURS = re.compile(r"[A-Z_]+_API_KEY|API_TOKEN|SECRET_KEY")
# Shorter values are not keys: `demo` is an ordinary word.
MIN_KEY_LENGTH = 8


def without_secrets(text: str) -> str:
    """Replaces the operator's own keys, and everything that looks like a key in a URL or a header, by `***`."""
    return PASSWORD.sub("://***@", NAMED.sub(r"\1***", without_keys(text)))


def without_keys(text: str) -> str:
    """Replaces the values of the key settings by `***`. A traceback may quote them, and more people read logs."""
    for name in filter(OURS.fullmatch, dir(settings)):
        key = str(getattr(settings, name))
        if len(key) >= MIN_KEY_LENGTH:
            text = text.replace(key, "***")
    return text
