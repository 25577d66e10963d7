"""`manage.py demo`: Charon against local replicas of every provider, without a network."""

import os
import secrets
import signal
import subprocess
import sys
from argparse import SUPPRESS, ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from charon.management.commands import admin
from charon.processes import data_dir_lock, terminal
from charon.processes.child_process import CHILD_RUNNER
from charon.startup_messages import said
from markets import clock
from markets.errors import ConflictError, QuestionError
from markets.models import Gap, Job, Source
from miner import sources
from miner.collect import one_table, window_plan
from miner.gaps import ask
from miner.gaps.wish import Wish
from miner.models import Spent
from miner.providers import PROVIDERS
from miner.providers.nbp import NBP
from miner.providers.nbp_archive import LAST
from signals.alerts.channels import webhook
from signals.alerts.deliver.seal import seal
from signals.alerts.models import AlertSeries, AlertState, Channel

MANAGE = str(settings.BASE_DIR / "manage.py")
# Bitcoin costs 6 % more from the 40th second on, and no longer from the 100th: above the threshold both ways. Once more
# for a machine whose first price came later.
MOVES = ("--move", "BTC:6:40:100", "--move", "BTC:6:160:220")
# The NBP's table C of ten working days ago comes without a line for three minutes: a gap that nobody decides by, older
# than the week that is read again with each new table, so that a later start brings no second one.
BROKEN_TABLE, BROKEN = "C", ("--broken", "C:10:180")
# The first fill of the years before is left to those who do it.
LATELY = timedelta(days=30)
# Seconds from the start of Charon to an operator's wish to have the gap healed: the timetable would wait for an hour.
# While the table is still being mined it is wished again.
HEALS = (190.0, 60.0, 60.0, 60.0)
REPLICAS = ("-m", "tests.replica", "all", "--env", "--receiver", "--goes-on", *BROKEN, *MOVES)
COINS = ("BTC", "ETH", "XRP", "BNB", "SOL", "DOGE", "ADA", "LINK", "AVAX", "LTC")
# Of its ten calls a minute the list of coins takes two, prices one and a year of each coin one: with all ten coins it
# counted as failed for its first minutes.
AT_COINGECKO = 4
# What the operator's environment does not say otherwise. Prices move every 20 s: with the usual minute an alert would
# wait for two of them. A source counts as silent after two pauses, and a busy machine is 30 s late in the first minute.
# Ten coins instead of all 29 of Binance.US: a list worth sorting whose indicators are there within the first minute.
USUAL = {
    "FETCH_INTERVAL": "20",
    "FETCH_INTERVAL_SECONDS": "60",
    "MARKET_REFRESH_SECONDS": "20",
    "ASSETS": ",".join(COINS[:AT_COINGECKO]),
    "BINANCE_SYMBOLS": ",".join(f"{coin}USDT" for coin in COINS),
}
STOP_SECONDS = 10.0
OPERATOR = "demo"
RECEIVER, SECRET = "RECEIVER_BASE_URL", "RECEIVER_SECRET"
CHANNEL = "Odbiornik demonstracyjny"


