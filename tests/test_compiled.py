"""The engine decides whether or not numba can keep, or make, its machine code; what is lost is told."""

import importlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numba.core import config
from numba.core.dispatcher import Dispatcher

from markets.messages import Message
from markets.models import Problem
from signals import compiled, tasks
from signals.rules.macd_cross import MacdCross, macd_cross
from signals.rules.rule import Bar, Row
from tests.processes import ROOT

RULE = MacdCross(12, 26, 9)
BARS = np.array([[close] + [0.0] * 5 for close in (10.0, 11.0, 9.0, 12.5)])


@pytest.fixture(autouse=True)
def as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(config, "CACHE_DIR", "")
        yield
    importlib.reload(compiled)


def loaded() -> tuple[str, list[list[float]]]:
    importlib.reload(compiled)
    values, _, _ = compiled.evaluate(macd_cross, BARS, [0], RULE.parameters, RULE.initial, 6)
    return compiled.fault or "", values.tolist()


def right() -> list[list[float]]:
    state: Row = RULE.initial
    rows = []
    for bar in BARS.tolist():
        state, values, _ = RULE.step(state, Bar(*bar))
        rows.append(list(values))
    return rows


def same(one: list[list[float]], other: list[list[float]]) -> bool:
    return np.array(one).tobytes() == np.array(other).tobytes()


@pytest.mark.slow
def test_the_cache_stands_in_the_data_folder(tmp_path: Path, settings: Any) -> None:
    settings.DATA_DIR = tmp_path / "da#ta"
    fault, values = loaded()
    assert fault == ""
    assert list((tmp_path / "da#ta" / "numba").rglob("*.nbc"))
    assert same(values, right())


@pytest.mark.slow
def test_a_broken_cache_is_made_anew(tmp_path: Path, settings: Any) -> None:
    settings.DATA_DIR = tmp_path
    loaded()
    for file in (tmp_path / "numba").rglob("*.nb?"):
        file.write_bytes(b"broken")
    assert loaded()[0] == ""
    assert all(file.read_bytes() != b"broken" for file in (tmp_path / "numba").rglob("*.nb?"))


@pytest.mark.parametrize("error", [RuntimeError("no locator available"), OSError(28, "No space left on device")])
def test_without_a_place_for_the_cache_it_compiles_without_one(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def refuse(*_: Any) -> Any:
        raise error

    monkeypatch.setattr("numba.core.caching.CompileResultCacheImpl.__init__", refuse)
    fault, values = loaded()
    assert fault == "no folder for the cache can be written"
    assert isinstance(compiled.machine_code(macd_cross), Dispatcher)
    assert same(values, right())


@pytest.mark.slow
def test_a_disk_that_fills_while_the_cache_is_written_stops_no_decision(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("numba.core.caching.IndexDataCacheFile.load", lambda *_: None)
    monkeypatch.setattr("numba.core.caching.IndexDataCacheFile.save", full)
    assert loaded()[0] == "no folder for the cache can be written"


def test_without_numba_the_formula_runs_as_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "numba", None)
    fault, values = loaded()
    assert fault.startswith("numba cannot be used: ModuleNotFoundError")
    assert not isinstance(compiled.machine_code(macd_cross), Dispatcher)
    assert same(values, right())


@pytest.mark.django_db
def test_the_loss_is_one_problem_that_closes_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "fault", Message("no_cache_folder"))
    tasks.catch_up()
    tasks.catch_up()
    assert Problem.objects.get(kind="compiler").times == 2
    monkeypatch.setattr(compiled, "fault", None)
    tasks.catch_up()
    assert Problem.objects.get(kind="compiler").closed_at


# Loaded first as root, whose Python another user may not be allowed to read.
BARE = """
import importlib, os, django
django.setup()
import cmath  # which numba loads when it compiles
from numba.core import config
from numba.core.dispatcher import Dispatcher
from signals import compiled
config.CACHE_DIR = os.environ.get("NUMBA_CACHE_DIR", "")
os.setgroups([]); os.setgid(54321); os.setuid(54321)
importlib.reload(compiled)
from signals.rules.macd_cross import macd_cross
compiled.machine_code(macd_cross)
print(compiled.fault or 'cached')
"""


@pytest.mark.processes
@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become a user without a home")
@pytest.mark.parametrize("home", [{}, {"HOME": "/nonexistent"}, {"HOME": "/proc"}, {"NUMBA_CACHE_DIR": "/proc/x"}])
def test_a_user_who_may_write_nowhere_has_signals_all_the_same(tmp_path: Path, home: dict[str, str]) -> None:
    tmp_path.chmod(0o755)
    env = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "DJANGO_SETTINGS_MODULE": "charon.settings"} | home
    env |= {"DATA_DIR": "/proc/none", "SECRET_KEY": "x" * 50, "ENV_FILE": os.devnull, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", BARE], env=env, cwd="/", capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.stdout, done.stderr) == ("no folder for the cache can be written\n", "")
