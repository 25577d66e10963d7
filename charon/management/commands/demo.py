"""`manage.py demo`: Charon against local replicas of every provider, without a network."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from charon.processes import terminal
from charon.processes.child_process import CHILD_RUNNER
from miner.providers import PROVIDERS

MANAGE = str(settings.BASE_DIR / "manage.py")
REPLICAS = ("-m", "tests.replica", "all", "--env")
STOP_SECONDS = 10.0


class Command(BaseCommand):
    help = "Run Charon against local replicas of all providers; nothing leaves this machine, nothing is real."

    def handle(self, *args: Any, **options: Any) -> None:
        if not (settings.BASE_DIR / "tests" / "replica").is_dir():
            raise CommandError("The replicas are in tests/replica, which is not in this installation.")
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda number, _: sys.exit(128 + number))
        # A shell's background jobs begin with Ctrl-C ignored.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        with terminal.foreground(), leashed(*REPLICAS, stdout=subprocess.PIPE, cwd=settings.BASE_DIR) as replicas:
            code = self.up(environment(addresses(replicas)))
        sys.exit(code)

    def up(self, env: dict[str, str]) -> int:
        self.stdout.write("DEMO: the prices are made up, and the rates end in October 2026.")
        self.stdout.flush()
        with leashed(MANAGE, "up", env=env) as charon:
            with suppress(KeyboardInterrupt):
                return charon.wait()
            charon.terminate()
            return charon.wait(STOP_SECONDS)


@contextmanager
def leashed(*words: str, **how: Any) -> "Iterator[subprocess.Popen[str]]":
    """Another command of Python that ends together with this process, also after SIGKILL: the child runner sees to it.

    At the end of the block its whole process group is gone, also when somebody has killed the child runner.
    """
    with subprocess.Popen(  # noqa: S603
        [sys.executable, "-I", "-S", str(CHILD_RUNNER), sys.executable, *words],
        stdin=subprocess.PIPE, text=True, start_new_session=True, **how,
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(STOP_SECONDS)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


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
