"""`manage.py export-site DIR`: the years that have closed, as files that a proxy or an object store serves."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from charon.site_files import making
from charon.upkeep import Refused
from miner.slices import Slice


class Command(BaseCommand):
    help = "Write the years that ended thirty days ago into a folder, as JSON, CSV and one Parquet, packed and indexed."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", metavar="DIR", type=Path)

    def handle(self, *args: Any, folder: Path, **options: Any) -> None:
        try:
            made = making.make(folder.absolute(), Slice())
        except Refused as refused:
            raise CommandError(str(refused)) from None
        done = made.done
        self.stdout.write(f"{folder}: {done.written} files written, {done.kept} were right, {done.pruned} removed.")
        if made.no_parquet:
            self.stdout.write(f"No Parquet: {made.no_parquet}")
        if done.waiting:
            names = ", ".join(done.waiting)
            raise CommandError(f"The figures of {names} are being changed at this moment. Run it again.")
