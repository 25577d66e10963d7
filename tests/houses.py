"""A whole Charon in processes of its own, on a PostgreSQL and a Redis of its own, which this process looks into."""

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


class House(Up):
    def members(self, role: str) -> list[psutil.Process]:
        return [process for process in self.family() if role_of(process) == role]

    def answers(self, path: str) -> int:
        """The status; 0 while nobody is there."""
        try:
            return httpx.get(self.url + path, timeout=60).status_code
        except httpx.TransportError:
            return 0

    def kill_one(self, role: str, chance: Random) -> bool:
        """Any of its processes: a worker, the one that hands out tasks, the one that watches them, granian's own."""
        if not (members := self.members(role)):
            return False
        with suppress(psutil.NoSuchProcess):
            chance.choice(members).kill()
        return True


def role_of(process: psutil.Process) -> str:
    """The supervisor and the leashes have none: what holds the others is not what dies here."""
    try:
        words = " ".join(process.cmdline())
        if "leash.py" in words:
            return ""
        return "web" if "granian" in words else process.environ().get("Q_CLUSTER_NAME", "")
    except psutil.Error:
        return ""


@dataclass
class Street:
    """The servers of a house, and the bank it asks."""

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
    def house(self, folder: Path, database: str, template: str = "template1", **changes: str) -> Iterator[House]:
        """A running house on a new database, which is also that of this process."""
        self.postgres.sql(f"CREATE DATABASE {database} TEMPLATE {template}")
        house = House(folder, HURRIED_UP, **self.env(database) | changes)
        with self.look_into(database):
            try:
                yield house.ready()
            finally:
                house.end()

    def look_into(self, database: str) -> AbstractContextManager[None]:
        return server_database(self.postgres.url_of(database), self.blocker)

    def calm(self, folder: Path) -> str:
        """The database of a house in which nothing goes wrong: all is mined, then all is decided."""
        self.postgres.sql("CREATE DATABASE calm")
        env = environment(folder, **self.env("calm"))
        decide = "from signals.tasks import catch_up\nwhile catch_up(): pass"
        for words in (["migrate", "-v", "0"], ["sync"], ["mine", "nbp"], ["shell", "-v", "0", "-c", decide]):
            done = manage(*words, env=env)
            assert done.returncode == 0, done.stderr
        return "calm"


@contextmanager
def open_street(blocker: DjangoDbBlocker) -> Iterator[Street]:
    with serve(latency=0.08) as replica, postgres_server() as postgres, redis_server() as redis:
        yield Street(postgres, redis, replica, blocker)


def next_beat() -> None:
    """What the timetable does once an hour, unless the last one still waits."""
    for queue, func, words in (
        (settings.MINER_QUEUE, "miner.tasks.mine", ["nbp"]),
        (settings.BRAIN_QUEUE, "signals.tasks.catch_up", []),
    ):
        if OrmQ.objects.filter(key=queue).count() < 3:
            async_task(func, *words, cluster=queue)


def at_rest() -> bool:
    """Every figure is there, nothing is at work and every announcement was answered."""
    return (
        Rate.objects.count() >= short_nbp.figures()
        and not Job.objects.filter(status="running").exists()
        and not open_news().exists()
    )


def settled(seconds: float) -> None:
    """By itself and by the next beats of the timetable."""

    def look() -> bool:
        next_beat()
        return at_rest()

    until(look, seconds)


def figures() -> Counter[tuple[Any, ...]]:
    columns = ("instrument__code", "source__code", "table", "effective_date", "mid", "bid", "ask", "scale")
    return Counter(Rate.objects.values_list(*columns, "publication__number", "publication__sha256"))


def decisions() -> Counter[tuple[Any, ...]]:
    """Turns, and what holds on the last day, without the time at which that was found.

    That nothing turned is only kept of bars that were the newest once: which those are depends on who was alive.
    """
    columns = ("instrument__code", "rule", "timeframe", "as_of", "version", "signal", "horizon_days")
    kept = Signal.objects.filter(~Q(signal=Signal.Label.HOLD) | Q(as_of=midnight(short_nbp.LAST)))
    rows = kept.values_list(*columns, "macd", "signal_line", "histogram", "values")
    return Counter((*row[:-1], repr(sorted(row[-1].items()))) for row in rows)


def connections_of(database: str) -> int:
    """Of others than this one."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()", [database]
        )
        return int(cursor.fetchone()[0])
