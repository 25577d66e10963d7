"""Corrections as `/revisions` answers them: rows of text (`markets.queries.texts`), for each set of filters."""

from collections.abc import Iterator
from dataclasses import asdict, replace
from functools import cache
from typing import Any

from django.db.models import QuerySet

from markets.licence import Audience
from markets.models import Revision
from markets.queries import revisions
from markets.queries.asked_once import DAYS, MOMENTS, NUMBER, NUMBERS, TEXTS, Mark, PreparedQuestion, QuestionOf
from markets.queries.revisions import PLACE, Key, Wanted
from markets.queries.texts import Digits, Moment, TextsOf, day_of

MARKS: dict[str, Mark] = {
    "instrument": NUMBERS[0],
    "source": NUMBERS[1],
    "table": TEXTS[0],
    "start": DAYS[0],
    "end": DAYS[1],
    "seen_from": MOMENTS[0],
}
BEHIND = (MOMENTS[1], NUMBERS[2])
AS_TEXT = {"seen_at": Moment("seen_at"), "rate__effective_date": day_of("rate__effective_date")}
# As `queries.revisions.keys` names them.
KEY = ("moment", "own", "pk")
PROOF = ("source__code", "number", "sha256")


def page(wanted: Wanted, asker: Audience, limit: int, offset: int) -> tuple[list[dict[str, Any]], Key | None]:
    """The items, and the key of the last one where there are more behind it; at most three statements."""
    behind = wanted.behind
    given = values(wanted)
    found = keys(asker, tuple(given), None if behind is None else behind.own)
    at = () if behind is None else (behind.seen_at, behind.pk)
    lines = [Key(*line) for line in found.page(limit + 1, offset, *given.values(), *at)]
    sent = lines[:limit]
    return list(revisions.revision_items(sent, texts)), sent[-1] if len(lines) > limit else None


def count(wanted: Wanted, asker: Audience) -> int:
    """Of the whole list from a cursor on."""
    behind, given = wanted.behind, values(wanted)
    at = () if behind is None else (behind.seen_at, behind.pk)
    return keys(asker, tuple(given), None if behind is None else behind.own).count(*given.values(), *at)


def values(wanted: Wanted) -> dict[str, Any]:
    named = asdict(replace(wanted, behind=None))
    return {name: value for name, value in named.items() if value is not None}


@cache
def keys(asker: Audience, names: tuple[str, ...], own: int | None) -> TextsOf:
    """Behind a row that is `own`, if it is of a page behind one."""

    def asked(*marks: Any) -> QuerySet[Any, Any]:
        *given, seen_at, pk = marks if own is not None else (*marks, None, None)
        behind = None if own is None else Key(seen_at, own, pk)
        return revisions.revisions(Wanted(**dict(zip(names, given, strict=True)), behind=behind), asker)

    # One currency of many has another plan than all of them.
    marks = *(MARKS[name] for name in names), *(() if own is None else BEHIND)
    return TextsOf(asked, KEY, *marks, kind=QuestionOf)


def texts(wanted: list[int]) -> Iterator[dict[str, Any]]:
    width, half = len(PLACE), len(side("old"))
    for line in TEXTS_OF_KEYS.rows_of(wanted):
        old, new = line[width : width + half], line[width + half :]
        yield revisions.source_item(line[:width], revisions.side(*old), revisions.side(*new))


def of_keys(wanted: tuple[int]) -> QuerySet[Revision, Any]:
    rows = Revision.objects.filter(pk__in=wanted).order_by()
    return rows.values_list(*(AS_TEXT.get(name, name) for name in PLACE), *side("old"), *side("new"))


def side(which: str) -> list[Any]:
    figures = [Digits(f"{which}_{name}", f"{which}_scale") for name in ("mid", "bid", "ask")]
    return [*figures, *(f"{which}_{name}" for name in PROOF)]


TEXTS_OF_KEYS = PreparedQuestion(of_keys, (NUMBER,))
