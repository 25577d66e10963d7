"""The file of SQLite: a copy while others write to it, whether it is whole, and another one in its place."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from django.db import connection

from charon.upkeep import Refused

SECONDS = 20.0


def path() -> Path:
    """Of the installation's database. Raises Refused for one in memory."""
    name = str(connection.settings_dict["NAME"])
    if ":memory:" in name or "mode=memory" in name or not name:
        raise Refused("The database is in memory: there is no file to back up or to restore.")
    return Path(name).absolute()


def opened(file: Path, mode: str = "rw") -> sqlite3.Connection:
    """Never makes a file that is not there."""
    return sqlite3.connect(f"{file.as_uri()}?mode={mode}", uri=True, timeout=SECONDS, isolation_level=None)


def copy(source: Path, target: Path) -> None:
    """Everything that is committed at this moment, packed; the target is empty. Writers go on meanwhile."""
    if not source.is_file():
        raise Refused(f"There is no database at {source}.")
    with closing(opened(source)) as database:
        database.execute("VACUUM INTO ?", [str(target)])


def check(file: Path) -> None:
    """Raises Refused where SQLite finds a page, an index or a reference that is wrong."""
    try:
        with closing(opened(file)) as database:
            found = [row[0] for row in database.execute("PRAGMA integrity_check(3)")]
    except sqlite3.DatabaseError as error:
        found = [str(error)]
    if found != ["ok"]:
        raise Refused(f"The copy of the database is damaged: {'; '.join(found)}.")


def migrations(file: Path) -> list[str]:
    with closing(opened(file)) as database:
        return [".".join(row) for row in database.execute("SELECT app, name FROM django_migrations ORDER BY app, name")]


def rows(file: Path) -> dict[str, int]:
    """How many of each table."""
    with closing(opened(file)) as database:
        names = [row[0] for row in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY 1")]
        names = [name for name in names if not name.startswith("sqlite_")]
        return {name: count(database, name) for name in names}


def count(database: sqlite3.Connection, table: str) -> int:
    """The name is one of the file's own schema."""
    return int(database.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0])  # nosec B608


def has_tables(file: Path) -> bool:
    """Also for a file that cannot be read: it may be somebody's."""
    try:
        return file.exists() and file.stat().st_size > 0 and bool(rows(file))
    except sqlite3.DatabaseError:
        return True


def fold(file: Path) -> None:
    """Leave no log of writes beside the file, which SQLite does for the only program that has it open.

    Raises Refused when another has it open. A file that is damaged has nothing to fold.
    """
    if not file.exists() or not file.stat().st_size:
        return
    try:
        with closing(opened(file)) as database:
            database.execute("PRAGMA busy_timeout = 2000")
            mode = database.execute("PRAGMA journal_mode = DELETE").fetchone()[0]
    except sqlite3.OperationalError:
        mode = "wal"
    except sqlite3.DatabaseError:
        return
    if mode == "wal":
        raise Refused(f"Another program has {file} open. End it first (make down).")


def put(new: Path, place: Path) -> None:
    """The new file in the place of the old one, which is whole until then."""
    fold(place)
    beside(place.parent, new)
    remove_logs(place)  # those of a damaged file would be read into the new one
    new.replace(place)


def beside(folder: Path, file: Path) -> None:
    """Root restores for the owner of the folder: a database that Charon cannot write would stop it."""
    if os.geteuid() == 0:
        owner = folder.stat()
        os.chown(file, owner.st_uid, owner.st_gid)


def remove_logs(place: Path) -> None:
    for ending in ("-wal", "-shm", "-journal"):
        place.with_name(place.name + ending).unlink(missing_ok=True)
