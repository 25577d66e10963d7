"""Begin anew: the database and what was computed from it go; backups and the secret key stay unless they are named."""

import shutil
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, connection

from charon.upkeep import backup_file, postgres, sqlite_file
from charon.upkeep.restoring import not_running
from markets.history_files.place import forget_all
from markets.redis import generations

# Of DATA_DIR: signs of life and metrics, and what numba compiled.
COMPUTED = ("run", "numba")
KEY = "secret_key"


def database() -> str:
    """What would go, in words."""
    if settings.SQLITE:
        return f"the database {sqlite_file.path()}"
    place = connection.settings_dict
    return f"all tables of the PostgreSQL database {place['NAME']} at {place['HOST'] or 'localhost'}"


def reset(*, everything: bool = False) -> None:
    """Raises Refused while Charon runs."""
    with not_running():
        remove_database()
        for name in COMPUTED:
            shutil.rmtree(Path(settings.DATA_DIR) / name, ignore_errors=True)
        if everything:
            shutil.rmtree(backup_file.folder(), ignore_errors=True)
            (Path(settings.DATA_DIR) / KEY).unlink(missing_ok=True)


def remove_database() -> None:
    if not settings.SQLITE:
        postgres.refuse_others()
        forget_answers()
        here = postgres.schema()
        postgres.execute(postgres.drop(postgres.tables(here), here))
        postgres.forget_before()
        return
    place = sqlite_file.path()
    if place.exists():
        forget_answers()
    connection.close()
    sqlite_file.fold(place)
    sqlite_file.remove_logs(place)
    place.unlink(missing_ok=True)


def forget_answers() -> None:
    """Those that Redis keeps; a database without tables has none."""
    try:
        generations.everything_changed()
        forget_all()
    except DatabaseError:
        connection.close()
