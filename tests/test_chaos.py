"""A small `make chaos`: faults from a fixed seed, and what is left of them."""

import subprocess
import sys

import pytest

from tests.processes import ROOT

SMALL = ["--seconds", "12", "--heal", "90", "--first", "2025-06-02", "--archive", "2025-01-02", "--tables", "A,gold"]
SOURCES = ["--sources", "nbp,nbp_archive"]
FAULTS = ["--faults", "kill,500,doubled,Redis,PostgreSQL"]


def chaos(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.chaos", *SMALL, *SOURCES, *FAULTS, *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900)


@pytest.mark.processes
def test_whoever_is_killed_and_whatever_the_bank_answers_nothing_is_lost_doubled_or_unequal() -> None:
    done = chaos("--on", "sqlite", "--seed", "7")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("lost 0, doubled 0, unequal 0\n")


@pytest.mark.services
def test_nor_when_postgresql_and_redis_stop_under_it() -> None:
    done = chaos("--on", "postgres", "--seed", "7")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("lost 0, doubled 0, unequal 0\n")
