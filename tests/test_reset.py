"""`manage.py reset` ends nothing silently: it asks, refuses while Charon runs, and keeps backups and the secret key."""

import os
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from pytest_django import DjangoDbBlocker

from charon.processes import data_dir_lock
from markets.models import Source
from tests.databases import file_database, needs_sqlite

pytestmark = needs_sqlite


@pytest.fixture
def folder(tmp_path: Path, settings: Any, django_db_blocker: DjangoDbBlocker) -> Iterator[Path]:
    """A data folder in use, beside files that are not Charon's."""
    settings.DATA_DIR = tmp_path
    with file_database(tmp_path / "charon.sqlite3", django_db_blocker):
        for name in ("backups/charon-20261120T120000Z-0.1.0-sqlite.zip", "run/charon.beat", "numba/x/y", "mine.txt"):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).touch()
        (tmp_path / "secret_key").write_text("x" * 50)
        assert Source.objects.exists()
        yield tmp_path


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {"charon.lock"}


def terminal(patch: pytest.MonkeyPatch, answer: str) -> None:
    patch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    patch.setattr("builtins.input", lambda _question: answer)


def test_it_removes_the_database_and_what_was_computed_and_keeps_the_rest(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal(monkeypatch, "yes")
    out = StringIO()
    call_command("reset", stdout=out)
    assert names(folder) == {"backups", "mine.txt", "secret_key"}
    assert f"This removes the database {folder}/charon.sqlite3, with accounts" in out.getvalue()
    assert "backups and the secret key stay" in out.getvalue()


def test_everything_goes_only_when_that_is_said(folder: Path) -> None:
    call_command("reset", yes=True, everything=True, stdout=StringIO())
    assert names(folder) == {"mine.txt"}
    call_command("reset", yes=True, stdout=StringIO())


@pytest.mark.parametrize("answer", ["", "y", "no", "YES"])
def test_any_other_answer_removes_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    before = names(folder)
    terminal(monkeypatch, answer)
    with pytest.raises(CommandError, match=r"^Nothing was removed\.$"):
        call_command("reset", stdout=StringIO())
    assert names(folder) >= before


def test_without_a_terminal_it_wants_to_be_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    with pytest.raises(CommandError, match="no terminal to ask at: make reset CONFIRM=yes"):
        call_command("reset")
    assert Source.objects.exists()


def test_it_is_refused_while_charon_runs(folder: Path) -> None:
    with (
        data_dir_lock.take(folder),
        pytest.raises(CommandError, match=rf"^Nothing was removed\. Charon runs on .* \(pid {os.getpid()}\)"),
    ):
        call_command("reset", yes=True)
    assert Source.objects.exists()
    connection.close()
