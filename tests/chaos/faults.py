"""What is done to an installation: each fault begins, lasts, and ends; `opens` are the problems that must then be told.

A process that is killed is replaced within seconds, so nothing need be told of it; nor can anything be told while the
database is away. A fault that must be told lasts until it is, for a minute at most.
"""

import random
import signal
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

import psutil

from tests.chaos.house import House

REFUSES = frozenset({"source_failed", "source_stale", "job_failed", "gap"})
TELLING = {"500": REFUSES, "HTML with 200": REFUSES, "no answer": REFUSES, "cut body": REFUSES}
BROKEN: dict[str, dict[str, object]] = {
    "500": {"status": 500},
    "HTML with 200": {"rubbish": "html"},
    "no answer": {"delay": 600},
    "cut body": {"cut": "half"},
    "doubled days": {"spoil": "doubled"},
    "nulls": {"spoil": "nulled"},
}
# Seconds. Who starts under a wrong clock cannot know that it is wrong, and who has never answered may still be loading
# (five minutes, for the slowest machine).
STARTED = 20.0
CLOCKS = {"a day ahead": timedelta(days=1), "two hours behind": timedelta(hours=-2)}


@dataclass(frozen=True)
class Fault:
    """`begin` answers what exactly was hit, or nothing when it could not be done; `end` undoes what does not pass."""

    name: str
    begin: Callable[[House, random.Random], str]
    end: Callable[[House], object] = lambda _: None
    shortest: float = 0.5
    longest: float = 2.0
    weight: int = 1
    opens: frozenset[str] = frozenset()


def killed(role: str) -> Fault:
    return Fault(f"kill -9 {role}", lambda house, chance: house.kill_one(role, chance), weight=3)


def up_killed() -> Fault:
    def begin(house: House, _: random.Random) -> str:
        assert house.up is not None
        house.up.process.kill()
        house.up.process.wait()
        return "up"

    return Fault("kill -9 up, and started again", begin, restart, 1, 4, weight=2)


def restart(house: House) -> None:
    """As an operator or systemd would: again and again until it runs, since it refuses without its database."""
    if not house.is_up():
        house.end()
        house.start()


def frozen(role: str) -> Fault:
    def begin(house: House, _: random.Random) -> str:
        found = house.members(role) if house.runs_for(STARTED, role) else []
        for one in found:
            with suppress(psutil.Error):
                one.send_signal(signal.SIGSTOP)
        return f"{len(found)} of {role}" if found else ""

    return Fault(f"SIGSTOP {role}", begin, lambda house: thaw(house, role), 10, 20, opens=frozenset({"liveness"}))


def thaw(house: House, role: str) -> None:
    for one in house.members(role):
        with suppress(psutil.Error):
            one.send_signal(signal.SIGCONT)


def replica(kind: str, script: Mapping[str, object]) -> Fault:
    """One provider breaks, or all of them; chosen by chance, the bank most often."""

    def begin(house: House, chance: random.Random) -> str:
        names = chance.choice(
            [["nbp"], ["nbp", "ecb"], [chance.choice(list(house.world.servers))], [*house.world.servers]]
        )
        for name in names:
            house.world.servers[name].set_script([script])
        return ", ".join(names)

    return Fault(f"providers: {kind}", begin, heal, 5, 15, weight=2, opens=TELLING.get(kind, frozenset()))


def heal(house: House) -> None:
    for server in house.world.servers.values():
        server.set_script([])


def clock(kind: str, wrong: timedelta) -> Fault:
    def begin(house: House, _: random.Random) -> str:
        if not house.runs_for(STARTED, "pulse"):
            return ""
        house.world.set_clock(wrong)
        return kind

    return Fault(f"clock {kind}", begin, lambda house: house.world.set_clock(), 10, 20, opens=frozenset({"clock"}))


def full_disk() -> Fault:
    def begin(house: House, _: random.Random) -> str:
        house.world.set_disk_full(full=True)
        return "SQLite may not grow"

    return Fault("full disk", begin, lambda house: house.world.set_disk_full(full=False), 8, 15)


def redis_stopped() -> Fault:
    def begin(house: House, chance: random.Random) -> str:
        assert house.redis is not None
        how = chance.choice(["stop", "kill"])
        house.redis.stop() if how == "stop" else house.redis.kill()
        return how

    def end(house: House) -> None:
        if house.redis and house.redis.process is None:
            house.redis.start()

    return Fault("Redis stopped", begin, end, 3, 12, weight=2, opens=frozenset({"redis"}))


def postgres_stopped() -> Fault:
    """`pg_ctl stop -m immediate`: SIGQUIT, sessions end at once and the next start recovers."""

    def begin(house: House, _: random.Random) -> str:
        assert house.postgres is not None
        house.postgres.send(signal.SIGQUIT)
        house.postgres.ended()
        return "-m immediate"

    def end(house: House) -> None:
        if house.postgres and house.postgres.process is None:
            house.postgres.start()

    return Fault("PostgreSQL stopped", begin, end, 3, 12, weight=2)


def faults_for(house: House) -> list[Fault]:
    """Those that this installation can suffer."""
    return [
        *map(killed, ("web", "cluster", "pulse", "runner")),
        up_killed(),
        *map(frozen, ("web", "pulse")),
        *(replica(kind, script) for kind, script in BROKEN.items()),
        *(clock(kind, wrong) for kind, wrong in CLOCKS.items()),
        *([redis_stopped()] if house.redis else []),
        *([postgres_stopped()] if house.postgres else [full_disk()]),
    ]


def heal_all(house: House) -> None:
    """Whatever was done is undone, and `up` runs."""
    for fault in faults_for(house):
        fault.end(house)
    restart(house)
