"""Official tables for the tests of tax rates: real figures of the archive package, numbered as the NBP numbers them."""

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Literal

from django.db import transaction
from pytest_django import DjangoDbBlocker

from markets.jobs import runs
from markets.models import Job, Source
from markets.queries.tax.rule import Published, Relation, Rule, Sequence, Version
from markets.records import RateRecord, Table
from markets.store.publish import publish
from tests import synced
from tests.replica import data

DAY = timedelta(days=1)
LETTERS: tuple[Literal["A", "B"], ...] = ("A", "B")
SINCE = date(1990, 1, 1)


def official(start: date, end: date, codes: Collection[str] = ()) -> list[Table]:
    """Tables A and B of these days, both inclusive; of these codes alone if any are named."""
    found = []
    for year in range(start.year, end.year + 1):
        for letter in LETTERS:
            for day, table in data.tables(letter, year).items():
                rates = [
                    RateRecord(code, Decimal(mid))
                    for code, (mid, *_) in table.rates.items()
                    if not codes or code in codes
                ]
                if start <= day <= end and rates:
                    proof = sha256(f"{table.number} {day}".encode()).hexdigest()
                    found.append(Table(letter, day, rates, table.number, sha256=proof, url="https://api.nbp.pl/"))
    return sorted(found, key=lambda table: (table.effective_date, table.table))


def reference(day: str, pln: str, **others: str) -> Table:
    """The reference rates of the ECB: PLN, and others (`USD="1.1707"`), for one euro."""
    rates = [RateRecord("EUR", Decimal(pln)), *(RateRecord(f"EUR{code}", Decimal(mid)) for code, mid in others.items())]
    proof = sha256(day.encode()).hexdigest()
    return Table("eurofxref", date.fromisoformat(day), rates, sha256=proof, url="https://ecb.example/", kind="pair")


def put_in(tables: Iterable[Table], source: str = "nbp") -> None:
    """Written by the one writer, a year at a time."""
    row = Source.objects.get(code=source)
    job = runs.start(f"{source}.test", row, Job.Trigger.COMMAND)
    by_year: dict[int, list[Table]] = {}
    for table in tables:
        by_year.setdefault(table.effective_date.year, []).append(table)
    for year in sorted(by_year):
        publish(by_year[year], row, job)
    runs.finish(job, Job.Status.SUCCESS)


@contextmanager
def module_data(blocker: DjangoDbBlocker) -> Iterator[None]:
    """Rows for all tests of a module: put in once, rolled back after the last of them."""
    with blocker.unblock():
        outer = transaction.atomic()
        outer.__enter__()
        try:
            synced.sync()
            yield
        finally:
            transaction.set_rollback(True)
            outer.__exit__(None, None, None)


def rule(sequence: Sequence = Sequence.NBP, relation: Relation = Relation.BEFORE, **more: object) -> Rule:
    """A rule of one published rate, seen from `date`."""
    fields: dict[str, object] = {
        "id": "test",
        "name_pl": "reguła",
        "name_en": "rule",
        "versions": (Version("an act, art. 1", SINCE),),
        "event": lambda asked: asked.date,
        "choose": lambda asked: Published(sequence, relation, asked.date),
    }
    return Rule(**(fields | more))  # type: ignore[arg-type]
