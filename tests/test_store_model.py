"""The writer beside a plain model in Python: any batches, in any order and again, end in the same rows and Revisions.

On SQLite as on PostgreSQL; there also through the temporary table that many changed rows take.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from unittest.mock import patch

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from markets import events
from markets.jobs import runs
from markets.models import Job, Publication, Quote, Rate, Revision, Source
from markets.records import RateRecord, Table
from markets.store import copying, publish
from tests.news import news

FIRST = date(2024, 1, 2)
CODES = ("USD", "CLP")
# The same value with other digits, other values, and one that may not in.
VALUES = ("3.94", "3.9400", "4.01", "0.00025526", "110", "0.0000")
NOBODY = ("", "")

Content = dict[str, str]
Lines = tuple[str | None, str | None, str | None]


@dataclass
class Row:
    """A figure as the model keeps it; `proof` is the place of its publication."""

    source: str
    letter: str
    day: date
    code: str
    lines: Lines
    proof: tuple[str, date] | None

    def shown(self) -> tuple[Any, ...]:
        return (self.source, self.letter, self.day, self.code, self.lines, self.proof)


def same(one: Lines, other: Lines) -> bool:
    return [value and Decimal(value) for value in one] == [value and Decimal(value) for value in other]


def scale(lines: Lines) -> int:
    return max(len(text.partition(".")[2]) for text in lines if text)


@dataclass
class Model:
    """What the writer promises, in the simplest words: lists searched from end to end."""

    rows: list[Row] = field(default_factory=list)
    proofs: dict[tuple[str, date], tuple[str, str]] = field(default_factory=dict)
    revisions: list[tuple[Any, ...]] = field(default_factory=list)
    told: dict[tuple[str, str], list[date]] = field(default_factory=lambda: defaultdict(list))
    counts: tuple[int, int, int] = (0, 0, 0)

    def save(self, source: str, tables: list[Table]) -> None:  # noqa: C901  as the writer's promise reads, in one go
        inserted, changed, revised = 0, 0, len(self.revisions)
        before, again, met = dict(self.proofs), {}, set[int]()
        for table in sorted(tables, key=lambda table: table.effective_date):
            figures = [figure for figure in table.rates if all(value is None or value for value in numbers(figure))]
            if not figures:
                continue
            place = (table.table, table.effective_date)
            if table.sha256:
                if place in self.proofs and self.proofs[place][1] != table.sha256:
                    again[place] = table
                if place not in self.proofs or place in again:
                    self.proofs[place] = (table.number, table.sha256)
            for figure in figures:
                lines = texts(figure)
                row = self.find(source, table, figure.code)
                met.add(id(row))
                if row is None:
                    row = Row(source, *place, figure.code, lines, place if table.sha256 else None)
                    self.rows.append(row)
                    met.add(id(row))
                    inserted += 1
                    self.told[source, figure.code].append(table.effective_date)
                elif not self.stands(row, source) and self.take(row, source, table, lines, before):
                    changed += 1
        for row in self.rows:
            stands = row.proof in again and row.code in {rate.code for rate in again[row.proof].rates}
            if row.proof in again and id(row) not in met and not stands:
                self.revise(row, "nbp", again[row.proof], (None, None, None), scale(row.lines), before)
                row.proof = None
                changed += 1
        revised = len(self.revisions) - revised
        self.counts = (inserted, changed - revised, revised)

    def stands(self, row: Row, source: str) -> bool:
        """An archive never takes an official row over."""
        return source == "nbp_archive" and row.source == "nbp"

    def find(self, source: str, table: Table, code: str) -> Row | None:
        """Our own row of that table, else in A and B an archive's of that day; an archive knows no letters."""
        of_day = [row for row in self.rows if (row.day, row.code) == (table.effective_date, code)]
        mids = [row for row in of_day if row.letter in "AB"]
        if source == "nbp_archive":
            return mids[0] if mids else None
        own = [row for row in of_day if (row.source, row.letter) == (source, table.table)]
        fallbacks = [row for row in mids if row.source == "nbp_archive"] if table.table in "AB" else []
        return next(iter(own + fallbacks), None)

    def take(self, row: Row, source: str, table: Table, lines: Lines, before: dict[Any, Any]) -> bool:
        proof = (table.table, table.effective_date) if table.sha256 else None
        differs = not same(row.lines, lines)
        again = row.source == source and not differs
        same_place = row.source == source and row.letter == table.table and row.proof == proof
        if again and scale(lines) <= scale(row.lines):
            lines = row.lines  # the most digits that this source ever gave the figure
            if same_place:
                return False
        if differs:
            self.revise(row, source, table, lines, scale(lines), before)
        if not (again and same_place):
            self.told[source, row.code].append(row.day)
        row.source, row.letter, row.lines, row.proof = source, table.table, lines, proof
        return True

    def revise(self, row: Row, source: str, table: Table, lines: Lines, digits: int, before: dict[Any, Any]) -> None:
        old = (row.source, decimals(row.lines), scale(row.lines), before.get(row.proof, NOBODY))
        new = (source, decimals(lines), digits, (table.number, table.sha256))
        self.revisions.append((row.day, row.code, old, new))

    def quotes(self) -> set[tuple[Any, ...]]:
        found = set()
        for code in {row.code for row in self.rows if row.lines[0]}:
            mids = sorted((-row.day.toordinal(), row.letter, row.source, row.lines[0]) for row in self.rows
                          if row.code == code and row.lines[0])  # fmt: skip
            newest = mids[0]
            older = [mid for mid in mids if mid[0] > newest[0]]
            previous = (older[0][3], date.fromordinal(-older[0][0])) if older else (None, None)
            found.add((code, newest[2], newest[1], date.fromordinal(-newest[0]), newest[3], *previous))
        return found


