"""`manage.py backup`: a checked copy of the database in `backups` of the data folder, also while Charon runs."""

from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from charon.upkeep import Refused, backing_up

KEY = (
    "The secret key is not in it. Keep SECRET_KEY, or the file secret_key of the data folder, apart from it: without "
    "the key the channels of alerts must be set up again and everybody signs in anew."
)


class Command(BaseCommand):
    help = "Copy the database into the folder of the backups and check the copy. Charon may run meanwhile."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--keep", type=count, default=backing_up.KEEP, help="so many of the newest stay; 0: all")

    def handle(self, *args: Any, keep: int, **options: Any) -> None:
        try:
            path, about = backing_up.make(keep)
        except Refused as refused:
            raise CommandError(str(refused)) from None
        size, rows = path.stat().st_size / 1e6, sum(about.rows.values())
        self.stdout.write(f"{path}: {rows:,} rows of {len(about.rows)} tables, {size:.1f} MB, checked.\n{KEY}")


def count(text: str) -> int:
    if not text.isdecimal():
        raise ArgumentTypeError("is no whole number")
    return int(text)
