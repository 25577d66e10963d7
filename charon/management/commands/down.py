"""`manage.py down`: ends the Charon that runs on this data folder, and the demo beside it."""

import os
import signal
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from charon.processes import data_dir_lock

SECONDS = 10.0


class Command(BaseCommand):
    help = "End the Charon that runs on this data folder, and a demo, and wait until they are gone."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        folders = [settings.DATA_DIR, *demo_folder()]
        ended = [self.end(folder) for folder in folders]
        if not any(ended):
            self.stdout.write(f"No Charon runs on {settings.DATA_DIR}.")

    def end(self, folder: Path) -> bool:
        """Whether one ran there. The children of one that has to be killed end with it."""
        pid = data_dir_lock.holder(folder)
        if pid is None:
            return False
        send(pid, signal.SIGTERM)
        send(pid, signal.SIGCONT)  # one that was stopped hears the first signal only then
        if not data_dir_lock.wait_until_free(folder, SECONDS):
            self.stdout.write(f"Charon (pid {pid}) did not end within {SECONDS:.0f} s and is killed.")
            send(pid, signal.SIGKILL)
            if not data_dir_lock.wait_until_free(folder, SECONDS):
                raise CommandError(f"Charon (pid {pid}) still holds {folder}.")
        self.stdout.write("Charon has ended." if folder == settings.DATA_DIR else "The demo has ended.")
        return True


def demo_folder() -> list[Path]:
    """The demo's own folder, unless an operator has named the folder that is meant."""
    usual = Path(settings.BASE_DIR) / "data"
    return [usual / "demo"] if usual == settings.DATA_DIR else []


def send(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
    except PermissionError:
        raise CommandError(f"Charon (pid {pid}) belongs to another user.") from None
