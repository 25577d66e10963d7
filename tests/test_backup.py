"""A backup of SQLite: what it holds, what is refused, and that nothing half stands anywhere."""

import errno
import json
import os
import re
import sqlite3
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import msgspec
import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection
from django.test import Client
from pytest_django import DjangoDbBlocker

from charon import detection
from charon.processes import data_dir_lock
from charon.upkeep import Refused, backing_up, backup_file, migration_state, postgres, restoring, sqlite_file
from markets.jobs import runs
from markets.models import Job, Rate, Source
from markets.records import RateRecord, Table
from markets.store.publish import publish
from tests.databases import file_database, needs_sqlite
from tests.forgotten import forget
from tests.processes import ROOT

pytestmark = needs_sqlite

NOON = "2026-11-20 13:00"
OLD_MIGRATION = ("alerts", "0005_events_outlive_instruments")
PATHS = ("/api/v1/rates?code=USD", "/api/v1/jobs", "/api/v1/currencies", "/api/v1/sources")


@pytest.fixture
def database(
    tmp_path: Path, settings: Any, django_db_blocker: DjangoDbBlocker, at: Callable[[str], None]
) -> Iterator[Path]:
    """An installation of its own, with two days of table A."""
    at(NOON)
    settings.DATA_DIR = tmp_path / "data"
    settings.DATA_DIR.mkdir()
    with file_database(settings.DATA_DIR / "charon.sqlite3", django_db_blocker) as path:
        publish_rates(date(2026, 11, 19), date(2026, 11, 20))
        yield path


def publish_rates(*days: date) -> None:
    nbp = Source.objects.get(code="nbp")
    job = runs.start("nbp.A", nbp, Job.Trigger.COMMAND)
    for day in days:
        publish([Table("A", day, [RateRecord("USD", mid=Decimal("3.6410")), RateRecord("EUR", mid=Decimal("4.25"))])],
                nbp, job)  # fmt: skip
    Job.objects.filter(pk=job.pk).update(status=Job.Status.SUCCESS, lease_until=None)


def answers() -> list[bytes]:
    """Without what each process keeps."""
    forget()
    client = Client()
    found = [client.get(path) for path in PATHS]
    assert {answer.status_code for answer in found} == {200}
    return [answer.content for answer in found]


def contents(file: Path) -> Counter[str]:
    """Every statement that would make the database, whatever their order."""
    connection.close()
    with closing(sqlite3.connect(file)) as there:
        return Counter(there.iterdump())


def made(**more: Any) -> Path:
    return backing_up.make(**more)[0]


def drafts() -> list[str]:
    return sorted(path.name for path in backup_file.folder().parent.rglob(".draft-*"))


def test_a_backup_restored_is_the_same_installation(database: Path) -> None:
    before, rows = answers(), contents(database)
    assert b"3.641" in before[0]
    backup = made()
    Rate.objects.all().delete()
    Source.objects.filter(code="ecb").update(name="another")
    assert answers() != before
    restoring.restore(backup, replace=True)
    assert answers() == before
    changed = contents(database) - rows
    assert {line.split('"')[1] for line in changed} <= {"markets_generation"}, "cached answers of the time between go"


