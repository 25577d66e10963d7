"""What the lists of alerts and signals have in common: the instrument of a filter, and pages without a count."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import QueryDict
from django.urls import reverse

from charon.pages import rows
from markets.errors import UnknownCodeError
from markets.models import Instrument
from markets.queries.prices import find_asset
from signals.models import OFFICIAL_KINDS

# The longest code or alias there can be.
LONGEST_CODE = 32
# Rows far behind the first cost the database as much as all before them; a filter finds what lies there.
LAST_PAGE = 100


@dataclass(frozen=True, slots=True)
class Chosen:
    """The instrument that a filter names; `unknown` is what was typed where there is none, `nearest` what was meant."""

    text: str = ""
    instrument: Instrument | None = None
    unknown: str = ""
    nearest: Sequence[str] = ()


class Page(NamedTuple):
    rows: list[Any]
    number: int
    newer: str
    older: str


def chosen(text: str) -> Chosen:
    typed = text.replace("\0", "\N{REPLACEMENT CHARACTER}").strip()  # PostgreSQL takes it in no text
    if not typed:
        return Chosen()
    if len(typed) > LONGEST_CODE:
        return Chosen(typed[:LONGEST_CODE], unknown=typed[:LONGEST_CODE] + "…")
    try:
        found = find_asset(typed)
    except UnknownCodeError as error:
        return Chosen(typed, unknown=typed.upper(), nearest=error.detail["nearest"])
    return Chosen(found.code, found)


def page_of(found: QuerySet[Any], asked: QueryDict, path: str, size: int) -> Page:
    """One page, and the links to those beside it with the same filters; the first for what is no page number."""
    text = asked.get("strona", "")
    digits = text.isascii() and text.isdigit() and len(text) < 10
    number = min(max(int(text), 1), LAST_PAGE) if digits else 1
    first = (number - 1) * size
    read = list(found[first : first + size + 1])
    newer = address(path, asked, strona=number - 1) if number > 1 else ""
    older = address(path, asked, strona=number + 1) if len(read) > size and number < LAST_PAGE else ""
    return Page(read[:size], number, newer, older)


def address(path: str, asked: QueryDict, **other: object) -> str:
    """The same page with another value."""
    return address_of(
        path, {name: str(value) for name, value in asked.items()} | {name: str(value) for name, value in other.items()}
    )


def address_of(path: str, values: Mapping[str, str]) -> str:
    """What is empty, and a first page, is left out."""
    kept = {name: value for name, value in values.items() if value and (name, value) != ("strona", "1")}
    return f"{path}?{urlencode(kept)}" if kept else path


def page_of_instrument(instrument: Instrument) -> str:
    return page_of_asset(instrument.code, instrument.kind)


def page_of_asset(code: str, kind: str) -> str:
    """Of what has official rates the page of the currency or of gold, of everything else that of its candles."""
    return rows.page_of(code) if kind in OFFICIAL_KINDS else reverse("coin", args=[code])
