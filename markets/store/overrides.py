"""The writer of the figures that operators set: a row is added or withdrawn, never edited, and no rate is touched."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from django.db import IntegrityError, transaction

from markets import clock
from markets.decimals import scale_of
from markets.errors import ConflictError, QuestionError
from markets.instruments.names import GOLD, printable
from markets.models import Instrument, Override
from markets.records import RateRecord
from markets.redis import generations
from markets.store import validation

GOLD_TABLE, TWO_SIDED = "gold", "C"
# The archive of the NBP begins in that year; no source has an older figure.
OLDEST = date(1984, 1, 1)
SHORTEST_REASON = 3
LONGEST_NAME = 150
STANDS = "a figure was set there already; withdraw it first"
# mid, bid and ask, all three named.
Figures = Mapping[str, Decimal | None]


def add(
    instrument: Instrument, table: str, day: date, figures: Figures, reason: str, author: str
) -> Override:  # fmt: skip
    """Raises QuestionError for figures that no publication could have, ConflictError where one stands already."""
    if found := fault(instrument, table, day, figures, reason):
        raise (ConflictError if found == STANDS else QuestionError)(f"{instrument.code} {table} {day}: {found}")
    scale = max(scale_of(value) for value in figures.values() if value is not None)
    row = Override(
        instrument=instrument, table=table, effective_date=day, **figures, scale=scale,
        author=author[:LONGEST_NAME], reason=printable(reason), created_at=clock.now(),
    )  # fmt: skip
    try:
        with transaction.atomic():
            row.save(force_insert=True)
            generations.changed([instrument.pk])
    except IntegrityError:  # somebody else was faster
        raise ConflictError(f"{instrument.code} {table} {day}: {STANDS}") from None
    return row


def fault(instrument: Instrument, table: str, day: date, figures: Figures, reason: str) -> str:
    """Why the row may not be added; empty when it may."""
    found = against(instrument, table, day, figures)
    if not found and len(printable(reason)) < SHORTEST_REASON:
        found = f"the reason must have {SHORTEST_REASON} characters"
    there = Override.objects.filter(instrument=instrument, table=table, effective_date=day, withdrawn_at=None)
    return found or (STANDS if there.exists() else "")


def withdraw(row: Override, by: str) -> bool:
    """False for one that was withdrawn already: its moment stays."""
    with transaction.atomic():
        standing = Override.objects.filter(pk=row.pk, withdrawn_at=None)
        done = standing.update(withdrawn_at=clock.now(), withdrawn_by=by[:LONGEST_NAME])
        if done:
            generations.changed([row.instrument_id])
    return bool(done)


def against(instrument: Instrument, table: str, day: date, values: Figures) -> str:
    """The reason to refuse the figure; empty when it could have been published so."""
    if (instrument.code == GOLD) != (table == GOLD_TABLE):
        return f"{instrument.code} does not stand in table {table}"
    if instrument.kind not in {Instrument.Kind.CURRENCY, Instrument.Kind.METAL, Instrument.Kind.PAIR}:
        return f"{instrument.code} has no official rate"
    if day > clock.today():
        return f"{day} has not come yet"
    if day < OLDEST:
        return f"{day}: no table is older than {OLDEST.year}"
    if (values["mid"] is None) != (table == TWO_SIDED):
        return "table C has bid and ask, every other table a mid"
    if values["mid"] is not None and (values["bid"] is not None or values["ask"] is not None):
        return "a mid has neither bid nor ask beside it"
    rate = RateRecord(instrument.code, mid=values["mid"], bid=values["bid"], ask=values["ask"])
    return validation.numbers_fit(rate) or validation.bid_below_ask(rate)
