"""Backups of a Charon that runs, and what is left where a process is killed in the middle."""

import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.processes import ROOT, Up, environment, manage

pytestmark = pytest.mark.processes

PATHS = ("/api/v1/rates?code=USD", "/api/v1/currencies", "/rates?code=USD&table=A")
SEED = """
from datetime import date
from decimal import Decimal
from markets.jobs import runs
from markets.models import Job, Source
from markets.records import RateRecord, Table
from markets.store.publish import publish
nbp = Source.objects.get(code="nbp")
job = runs.start("nbp.A", nbp, Job.Trigger.COMMAND)
for day in (19, 20):
    publish([Table("A", date(2026, 11, day), [RateRecord("USD", mid=Decimal("3.6410"))])], nbp, job)
Job.objects.update(status=Job.Status.SUCCESS, lease_until=None)
"""
# Dies without a word when it comes to that function.
KILLED = (
    "import os, signal, sys; import django; django.setup(); from django.core.management import call_command; "
    "from charon.upkeep import backup_file, sqlite_file; "
    "setattr({place}, '{name}', lambda *_: os.kill(os.getpid(), signal.SIGKILL)); call_command(*sys.argv[1:])"
)


def answers(up: Up) -> list[bytes]:
    found = [up.get(path) for path in PATHS]
    assert {answer.status_code for answer in found} == {200}
    return [answer.content for answer in found]


@pytest.fixture
def running(tmp_path: Path, outgoing: set[tuple[str, int]]) -> Iterator[Up]:
    """One with two days of table A; the one source that it asks cannot be reached."""
    env = environment(tmp_path / "data", SOURCES="nbp")
    assert manage("prepare", env=env).returncode == 0
    assert manage("shell", "-v0", "-c", SEED, env=env).returncode == 0
    up = Up(tmp_path / "data", SOURCES="nbp")
    outgoing.add(("127.0.0.1", up.port))
    yield up.ready()
    up.end()


def test_a_backup_of_a_running_charon_is_that_charon_in_another_folder(
    running: Up, tmp_path: Path, outgoing: set[tuple[str, int]]
) -> None:
    before = answers(running)
    assert b"3.641" in before[0]
    said = manage("backup", env=running.env)
    assert (said.returncode, said.stderr) == (0, "")
    (backup,) = (running.folder / "backups").glob("*.zip")
    refused = manage("restore", str(backup), "--replace", env=running.env)
    assert refused.returncode == 1
    assert "Nothing was restored. Charon runs on" in refused.stderr
    other = tmp_path / "other"
    restored = manage("restore", str(backup), env=environment(other, SOURCES="nbp"))
    assert restored.returncode == 0, restored.stderr
    assert "made under another SECRET_KEY" in restored.stdout
    again = Up(other, SOURCES="nbp")
    outgoing.add(("127.0.0.1", again.port))
    try:
        assert answers(again.ready()) == before
    finally:
        again.end()


def contents(folder: Path) -> list[str]:
    with closing(sqlite3.connect(folder / "data" / "charon.sqlite3")) as database:
        return sorted(database.iterdump())


def killed(place: str, name: str, *words: str, env: dict[str, str]) -> None:
    code = KILLED.format(place=place, name=name)
    done = subprocess.run([sys.executable, "-c", code, *words], env=env, cwd=ROOT, capture_output=True, timeout=120)
    assert done.returncode == -signal.SIGKILL, done.stderr


def test_a_killed_backup_or_restore_leaves_what_was_there_and_the_next_one_works(tmp_path: Path) -> None:
    env = environment(tmp_path / "data")
    assert manage("prepare", env=env).returncode == 0
    folder = tmp_path / "data" / "backups"
    killed("backup_file", "check", "backup", env=env)
    assert [path.suffix for path in folder.iterdir()].count(".zip") == 1, "a draft"
    assert list(folder.glob("charon-*")) == []
    assert manage("backup", env=env).returncode == 0
    (backup,) = folder.iterdir()
    before = contents(tmp_path)
    for place, name in (("sqlite_file", "check"), ("sqlite_file", "put")):
        killed(place, name, "restore", str(backup), "--replace", env=env)
        assert contents(tmp_path) == before
        assert list((tmp_path / "data").glob(".draft-*.restored"))
    restored = manage("restore", str(backup), "--replace", env=env)
    assert restored.returncode == 0, restored.stderr
    assert list((tmp_path / "data").glob(".draft-*")) == []
    done = manage("doctor", "--skip", "schedules", env=env)
    assert done.returncode == 0, done.stdout
