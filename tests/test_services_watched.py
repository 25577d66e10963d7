"""The numbers of kept answers on PostgreSQL, where several write at once: none waits, and none is lost."""

from collections.abc import Callable, Iterator

import psycopg
import pytest
from django.db import connection

from charon.kept import stamp, watched
from markets.models import Source
from tests.databases import needs_postgres, url_of_the_test

pytestmark = [pytest.mark.services, needs_postgres, pytest.mark.django_db(transaction=True)]

Writer = psycopg.Connection[tuple[object, ...]]
# One that waits for another's lock is told so, instead of standing here for ever.
PATIENT = "-c lock_timeout=2000"


@pytest.fixture
def writer() -> Iterator[Callable[[], Writer]]:
    opened: list[Writer] = []

    def connect() -> Writer:
        opened.append(psycopg.connect(url_of_the_test(), options=PATIENT))
        return opened[-1]

    yield connect
    for one in opened:
        one.close()


@pytest.fixture
def number(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    monkeypatch.setattr(stamp, "close_old_connections", lambda: None)
    return lambda: stamp.numbers()[watched.PUBLIC]


def rename(writer: Writer, source: Source, name: str = "x") -> None:
    writer.execute("UPDATE markets_source SET name = %s WHERE id = %s", [name, source.pk])


def test_a_second_writer_of_a_scope_does_not_wait_and_each_is_seen_when_it_commits(
    nbp: Source, archive: Source, writer: Callable[[], Writer], number: Callable[[], int]
) -> None:
    first, second, before = writer(), writer(), number()
    rename(first, nbp)
    rename(second, archive)
    assert number() == before
    second.commit()
    behind_second = number()
    assert behind_second > before
    first.commit()
    assert number() > behind_second


def test_a_writer_that_is_taken_back_is_not_seen(
    nbp: Source, writer: Callable[[], Writer], number: Callable[[], int]
) -> None:
    one, before = writer(), number()
    rename(one, nbp)
    one.rollback()
    assert number() == before
    rename(one, nbp)
    one.commit()
    assert number() > before


def test_a_write_behind_one_that_was_taken_back_to_a_savepoint_is_seen(
    nbp: Source, writer: Callable[[], Writer], number: Callable[[], int]
) -> None:
    one, before = writer(), number()
    with one.transaction():
        with one.transaction(force_rollback=True):
            rename(one, nbp)
        rename(one, nbp, "y")
    assert number() > before


def test_many_statements_of_one_transaction_leave_one_version_of_the_number(
    nbp: Source, writer: Callable[[], Writer], number: Callable[[], int]
) -> None:
    one, before = writer(), number()
    for _ in range(50):
        rename(one, nbp)
    one.commit()
    assert number() == before + 1
    for _ in range(3):
        rename(one, nbp)
        one.commit()
    assert number() == before + 4


def test_the_function_of_an_earlier_release_is_replaced() -> None:
    with connection.cursor() as cursor:
        cursor.execute(watched.FUNCTION.replace(watched.BODY, "BEGIN RETURN NULL; END"))
    assert watched.function(connection) != watched.BODY
    watched.install()
    assert watched.function(connection) == watched.BODY
