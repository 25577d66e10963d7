"""The source's own words about an error: found in its body, short, on one line, without secrets and addresses."""

import html
import re
from collections.abc import Collection
from typing import Any

import msgspec

from markets.network.body_text import text_of

MAX_BODY, MAX_WORDS, MAX_DEPTH = 64 * 1024, 160, 4
# Where APIs put a sentence, the most telling first: NBP and proxies send plain text, these send JSON.
MESSAGES = ("error_message", "message", "msg", "error_description", "error", "detail", "title", "description")
CODES = ("error_code", "code", "errorCode")
TITLE = re.compile(r"<title[^>]{0,200}>(.{0,500}?)</title", re.IGNORECASE | re.DOTALL)
# Of JSON that was cut off, or that is none.
CUT = re.compile(r'"(?:error_message|message|msg|error)"\s*:\s*"([^"\\]+)"')
# Whom the source has seen asking, and whom it names: neither is for the public. A match begins only where a word does:
# from every letter of a word of 64 kB the search took 16 s.
ADDRESSES = re.compile(
    r"(?<!\w)\w+://\S+|(?<!\S)\S+@\S+|(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?(?![\d.])|(?<![\w:])(?:[0-9a-f]{0,4}:){3,7}[0-9a-f]{0,4}",
    re.IGNORECASE,
)
# A shorter word is no secret, and may be a part of others.
MIN_SECRET = 4


def said(body: bytes, secrets: Collection[str] = ()) -> str:
    """At most 160 characters: the message of JSON with its code, the title of HTML, or plain text; empty for none."""
    words = "".join(letter if letter.isprintable() else " " for letter in sentence(text_of(body[:MAX_BODY])))
    return " ".join(ADDRESSES.sub("***", without(secrets, words)).split())[:MAX_WORDS]


def without(secrets: Collection[str], text: str) -> str:
    for secret in sorted((secret for secret in secrets if len(secret) >= MIN_SECRET), key=len, reverse=True):
        text = re.sub(re.escape(secret), "***", text, flags=re.IGNORECASE)
    return text


def sentence(text: str) -> str:
    if text[:1] in {"{", "[", '"'}:
        try:
            return message(msgspec.json.decode(text))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            found = CUT.search(text)
            return html.unescape(found[1]) if found else ""
    if text.startswith("<"):
        found = TITLE.search(text)
        return html.unescape(found[1]) if found else ""
    return text


def message(value: Any, depth: int = 0) -> str:
    """The first sentence that stands under a usual name, and the code beside it."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return message(value[0], depth + 1) if value and depth < MAX_DEPTH else ""
    if not isinstance(value, dict) or depth >= MAX_DEPTH:
        return ""
    inner = [value[name] for name in MESSAGES if value.get(name)]
    inner += [other for other in value.values() if isinstance(other, dict | list)]
    words = next((found for one in inner if (found := message(one, depth + 1))), "")
    code = next((value[name] for name in CODES if isinstance(value.get(name), int | str)), "")
    return f"{words} ({code})" if words and code != "" and str(code) not in words else words or str(code)
