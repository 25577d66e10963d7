"""`manage.py alerts test FILE`: fabricated prices through the machine of the alerts, and what is expected of it.

The format is in docs/alerts.md, with docs/alert-cases.toml as an example. Ends with 1 when a case does not hold, with 2
when a file cannot be read or understood. It needs no database.
"""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from signals.alerts import case_file
from signals.alerts.cases import Case, failures


class Command(BaseCommand):
    help = "Try alert rules on prices of your own: manage.py alerts test FILE"
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="test")
        test = actions.add_parser("test", help="run the cases of these TOML files (docs/alert-cases.toml)")
        test.add_argument("files", nargs="+", metavar="FILE", type=Path)

    def handle(self, *args: str, **options: Any) -> None:
        cases = [(path, case) for path in options["files"] for case in read(path)]
        failed = sum(not self.holds(path, case) for path, case in cases)
        self.stdout.write(f"{len(cases) - failed} of {len(cases)} hold")
        if failed:
            raise SystemExit(1)

    def holds(self, path: Path, case: Case) -> bool:
        found = list(failures(case))
        self.stdout.write(f"{'failed' if found else 'ok':6} {case.name}")
        for failure in found:
            self.stdout.write(f"       {path}:{case.line}: {failure}")
        return not found


def read(path: Path) -> list[Case]:
    try:
        return case_file.read(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise CommandError(f"{path} cannot be read: {reason}", returncode=2) from None
    except case_file.CaseFault as fault:
        raise CommandError(f"{path}: {fault}", returncode=2) from None
