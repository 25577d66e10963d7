"""A backup of PostgreSQL by its own programs, and a restore that replaces everything or nothing."""

from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection
from django.test import Client
from pytest_django import DjangoDbBlocker

from charon.upkeep import Refused, backing_up, backup_file, examinations, migration_state, postgres, restoring
from charon.upkeep.resetting import reset
from markets.jobs import runs
from markets.models import Job, Rate, Source
from markets.records import RateRecord, Table
from markets.store.publish import publish
from tests.databases import migrated_database, needs_postgres, server_database
from tests.forgotten import forget
from tests.servers import Postgres, postgres_server

pytestmark = [pytest.mark.services, needs_postgres]

PATHS = ("/api/v1/rates?code=USD", "/api/v1/jobs", "/api/v1/currencies", "/api/v1/sources")
OLD_MIGRATION = ("alerts", "0005_events_outlive_instruments")


@pytest.fixture(scope="module")
def server(django_db_blocker: DjangoDbBlocker) -> Iterator[Postgres]:
    with postgres_server() as server:
        server.sql("CREATE DATABASE house")
        migrated_database(server.url_of("house"), django_db_blocker)
        yield server


@pytest.fixture
def database(
    server: Postgres, tmp_path: Path, settings: Any, django_db_blocker: DjangoDbBlocker, at: Callable[[str], None],
    outgoing: set[tuple[str, int]],
) -> Iterator[str]:  # fmt: skip
    """An installation of its own with two days of table A; its address."""
    at("2026-11-20 13:00")
    settings.DATA_DIR = tmp_path
    server.sql("CREATE DATABASE fresh TEMPLATE house")
    with server_database(server.url_of("fresh"), django_db_blocker):
        publish_rates(date(2026, 11, 19), date(2026, 11, 20))
        yield server.url_of("fresh")
    server.sql("DROP DATABASE fresh WITH (FORCE)")


def publish_rates(*days: date) -> None:
    nbp = Source.objects.get(code="nbp")
    job = runs.start("nbp.A", nbp, Job.Trigger.COMMAND)
    for day in days:
        publish([Table("A", day, [RateRecord("USD", mid=Decimal("3.6410"))])], nbp, job)
    Job.objects.filter(pk=job.pk).update(status=Job.Status.SUCCESS, lease_until=None)


def answers() -> list[bytes]:
    forget()
    found = [Client().get(path) for path in PATHS]
    assert {answer.status_code for answer in found} == {200}
    return [answer.content for answer in found]


def contents() -> dict[str, list[Any]]:
    """Every row of every table, but those that say which answers are old."""
    found = {}
    for name in postgres.tables("public"):
        found[name] = sorted(map(str, postgres.ask(f"SELECT t::text FROM {postgres.quoted(name)} t")))
    return {name: rows for name, rows in found.items() if name != "markets_generation"}


def made() -> Path:
    return backing_up.make()[0]


def schemas() -> list[str]:
    return postgres.ask(
        "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'charon%%' OR nspname = 'public' ORDER BY 1"
    )


def test_a_backup_restored_is_the_same_installation(database: str) -> None:
    before, rows = answers(), contents()
    backup, about = backing_up.make()
    assert backup.name == "charon-20261120T120000Z-0.1.0-postgresql.zip"
    assert backup.stat().st_mode & 0o777 == 0o600
    assert about.rows["markets_rate"] == 2
    Rate.objects.all().delete()
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE of_a_newer_release (one integer)")
    with pytest.raises(CommandError, match="The database fresh has tables; give --replace"):
        call_command("restore", str(backup))
    assert Rate.objects.count() == 0
    restoring.restore(backup, replace=True)
    assert (answers(), contents()) == (before, rows)
    assert schemas() == ["public"]
    publish_rates(date(2026, 11, 18))
    assert Rate.objects.count() == 3, "sequences go on behind the restored keys"


def test_it_goes_into_an_empty_database(database: str) -> None:
    rows, backup = contents(), made()
    reset()
    assert contents() == {}
    restoring.restore(backup)
    assert contents() == rows


