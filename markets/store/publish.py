"""The only writer of market data: rules, insert or revise, announce; one transaction.

A rate that is new is inserted. One that an archive stood in for is taken over in place, so that readers never rank
two rows of one publisher. One whose value changed is replaced, and a Revision keeps both values. What is unchanged
costs a look and no write.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from django.db import IntegrityError, transaction
from django.db.models import Q

from markets import clock, events
from markets.history_files.place import Withdrawal
from markets.instruments.create import find_or_create
from markets.instruments.names import printable
from markets.jobs import job_results
from markets.messages import Message
from markets.models import Instrument, Job, Source
from markets.records import Table
from markets.redis import generations
from markets.store import (
    archive_readings,
    gaps,
    outbox,
    publications,
    quotes,
    rates,
    stored_rates,
    table_gaps,
    validation,
)
from markets.store.rates import Place
from markets.store.table_gaps import Covered
from markets.store.validation import Accepted, Refused, Sifted

NAME_LENGTH = 120
# How often a batch is compared and written when somebody else keeps putting in what it holds.
ATTEMPTS = 3


@dataclass(slots=True)
class PublishResult:
    """What one save did; `refused`, `new_codes` and `left_out` in words. `accepted` counts unchanged rates as well."""

    accepted: int = 0
    inserted: int = 0
    taken_over: int = 0
    revised: int = 0
    refused: list[Message] = field(default_factory=list)
    new_codes: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    brought: job_results.Brought = field(default_factory=dict)
    # The codes of which an answer about the days of this save may be another one now, and the kinds of outbox rows.
    changed: set[str] = field(default_factory=set)
    kinds: set[str] = field(default_factory=set)

    @property
    def written(self) -> int:
        return self.inserted + self.taken_over + self.revised


def publish(
    tables: Sequence[Table] | Sifted, source: Source, job: Job, windows: int = 0, covered: Covered | None = None
) -> PublishResult:
    """Write one window of publications, sifted already or not; all of it or nothing.

    `windows` of the job's windows are done with it, and it holds all that there is of the days of `covered`. Raises
    `job_leases.LeaseLost` when the job was given up meanwhile: nothing of a stale worker is kept.
    """
    sifted = tables if isinstance(tables, Sifted) else validation.sift_tables(tables, clock.today())
    tables, accepted, refused = sifted
    with Withdrawal() as files, transaction.atomic():
        source_group, has_gaps = lock_source_group(source)
        outcome = write(accepted, refused, source, source_group, job) if accepted else PublishResult()
        outcome.refused = [
            Message("about", about=validation.named(table, code), reason=reason) for table, code, reason in refused
        ]
        table_gaps.settle(source, accepted, refused, covered, has_gaps)
        job_results.progress(
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
            events.ingested.send(sender=Job, job=job, kinds=outcome.kinds)
        files.of(outcome.changed, {table.effective_date.year for table, _ in accepted})
    outcome.accepted = sifted.rates
    job_results.add_accepted(job, outcome.accepted)
    job_results.add_brought(job, tables[0].kind if tables else "", outcome.brought)
    return outcome


def lock_source_group(source: Source) -> tuple[set[int], bool]:
    """The official source and its archives: one writer at a time, for they compare with each other's rows. Answers
    their ids, and whether the source has gaps that rows might close.

    PostgreSQL needs the lock, taken in one order by everybody; SQLite has IMMEDIATE transactions. It leaves alone those
    who only refer to a source: a full lock would be waited for by a commit that we may be waiting for ourselves.
    """
    official = source.fallback_for_id or source.pk
    rows = Source.objects.select_for_update(no_key=True).filter(Q(pk=official) | Q(fallback_for=official))
    found = dict(rows.annotate(has_gaps=gaps.EXIST).order_by("pk").values_list("pk", "has_gaps"))
    return set(found), found[source.pk]


def write(accepted: Accepted, refused: Refused, source: Source, source_group: set[int], job: Job) -> PublishResult:
    """Compare and write; again when a row appeared meanwhile that the comparison had not seen.

    The lock keeps the family's other writers out, not one of another family that meets the same new code, nor a hand
    in the database. What they put in breaks the write as a whole; the next comparison sees it, and it is revised like
    any other rate instead of being written over.
    """
    for _ in range(ATTEMPTS - 1):
        try:
            with transaction.atomic():
                return compare_and_write(accepted, refused, source, source_group, job)
        except IntegrityError:
            continue
    return compare_and_write(accepted, refused, source, source_group, job)


def compare_and_write(
    accepted: Accepted, refused: Refused, source: Source, source_group: set[int], job: Job
) -> PublishResult:
    """Everything that one window changes, in the order of its foreign keys."""
    tables = [table for table, _ in accepted]
    kind = tables[0].kind
    named = newest_names(accepted)
    instruments, new_codes = find_or_create(set(named), kind)
    proofs = publications.save(tables, source, job)
    batch = rates.Batch(source, stored_rates.ExistingRows(source, source_group, tables), proofs, job)
    ids = {code: row.id for code, row in instruments.items()}
    batch.take((table, [(ids[rate.code], rate) for rate in figures]) for table, figures in accepted)
    gone = batch.leave_out(places_of(refused))
    batch.write()
    if source.fallback_for_id and batch.inserted:
        archive_readings.note(source, tables)
    before = quotes.refresh(batch.mids, source_group, {instruments[code].id for code in new_codes})
    renamed = update_names(named, instruments, before)
    kinds = outbox.write(outbox.of_days(batch.days, kind), job)
    changed = set[str]()
    if batch.inserted or batch.updates or proofs.changed or renamed:
        generations.changed({row.id for row in instruments.values()} | {instrument for instrument, _ in gone})
        changed = {*instruments, *codes_of(gone)}
    return PublishResult(
        inserted=batch.inserted,
        taken_over=len(batch.updates) - len(batch.revisions),
        revised=len(batch.revisions),
        new_codes=new_codes,
        left_out=described(gone, instruments),
        brought=brought(batch.days, instruments),
        changed=changed,
        kinds=kinds,
    )


def places_of(refused: Refused) -> set[Place]:
    """Where a rate stands in a table that may not in: what is stored there was not withdrawn by its source."""
    codes = {code for _, code, _ in refused}
    known = dict(Instrument.objects.filter(code__in=codes).values_list("code", "pk")) if codes else {}
    return {(table.table, table.effective_date, known[code]) for table, code, _ in refused if code in known}


def brought(days: rates.Days, instruments: dict[str, Instrument]) -> job_results.Brought:
    names = {instrument.id: code for code, instrument in instruments.items()}
    return {names[pk]: (written[0].isoformat(), written[-1].isoformat(), len(written)) for pk, written in days.items()}


def codes_of(gone: list[tuple[int, Table]]) -> set[str]:
    found = Instrument.objects.filter(pk__in={instrument for instrument, _ in gone})
    return set(found.values_list("code", flat=True)) if gone else set()


def described(gone: list[tuple[int, Table]], instruments: dict[str, Instrument]) -> list[str]:
    names = {instrument.id: code for code, instrument in instruments.items()}
    others = {instrument for instrument, _ in gone} - names.keys()
    names |= dict(Instrument.objects.filter(pk__in=others).values_list("pk", "code")) if others else {}
    return [f"{table.table} {table.effective_date} {names[instrument]}" for instrument, table in gone]


def newest_names(accepted: Accepted) -> dict[str, tuple[date, str]]:
    """Every code, with its newest day and the publisher's own name of it on that day."""
    found: dict[str, tuple[date, str]] = {}
    for table, figures in reversed(accepted):
        for rate in figures:
            if rate.code not in found:
                found[rate.code] = table.effective_date, rate.name
    return found


def update_names(
    named: dict[str, tuple[date, str]], instruments: dict[str, Instrument], before: dict[int, quotes.QuoteBefore]
) -> int:
    """The publisher's own name of a currency, from a table no older than its newest rate so far; how many changed."""
    renamed = 0
    for code, (day, published) in sorted(named.items()):
        instrument, name = instruments[code], printable(published)[:NAME_LENGTH]
        held = before.get(instrument.id)
        is_newest = held is None or day >= held.newest.effective_date
        if name and name != instrument.name_pl and is_newest:
            renamed += Instrument.objects.filter(pk=instrument.pk).update(name_pl=name)
    return renamed
