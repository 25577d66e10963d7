"""Decisions as `/signals` answers them: rows of text (`markets.queries.texts`), for each set of conditions."""

from collections.abc import Iterable
from datetime import datetime
from functools import cache
from typing import Any

from django.db.models import QuerySet

from markets.api import cursors
from markets.licence import Audience
from markets.queries.asked_once import MOMENTS, NUMBERS, SMALL_NUMBER, TEXTS, Mark, QuestionOf
from markets.queries.kept import Line
from markets.queries.texts import AllDigits, Moment, TextsOf
from signals import known, ledger
from signals.api_rows import COLUMNS, FIELDS, without_closed
from signals.models import DAILY, Signal

MARKS: dict[str, Mark] = {
    **dict(zip(("rule", "timeframe", "signal"), TEXTS, strict=True)),
    "instrument": NUMBERS[0],
    **dict(zip(("as_of__gte", "as_of__lte", "generated_at__lte"), MOMENTS, strict=False)),
}
# Of the row that a page begins behind: bar, version, number.
BEHIND: tuple[Mark, ...] = (MOMENTS[3], SMALL_NUMBER, NUMBERS[1])
NAMES = tuple(FIELDS.get(name, name) for name in COLUMNS)
BAR, VERSION = COLUMNS.index("as_of"), COLUMNS.index("version")
DECIMALS = 10


def newest_first(**wanted: Any) -> QuerySet[Signal]:
    return Signal.objects.filter(**wanted).order_by("-as_of", "-version", "-id")


def decisions(asker: Audience, **wanted: Any) -> QuerySet[Any]:
    """With what is known of each (`signals.known`); those that the audience may see."""
    superseded = known.superseded(wanted.get("generated_at__lte"))
    return without_closed(newest_first(**wanted).annotate(superseded=superseded), asker)


@cache
def question(asker: Audience, names: tuple[str, ...], behind: int) -> TextsOf:
    def asked(*values: Any) -> QuerySet[Signal, Any]:
        rows = decisions(asker, **dict(zip(names, values, strict=False)))
        return cursors.behind(rows, values[len(names) :]) if behind else rows

    # A rule that decides on few bars wants another plan than one of half of the table.
    marks = *(MARKS[name] for name in names), *BEHIND[:behind]
    return TextsOf(asked, [as_text(name) for name in COLUMNS], *marks, kind=QuestionOf)


def as_text(column: str) -> Any:
    if column in ledger.COLUMNS:
        return AllDigits(column, DECIMALS)
    return Moment(column) if column in {"as_of", "generated_at"} else column


def items(lines: Iterable[Line]) -> list[dict[str, Any]]:
    found = [dict(zip(NAMES, line, strict=True)) for line in lines]
    for item in found:
        if item["timeframe"] == DAILY:
            item["as_of"] = item["as_of"][: len("2026-10-26")]
    return found


def cursor_of(line: Line) -> str:
    return cursors.of_values((datetime.fromisoformat(line[BAR]), line[VERSION], line[0]))
