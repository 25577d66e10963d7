"""Figures against what the tables hold: insert, take over from an archive, revise, or leave alone."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from datetime import date
from decimal import Decimal
from itertools import chain
from typing import Any

from markets import clock
from markets.models import Job, Rate, Revision, Source
from markets.records import RateRecord, Table
from markets.store import bulk, copying
from markets.store.publications import Proofs
from markets.store.quotes import Written
from markets.store.stored_rates import ExistingRows, StoredRate
from markets.store.validation import MAX_DECIMALS

CHANGEABLE = {
    "source_id": "bigint",
    "table": "text",
    "mid": "numeric",
    "bid": "numeric",
    "ask": "numeric",
    "scale": "smallint",
    "publication_id": "bigint",
}
COLUMNS = ("instrument_id", "effective_date", *CHANGEABLE)
REVISION_COLUMNS = (
    *("rate_id", "seen_at", "job_id"),
    *("old_source_id", "old_mid", "old_bid", "old_ask", "old_scale", "old_number", "old_sha256"),
    *("new_source_id", "new_mid", "new_bid", "new_ask", "new_scale", "new_number", "new_sha256"),
)

QUANTA = [Decimal(1).scaleb(-decimals) for decimals in range(MAX_DECIMALS + 1)]

Days = dict[int, list[date]]
# A table, its day and an instrument.
Place = tuple[str, date, int]
Digits = tuple[str | None, str | None, str | None]
Row = tuple[Any, ...]
# Each rate with the id of its instrument.
Figures = Iterable[tuple[int, RateRecord]]
Stored = dict[int, StoredRate]


class Batch:
    """The rows that one save is about to write, by kind; `days` and `mids` hold what changed for each instrument.

    Tables are added in the order of their days.
    """

    def __init__(self, source: Source, known: ExistingRows, proofs: Proofs, job: Job) -> None:
        self.source, self.known, self.proofs, self.job = source, known, proofs, job
        self.seen_at = bulk.moment(clock.now())
        self.inserted = 0
        self.updates: list[tuple[Any, ...]] = []
        self.revisions: list[tuple[Any, ...]] = []
        self.days: Days = defaultdict(list)
        self.mids: dict[int, list[Written]] = defaultdict(list)
        self.met: set[int] = set()

    def take(self, tables: Iterable[tuple[Table, Figures]]) -> None:
        """Compare and insert: a new row is on its way to the database while the next ones are looked at."""
        copying.insert(Rate._meta.db_table, COLUMNS, chain.from_iterable(self.new(*one) for one in tables))

    def new(self, table: Table, rates: Figures) -> Iterable[Row]:
        """The rows to insert of one table; what is to be updated and revised is kept for `write`."""
        publication, (own, fallbacks) = self.proofs.of(table), self.known.of(table)
        rows = self.compared(table, rates, publication, own, fallbacks) if own or fallbacks else rates
        return self.inserts(table, rows, publication)

    def inserts(self, table: Table, rates: Figures, publication: int | None) -> Iterator[Row]:
        """Of these nothing is stored, as of nearly all of a whole history."""
        day, source, letter = table.effective_date, self.source.pk, table.table
        text, days, mids = day.isoformat(), self.days, self.mids
        for instrument, rate in rates:
            (mid, bid, ask), scale = printed(rate)
            self.inserted += 1
            days[instrument].append(day)
            if rate.mid is not None:
                mids[instrument].append((day, letter, rate.mid, scale, source))
            yield instrument, text, source, letter, mid, bid, ask, scale, publication

    def compared(
        self, table: Table, rates: Figures, publication: int | None, own: Stored, fallbacks: Stored
    ) -> Iterator[tuple[int, RateRecord]]:
        """The rates of which nothing is stored; of the others what changed is noted."""
        day, source = table.effective_date, self.source.pk
        for instrument, rate in rates:
            row = own.get(instrument) or fallbacks.pop(instrument, None)
            if row is None:
                yield instrument, rate
                continue
            self.met.add(row.id)
            if row.source_id == self.known.official or self.unchanged(row, table, rate, publication):
                continue
            digits, scale = printed(rate)
            if self.says_again(row, rate):
                scale = max(scale, row.scale)  # 366.90 and 366.9 are one figure: whichever file came first, 366.90
            self.updates.append((source, table.table, *digits, scale, publication, row.id))
            if not row.says(rate):
                self.revise(row, table, rate, scale)
            if not self.stands(row, table, rate, publication):
                self.days[instrument].append(day)
            if rate.mid is not None:
                self.mids[instrument].append((day, table.table, rate.mid, scale, source))

    def unchanged(self, row: StoredRate, table: Table, rate: RateRecord, publication: int | None) -> bool:
        """Nothing to write: the same figure, and none of its digits are news."""
        return self.stands(row, table, rate, publication) and has_digits(rate, row.scale)

    def stands(self, row: StoredRate, table: Table, rate: RateRecord, publication: int | None) -> bool:
        """The same value from the same source in the same table, and with its proof if there is one."""
        return (
            self.says_again(row, rate)
            and row.table == table.table
            and row.publication_id == (publication or row.publication_id)
        )

    def says_again(self, row: StoredRate, rate: RateRecord) -> bool:
        """The same value from the same source; what an archive printed is no measure for the official digits."""
        return row.says(rate) and row.source_id == self.source.pk

    def leave_out(self, refused: Collection[Place]) -> list[tuple[int, Table]]:
        """Rates that a table published again does not hold (any more): kept, but its proof is not theirs.

        One that stands there and was refused is no such rate: what is stored stays as it is.
        """
        gone = []
        for row in chain.from_iterable(rows.values() for rows in self.known.rows.values()):
            table = self.proofs.changed.get(row.publication_id or 0)
            if table is None or row.id in self.met:
                continue
            if (table.table, table.effective_date, row.instrument_id) in refused:
                continue
            self.updates.append((row.source_id, row.table, *digits_of(row), row.scale, None, row.id))
            self.revise(row, table, RateRecord(""), row.scale)
            gone.append((row.instrument_id, table))
        return gone

    def revise(self, row: StoredRate, table: Table, rate: RateRecord, scale: int) -> None:
        old_proof = self.proofs.before.get(row.publication_id or 0, ("", ""))
        old = (row.source_id, *digits_of(row), row.scale, *old_proof)
        new = (self.source.pk, *digits_of(rate), scale, table.number, table.sha256)
        self.revisions.append((row.id, self.seen_at, self.job.pk, *old, *new))

    def write(self) -> None:
        """What `take` and `leave_out` have found to be changed."""
        copying.update(Rate._meta.db_table, CHANGEABLE, self.updates)
        copying.insert(Revision._meta.db_table, REVISION_COLUMNS, self.revisions)


def digits_of(rate: RateRecord | StoredRate) -> Digits:
    """mid, bid, ask as text, exact on both databases."""
    return bulk.digits(rate.mid), bulk.digits(rate.bid), bulk.digits(rate.ask)


def has_digits(rate: RateRecord, scale: int) -> bool:
    """Whether `scale` decimals show every digit that was published."""
    if rate.mid is not None and rate.bid is None and rate.ask is None and rate.mid.same_quantum(QUANTA[scale]):
        return True  # as nearly always
    return printed(rate)[1] <= scale


def printed(rate: RateRecord) -> tuple[Digits, int]:
    """The rate's digits, and how many decimals were published; of several numbers the longest one's."""
    if rate.mid is not None and rate.bid is None and rate.ask is None:
        text = bulk.plain(rate.mid)
        return (text, None, None), len(text.partition(".")[2])
    digits = digits_of(rate)
    return digits, max(len(text.partition(".")[2]) for text in digits if text)
