"""`manage.py down`: ends the Charon that runs on this data folder."""

import os
import signal
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from charon.processes import data_dir_lock


class Command(BaseCommand):
    help = "End the Charon that runs on this data folder, and wait until it is gone."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        pid = data_dir_lock.holder(settings.DATA_DIR)
        if pid is None:
            self.stdout.write(f"No Charon runs on {settings.DATA_DIR}.")
            return
        try:
            os.kill(pid, signal.SIGTERM)
        except PermissionError:
            raise CommandError(f"Charon (pid {pid}) belongs to another user.") from None
        if not data_dir_lock.wait_until_free(settings.DATA_DIR, 10):
            raise CommandError(f"Charon (pid {pid}) did not end within 10 s.")
        self.stdout.write("Charon has ended.")
