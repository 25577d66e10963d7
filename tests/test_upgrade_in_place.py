"""`git pull && make up`: what the pull changed is installed and compiled once, before Charon begins."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.processes import ROOT

pytestmark = pytest.mark.skipif(not shutil.which("make"), reason="needs make")

TELLER = """#!/bin/sh
echo "$*" >>"$TOLD"
case "$*" in
*compile*) touch locale/en/LC_MESSAGES/django.mo ;;
*"pip install"*) exit "${PIP_ENDS:-0}" ;;
esac
"""
UP = "manage.py up"
INSTALL = "-m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt"
COMPILE = "-m babel.messages.frontend -q compile -d locale -D django"
SOURCE, RESULTS = (
    "locale/en/LC_MESSAGES/django.po",
    (".venv/.made", ".venv/.runtime", "locale/en/LC_MESSAGES/django.mo"),
)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone with a Python that only tells what it was asked to do; its files are older than what is made of them."""
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / "locale" / "en" / "LC_MESSAGES").mkdir(parents=True)
    python = tmp_path / ".venv" / "bin" / "python"
    python.write_text(TELLER)
    python.chmod(0o755)
    for name in ("Makefile", "requirements.txt", SOURCE):
        shutil.copy(ROOT / name, tmp_path / name)
        dated(tmp_path / name, 1000)
    return tmp_path


def dated(path: Path, moment: int) -> None:
    os.utime(path, (moment, moment))


def make_up(clone: Path, **variables: str) -> list[str]:
    """What the Python of the clone was asked for, without its version; what was made is of one moment then."""
    told = clone / "told"
    told.write_text("")
    env = {"PATH": os.environ["PATH"], "TOLD": str(told), **variables}
    done = subprocess.run(["make", "--silent", "up"], cwd=clone, env=env, capture_output=True, text=True)
    assert (done.returncode == 0) is ("PIP_ENDS" not in variables), done.stderr
    for path in (clone / name for name in RESULTS):
        if path.exists():
            dated(path, 2000)
    return [line for line in told.read_text().splitlines() if line != "-m pip --version"]


def test_the_first_start_installs_and_the_next_one_only_starts(clone: Path) -> None:
    assert make_up(clone) == [INSTALL, COMPILE, UP]
    assert make_up(clone) == [UP]


def test_a_pull_that_changes_packages_or_texts_is_followed_up_once(clone: Path) -> None:
    make_up(clone)
    dated(clone / "requirements.txt", 3000)
    assert make_up(clone) == [INSTALL, UP]
    dated(clone / "requirements.txt", 1500)
    dated(clone / SOURCE, 3000)
    assert make_up(clone) == [COMPILE, UP]
    dated(clone / SOURCE, 1500)
    assert make_up(clone) == [UP]


def test_an_install_that_was_cut_is_taken_up_again_and_nothing_starts_without_it(clone: Path) -> None:
    make_up(clone)
    dated(clone / "requirements.txt", 3000)
    assert make_up(clone, PIP_ENDS="1") == [INSTALL]
    assert make_up(clone) == [INSTALL, UP]
