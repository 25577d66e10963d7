"""A whole installation in processes of its own, on its own PostgreSQL and Redis."""

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import httpx
import psutil
from django.conf import settings
from django.db import connection
from django.db.models import Q
from django_q.models import OrmQ
from django_q.tasks import async_task
from pytest_django import DjangoDbBlocker

from markets.models import Job, Rate
from signals.models import Signal, midnight
from tests import short_nbp
from tests.databases import server_database
from tests.news import open_news
from tests.processes import ROOT, Up, environment, manage, until
from tests.replica import Replica, serve
from tests.servers import Postgres, Redis, postgres_server, redis_server

HURRIED_UP = [sys.executable, "-c", "from tests.hurried import up; up()"]
ROLES = ("miner", "brain", "web")


class Installation(Up):
    def members(self, role: str) -> list[psutil.Process]:
        return [process for process in self.processes() if role_of(process) == role]

    def answers(self, path: str) -> int:
        """The status of the response; 0 while no server listens."""
        try:
            return httpx.get(self.url + path, timeout=60).status_code
        except httpx.TransportError:
            return 0

    def kill_one(self, role: str, chance: Random) -> bool:
        """Kill any process of the role: a worker, the cluster's pusher, its sentinel, or granian's worker."""
        if not (members := self.members(role)):
            return False
        with suppress(psutil.NoSuchProcess):
            chance.choice(members).kill()
        return True


def role_of(process: psutil.Process) -> str:
    """`web` or the queue of a process; empty for the supervisor and the child runners, which these tests never kill."""
    try:
        command = " ".join(process.cmdline())
        if "child_runner.py" in command:
            return ""
        return "web" if "charon.serving" in command else process.environ().get("Q_CLUSTER_NAME", "")
    except psutil.Error:
        return ""


@dataclass
class Servers:
    """The servers that installations use: PostgreSQL, Redis and the NBP's replica."""

    postgres: Postgres
    redis: Redis
    replica: Replica
    blocker: DjangoDbBlocker

    def env(self, database: str) -> dict[str, str]:
        return {
            "DJANGO_SETTINGS_MODULE": "tests.hurried",
            "PYTHONPATH": str(ROOT),
            "DATABASE_URL": self.postgres.url_of(database),
            "REDIS_URL": self.redis.url,
            "REDIS_PREFIX": f"{database}:",
            "NBP_BASE_URL": self.replica.url,
            "SECRET_KEY": settings.SECRET_KEY,
            "SOURCES": "nbp",
        }

    @contextmanager
    def installation(
        self, folder: Path, database: str, template: str = "template1", **changes: str
    ) -> Iterator[Installation]:
        """A running installation on a new database, which this process uses too."""
        self.postgres.sql(f"CREATE DATABASE {database} TEMPLATE {template}")
        installation = Installation(folder, HURRIED_UP, **self.env(database) | changes)
        with self.look_into(database):
            try:
                yield installation.ready()
            finally:
                installation.end()

    def look_into(self, database: str) -> AbstractContextManager[None]:
        return server_database(self.postgres.url_of(database), self.blocker)

    def calm(self, folder: Path) -> str:
        """The database of an installation without faults: everything is fetched, then decided."""
        self.postgres.sql("CREATE DATABASE calm")
        env = environment(folder, **self.env("calm"))
        decide = "from signals.tasks import catch_up\nwhile catch_up(): pass"
        for words in (["migrate", "-v", "0"], ["sync"], ["mine", "nbp"], ["shell", "-v", "0", "-c", decide]):
            done = manage(*words, env=env)
            assert done.returncode == 0, done.stderr
        return "calm"


@contextmanager
def open_servers(blocker: DjangoDbBlocker) -> Iterator[Servers]:
    with serve(latency=0.08) as replica, postgres_server() as postgres, redis_server() as redis:
        yield Servers(postgres, redis, replica, blocker)


def enqueue_polls() -> None:
    """Enqueue the hourly tasks, as the schedules do, unless the last ones still wait."""
    for queue, func, words in (
        (settings.MINER_QUEUE, "miner.tasks.mine", ["nbp"]),
        (settings.BRAIN_QUEUE, "signals.tasks.catch_up", []),
    ):
        if OrmQ.objects.filter(key=queue).count() < 3:
            async_task(func, *words, cluster=queue)


def is_idle() -> bool:
    """Whether every rate is stored, no job is running and every outbox row is processed."""
    return (
        Rate.objects.count() >= short_nbp.rate_count()
        and not Job.objects.filter(status="running").exists()
        and not open_news().exists()
    )


def settled(seconds: float) -> None:
    """Wait until the installation is idle, by itself or by the next polls."""

    def look() -> bool:
        enqueue_polls()
        return is_idle()

    until(look, seconds)


def stored_rates() -> Counter[tuple[Any, ...]]:
    columns = ("instrument__code", "source__code", "table", "effective_date", "mid", "bid", "ask", "scale")
    return Counter(Rate.objects.values_list(*columns, "publication__number", "publication__sha256"))


def decisions() -> Counter[tuple[Any, ...]]:
    """Crossings, and the signals of the last day, without the time of the decision.

    HOLD is stored only for a bar that was the newest one at some time, which depends on the processes that were alive.
    """
    columns = ("instrument__code", "rule", "timeframe", "as_of", "version", "signal", "horizon_days")
    kept = Signal.objects.filter(~Q(signal=Signal.Label.HOLD) | Q(as_of=midnight(short_nbp.LAST)))
    rows = kept.values_list(*columns, "macd", "signal_line", "histogram", "values")
    return Counter((*row[:-1], repr(sorted(row[-1].items()))) for row in rows)


def connections_of(database: str) -> int:
    """The number of connections to the database, without our own."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()", [database]
        )
        return int(cursor.fetchone()[0])
