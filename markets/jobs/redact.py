"""What no row, no log and no answer may hold: keys, by what they are called and by what they are."""

import re

from django.conf import settings

# key=value and "key": "value", also with a scheme before the value or quotes around one of several words.
NAMED = re.compile(
    r"""(?ix) ( (?:api[-_]?key | token | secret | password | authorization) ["']? \s* [=:] \s* )
    (?: "[^"]*" | '[^']*' | (?:(?:bearer|basic|token)\s+)? [^&\s"',]+ )"""
)
PASSWORD = re.compile(r"://[^@\s]+@")
OURS = re.compile(r"[A-Z_]+_API_KEY|API_TOKEN|SECRET_KEY")
# Shorter ones are no keys: `demo` is a word.
SHORTEST = 8


def without_secrets(text: str) -> str:
    """Without the operator's own keys, and without what looks like a key in a URL or a header."""
    return PASSWORD.sub("://***@", NAMED.sub(r"\1***", without_keys(text)))


def without_keys(text: str) -> str:
    """Also what a traceback quotes: whatever raised it, an operator's key is not for those who read logs."""
    for name in filter(OURS.fullmatch, dir(settings)):
        key = str(getattr(settings, name))
        if len(key) >= SHORTEST:
            text = text.replace(key, "***")
    return text