def numbers(figure: RateRecord) -> tuple[Decimal | None, Decimal | None, Decimal | None]:
    return figure.mid, figure.bid, figure.ask


def texts(figure: RateRecord) -> Lines:
    mid, bid, ask = (None if value is None else f"{value:f}" for value in numbers(figure))
    return mid, bid, ask


def decimals(lines: Lines | tuple[Decimal | None, ...]) -> tuple[Decimal | None, ...]:
    return tuple(None if value is None else Decimal(value) for value in lines)


def stored_rows() -> list[tuple[Any, ...]]:
    rows = Rate.objects.select_related("instrument", "source", "publication")
    return sorted(
        (
            (
                row.source.code,
                row.table,
                row.effective_date,
                row.instrument.code,
                tuple(None if value is None else f"{value:f}" for value in map(row.published, ("mid", "bid", "ask"))),
                row.publication and (row.publication.table, row.publication.effective_date),
            )
            for row in rows
        ),
        key=repr,
    )


def stored_revisions() -> list[tuple[Any, ...]]:
    rows = Revision.objects.select_related("rate__instrument", "old_source", "new_source").order_by("pk")
    return [
        (
            row.rate.effective_date,
            row.rate.instrument.code,
            (row.old_source.code, (row.old_mid, row.old_bid, row.old_ask), row.old_scale,
             (row.old_number, row.old_sha256)),
            (row.new_source.code, (row.new_mid, row.new_bid, row.new_ask), row.new_scale,
             (row.new_number, row.new_sha256)),
        )
        for row in rows
    ]  # fmt: skip


def stored_quotes() -> set[tuple[Any, ...]]:
    found = set()
    for row in Quote.objects.select_related("instrument", "source"):
        previous = row.previous and f"{row.previous:.{row.previous_scale}f}"
        found.add(
            (row.instrument.code, row.source.code, row.table, row.effective_date, f"{row.price:.{row.scale}f}",
             previous, row.previous_date)
        )  # fmt: skip
    return found


def stored_news() -> dict[str, tuple[date, date, int]]:
    """The engine's open rows: what every source brought of an instrument."""
    return {
        row.instrument.code: (row.from_time.date(), row.to_time.date(), row.rows)
        for row in news().select_related("instrument")
    }


def stored_messages(jobs: Iterable[Job]) -> dict[tuple[str, str], tuple[str, str, int]]:
    """What Redis will be told of each job."""
    return {
        (job.source.code, body["asset"]): (body["from"], body["to"], body["rows"])  # type: ignore[union-attr,misc]
        for job in jobs
        for body in events.messages(job)
    }


