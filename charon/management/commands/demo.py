"""`manage.py demo`: Charon against local replicas of every provider, without a network."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from charon.processes.child_process import CHILD_RUNNER
from miner.providers import PROVIDERS

MANAGE = str(settings.BASE_DIR / "manage.py")
STOP_SECONDS = 10.0


class Command(BaseCommand):
    help = "Run Charon against local replicas of all providers; nothing leaves this machine, nothing is real."

    def handle(self, *args: Any, **options: Any) -> None:
        if not (settings.BASE_DIR / "tests" / "replica").is_dir():
            raise CommandError("The replicas are in tests/replica, which is not in this installation.")
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
        # A shell's background jobs begin with Ctrl-C ignored.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        # The child runner ends the replicas together with this process, also after SIGKILL.
        with subprocess.Popen(  # noqa: S603
            [sys.executable, "-I", "-S", str(CHILD_RUNNER), sys.executable, "-m", "tests.replica", "all", "--env"],
            cwd=settings.BASE_DIR,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as replicas:
            try:
                code = self.up(environment(addresses(replicas)))
            finally:
                replicas.terminate()
        sys.exit(code)

    def up(self, env: dict[str, str]) -> int:
        """Run `manage.py up` in the foreground: Ctrl-C reaches both processes."""
        self.stdout.write("DEMO: the prices are made up, and the rates end in October 2026.")
        self.stdout.flush()
        charon = subprocess.Popen([sys.executable, MANAGE, "up"], env=env)  # noqa: S603
        while True:
            try:
                return charon.wait()
            except KeyboardInterrupt:
                continue  # `up` received the signal too, and ends by itself
            except SystemExit:
                charon.terminate()
                with suppress(subprocess.TimeoutExpired):
                    charon.wait(STOP_SECONDS)
                raise


def addresses(replicas: "subprocess.Popen[str]") -> dict[str, str]:
    """`NBP_BASE_URL` and the like, as the replicas print them when they listen; an empty line is the last."""
    assert replicas.stdout is not None  # noqa: S101
    found: dict[str, str] = {}
    for line in replicas.stdout:
        name, _, url = line.strip().partition("=")
        if not name:
            return found
        found[name] = url
    raise CommandError("The replicas did not start.")


def environment(urls: dict[str, str]) -> dict[str, str]:
    """The environment of the demo: its own data folder and keys; the operator's ports and database stay."""
    data = os.environ.get("DATA_DIR") or str(settings.BASE_DIR / "data" / "demo")
    keys = {f"{code.upper()}_API_KEY": "demo" for code, provider in PROVIDERS.items() if provider.needs_key}
    return os.environ | urls | keys | {"DEMO": "1", "DATA_DIR": data, "SOURCES": ""}
