"""A backup of the database, also while Charon runs: written under another name, checked, then named."""

import sqlite3
from datetime import datetime
from pathlib import Path
from typing import IO

from django.conf import settings
from django.db import DatabaseError, connection

from charon.upkeep import Refused, backup_file, migration_state, postgres, sqlite_file
from charon.upkeep.backup_file import About, Vendor
from markets import clock
from markets.jobs import runs

KEEP = 14


def make(keep: int = KEEP) -> tuple[Path, About]:
    """The new backup, after it was read again; then those beyond the newest `keep` go (0: none goes)."""
    with backup_file.alone() as place:
        try:
            path, about = written(place)
        except (DatabaseError, sqlite3.Error) as error:
            raise Refused(f"The database cannot be read: {runs.scrub(str(error))}") from None
        except OSError as error:
            raise Refused(f"{place} cannot be written: {error.strerror or error}.") from None
        for _moment, old in backup_file.kept()[keep:] if keep else []:
            old.unlink(missing_ok=True)
    return path, about


def written(place: Path) -> tuple[Path, About]:
    vendor: Vendor = "sqlite" if settings.SQLITE else "postgresql"
    with backup_file.draft(place, ".zip") as draft, backup_file.draft(place, ".copy") as copy:
        if vendor == "sqlite":
            sqlite_file.copy(sqlite_file.path(), copy)
            sqlite_file.check(copy)
            about = backup_file.write(draft, vendor, lambda into: packed(copy, into))
        else:
            about = backup_file.write(draft, vendor, dumped)
        if backup_file.check(draft) != about:
            raise Refused("The backup does not say what was written into it.")
        if vendor == "postgresql":
            backup_file.take_out(draft, about, copy)
            postgres.check(copy)
        path = place / backup_file.name_of(about)
        if path.exists():
            raise Refused(f"{path} is there already; wait for a second.")
        draft.rename(path)
        backup_file.sync_folder(place)
    return path, about


def packed(copy: Path, into: IO[bytes]) -> About:
    with copy.open("rb") as file:
        while block := file.read(1 << 20):
            into.write(block)
    return about_of("sqlite", clock.now(), sqlite_file.migrations(copy), sqlite_file.rows(copy))


def dumped(into: IO[bytes]) -> About:
    """The counts are those of the moment that the dump shows."""
    postgres.program("pg_dump")
    with postgres.snapshot() as snapshot:
        moment, names, rows = clock.now(), migration_state.applied(), postgres.rows()
        postgres.dump(snapshot, into)
    connection.close()
    return about_of("postgresql", moment, names, rows)


def about_of(vendor: Vendor, moment: datetime, names: list[str], rows: dict[str, int]) -> About:
    made_at = moment.replace(microsecond=0)
    key = backup_file.key_mark()
    return About(backup_file.FORMAT, settings.VERSION, made_at, vendor, names, rows, key)
