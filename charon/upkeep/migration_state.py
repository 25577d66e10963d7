"""Whether a database is that of this release: what it lacks, and what it has that this release does not know."""

from collections.abc import Iterable
from functools import cache

from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from charon.management.commands import prepare


@cache
def known() -> tuple[frozenset[str], frozenset[str]]:
    """The migrations of this release, and with them those that squashed ones stand for."""
    loader = MigrationLoader(None)
    names = frozenset(".".join(key) for key in loader.disk_migrations)
    replaced = {".".join(key) for one in loader.disk_migrations.values() for key in one.replaces}
    return names, names | replaced


def applied() -> list[str]:
    """In the database of the installation."""
    return sorted(".".join(key) for key in MigrationRecorder(connection).applied_migrations())


def missing(there: Iterable[str]) -> list[str]:
    return sorted(known()[0] - set(there))


def unknown(there: Iterable[str]) -> list[str]:
    """Those of a newer release."""
    return sorted(set(there) - known()[1])


def migrate() -> None:
    """The default database, as each start does it."""
    with prepare.alone():
        call_command("migrate", interactive=False, verbosity=0)
