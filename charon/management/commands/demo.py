"""`manage.py demo`: Charon against local replicas of every provider, without a network."""

import os
import secrets
import signal
import subprocess
import sys
from argparse import SUPPRESS, ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from charon.management.commands import admin
from charon.processes import terminal
from charon.processes.child_process import CHILD_RUNNER
from charon.startup_messages import said
from markets import clock
from miner.providers import PROVIDERS
from signals.alerts.channels import webhook
from signals.alerts.deliver.seal import seal
from signals.alerts.models import AlertSeries, AlertState, Channel

MANAGE = str(settings.BASE_DIR / "manage.py")
# Bitcoin costs 6 % more from the 40th second on, and no longer from the 100th: above the threshold both ways. Once more
# for a machine whose first price came later.
MOVES = ("--move", "BTC:6:40:100", "--move", "BTC:6:160:220")
REPLICAS = ("-m", "tests.replica", "all", "--env", "--receiver", *MOVES)
# Seconds between two prices: with the usual minute an alert would wait for two of them. A source counts as
# silent after two pauses, and a busy machine is 30 s late in the first minute.
PACE = {"FETCH_INTERVAL": "20"}
STOP_SECONDS = 10.0
OPERATOR = "demo"
RECEIVER, SECRET = "RECEIVER_BASE_URL", "RECEIVER_SECRET"
CHANNEL = "Odbiornik demonstracyjny"


class Command(BaseCommand):
    help = "Run Charon against local replicas of all providers; nothing leaves this machine, nothing is real."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--channel", action="store_true", help=SUPPRESS)

    def handle(self, *args: Any, channel: bool = False, **options: Any) -> None:
        if channel:
            make_channel()
            return
        if not (settings.BASE_DIR / "tests" / "replica").is_dir():
            raise CommandError("The replicas are in tests/replica, which is not in this installation.")
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda number, _: sys.exit(128 + number))
        # A shell's background jobs begin with Ctrl-C ignored.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        with terminal.foreground(), leashed(*REPLICAS, stdout=subprocess.PIPE, cwd=settings.BASE_DIR) as replicas:
            env = environment(addresses(replicas))
            self.stdout.write(said("DEMO: the prices are made up, and the rates end in October 2026."))
            self.make_operator(env)
            self.make_receiver(env)
            code = self.up(env)
        sys.exit(code)

    def make_operator(self, env: dict[str, str]) -> None:
        """With a new password at each start: HOST may have opened the demo to a network."""
        given = {admin.NAME: OPERATOR, admin.PASSWORD: secrets.token_urlsafe(9)}
        with leashed(MANAGE, "admin", "--replace", env=env | given, stdout=subprocess.DEVNULL) as made:
            if made.wait():
                raise CommandError("The demo could not be prepared.")
        text = "  admin: {}, password {} (in the demo alone, until its next start)"
        self.stdout.write(said(text, OPERATOR, given[admin.PASSWORD]))
        self.stdout.flush()

    def make_receiver(self, env: dict[str, str]) -> None:
        with leashed(MANAGE, "demo", "--channel", env=env) as made:
            if made.wait():
                raise CommandError("The demo could not be prepared.")
        self.stdout.write(said("  alerts: {} shows what a receiver of alerts was sent", env[RECEIVER]))
        self.stdout.flush()

    def up(self, env: dict[str, str]) -> int:
        with leashed(MANAGE, "up", env=env) as charon:
            with suppress(KeyboardInterrupt):
                return charon.wait()
            charon.terminate()
            return charon.wait(STOP_SECONDS)


def make_channel() -> None:
    """The receiver of this start as a channel. What an earlier start watched is no silence, and no pause holds."""
    config = {"url": f"{os.environ[RECEIVER]}hook/ok", "secret": os.environ[SECRET]}
    chosen = {"kind": webhook.KIND.name, "sealed": seal(config), "target": webhook.target(config), "enabled": True}
    Channel.objects.update_or_create(
        name=CHANNEL, defaults=chosen, create_defaults=chosen | {"created_at": clock.now()}
    )
    AlertSeries.objects.all().delete()
    AlertState.objects.update(fired_at=None)


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
    """The environment of the demo: its own data folder, database, keys and names in Redis; the operator's ports stay.

    What is made up must not reach the rates of a real installation, nor the demo's operator its admin.
    """
    own = {"DATABASE_URL": "", "DB_HOST": "", "REDIS_PREFIX": f"demo:{settings.REDIS_PREFIX}"}
    data = os.environ.get("DATA_DIR") or str(settings.BASE_DIR / "data" / "demo")
    keys = {f"{code.upper()}_API_KEY": "demo" for code, provider in PROVIDERS.items() if provider.needs_key}
    own["CHANNEL_ALLOWED_HOSTS"] = "127.0.0.1"
    return PACE | os.environ | urls | keys | own | {"DEMO": "1", "DATA_DIR": data, "SOURCES": ""}
