"""`manage.py restore FILE`: a backup in the place of the database, which stays whole until the backup is in."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from charon.upkeep import Refused, backup_file, restoring

OTHER_KEY = (
    "It was made under another SECRET_KEY: put that one into its place (SECRET_KEY, or secret_key in the data folder), "
    "or set the channels of alerts up again; everybody signs in anew, and tasks that waited are not run."
)


class Command(BaseCommand):
    help = "Put a backup in the place of the database. Refused while Charon runs, and over tables without --replace."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="a file of data/backups, or a copy of one")
        parser.add_argument("--replace", action="store_true", help="what is there goes")

    def handle(self, *args: Any, file: Path, replace: bool, **options: Any) -> None:
        try:
            about = restoring.restore(file, replace=replace)
        except Refused as refused:
            raise CommandError(f"Nothing was restored. {refused}") from None
        rows = sum(about.rows.values())
        self.stdout.write(f"The database is that of {about.made_at:%Y-%m-%d %H:%M:%S} UTC again: {rows:,} rows.")
        if about.key != backup_file.key_mark():
            self.stdout.write(OTHER_KEY)
