"""Parts of pages that are kept as markup by all that they are made of: `{% section "x/_y.html" "rows" "total" %}`.

Django's templates took half of the time of a currency's page. A section sees the named variables and nothing else, so
that none can be forgotten in its key; one that holds the clock is never found again.
"""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any, NamedTuple

import msgspec
from django import template
from django.template.loader import render_to_string
from django.urls import get_script_prefix
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import get_language

register = template.Library()

# In characters: a page of a currency has 45,000. What is longer is not kept: a few would drive out all others.
MOST, LONGEST = 8_000_000, 60_000


class Key(NamedTuple):
    template: str
    language: str
    prefix: str
    made_of: bytes


class Shelf:
    """What was asked for least recently leaves first; threads share it."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.found: OrderedDict[Key, SafeString] = OrderedDict()
        self.size = 0

    def get(self, key: Key) -> SafeString | None:
        with self.lock:
            markup = self.found.get(key)
            if markup is not None:
                self.found.move_to_end(key)
            return markup

    def put(self, key: Key, markup: SafeString) -> None:
        if len(markup) > LONGEST:
            return
        with self.lock:
            self.size += len(markup) - len(self.found.get(key, ""))
            self.found[key] = markup
            while self.size > MOST:
                _oldest, left = self.found.popitem(last=False)
                self.size -= len(left)

    def clear(self) -> None:
        with self.lock:
            self.found.clear()
            self.size = 0


SHELF = Shelf()


@register.simple_tag(takes_context=True)
def section(context: template.Context, name: str, *variables: str) -> SafeString:
    return markup(name, {variable: context.get(variable) for variable in variables})


@register.simple_tag(takes_context=True)
def bottom(context: template.Context) -> SafeString:
    """The footer, with the attributions of the sources that the page names in `sources`."""
    told = [attribution(one) for one in context.get("sources") or ()]
    return markup("_bottom.html", {"sources": told, "lang": context.get("lang")})


def attribution(source: Any) -> dict[str, str]:
    """Of a row, and of what has the same names as attributes."""
    if isinstance(source, Mapping):
        return {"attribution": source["attribution"], "licence": source["licence"]}
    return {"attribution": source.attribution, "licence": source.licence}


def markup(name: str, values: dict[str, Any]) -> SafeString:
    made_of = fingerprint(values)
    if made_of is None:
        return render_to_string(name, values)
    key = Key(name, get_language() or "", get_script_prefix(), made_of)
    made = SHELF.get(key)
    if made is None:
        made = render_to_string(name, values)
        SHELF.put(key, made)
    return made


def fingerprint(values: object) -> bytes | None:
    """Of texts, numbers, days and rows of them; None where something else is among them, which is then not kept."""
    try:
        return blake2b(WRITER.encode(values), digest_size=16).digest()
    except TypeError:
        return None


def told_apart(value: object) -> object:
    """What msgspec does not know: markup is no text of the same letters, and words wait for their language."""
    if isinstance(value, SafeString):
        return ["markup", str.__str__(value)]
    if isinstance(value, Promise):
        return str(value)
    raise TypeError(type(value))


WRITER = msgspec.msgpack.Encoder(enc_hook=told_apart)
