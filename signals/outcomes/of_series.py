"""The record of one instrument as its page asks for it: one statement whose SQL is written once."""

from types import SimpleNamespace
from typing import Any, cast

from django.db.models import QuerySet

from markets.licence import Audience
from markets.queries.asked_once import NUMBER, QuestionOf
from signals import rules
from signals.api_rows import closed
from signals.models import DAILY
from signals.outcomes import queries
from signals.outcomes.models import Outcome
from signals.outcomes.queries import Shown

COLUMNS = tuple(one.attname for one in Outcome._meta.concrete_fields if one.attname not in {"id", "instrument_id"})


def panels_of(instrument: int) -> "QuerySet[Outcome, Any]":
    rows = Outcome.objects.filter(instrument=instrument, timeframe=DAILY).exclude(
        instrument__in=closed(Audience.PAGE)
    )  # fmt: skip
    return rows.order_by("family", "rule", "horizon", "live").values_list(*COLUMNS)


PANELS = QuestionOf(panels_of, NUMBER)


def rows(instrument: int) -> list[tuple[Any, ...]]:
    """One statement, by rule and horizon, back-tested before live ones."""
    return PANELS.rows_of(instrument)


def shown(row: tuple[Any, ...]) -> Shown:
    """In the language that is on."""
    panel = cast("Outcome", SimpleNamespace(**dict(zip(COLUMNS, row, strict=True))))
    labels = {one.name: one.label for one in rules.active()}
    return queries.shown(panel, labels.get(panel.rule, panel.rule))
