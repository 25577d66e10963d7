"""`manage.py reset`: begins anew with an empty data folder; asks first."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from charon.upkeep import Refused, resetting


class Command(BaseCommand):
    help = "Remove the database and what was computed from it. Asks at a terminal; scripts give --yes."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--yes", action="store_true", help="do not ask")
        parser.add_argument("--everything", action="store_true", help="the backups and the secret key go too")

    def handle(self, *args: Any, yes: bool, everything: bool, **options: Any) -> None:
        try:
            what = resetting.database()
            if not yes and not self.agreed(what, everything):
                raise CommandError("Nothing was removed.")
            resetting.reset(everything=everything)
        except Refused as refused:
            raise CommandError(f"Nothing was removed. {refused}") from None
        self.stdout.write(f"Removed: {what}. The next start makes an empty one and fetches what is published.")

    def agreed(self, what: str, everything: bool) -> bool:
        if not sys.stdin.isatty():
            raise CommandError("Nothing was removed. There is no terminal to ask at: make reset CONFIRM=yes")
        rest = "the backups and the secret key go too" if everything else "backups and the secret key stay"
        self.stdout.write(f"This removes {what}, with accounts, alerts and own rates ({settings.DATA_DIR}: {rest}).")
        try:
            return input('Type "yes" to go on: ').strip() == "yes"
        except EOFError:
            return False
