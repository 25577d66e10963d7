"""The numbers of kept answers on PostgreSQL, where several write at once: none waits, and none is lost."""

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from django.db import connection

from charon.kept import stamp, watched
from charon.models import ScopeNumber
from markets.models import Source
from tests.databases import needs_postgres, url_of_the_test

pytestmark = [pytest.mark.services, needs_postgres, pytest.mark.django_db(transaction=True)]

Number = tuple[int | str, ...]
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
def number(monkeypatch: pytest.MonkeyPatch) -> Callable[[], Number]:
    """What the stamp of the scope is now."""
    monkeypatch.setattr(stamp, "close_old_connections", lambda: None)
    return lambda: stamp.numbers()[watched.PUBLIC]


def rename(writer: Writer, source: Source, name: str = "x") -> None:
    writer.execute("UPDATE markets_source SET name = %s WHERE id = %s", [name, source.pk])


def test_a_second_writer_of_a_scope_does_not_wait_and_each_is_seen_when_it_commits(
    nbp: Source, archive: Source, writer: Callable[[], Writer], number: Callable[[], Number]
) -> None:
    first, second = writer(), writer()
    rename(first, nbp)
    rename(second, archive)
    both_open = number()
    second.commit()
    one_open = number()
    first.commit()
    assert len({both_open, one_open, number()}) == 3


def test_what_was_read_beside_an_open_writer_is_old_when_it_commits_however_often_it_was_read(
    nbp: Source, writer: Callable[[], Writer], number: Callable[[], Number]
) -> None:
    one = writer()
    rename(one, nbp)
    before = number()
    rename(one, nbp, "y")
    beside = number()
    assert beside == number(), "a long transaction makes no answer old while it is open"
    one.commit()
    assert number() not in {before, beside}
    assert number() == number()


def test_a_writer_of_one_scope_makes_no_answer_of_another_old(
    nbp: Source, writer: Callable[[], Writer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stamp, "close_old_connections", lambda: None)
    one, before = writer(), stamp.numbers()
    rename(one, nbp)
    beside = stamp.numbers()
    one.commit()
    changed = {scope for found in (beside, stamp.numbers()) for scope in found if found[scope] != before[scope]}
    assert changed == {watched.PUBLIC}


def test_a_write_behind_one_that_was_taken_back_to_a_savepoint_is_seen(
    nbp: Source, writer: Callable[[], Writer], number: Callable[[], Number]
) -> None:
    one = writer()
    with one.transaction():
        with one.transaction(force_rollback=True):
            rename(one, nbp)
        taken_back = number()
        rename(one, nbp, "y")
        beside = number()
    assert len({taken_back, beside, number()}) == 3


def test_a_process_that_writes_again_while_the_stamp_is_read_does_not_pass_for_the_writer_before(
    nbp: Source, writer: Callable[[], Writer], number: Callable[[], Number]
) -> None:
    one = writer()
    rename(one, nbp)
    before = number()
    one.commit()

    def between(execute: Any, sql: str, *rest: Any) -> Any:
        if sql == watched.OPEN:
            rename(one, nbp, "y")
        return execute(sql, *rest)

    with connection.execute_wrapper(between):
        assert number() != before


def test_a_writer_leaves_no_row(nbp: Source, writer: Callable[[], Writer]) -> None:
    """Of which each update would leave a version that the next one has to read past."""
    one = writer()
    rename(one, nbp)
    one.commit()
    assert not ScopeNumber.objects.exists()


def test_the_function_of_an_earlier_release_is_replaced() -> None:
    with connection.cursor() as cursor:
        cursor.execute(watched.FUNCTION.replace(watched.BODY, "BEGIN RETURN NULL; END"))
    assert watched.function(connection) != watched.BODY
    watched.install()
    assert watched.function(connection) == watched.BODY
