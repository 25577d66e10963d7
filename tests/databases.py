"""A real SQLite file in the place of the test run's database in memory: for locks, full disks and other processes."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from pytest_django import DjangoDbBlocker

from miner import sources

needs_sqlite = pytest.mark.skipif(not settings.SQLITE, reason="the test run has another database")


@contextmanager
def file_database(path: Path, blocker: DjangoDbBlocker, lock_timeout: float = 20) -> Iterator[Path]:
    """The default connection of this thread leads to a fresh file with all tables and sources, until the block ends."""
    before = connections["default"]
    options = before.settings_dict["OPTIONS"] | {"timeout": lock_timeout}
    there = type(before)(before.settings_dict | {"NAME": str(path), "OPTIONS": options}, "default")
    with blocker.unblock():
        connections["default"] = there
        try:
            call_command("migrate", verbosity=0)
            sources.sync()
            yield path
        finally:
            there.close()
            connections["default"] = before