class Command(BaseCommand):
    help = "Run Charon against local replicas of all providers; nothing leaves this machine, nothing is real."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--prepare", action="store_true", help=SUPPRESS)
        parser.add_argument("--heal", action="store_true", help=SUPPRESS)

    def handle(self, *args: Any, prepare: bool = False, heal: bool = False, **options: Any) -> None:
        if prepare:
            call_command("admin", name=OPERATOR, replace=True)
            make_channel()
            forget_waits()
            fetch_newest_tables()
        elif heal:
            sys.exit(not wish_healed())
        else:
            self.demonstrate()

    def demonstrate(self) -> None:
        if not (settings.BASE_DIR / "tests" / "replica").is_dir():
            raise CommandError("The replicas are in tests/replica, which is not in this installation.")
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda number, _: sys.exit(128 + number))
        # A shell's background jobs begin with Ctrl-C ignored.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        folder = Path(environment({})["DATA_DIR"])
        # A second demo must not change the operator and the receiver of the first.
        with terminal.foreground(), suppress(KeyboardInterrupt), locked(folder):
            sys.exit(self.run())
        sys.exit(128 + signal.SIGINT)

    def run(self) -> int:
        with leashed(*REPLICAS, stdout=subprocess.PIPE, cwd=settings.BASE_DIR) as replicas:
            env = environment(addresses(replicas))
            self.stdout.write(said("DEMO: prices are made up, and so are all rates after {}.", LAST))
            self.stdout.write(said("  today:  its table is there from midnight on, unlike at the NBP"))
            self.prepare(env)
            return self.up(env)

    def prepare(self, env: dict[str, str]) -> None:
        """The operator gets a new password at each start: HOST may have opened the demo to a network."""
        given = {admin.NAME: OPERATOR, admin.PASSWORD: secrets.token_urlsafe(12)}
        with leashed(MANAGE, "demo", "--prepare", env=env | given, stdout=subprocess.DEVNULL) as made:
            if made.wait():
                raise CommandError("The demo could not be prepared.")
        text = "  admin: {}, password {} (in the demo alone, until its next start)"
        self.stdout.write(said(text, OPERATOR, given[admin.PASSWORD]))
        self.stdout.write(said("  alerts: {} shows what a receiver of alerts was sent", env[RECEIVER]))
        self.stdout.write(said("  gaps:   a table C comes without figures, and heals after three minutes"))
        self.stdout.flush()

    def up(self, env: dict[str, str]) -> int:
        with leashed(MANAGE, "up", env=env) as charon:
            with suppress(KeyboardInterrupt):
                return watched(charon, env)
            charon.terminate()
            return charon.wait(STOP_SECONDS)


def watched(charon: "subprocess.Popen[str]", env: dict[str, str]) -> int:
    """Wait for its end, and meanwhile have the gap healed."""
    for pause in HEALS:
        with suppress(subprocess.TimeoutExpired):
            return charon.wait(pause)
        with leashed(MANAGE, "demo", "--heal", env=env) as healing:
            if not healing.wait():
                break
    return charon.wait()


def wish_healed() -> bool:
    """Ask for the gaps of the broken table as an operator does; False while it is being asked for otherwise."""
    source, wish = Source.objects.get(code=NBP.code), Wish(first=clock.today() - LATELY)
    try:
        ask.check_awake(source)
        if task := ask.plan(source, BROKEN_TABLE, wish):
            ask.start(source, BROKEN_TABLE, wish, task)
    except (ConflictError, QuestionError):
        return False
    return True


def forget_waits() -> None:
    """What an earlier start could not have is asked for at once: its replicas may have ended before its questions, or
    with the year.
    """
    Gap.objects.filter(accepted_at=None, next_try__gt=clock.now()).update(next_try=clock.now())
    Spent.objects.update(failures=0, blocked_until=None)


def make_channel() -> None:
    """The receiver of this start as a channel. What an earlier start watched is no silence, and no pause holds."""
    config = {"url": f"{os.environ[RECEIVER]}hook/ok", "secret": os.environ[SECRET]}
    chosen = {"kind": webhook.KIND.name, "sealed": seal(config), "target": webhook.target(config), "enabled": True}
    Channel.objects.update_or_create(
        name=CHANNEL, defaults=chosen, create_defaults=chosen | {"created_at": clock.now()}
    )
    AlertSeries.objects.all().delete()
    AlertState.objects.update(fired_at=None)


def fetch_newest_tables() -> None:
    """The newest window of each of the NBP's tables, so that the first screen has rates: 1 s of the start, and not 20 s
    after it, behind 30 years of the archive. The years before are planned as a first fill: until they are here nobody
    decides on these.
    """
    source = sources.runnable_source(NBP.code)
    if source is None:
        return
    run, today = one_table.run_of_task(source, Job.Trigger.START), clock.today()
    for series in NBP.series:
        windows = window_plan.windows_of(source, series, None, today)
        run.windows = [window for window in windows if window[1] == today]
        if run.windows:
            one_table.mine_one(run, series)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Be the only demo on this folder, beside no Charon that runs there by itself."""
    try:
        with data_dir_lock.take(folder, data_dir_lock.DEMO):
            data_dir_lock.take(folder).close()
            yield
    except data_dir_lock.LockHeld as held:
        raise CommandError(said("Charon already runs on {} (pid {}).", folder, held.pid or said("unknown"))) from None


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
    return USUAL | os.environ | urls | keys | own | {"DEMO": "1", "DATA_DIR": data, "SOURCES": ""}
