"""`manage.py doctor`: looks the installation over and says what is wrong and what to do."""

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from charon.upkeep import doctor
from charon.upkeep.examinations import EXAMINATIONS


class Command(BaseCommand):
    help = "Look the installation over. Code 0: nothing is wrong; 1: something is; 2: something could not be examined."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        names = [one.name for one in EXAMINATIONS]
        parser.add_argument("--json", action="store_true", help="one JSON object, for scripts")
        parser.add_argument("--skip", action="append", default=[], choices=names, help="leave one out; may come twice")

    def handle(self, *args: Any, skip: list[str], **options: Any) -> None:
        done = doctor.examine(skip)
        if options["json"]:
            self.stdout.write(json.dumps(doctor.as_json(done, settings.VERSION), indent=2))
        else:
            self.stdout.write("\n".join(doctor.as_text(done)))
        if code := doctor.code(done):
            sys.exit(code)
