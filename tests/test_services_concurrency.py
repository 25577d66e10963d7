"""Two at once on PostgreSQL, where they really are: each finds rows that the other has not committed yet."""

from collections.abc import Callable
from contextlib import closing
from datetime import date
from decimal import Decimal
from threading import Barrier, Thread

import psycopg
import pytest
from django.db import connection

from markets.jobs import runs
from markets.models import Job, Quote, Rate, Source
from markets.records import RateRecord, Table
from markets.store.publish import publish
from signals.models import Signal
from signals.tasks import catch_up, recompute
from tests.databases import needs_postgres, url_of_the_test
from tests.news import news, open_news
from tests.processes import until
from tests.test_engine import wave

pytestmark = [pytest.mark.services, needs_postgres, pytest.mark.django_db(transaction=True)]

ROUNDS = 12
CODES = ("EUR", "GBP", "USD")
Work = Callable[[], object]


def at_once(*works: Work) -> None:
    """Each in a thread and a connection of its own, begun at the same moment; what one raises is raised here."""
    gate, faults = Barrier(len(works)), list[BaseException]()

    def run(work: Work) -> None:
        gate.wait()
        try:
            work()
        except BaseException as error:
            faults.append(error)
        finally:
            connection.close()

    threads = [Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise faults[0]


def rounds(source: Source, job_type: str, letter: str) -> Work:
    """A miner: job after job, each of 30 days of three currencies."""

    def mine() -> None:
        for number in range(ROUNDS):
            with runs.job(job_type, source) as job:
                tables = [table_of(letter, day, close) for day, close in wave(360)[number * 30 :][:30]]
                publish(tables, source, job)

    return mine


def table_of(letter: str, day: date, close: Decimal) -> Table:
    proof = f"{letter}{day}"
    if letter == "C":
        figures = [RateRecord(code, bid=close, ask=close + Decimal("0.1")) for code in CODES]
        return Table(letter, day, figures, number=proof, sha256=proof)
    return Table(letter, day, [RateRecord(code, mid=close) for code in CODES], number=proof, sha256=proof)


def count(letter: str) -> tuple[int, int]:
    rows = Rate.objects.filter(table=letter)
    return rows.count(), rows.values("instrument", "effective_date").distinct().count()


def test_two_miners_of_one_source_at_once_store_everything_once(nbp: Source) -> None:
    at_once(rounds(nbp, "nbp.A", "A"), rounds(nbp, "nbp.C", "C"))
    assert (count("A"), count("C")) == ((1080, 1080), (1080, 1080))
    assert Job.objects.filter(status="success", rows_written=90).count() == 2 * ROUNDS
    assert [row.rows for row in news()] == [2 * 360] * len(CODES)
    assert {quote.price for quote in Quote.objects.all()} == {wave(360)[-1][1]}


def test_an_archive_and_its_official_source_at_once_leave_one_figure_a_day(nbp: Source, archive: Source) -> None:
    at_once(rounds(nbp, "nbp.A", "A"), rounds(archive, "nbp_archive.A", "A"))
    assert count("A") == (1080, 1080)
    assert set(Rate.objects.values_list("source", flat=True)) == {nbp.pk}


def test_a_miner_and_two_brains_at_once_decide_on_everything_once(nbp: Source) -> None:
    mined = list[bool]()

    def mine() -> None:
        try:
            rounds(nbp, "nbp.A", "A")()
        finally:
            mined.append(True)

    def decide() -> None:
        while not mined or open_news().exists():
            catch_up()

    at_once(mine, decide, decide)
    assert count("A") == (1080, 1080)
    assert not open_news().exists()
    decided = Signal.objects.values_list("instrument__code", "as_of", "version")
    assert len(decided) == len(set(decided)) > len(CODES)
    assert {version for _, _, version in decided} == {1}


def test_a_miner_and_whoever_computes_everything_again_do_not_stop_each_other(nbp: Source) -> None:
    """One locks instruments and then their generations, the other these and, by its keys, the instruments."""
    rounds(nbp, "nbp.A", "A")()
    mined = list[bool]()

    def mine() -> None:
        try:
            with runs.job("nbp.C", nbp) as job:
                for day, close in wave(200):
                    publish([table_of("C", day, close)], nbp, job)
        finally:
            mined.append(True)

    def again() -> None:
        while not mined:
            recompute(list(CODES))

    at_once(mine, again)
    assert count("C") == (600, 600)


def test_a_skipped_job_whose_earlier_one_is_put_together_at_the_same_moment_stays_its_own(nbp: Source) -> None:
    """As when one run ends in the moment between the end of the one before it and its joining the one before that."""
    with runs.job("nbp.A", nbp):
        raise runs.Skip(Job.Reason.UP_TO_DATE)
    earlier, row = Job.objects.get(), runs.start("nbp.A", nbp, Job.Trigger.SCHEDULE)
    other = psycopg.connect(url_of_the_test())
    with closing(other), closing(psycopg.connect(url_of_the_test(), autocommit=True)) as watcher:
        other.execute("DELETE FROM markets_job WHERE id = %s", [earlier.pk])
        ending = Thread(target=at_once, args=(lambda: runs.finish(row, Job.Status.SKIPPED, Job.Reason.UP_TO_DATE),))
        ending.start()
        until(lambda: watcher.execute("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'").fetchone())
        other.commit()
        ending.join()
    assert list(Job.objects.values_list("pk", "status", "repeats")) == [(row.pk, "skipped", 0)]
