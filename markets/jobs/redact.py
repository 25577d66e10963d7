"""Redaction: removes API keys, tokens and passwords from text before it is stored, logged or answered."""

import re
from functools import cache
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from django.conf import settings

# key=value and "key": "value", also with a scheme before the value or quotes around one of several words.
NAMED = re.compile(
    r"""(?ix) ( (?:api[-_]?key | token | secret | password | authorization) ["']? \s* [=:] \s* )
    (?: "[^"]*" | '[^']*' | (?:(?:bearer|basic|token)\s+)? [^&\s"',]+ )"""
)
# Begins every client token, so that no other word costs a look into the table; secret scanners find it by that too.
TOKEN_START = "charon_"  # noqa: S105
CLIENT_TOKEN = re.compile(rf"{TOKEN_START}[A-Za-z0-9_-]{{16,}}")
WORD = re.compile(r"\S+")
# Who knows the address of the heartbeat can keep its watchman quiet.
OURS = re.compile(r"[A-Z_]+_API_KEY|API_TOKEN|SECRET_KEY|HEARTBEAT_URL|SENTRY_DSN")
# What follows is the key: a header without its name, and addresses to which whoever knows them may write.
KEY_FOLLOWS = re.compile(
    r"""(?ix) ( \bbearer\s+ (?=[\w.~+/=-]{16})
    | hooks\.slack\.com/(?:services|workflows|triggers)/
    | discord(?:app)?\.com/api/(?:v\d+/)?webhooks/
    | api\.telegram\.org/(?:file/)?bot ) [^\s"'<>]+"""
)
# Shorter values are not keys: `demo` is an ordinary word.
MIN_KEY_LENGTH = 8


def without_secrets(text: str) -> str:
    """Replaces the operator's own keys, and everything that looks like a key in a URL or a header, by `***`."""
    return WORD.sub(without_password, KEY_FOLLOWS.sub(r"\1***", NAMED.sub(r"\1***", without_keys(text))))


def without_secrets_within(value: Any) -> Any:
    """The same for each text in lists and dictionaries."""
    if isinstance(value, str):
        return without_secrets(value)
    if isinstance(value, dict):
        return {name: without_secrets_within(one) for name, one in value.items()}
    return [without_secrets_within(one) for one in value] if isinstance(value, list | tuple) else value


def without_password(word: re.Match[str]) -> str:
    """What stands between `://` and the last `@` of a word; one pass, since a source may send 60 kB of `://`."""
    before, mark, address = word[0].partition("://")
    return f"{before}://***@{address.rpartition('@')[2]}" if mark and "@" in address[1:] else word[0]


@cache
def key_settings() -> list[str]:
    """To look through all settings takes 0.1 ms, and each line of the log and each error asks."""
    return list(filter(OURS.fullmatch, dir(settings)))


def keys() -> list[str]:
    """The operator's own: keys, and the passwords of database and Redis, which an error may quote without their URL."""
    named = [str(getattr(settings, name, "")) for name in key_settings()]
    return [*named, *written(str(settings.DATABASES["default"].get("PASSWORD", ""))), *of_url(settings.REDIS_URL)]


def written(password: str) -> tuple[str, str]:
    return password, quote(password, safe="")


@cache
def of_url(url: str) -> tuple[str, ...]:
    return written(unquote(urlsplit(url).password or ""))


def without_keys(text: str) -> str:
    """Replaces the values of `keys`, and client tokens, by `***`. A traceback may quote them, and more people
    read logs.
    """
    if TOKEN_START in text:
        text = CLIENT_TOKEN.sub("***", text)
    for key in keys():
        if len(key) >= MIN_KEY_LENGTH:
            text = text.replace(key, "***")
    return text