@st.composite
def official(draw: st.DrawFn) -> tuple[str, list[Table]]:
    """Some tables of some days, each from one of three editions."""
    places = draw(st.lists(st.tuples(st.sampled_from("ABC"), st.integers(0, 2)), min_size=1, max_size=6, unique=True))
    tables = []
    for letter, number in places:
        content = draw(st.dictionaries(st.sampled_from(CODES), st.sampled_from(VALUES), min_size=1))
        edition = draw(st.sampled_from("abc"))
        lines = [line(code, text, letter) for code, text in content.items()]
        day = FIRST + timedelta(days=number)
        tables.append(Table(letter, day, lines, f"{edition}/{letter}", None, "https://nbp.example/", edition * 64))
    return "nbp", tables


def line(code: str, text: str, letter: str) -> RateRecord:
    if letter == "C":
        return RateRecord(code, bid=Decimal(text), ask=Decimal(text) * 2)
    return RateRecord(code, mid=Decimal(text))


@st.composite
def from_the_archive(draw: st.DrawFn) -> tuple[str, list[Table]]:
    """One figure a code and day, under the letter that the archive guesses."""
    figures: dict[tuple[str, int], list[RateRecord]] = defaultdict(list)
    places = st.tuples(st.sampled_from(CODES), st.integers(0, 2))
    for (code, number), text in draw(st.dictionaries(places, st.sampled_from(VALUES), min_size=1)).items():
        figures[draw(st.sampled_from("AB")), number].append(RateRecord(code, mid=Decimal(text)))
    return "nbp_archive", [
        Table(letter, FIRST + timedelta(days=number), lines) for (letter, number), lines in figures.items()
    ]


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[str, list[Table]]]:
    """Batches in any order, some of them more than once."""
    batches = draw(st.lists(st.one_of(official(), from_the_archive()), min_size=1, max_size=7))
    return batches + draw(st.lists(st.sampled_from(batches), max_size=4))


@pytest.mark.slow
@given(history=histories(), worth_a_table=st.sampled_from([1, copying.MIN_TEMPORARY_ROWS]))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_history_of_batches_ends_as_in_the_model(
    nbp: Source, archive: Source, history: list[tuple[str, list[Table]]], worth_a_table: int
) -> None:
    with transaction.atomic(), patch.object(copying, "MIN_TEMPORARY_ROWS", worth_a_table):
        jobs = {source.code: runs.start(source.code, source, Job.Trigger.COMMAND) for source in (nbp, archive)}
        model = Model()
        for source, tables in history:
            outcome = publish.publish(tables, jobs[source].source, jobs[source])  # type: ignore[arg-type]
            model.save(source, tables)
            assert (outcome.inserted, outcome.taken_over, outcome.revised) == model.counts
            assert stored_rows() == sorted((row.shown() for row in model.rows), key=repr)
        # Of one batch the order is nobody's business.
        assert sorted(stored_revisions(), key=repr) == sorted(model.revisions, key=repr)
        assert stored_quotes() == model.quotes()
        assert stored_messages(jobs.values()) == {
            place: (str(min(days)), str(max(days)), len(days)) for place, days in model.told.items()
        }
        both = {code: [*model.told["nbp", code], *model.told["nbp_archive", code]] for _, code in [*model.told]}
        assert stored_news() == {code: (min(days), max(days), len(days)) for code, days in both.items()}
        proofs = {(row.table, row.effective_date): (row.number, row.sha256) for row in Publication.objects.all()}
        assert proofs == model.proofs
        connection.check_constraints()
        transaction.set_rollback(True)


@pytest.mark.slow
@given(history=histories())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_same_batch_again_at_once_writes_nothing(
    nbp: Source, archive: Source, history: list[tuple[str, list[Table]]]
) -> None:
    with transaction.atomic():
        jobs = {source.code: runs.start(source.code, source, Job.Trigger.COMMAND) for source in (nbp, archive)}
        for source, tables in history:
            for _ in range(2):
                outcome = publish.publish(tables, jobs[source].source, jobs[source])  # type: ignore[arg-type]
            assert (outcome.written, outcome.left_out) == (0, [])
        transaction.set_rollback(True)
