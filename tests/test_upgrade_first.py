"""The first version that landed, forward to today on both databases: every row that it wrote is there as it was.

`recorded/first_version` is what its own code wrote: the tables as its migrations made them, and the rows of two
installations that read the NBP's replica, cut to a few instruments; the state of an operator stands beside them.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection, connections
from pytest_django import DjangoDbBlocker

from tests.databases import server_database, url_of_the_test

RECORDED = Path(__file__).parent / "recorded" / "first_version"
ROWS = (RECORDED / "rows.sql").read_text(encoding="utf-8")
TABLES = re.findall(r"^INSERT INTO (\w+)", ROWS, re.MULTILINE)

# Without it the run would make no database, and on PostgreSQL there would be none to ask for a second one.
pytestmark = pytest.mark.django_db

KINDS = {"currency": "rate", "metal": "gold"}

Row = dict[str, Any]
Rows = dict[str, dict[Any, Row]]


@dataclass
class Upgraded:
    before: Rows
    after: Rows
    synced: Rows
    since: Rows


@pytest.fixture(scope="module")
def upgraded(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Upgraded:
    """All rows before and after; 2 s of migrations, which the tests here share."""
    with django_db_blocker.unblock(), empty_database(tmp_path_factory.mktemp("first"), django_db_blocker):
        load(f"schema_{connection.vendor}.sql", "rows.sql")
        before = {table: rows_of(table) for table in TABLES}
        call_command("migrate", verbosity=0)
        after = {table: rows_of(table) for table in TABLES}
        since = {"markets_archivereading": rows_of("markets_archivereading")}
        call_command("sync")
        synced = {"markets_source": rows_of("markets_source")}
    return Upgraded(before, after, synced, since)


@contextmanager
def empty_database(folder: Path, blocker: DjangoDbBlocker) -> Iterator[None]:
    """In the block the default connection uses a database without any table."""
    if settings.SQLITE:
        before = connections["default"]
        connections["default"] = type(before)(before.settings_dict | {"NAME": str(folder / "first.sqlite3")}, "default")
        try:
            yield
        finally:
            connections["default"].close()
            connections["default"] = before
        return
    url, name = url_of_the_test(), f"{connection.settings_dict['NAME']}_first"
    execute(f"DROP DATABASE IF EXISTS {name}")
    execute(f"CREATE DATABASE {name}")
    try:
        with server_database(f"{url.rpartition('/')[0]}/{name}", blocker):
            yield
    finally:
        execute(f"DROP DATABASE {name}")


def execute(text: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(text)


def load(*names: str) -> None:
    for name in names:
        text = (RECORDED / name).read_text(encoding="utf-8")
        if settings.SQLITE:
            connection.ensure_connection()
            connection.connection.executescript(f"BEGIN;{text}COMMIT;")
        else:
            execute(text)
    if not settings.SQLITE:
        for table in TABLES:
            last = f"(SELECT max(id) FROM {table})"
            execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), {last})")


def rows_of(table: str) -> dict[Any, Row]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {table}")
        names = [column[0] for column in cursor.description]
        rows = [dict(zip(names, map(plain, row), strict=True)) for row in cursor.fetchall()]
    return {row["id"]: row for row in rows}


def plain(value: Any) -> Any:
    """Moments of both databases alike: SQLite has them without a zone."""
    return value.replace(tzinfo=None) if isinstance(value, datetime) else value


def expected(table: str, row: Row) -> Row:
    """A row of the first version as it is to be found today: tables and columns have the names that they had."""
    row = dict(row)
    if table == "markets_ingest":
        days = {name: midnight(row[name]) for name in ("from_date", "to_date")}
        row |= days | {"kind": KINDS[row["kind"]]}
    if table == "django_content_type" and row["model"] == "ingest":
        row["model"] = "outboxevent"
    if table == "auth_permission" and row["codename"].endswith("_ingest"):
        row["codename"] = row["codename"].removesuffix("ingest") + "outboxevent"
    if table == "signals_analysissnapshot" and row["window"] != "30d":
        row["state"] = "{}"  # kept once: it was the same in every window
    return row


def midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day)  # noqa: DTZ001  as the rows are compared


@pytest.mark.slow
def test_every_row_is_there_as_it_was(upgraded: Upgraded) -> None:
    assert {table: len(rows) for table, rows in upgraded.before.items()}["markets_rate"] == 133
    changed = {}
    for table, rows in upgraded.before.items():
        for key, row in rows.items():
            wanted, found = expected(table, row), upgraded.after[table].get(key, {})
            if differences := {name: found.get(name) for name, value in wanted.items() if found.get(name) != value}:
                changed[table, key] = differences
    assert changed == {}


def test_no_row_was_made_up_beside_them(upgraded: Upgraded) -> None:
    """But for the migrations themselves, and what Django writes of tables that came since."""
    grown = {table for table in TABLES if len(upgraded.after[table]) != len(upgraded.before[table])}
    assert grown == {"django_migrations", "django_content_type", "auth_permission"}


def test_columns_that_came_since_say_what_the_old_rows_tell(upgraded: Upgraded) -> None:
    publications = upgraded.after["markets_publication"].values()
    assert {row["first_fetched_at"] == row["fetched_at"] for row in publications} == {True}
    assert {row["consumer"] for row in upgraded.after["markets_ingest"].values()} == {"engine"}
    assert [bool(row["notation"]) for row in upgraded.after["markets_revision"].values()] == [False, True]
    (reading,) = upgraded.since["markets_archivereading"].values()
    assert (str(reading["from_day"]), reading["edition"]) == ("1995-01-01", "1.7.20261027")


def test_choices_of_the_operator_outlive_the_first_start(upgraded: Upgraded) -> None:
    """`sync` writes the facts of all sources anew."""
    sources = {row["code"]: row for row in upgraded.synced["markets_source"].values()}
    nbp, archive = sources["nbp"], sources["nbp_archive"]
    assert (nbp["cadence"], nbp["public_display"], nbp["enabled"]) == (7200, False, True)
    assert nbp["paused_until"] == datetime(2026, 12, 1, 5)  # noqa: DTZ001
    assert (archive["enabled"], archive["stands_in_for_id"]) == (False, nbp["id"])
    assert len(sources) > 2


def test_what_is_recorded_is_small_and_names_no_machine() -> None:
    files = list(RECORDED.iterdir())
    assert sum(file.stat().st_size for file in files) < 200_000
    assert not re.search(r"127\.0\.0\.1|localhost|/home/|/root|/tmp", "".join(file.read_text() for file in files))