def test_the_rows_counted_are_those_of_the_moment_of_the_dump(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    dump = postgres.dump

    def meanwhile(*words: Any) -> None:
        with psycopg.connect(database, autocommit=True) as other:
            other.execute("DELETE FROM markets_revision; DELETE FROM markets_rate")
        dump(*words)

    monkeypatch.setattr(postgres, "dump", meanwhile)
    backup, about = backing_up.make()
    assert (about.rows["markets_rate"], Rate.objects.count()) == (2, 0)
    restoring.restore(backup, replace=True)
    assert Rate.objects.count() == 2


def test_nothing_is_restored_while_others_are_connected(database: str) -> None:
    backup, rows = made(), contents()
    with psycopg.connect(database), pytest.raises(Refused, match="1 other connections to the database are open"):
        restoring.restore(backup, replace=True)
    assert contents() == rows


def test_a_dump_that_ends_too_early_or_is_none_changes_nothing(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    backup, rows = made(), contents()
    take_out = backup_file.take_out

    def cut(path: Path, about: Any, target: Path) -> None:
        take_out(path, about, target)
        with target.open("r+b") as file:
            file.truncate(target.stat().st_size - 2000)

    with monkeypatch.context() as patch:
        patch.setattr(backup_file, "take_out", cut)
        patch.setattr(postgres, "check", lambda _: None)
        with pytest.raises(Refused, match=r"pg_restore failed: "):
            restoring.restore(backup, replace=True)
    assert (contents(), schemas()) == (rows, ["public"])
    with monkeypatch.context() as patch:
        patch.setattr(backup_file, "take_out", lambda _path, _about, target: target.write_bytes(b"none"))
        with pytest.raises(Refused, match="pg_restore failed: "):
            restoring.restore(backup, replace=True)
    assert (contents(), schemas()) == (rows, ["public"])


def test_a_server_that_refuses_a_row_changes_nothing_and_is_quoted(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one program stops reading while the other still writes."""
    backup, rows = made(), contents()
    moves = postgres.moves
    monkeypatch.setattr(postgres, "moves", lambda *of: [*moves(*of), "SELECT 1 / 0"])
    with pytest.raises(Refused, match=r"psql failed: .*division by zero"):
        restoring.restore(backup, replace=True)
    assert (contents(), schemas()) == (rows, ["public"])


def test_a_migration_that_fails_brings_back_what_was_there(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = %s AND name = %s", OLD_MIGRATION)
    backup = made()
    publish_rates(date(2026, 11, 18))
    rows = contents()

    def fails() -> None:
        Rate.objects.all().delete()
        raise DatabaseError("no such column")

    with monkeypatch.context() as patch:
        patch.setattr(migration_state, "migrate", fails)
        with pytest.raises(Refused, match="no such column"):
            restoring.restore(backup, replace=True)
    assert (contents(), schemas()) == (rows, ["public"])
    restoring.restore(backup, replace=True)
    assert migration_state.missing(migration_state.applied()) == []
    assert Rate.objects.count() == 2


def test_a_restore_that_was_killed_before_its_migrations_is_undone_by_the_next(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup = made()
    publish_rates(date(2026, 11, 18))
    with monkeypatch.context() as patch:
        patch.setattr(postgres, "forget_before", lambda: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            restoring.restore(backup, replace=True)
    assert schemas() == ["charon_before", "public"]
    assert Rate.objects.count() == 2
    backup.unlink()
    again = made()

    def refuses(_: Path) -> None:
        raise Refused("a full disk")

    with monkeypatch.context() as patch:
        patch.setattr(postgres, "put", refuses)
        with pytest.raises(Refused, match="a full disk"):
            restoring.restore(again, replace=True)
    assert (Rate.objects.count(), schemas()) == (3, ["public"])
    restoring.restore(again, replace=True)
    assert (Rate.objects.count(), schemas()) == (2, ["public"])


def test_a_program_that_is_missing_or_a_server_that_refuses_is_said_in_one_sentence(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("PATH", "/nowhere")
        with pytest.raises(CommandError, match=r"^pg_dump is not installed here"):
            call_command("backup")
    with monkeypatch.context() as patch:
        patch.setitem(connection.settings_dict, "NAME", "nowhere")
        with pytest.raises(CommandError, match=r"^pg_dump failed: .*nowhere"):
            call_command("backup")
    assert backup_file.kept() == []
    assert list(backup_file.folder().iterdir()) == []


def test_the_doctor_sees_the_servers_clock_and_whether_it_can_write(database: str) -> None:
    assert list(examinations.database()) == []
    apart = [fault.subject for fault in examinations.clocks()]
    assert "PostgreSQL" in apart, "the clock of the tests stands on another day"
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")
    (fault,) = examinations.database()
    assert (fault.kind, "read-only" in str(fault.detail)) == ("database", True)
