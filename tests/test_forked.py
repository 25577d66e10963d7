"""Work in a fork of the supervisor: how it ends, and what `up` does there."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.core.management.base import CommandError

from charon.management.commands import up
from charon.processes import forked
from signals import tasks
from tests.processes import ROOT, environment, until


def test_a_command_error_is_the_last_word_of_the_work(capfd: pytest.CaptureFixture[str]) -> None:
    def work() -> None:
        raise CommandError("The disk is full.")

    process = forked.begin(work)
    process.join()
    assert (process.exitcode, capfd.readouterr().err) == (1, "The disk is full.\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_work_at_once_and_quietly(number: signal.Signals, capfd: pytest.CaptureFixture[str]) -> None:
    begun, told = os.pipe()

    def work() -> None:
        os.write(told, b"!")
        signal.pause()

    process = forked.begin(work)
    os.read(begun, 1)
    os.kill(process.pid or 0, number)
    process.join()
    assert (process.exitcode, capfd.readouterr().err) == (-number, "")


@pytest.mark.skipif(sys.platform != "linux", reason="prctl is Linux's")
def test_the_work_is_gone_when_its_parent_is_killed(tmp_path: Path) -> None:
    script = (
        "import django, signal\n"
        "django.setup()\n"
        "from charon.processes import forked\n"
        "print(forked.begin(signal.pause).pid, flush=True)\n"
        "signal.pause()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, env=environment(tmp_path), stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        work = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    until(lambda: not work.is_running() or work.status() == psutil.STATUS_ZOMBIE, seconds=10)


def test_a_first_start_compiles_the_rules_beside_the_migrations_and_the_next_one_does_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, settings: Any
) -> None:
    begun: list[Callable[[], None]] = []
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setattr(forked, "begin", begun.append)
    settings.DATA_DIR = tmp_path
    up.compile_beside()
    up.compile_beside()
    assert begun == [tasks.load_rules]
    assert tasks.is_compiled()


def test_a_start_that_cannot_prepare_the_database_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing serves an unmigrated database."""

    def refused() -> None:
        raise CommandError("The database cannot be reached.")

    monkeypatch.setattr(up, "prepare", refused)
    with pytest.raises(SystemExit) as ended:
        up.prepare_apart()
    assert ended.value.code == 1
    monkeypatch.setattr(up, "prepare", lambda: os.kill(os.getpid(), signal.SIGKILL))
    with pytest.raises(CommandError, match="could not be prepared"):
        up.prepare_apart()
