"""Databases that replace the test run's: for tests of locks, full disks and ended servers."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from pytest_django import DjangoDbBlocker

from miner import sources

needs_sqlite = pytest.mark.skipif(not settings.SQLITE, reason="it is about SQLite's own locks and files")
needs_postgres = pytest.mark.skipif(settings.SQLITE, reason="TEST_DATABASE_URL names no PostgreSQL")

filled: list[bytes] = []


@contextmanager
def file_database(path: Path, blocker: DjangoDbBlocker, lock_timeout: float = 20) -> Iterator[Path]:
    """In the block, this thread's default connection uses a new SQLite file with all tables and sources."""
    before = connections["default"]
    options = before.settings_dict["OPTIONS"] | {"timeout": lock_timeout}
    there = type(before)(before.settings_dict | {"NAME": str(path), "OPTIONS": options}, "default")
    with blocker.unblock():
        connections["default"] = there
        try:
            fill(path)
            yield path
        finally:
            there.close()
            connections["default"] = before


def fill(path: Path) -> None:
    """All migrations and sources, which take 1.5 s the first time; from then on the file is copied."""
    if ready := next(iter(filled), None):
        path.write_bytes(ready)
        return
    call_command("migrate", verbosity=0)
    sources.sync()
    connections["default"].close()
    filled.append(path.read_bytes())


@contextmanager
def server_database(url: str, blocker: DjangoDbBlocker) -> Iterator[None]:
    """In the block, the default connection of every thread uses this PostgreSQL database."""
    configured, before = connections.settings["default"], connections["default"]
    with blocker.unblock():
        connections.settings["default"] = configured | place_of(url)
        del connections["default"]
        try:
            yield
        finally:
            connections["default"].close()
            connections.settings["default"], connections["default"] = configured, before


def place_of(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    return {"USER": parts.username, "HOST": parts.hostname, "PORT": parts.port, "NAME": parts.path[1:], "TEST": {}}


def migrated_database(url: str, blocker: DjangoDbBlocker) -> None:
    """Create all tables and sources in an empty database of a PostgreSQL server."""
    with server_database(url, blocker):
        call_command("migrate", verbosity=0)
        sources.sync()


def url_of_the_test() -> str:
    """The URL of this test's database, for the processes that it starts."""
    place = connections["default"].settings_dict
    secret = f":{place['PASSWORD']}" if place["PASSWORD"] else ""
    return f"postgres://{place['USER']}{secret}@{place['HOST']}:{place['PORT']}/{place['NAME']}"
