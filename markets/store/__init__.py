"""The only writer of market data: rules, insert or revise, announce; one transaction.

A figure that is new is inserted. One that an archive stood in for is taken over in place, so that readers never rank
two rows of one publisher. One whose value changed is replaced, and a Revision keeps both values. What is unchanged
costs a look and no write.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from django.db import transaction

from markets import catalogue, clock, events, journal, rules
from markets.models import Instrument, Job, Quote, Source
from markets.records import Figure, Table
from markets.store import announcements, publications, quotes, rates

Accepted = list[tuple[Table, list[Figure]]]
NAME_LENGTH = 120


@dataclass(slots=True)
class Outcome:
    """What one save did; `refused`, `new_codes` and `left_out` in words."""

    inserted: int = 0
    taken_over: int = 0
    revised: int = 0
    refused: list[str] = field(default_factory=list)
    new_codes: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    @property
    def written(self) -> int:
        return self.inserted + self.taken_over + self.revised


def save(tables: Sequence[Table], source: Source, job: Job, windows: int = 0) -> Outcome:
    """Write one window of publications; all of it or nothing.

    `windows` of the job's windows are done with it, which the job notes in the same transaction. Raises
    `journal.LeaseLost` when the job was given up meanwhile: nothing of a ghost's work is kept.
    """
    outcome = Outcome()
    with transaction.atomic():
        # One writer per family at a time on PostgreSQL: an archive and its official source compare with each other's
        # rows, and must see them. SQLite has IMMEDIATE transactions.
        Source.objects.select_for_update().get(pk=source.stands_in_for_id or source.pk)
        accepted = sift(tables, outcome)
        if accepted:
            write(accepted, source, job, outcome)
        journal.progress(
            job,
            rows_written=outcome.written,
            revised=outcome.revised,
            refused=outcome.refused,
            new_codes=outcome.new_codes,
            left_out=outcome.left_out,
            windows=windows,
            reached=max((table.effective_date for table in tables), default=None),
        )
        if outcome.written:
            events.ingested.send(sender=Job, job=job)
    return outcome


def sift(tables: Iterable[Table], outcome: Outcome) -> Accepted:
    """The tables with the figures that may in; the others are named in the outcome."""
    today = clock.today()
    accepted = []
    for table in tables:
        figures = []
        for figure, reason in rules.sift(table, today):
            if reason:
                outcome.refused.append(f"{table.table} {table.effective_date} {figure.code}: {reason}")
            else:
                figures.append(figure)
        if figures:
            accepted.append((table, figures))
    return accepted


def write(accepted: Accepted, source: Source, job: Job, outcome: Outcome) -> None:
    """Everything that one window changes, in the order of its foreign keys."""
    tables = [table for table, _ in accepted]
    kind = tables[0].kind
    codes = {figure.code for _, figures in accepted for figure in figures}
    instruments, outcome.new_codes = catalogue.find_or_create(codes, kind)
    proofs = publications.save(tables, source, job)
    batch = rates.Batch(source, rates.Known(source, tables), proofs, job)
    for table, figures in accepted:
        for figure in figures:
            batch.add(instruments[figure.code].id, table, figure)
    names = {instrument.id: code for code, instrument in instruments.items()}
    for instrument, table in batch.leave_out():
        code = names.get(instrument) or Instrument.objects.get(pk=instrument).code
        outcome.left_out.append(f"{table.table} {table.effective_date} {code}")
    batch.write()
    outcome.inserted, outcome.taken_over = len(batch.inserts), len(batch.updates) - len(batch.revisions)
    outcome.revised = len(batch.revisions)
    before = quotes.refresh(batch.mid_days, batch.known.family)
    take_names(accepted, instruments, before)
    announcements.widen(batch.days, kind, job)


def take_names(accepted: Accepted, instruments: dict[str, Instrument], before: dict[int, Quote]) -> None:
    """The publisher's own name of a currency, from a table no older than its newest figure so far."""
    named = {figure.code: (table.effective_date, figure.name) for table, figures in accepted for figure in figures}
    for code, (day, name) in named.items():
        instrument = instruments[code]
        newest = before.get(instrument.id)
        is_newest = newest is None or newest.effective_date is None or day >= newest.effective_date
        if name and name[:NAME_LENGTH] != instrument.name_pl and is_newest:
            Instrument.objects.filter(pk=instrument.pk).update(name_pl=name[:NAME_LENGTH])
