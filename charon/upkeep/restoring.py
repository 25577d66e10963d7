"""A backup in the place of the database. It is made ready beside what is there, which stays whole until the end."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from django.conf import settings
from django.db import DatabaseError, connection, connections

from charon.processes import data_dir_lock
from charon.upkeep import Refused, backup_file, migration_state, postgres, sqlite_file
from charon.upkeep.backup_file import About
from markets.history_files.place import forget_all
from markets.jobs import runs
from markets.redis import generations

REPLACE = "give --replace (make restore FILE=... REPLACE=1) to have the backup in its place"


def restore(file: Path, *, replace: bool = False) -> About:
    """Raises Refused, and everything is as it was."""
    about = backup_file.check(file)
    refuse_foreign(file, about)
    with not_running():
        try:
            (put_sqlite if about.vendor == "sqlite" else put_postgres)(file, about, replace)
        except (DatabaseError, sqlite3.Error) as error:
            raise Refused(f"The database does not take the backup: {runs.scrub(str(error))}") from None
        except OSError as error:
            raise Refused(f"{error.filename or settings.DATA_DIR}: {error.strerror or error}.") from None
        generations.everything_changed()
        forget_all()
    return about


def refuse_foreign(file: Path, about: About) -> None:
    here = "sqlite" if settings.SQLITE else "postgresql"
    if about.vendor != here:
        raise Refused(f"{file} is a backup of {about.vendor}, and this installation has {here}; set DATABASE_URL.")
    if newer := migration_state.unknown(about.migrations):
        raise Refused(
            f"{file} is of a newer release ({about.version}; unknown here: {', '.join(newer[:3])}). "
            "Upgrade Charon first."
        )


def not_running() -> TextIO:
    """The lock of the data folder: nothing can start there until it is closed. Raises Refused while Charon runs."""
    try:
        return data_dir_lock.take(Path(settings.DATA_DIR))
    except data_dir_lock.LockHeld as held:
        pid = held.pid or "unknown"
        raise Refused(f"Charon runs on {settings.DATA_DIR} (pid {pid}). End it first: make down") from None
    except OSError as error:
        raise Refused(f"{settings.DATA_DIR} cannot be used: {error.strerror}.") from None


def put_sqlite(file: Path, about: About, replace: bool) -> None:
    place = sqlite_file.path()
    if sqlite_file.has_tables(place) and not replace:
        raise Refused(f"There is a database at {place}; {REPLACE}.")
    connection.close()
    sqlite_file.fold(place)
    for left in place.parent.glob(f"{backup_file.DRAFT}*.restored*"):
        left.unlink(missing_ok=True)
    with backup_file.draft(place.parent, ".restored") as ready:
        backup_file.take_out(file, about, ready)
        sqlite_file.check(ready)
        bring_forward(ready, about)
        sqlite_file.put(ready, place)
        backup_file.sync_folder(place.parent)


def bring_forward(ready: Path, about: About) -> None:
    """The migrations since the backup, on the copy: one that fails there hurts nothing."""
    if migration_state.missing(about.migrations):
        with as_default(ready):
            migration_state.migrate()
        sqlite_file.fold(ready)


@contextmanager
def as_default(file: Path) -> Iterator[None]:
    """In the block the default connection is to this file: migrations that fill rows use no other."""
    before = connections["default"]
    there = type(before)(before.settings_dict | {"NAME": str(file)}, "default")
    connections["default"] = there
    try:
        yield
    finally:
        there.close()
        connections["default"] = before


def put_postgres(file: Path, about: About, replace: bool) -> None:
    for name in ("pg_restore", "psql"):
        postgres.program(name)
    postgres.refuse_others()
    if postgres.tables(postgres.schema()) and not replace:
        name = connection.settings_dict["NAME"]
        raise Refused(f"The database {name} has tables; {REPLACE}.")
    with backup_file.draft(Path(settings.DATA_DIR), ".restored") as ready:
        backup_file.take_out(file, about, ready)
        postgres.check(ready)
        postgres.put_back()
        postgres.put(ready)
    try:
        if migration_state.missing(about.migrations):
            migration_state.migrate()
    except BaseException:
        connection.close()
        postgres.put_back()
        raise
    postgres.forget_before()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
