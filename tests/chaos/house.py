"""One installation under test: its processes by their roles, its database, and whether it has come to rest."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dj_database_url
import psutil
from django.db import DEFAULT_DB_ALIAS, DatabaseError, InterfaceError, connections
from django_q.models import OrmQ, Task
from django_q.signing import SignedPackage

from markets.models import Gap, Job, Problem, Rate
from signals import claims
from tests.chaos.world import World
from tests.processes import Up, free_port
from tests.servers import Postgres, Redis

STUCK = 60.0  # seconds; a task may work for 20 and is delivered again after 25


@dataclass
class House:
    """An installation in its world. `alias` names its database among this process's connections."""

    alias: str
    world: World
    env: dict[str, str]
    postgres: Postgres | None = None
    redis: Redis | None = None
    up: Up | None = None
    command: list[str] | None = None
    port: int = 0
    starts: int = 0

    @property
    def data(self) -> Path:
        return self.world.folder / "data"

    def start(self) -> None:
        self.port = self.port or free_port()
        self.starts += 1
        self.up = Up(self.data, self.command, **self.env | {"PORT": str(self.port)})

    def is_up(self) -> bool:
        return self.up is not None and self.up.process.poll() is None

    def end(self) -> None:
        if self.up:
            self.up.end()

    def members(self, role: str) -> list[psutil.Process]:
        assert self.up is not None
        return [one for one in self.up.processes() if role_of(one) == role]

    def runs_for(self, seconds: float, role: str) -> bool:
        """Whether all of the role have been there for so long."""
        found = self.members(role)
        with suppress(psutil.Error):
            return bool(found) and all(time.time() - one.create_time() > seconds for one in found)
        return False

    def kill_one(self, role: str, chance: random.Random) -> str:
        """Kill one process of the role; answers what it was, or nothing when there was none."""
        found = sorted(self.members(role), key=lambda one: one.pid)
        if not found:
            return ""
        victim = chance.choice(found)
        place = f"{role} {found.index(victim) + 1} of {len(found)}"
        with suppress(psutil.Error):
            victim.kill()
            return place
        return ""

    @contextmanager
    def seen(self) -> Iterator[None]:
        """This process's queries go to the house's database; it may be away, which raises DatabaseError."""
        configured, before = connections.settings[DEFAULT_DB_ALIAS], connections[DEFAULT_DB_ALIAS]
        options = {"connect_timeout": 2} if self.postgres else {"timeout": 20}
        there = dj_database_url.parse(self.database_url) | {"OPTIONS": options}
        connections.settings[DEFAULT_DB_ALIAS] = configured | there
        del connections[DEFAULT_DB_ALIAS]
        try:
            yield
        finally:
            with suppress(DatabaseError, InterfaceError):
                connections[DEFAULT_DB_ALIAS].close()
            connections.settings[DEFAULT_DB_ALIAS], connections[DEFAULT_DB_ALIAS] = configured, before

    @property
    def database_url(self) -> str:
        return self.env.get("DATABASE_URL") or f"sqlite:///{self.data / 'charon.sqlite3'}"

    def ask(self, question: Callable[[], Any], otherwise: Any = None) -> Any:
        """The answer of the database; `otherwise` while it is away or has no tables yet."""
        if self.postgres is None and not (self.data / "charon.sqlite3").exists():
            return otherwise
        try:
            with self.seen():
                return question()
        except (DatabaseError, InterfaceError):
            return otherwise


def role_of(process: psutil.Process) -> str:
    try:
        words = process.cmdline()
    except psutil.Error:
        return ""
    line = " ".join(words)
    if "child_runner.py" in line:
        return "runner"
    names = {"charon.serving": "web", "qcluster": "cluster", "pulse": "pulse", "up": "up"}
    return next((role for word, role in names.items() if word in words), "")


@dataclass
class Watch:
    """Whether the installation has come to rest, and what its queue has given up for good.

    A task may wait or work for a while; one that stands in the queue for longer is stuck.
    """

    allowed: frozenset[str] = frozenset()
    gaps: int = 0
    rates: int = 1
    patience: float = STUCK
    waiting: dict[int, float] = field(default_factory=dict)
    given_up: dict[str, str] = field(default_factory=dict)

    def unrest(self) -> list[str]:
        """Why it is not at rest; empty when it is."""
        for task in Task.objects.filter(success=False):
            self.given_up[task.id] = f"{task.func}{task.args or ''}: {str(task.result)[-300:]}"
        problems = Problem.objects.filter(closed_at=None).values_list("kind", "subject")
        there, now = {row.pk: row for row in OrmQ.objects.all()}, time.monotonic()
        self.waiting = {pk: self.waiting.get(pk, now) for pk in there}
        stuck = [there[pk] for pk, since in self.waiting.items() if now - since > self.patience]
        counts = {
            "jobs run": Job.objects.filter(status=Job.Status.RUNNING).count(),
            "rates are missing": self.rates - Rate.objects.count(),
            "gaps are open": Gap.objects.filter(accepted_at=None).count() - self.gaps,
        }
        named = [f"{number} {what}" for what, number in counts.items() if number > 0]
        named += [f"event open: {event}" for event in open_events()]
        named += [f"in the queue for {self.patience:.0f} s: {name_of(row)}, locked to {row.lock}" for row in stuck]
        return named + sorted({f"open: {kind} {subject}".rstrip() for kind, subject in problems} - self.allowed)

    def until_rest(self, house: House, seconds: float, quiet: int = 6) -> list[str]:
        """Wait until nothing is left to do `quiet` times in a row, a second apart; answers what is left to do."""
        deadline, calm, why = time.monotonic() + seconds, 0, ["never seen"]
        while calm < quiet and time.monotonic() < deadline:
            why = house.ask(self.unrest, ["the database is away"])
            calm = 0 if why else calm + 1
            time.sleep(1)
        return why


def open_events() -> list[str]:
    """News that the engine has not decided on, with what may be in the way.

    What no rule is about (a price comes every few seconds) lies there until the next pass.
    """
    names = ("instrument__code", "kind", "tries", "claimed_by", "claimed_until", "error")
    rows = claims.unprocessed().filter(kind__in=claims.timeframes()).order_by("pk")
    return [" ".join(map(str, row)) for row in rows.values_list(*names)]


def name_of(row: OrmQ) -> str:
    try:
        task = SignedPackage.loads(row.payload)
    except Exception as error:  # the key may be another one
        return type(error).__name__
    return f"{task['func']}{task['args']}"