def test_a_backup_has_its_moment_and_its_release_in_its_name_and_says_what_it_holds(database: Path) -> None:
    path, about = backing_up.make()
    assert re.fullmatch(r"charon-20261120T120000Z-[\d.]+-sqlite\.zip", path.name)
    assert (path.parent.name, path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (
        "backups",
        0o600,
        0o700,
    )
    assert about.rows["markets_rate"] == 4
    assert ".".join(OLD_MIGRATION) in about.migrations
    assert backup_file.check(path) == about
    assert backup_file.newest() == datetime(2026, 11, 20, 12, tzinfo=UTC)
    assert drafts() == []


def test_no_secret_is_in_it_and_the_command_says_so(database: Path, settings: Any) -> None:
    out = StringIO()
    call_command("backup", stdout=out)
    (_moment, path), *_ = backup_file.kept()
    with ZipFile(path) as archive:
        assert archive.namelist() == ["charon.sqlite3", "about.json"]
        assert not any(settings.SECRET_KEY.encode() in archive.read(name) for name in archive.namelist())
    assert "The secret key is not in it." in out.getvalue()
    settings.SECRET_KEY = "another" * 10
    out = StringIO()
    call_command("restore", str(path), replace=True, stdout=out)
    assert "made under another SECRET_KEY" in out.getvalue()


def test_writes_that_are_not_committed_are_left_out_and_committed_ones_of_the_log_are_in(database: Path) -> None:
    with closing(sqlite3.connect(database, isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("UPDATE markets_source SET name = 'in the log' WHERE code = 'nbp'")
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("UPDATE markets_source SET name = 'half' WHERE code = 'ecb'")
        backup = made()
        writer.execute("ROLLBACK")
    restoring.restore(backup, replace=True)
    assert Source.objects.get(code="nbp").name == "in the log"
    assert Source.objects.get(code="ecb").name != "half"


def test_a_database_that_is_there_is_kept_unless_told_otherwise(database: Path) -> None:
    backup = made()
    publish_rates(date(2026, 11, 18))
    with pytest.raises(CommandError, match=r"^Nothing was restored\. There is a database at .* --replace"):
        call_command("restore", str(backup))
    assert Rate.objects.count() == 6
    connection.close()
    database.unlink()
    out = StringIO()
    call_command("restore", str(backup), stdout=out)
    assert "that of 2026-11-20 12:00:00 UTC again" in out.getvalue()
    assert Rate.objects.count() == 4
    assert database.stat().st_mode & 0o777 == 0o600


def test_nothing_is_restored_while_charon_runs_or_another_program_has_the_database_open(database: Path) -> None:
    backup, rows = made(), contents(database)
    with (
        data_dir_lock.take(database.parent),
        pytest.raises(Refused, match=rf"Charon runs on .* \(pid {os.getpid()}\)\. End it first"),
    ):
        restoring.restore(backup, replace=True)
    with closing(sqlite3.connect(database)) as reader:
        reader.execute("PRAGMA journal_mode = WAL")
        reader.execute("SELECT count(*) FROM markets_rate").fetchone()
        with pytest.raises(Refused, match="Another program has"):
            restoring.restore(backup, replace=True)
    assert contents(database) == rows


def cut(path: Path, size: int) -> None:
    os.truncate(path, size)


def flip(path: Path) -> None:
    """A bit in the middle of the database."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def make_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def say(path: Path, **changes: Any) -> None:
    """The same backup, which says something else of itself."""
    with ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    about = json.loads(parts["about.json"]) | changes
    with ZipFile(path, "w") as archive:
        for name, content in (parts | {"about.json": json.dumps(about).encode()}).items():
            archive.writestr(name, content)


def other_content(path: Path) -> None:
    with ZipFile(path) as archive:
        about = archive.read("about.json")
    with ZipFile(path, "w") as archive:
        archive.writestr("about.json", about)
        archive.writestr("charon.sqlite3", b"no database" * 1000)


BROKEN: dict[str, tuple[Callable[[Path], object], str]] = {
    "empty": (lambda path: cut(path, 0), "no whole backup"),
    "cut": (lambda path: cut(path, path.stat().st_size // 2), "no whole backup"),
    "one byte short": (lambda path: cut(path, path.stat().st_size - 1), "no whole backup"),
    "changed": (flip, "no whole backup"),
    "a text": (lambda path: path.write_text("dump"), "no whole backup"),
    "gone": (lambda path: path.unlink(), "No such file"),
    "a folder": (make_folder, "Is a directory"),
    "without its half": (lambda path: say(path, rows=None), "no whole backup"),
    "of a newer form": (lambda path: say(path, format=2), "newer release"),
    "of a newer release": (lambda path: say(path, migrations=["markets.9999_x"]), "unknown here: markets.9999_x"),
    "of PostgreSQL": (lambda path: say(path, vendor="postgresql"), "no whole backup"),
    "of something else": (other_content, "damaged: file is not a database"),
}


@pytest.mark.slow
def test_a_pipe_is_refused_unread(tmp_path: Path) -> None:
    os.mkfifo(pipe := tmp_path / "pipe.zip")
    with pytest.raises(Refused, match="is no file"), backup_file.opened(pipe):
        pytest.fail("it was opened")


@pytest.mark.parametrize("name", ["-x.zip", "a b.zip", "it's `id`.zip", 'a"b;c.zip'])
def test_make_hands_the_name_of_a_backup_on_as_it_is(name: str) -> None:
    words = ["make", "--silent", "--old-file=.venv/.runtime", "restore", f"FILE={name}", "REPLACE=1", "PY=echo"]
    told = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert told.stdout == f"manage.py restore --replace -- {name}\n", told.stderr


def test_a_file_that_is_no_whole_backup_is_refused_and_changes_nothing(database: Path) -> None:
    (backup, about), rows = backing_up.make(), contents(database)
    with pytest.raises(Refused, match="is a backup of postgresql, and this installation has sqlite"):
        restoring.refuse_foreign(backup, msgspec.structs.replace(about, vendor="postgresql"))
    whole = backup.read_bytes()
    for name, (breaks, why) in BROKEN.items():
        backup.write_bytes(whole)
        breaks(backup)
        with pytest.raises(Refused, match=why):
            restoring.restore(backup, replace=True)
        assert contents(database) == rows, name
        assert drafts() == [], name
        if backup.is_dir():
            backup.rmdir()


@pytest.mark.slow
def test_a_backup_of_an_older_release_is_brought_forward_and_one_that_cannot_be_changes_nothing(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = %s AND name = %s", OLD_MIGRATION)
    backup = made()
    assert migration_state.missing(migration_state.applied()) == [".".join(OLD_MIGRATION)]
    rows = contents(database)

    def fails() -> None:
        Rate.objects.all().delete()
        raise DatabaseError("no such column")

    with monkeypatch.context() as patch:
        patch.setattr(migration_state, "migrate", fails)
        with pytest.raises(Refused, match="does not take the backup: no such column"):
            restoring.restore(backup, replace=True)
    assert contents(database) == rows
    restoring.restore(backup, replace=True)
    assert migration_state.missing(migration_state.applied()) == []
    assert Rate.objects.count() == 4
    assert drafts() == []


def test_a_full_disk_leaves_no_backup_and_no_half_database(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    backup, rows = made(), contents(database)

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CommandError, match=r"backups cannot be written: No space left on device"):
        call_command("backup")
    with pytest.raises(CommandError, match=r"^Nothing was restored\. .*No space left on device"):
        call_command("restore", str(backup), replace=True)
    assert [path for _moment, path in backup_file.kept()] == [backup]
    assert contents(database) == rows
    assert drafts() == []


def test_a_damaged_database_is_not_backed_up_and_a_backup_takes_its_place(database: Path) -> None:
    backup = made()
    connection.close()
    with database.open("r+b") as file:
        file.seek(0)
        file.write(b"x" * 8192)
    database.with_name(f"{database.name}-wal").write_bytes(b"of the damaged one")
    with pytest.raises(Refused, match="cannot be read: file is not a database"):
        made()
    with pytest.raises(Refused, match="There is a database at"):
        restoring.restore(backup)
    restoring.restore(backup, replace=True)
    assert Rate.objects.count() == 4


def test_one_backup_at_a_time_and_what_an_interrupted_one_left_goes_with_the_next(database: Path) -> None:
    folder = backup_file.folder()
    folder.mkdir()
    for name in (".draft-1.zip", ".draft-1.copy", ".draft-1.copy-journal"):
        (folder / name).touch()
    with data_dir_lock.take(database.parent, backup_file.LOCK), pytest.raises(Refused, match="is being made"):
        made()
    assert backup_file.newest() is None
    made()
    assert drafts() == []


@pytest.mark.slow
def test_the_newest_stay_and_what_is_no_backup_is_left_alone(database: Path, at: Callable[[str], None]) -> None:
    paths = []
    for minute in range(4):
        at(f"2026-11-20 13:0{minute}")
        paths.append(made(keep=3))
    other = backup_file.folder() / "notes.txt"
    other.touch()
    assert [path for _moment, path in backup_file.kept()] == [paths[3], paths[2], paths[1]]
    at("2026-11-20 13:05")
    made(keep=0)
    assert len(backup_file.kept()) == 4
    assert other.exists()


def test_an_old_backup_is_a_problem_and_a_new_one_ends_it(database: Path, at: Callable[[str], None]) -> None:
    made()
    now = datetime(2026, 11, 20, 12, tzinfo=UTC)
    assert list(detection.backup_faults(now + timedelta(days=7))) == []
    (fault,) = detection.backup_faults(now + timedelta(days=7, seconds=1))
    assert (fault.kind, fault.detail) == ("backup", "the newest is of 2026-11-20 12:00 UTC")
    at("2026-11-28 13:00")
    made()
    assert list(detection.backup_faults(now + timedelta(days=8))) == []


def test_a_database_in_memory_has_no_backup(tmp_path: Path, settings: Any, django_db_blocker: DjangoDbBlocker) -> None:
    settings.DATA_DIR = tmp_path
    with django_db_blocker.unblock(), pytest.raises(Refused, match="in memory"):
        made()


def test_the_programs_of_postgresql_are_named_where_they_are_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(Refused, match=r"^pg_dump is not installed here.*apt install postgresql-client"):
        postgres.program("pg_dump")


def test_a_file_of_another_name_has_no_moment() -> None:
    names = ("charon-20261399T000000Z-0.1.0-sqlite.zip", "charon.zip", "charon-20261120T120000Z-0.1.0-sqlite.zip.part")
    assert [backup_file.made_at(Path(name)) for name in names] == [None, None, None]
    assert sqlite_file.has_tables(Path("/nowhere/charon.sqlite3")) is False
