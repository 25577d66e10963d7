"""A small `make storm`: moves from a fixed seed, and what is left of their events and messages."""

import subprocess
import sys
from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest

from tests.databases import needs_postgres, url_of_the_test
from tests.processes import ROOT

pytestmark = pytest.mark.processes

SMALL = ["--moves", "60", "--kills", "6", "--seed", "7"]
CLEAN = """\
     0 events lost
     0 events too many
     0 events without a delivery for a channel
     0 deliveries that no receiver has
     0 keys with two bodies
     0 refused by the receiver
"""


def storm(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.storm", *SMALL, *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900)


def assert_clean(done: subprocess.CompletedProcess[str]) -> None:
    assert done.returncode == 0, done.stdout + done.stderr
    assert "60 events of 60 moves" in done.stdout
    assert done.stdout.endswith(CLEAN)


def test_whichever_process_is_killed_no_event_and_no_message_is_lost() -> None:
    assert_clean(storm())


@pytest.fixture
def database(db: None) -> Iterator[str]:
    """The URL of an empty database beside the test's, which is dropped afterwards."""
    name, (server, _, _) = f"storm_{uuid4().hex[:12]}", url_of_the_test().rpartition("/")
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        try:
            yield f"{server}/{name}"
        finally:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@needs_postgres
def test_nor_on_postgresql(database: str) -> None:
    assert_clean(storm("--database", database))
