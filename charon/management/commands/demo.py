"""`manage.py demo`: the whole house against stand-ins for every service, without a network and marked as a demo."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from charon.processes.supervisor import CHILD_RUNNER

MANAGE = str(settings.BASE_DIR / "manage.py")
STOP_SECONDS = 10.0


class Command(BaseCommand):
    help = "Run Charon against local stand-ins for all services; nothing leaves this machine, nothing is real."

    def handle(self, *args: Any, **options: Any) -> None:
        if not (settings.BASE_DIR / "tests" / "replica").is_dir():
            raise CommandError("The stand-ins live in tests/replica, which is not in this installation.")
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
        # A shell's background jobs begin with Ctrl-C ignored.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        # On a leash: they go with us, also after a kill that nobody can answer.
        with subprocess.Popen(  # noqa: S603
            [sys.executable, "-I", "-S", str(CHILD_RUNNER), sys.executable, "-m", "tests.replica", "all", "--env"],
            cwd=settings.BASE_DIR,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as fallbacks:
            try:
                code = self.up(environment(addresses(fallbacks)))
            finally:
                fallbacks.terminate()
        sys.exit(code)

    def up(self, env: dict[str, str]) -> int:
        """In the foreground, as `manage.py up`: Ctrl-C reaches it as it reaches us."""
        self.stdout.write("DEMO: the prices are made up, and the rates end in October 2026.")
        self.stdout.flush()
        house = subprocess.Popen([sys.executable, MANAGE, "up"], env=env)  # noqa: S603
        while True:
            try:
                return house.wait()
            except KeyboardInterrupt:
                continue  # it heard it too, and ends by itself
            except SystemExit:
                house.terminate()
                with suppress(subprocess.TimeoutExpired):
                    house.wait(STOP_SECONDS)
                raise


def addresses(fallbacks: "subprocess.Popen[str]") -> dict[str, str]:
    """`NBP_BASE_URL` and its kin, as the stand-ins print them when they listen."""
    assert fallbacks.stdout is not None  # noqa: S101
    found: dict[str, str] = {}
    while "POLYGON_BASE_URL" not in found:
        line = fallbacks.stdout.readline()
        if not line:
            raise CommandError("The stand-ins did not start.")
        name, _, url = line.strip().partition("=")
        found[name] = url
    return found


def environment(urls: dict[str, str]) -> dict[str, str]:
    """A house of its own beside the real one; the operator's choices of ports and of the database hold."""
    data = os.environ.get("DATA_DIR") or str(settings.BASE_DIR / "data" / "demo")
    return os.environ | urls | {"DEMO": "1", "DATA_DIR": data, "POLYGON_API_KEY": "demo", "SOURCES": ""}
