"""The writer on PostgreSQL: real connections that write at the same time, wait for each other, or know no lock."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from threading import Barrier, Thread
from typing import Any

import psycopg
import pytest
from django.db import connection, connections

from markets.jobs import runs
from markets.models import Instrument, Job, Publication, Quote, Rate, Revision, Source
from markets.records import RateRecord, Table
from markets.store import copying, publish
from tests.databases import needs_postgres, url_of_the_test
from tests.news import news
from tests.processes import until

pytestmark = [needs_postgres, pytest.mark.django_db(transaction=True)]

FIRST = date(2024, 1, 2)
CODES = [f"Q{letter}{other}" for letter in "ABCDEF" for other in "XYZ"]


def table(number: int, value: str = "", codes: list[str] = CODES, sha: str = "a") -> Table:
    """The table of one day; without `value` every figure is another one."""
    figures = [RateRecord(code, mid=Decimal(value or f"{place + 1}.{number:04}")) for place, code in enumerate(codes)]
    day = FIRST + timedelta(days=number)
    return Table("A", day, figures, f"{number:03}/A", None, "https://nbp.example/", sha * 64)


def of_the_archive(number: int) -> Table:
    return Table("A", FIRST + timedelta(days=number), table(number).rates)


def rows() -> list[tuple[Any, ...]]:
    columns = ("source__code", "table", "effective_date", "instrument__code", "mid", "scale")
    return list(Rate.objects.order_by("effective_date", "instrument__code").values_list(*columns))


def expected(numbers: range, source: str = "nbp") -> list[tuple[Any, ...]]:
    tables = [table(number) for number in numbers]
    return [(source, "A", one.effective_date, line.code, line.mid, 4) for one in tables for line in one.rates]


class Writer(Thread):
    """A thread with a connection of its own; what went wrong in it is raised by `done`."""

    def __init__(self, work: Callable[[], object]) -> None:
        super().__init__(daemon=True)
        self.work = work
        self.result: object = None
        self.error: BaseException | None = None
        self.start()

    def run(self) -> None:
        try:
            self.result = self.work()
        except BaseException as error:
            self.error = error
        finally:
            connections.close_all()

    def done(self) -> Any:
        self.join(60)
        assert not self.is_alive()
        if self.error:
            raise self.error
        return self.result


@contextmanager
def stranger() -> Iterator[psycopg.Connection[Any]]:
    """Somebody with psql: no lock, no rules, a transaction open until it says otherwise."""
    with closing(psycopg.connect(url_of_the_test())) as other:
        yield other


def somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        return bool(cursor.fetchone()[0])


@pytest.fixture
def instruments(nbp: Source) -> dict[str, int]:
    Instrument.objects.bulk_create(Instrument(code=code, base=code, kind="currency") for code in CODES)
    return dict(Instrument.objects.filter(code__in=CODES).values_list("code", "pk"))


INSERT = (
    'INSERT INTO markets_rate (instrument_id, source_id, "table", effective_date, mid, scale) '
    "VALUES (%s, %s, 'A', %s, %s, 4)"
)


def test_two_writers_of_one_family_with_overlapping_windows_end_in_every_row_once(nbp: Source, archive: Source) -> None:
    days, start = range(40), Barrier(3)

    def write(source: Source, job_type: str, make: Callable[[int], Table], seed: int) -> int:
        job, random = runs.start(job_type, source, Job.Trigger.COMMAND), Random(seed)
        windows = [range(first, first + 8) for first in range(0, 33, 4)] * 2
        random.shuffle(windows)
        start.wait()
        return sum(publish.publish([make(number) for number in window], source, job).inserted for window in windows)

    writers = [
        Writer(lambda: write(nbp, "nbp.A", table, 1)),
        Writer(lambda: write(nbp, "nbp.again", table, 2)),
        Writer(lambda: write(archive, "nbp_archive.mid", of_the_archive, 3)),
    ]
    assert sum(writer.done() for writer in writers) == len(days) * len(CODES)
    assert rows() == expected(days)
    assert not Revision.objects.exists()
    assert Publication.objects.count() == len(days)
    assert Rate.objects.filter(publication=None).count() == 0
    newest = Quote.objects.select_related("instrument", "source")
    assert {(row.instrument.code, row.source.code, row.price, row.previous) for row in newest} == {
        (new.code, "nbp", new.mid, old.mid) for new, old in zip(table(39).rates, table(38).rates, strict=True)
    }


def test_two_writers_that_contradict_each_other_leave_one_value_and_a_revision_with_the_other(nbp: Source) -> None:
    start = Barrier(2)

    def write(job_type: str, value: str, sha: str) -> None:
        job = runs.start(job_type, nbp, Job.Trigger.COMMAND)
        start.wait()
        publish.publish([table(number, value, sha=sha) for number in range(30)], nbp, job)

    writers = [Writer(lambda: write("nbp.A", "3.9432", "a")), Writer(lambda: write("nbp.again", "3.9433", "b"))]
    for writer in writers:
        writer.done()
    kept = set(Rate.objects.values_list("mid", flat=True))
    assert Rate.objects.count() == Revision.objects.count() == 30 * len(CODES)
    assert len(kept) == 1
    (old, new, _), *others = set(Revision.objects.values_list("old_mid", "new_mid", "old_sha256"))
    assert ({old, new}, {new}, others) == ({Decimal("3.9432"), Decimal("3.9433")}, kept, [])


def test_a_writer_waits_for_the_familys_lock_and_then_writes(nbp: Source, archive: Source, job: Job) -> None:
    """Whoever holds any row of the family, of the archive as well, is waited for."""
    for held in (nbp, archive):
        with stranger() as other:
            other.execute("SELECT 1 FROM markets_source WHERE id = %s FOR UPDATE", [held.pk])
            writer = Writer(lambda: publish.publish([table(0)], nbp, job))
            until(somebody_waits)
            assert writer.is_alive()
            other.commit()
            writer.done()
    assert rows() == expected(range(1))


def test_a_writer_waits_for_a_row_that_somebody_else_changes_and_revises_it(nbp: Source, job: Job) -> None:
    publish.publish([table(0, "3.9432")], nbp, job)
    with stranger() as other:
        other.execute("SELECT 1 FROM markets_rate FOR UPDATE")
        writer = Writer(lambda: publish.publish([table(0, "3.9433", sha="b")], nbp, job))
        until(somebody_waits)
        other.commit()
        assert writer.done().revised == len(CODES)
    assert set(Rate.objects.values_list("mid", flat=True)) == {Decimal("3.9433")}


@pytest.mark.parametrize(("value", "revised"), [("1.0000", 0), ("9.9999", 1)])
def test_a_row_that_appears_while_it_is_written_is_compared_and_never_doubled_or_written_over(
    nbp: Source, job: Job, instruments: dict[str, int], value: str, revised: int
) -> None:
    with stranger() as other:
        other.execute(INSERT, [instruments["QAX"], nbp.pk, FIRST, value])
        writer = Writer(lambda: publish.publish([table(0), table(1)], nbp, job))
        until(somebody_waits)
        other.commit()
        outcome = writer.done()
    assert rows() == expected(range(2))
    assert (outcome.inserted, outcome.taken_over, outcome.revised) == (2 * len(CODES) - 1, 1 - revised, revised)
    assert [str(old) for old in Revision.objects.values_list("old_mid", flat=True)] == ["9.9999000000"] * revised
    assert news().get(instrument__code="QAX").rows == 2
    job.refresh_from_db()
    assert job.rows_written == 2 * len(CODES)


def test_a_row_that_never_came_is_written_as_if_nothing_had_been(
    nbp: Source, job: Job, instruments: dict[str, int]
) -> None:
    with stranger() as other:
        other.execute(INSERT, [instruments["QAX"], nbp.pk, FIRST, "9.9999"])
        writer = Writer(lambda: publish.publish([table(0)], nbp, job))
        until(somebody_waits)
        other.rollback()
        assert writer.done().inserted == len(CODES)
    assert rows() == expected(range(1))


def test_a_code_that_another_family_brings_at_the_same_moment_is_one_instrument(nbp: Source, job: Job) -> None:
    with stranger() as other:
        other.execute(
            "INSERT INTO markets_instrument (code, base, quote, kind, unit, scale, name_pl, name_en) "
            "VALUES ('QAX', 'QAX', 'PLN', 'currency', '1', 4, 'QAX', 'QAX')"
        )
        writer = Writer(lambda: publish.publish([table(0)], nbp, job))
        until(somebody_waits)
        other.commit()
        writer.done()
    assert rows() == expected(range(1))
    job.refresh_from_db()
    assert job.notes == [f"new codes: {', '.join(CODES[1:])}"]


@pytest.mark.parametrize("worth_a_table", [1, 10_000])
def test_only_rows_that_changed_are_touched(
    nbp: Source, job: Job, monkeypatch: pytest.MonkeyPatch, worth_a_table: int
) -> None:
    """Every change gives a row of PostgreSQL another xmin."""

    def versions() -> dict[tuple[date, str], int]:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT effective_date, code, rate.xmin::text FROM markets_rate rate "
                "JOIN markets_instrument instrument ON instrument.id = instrument_id"
            )
            return {(day, code): int(version) for day, code, version in cursor.fetchall()}

    monkeypatch.setattr(copying, "MIN_TEMPORARY_ROWS", worth_a_table)
    publish.publish([table(number) for number in range(5)], nbp, job)
    before = versions()
    corrected = table(2, "7.0000", codes=CODES[:2], sha="b")
    corrected.rates.extend(table(2).rates[2:])
    publish.publish([table(0), table(1), corrected, table(3), table(4)], nbp, job)
    changed = {place for place, version in versions().items() if version != before[place]}
    assert changed == {(FIRST + timedelta(days=2), code) for code in CODES[:2]}
