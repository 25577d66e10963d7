"""The storm itself, its end, and the verdict."""

import argparse
import multiprocessing
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from multiprocessing.context import ForkServerProcess

from django.core.management import call_command
from django.db.models import Min, QuerySet

from markets import clock
from signals.alerts import news
from signals.alerts.deliver import claims
from signals.alerts.deliver.seal import seal
from signals.alerts.models import AlertDefaults, AlertEvent, Attempt, Channel, Delivery, Kind
from tests.replica import Server
from tests.replica.receiver import SECRET, Receiver
from tests.storm import market, worker
from tests.storm.market import Market
from tests.storm.settings import CLOCK

BEGINS = datetime(2026, 10, 26, 7, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
# How a receiver misbehaves, and how often; `hang` holds its channel for half a second of the machine.
MODES = {"ok": 80, "500": 8, "500-taken": 8, "hang-taken": 2, "drip": 2}
# No coin jumps while the oldest price that nobody evaluated is older: what comes an hour late fires nothing. Time goes
# on slowly (seconds a minute), so that the claim of a killed process ends.
BEHIND, SLOWLY = timedelta(minutes=20), 2.0
# The same of a message that is due and that nobody sends.
UNSENT = timedelta(hours=2)
PATIENCE = 300.0
SHOWN = 5


class Clock:
    """The time of the installation; its processes read it from a file."""

    def __init__(self) -> None:
        self.now = BEGINS
        self.move(timedelta())

    def move(self, on: timedelta) -> None:
        self.now += on
        new = CLOCK.with_suffix(".new")
        new.write_text(str(self.now.timestamp()))
        new.replace(CLOCK)


class Told(Server[Receiver]):
    """The receiver lives in the time of the storm."""

    def __init__(self, service: Receiver, clock: Clock) -> None:
        self.clock = clock
        super().__init__(service)

    def now(self) -> datetime:
        return self.clock.now


@dataclass
class Processes:
    """Two processes of each role; a new one takes the place of one that was killed."""

    chance: random.Random
    running: list[ForkServerProcess] = field(default_factory=list)
    killed: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.context = multiprocessing.get_context("forkserver")
        self.context.set_forkserver_preload([worker.__name__])
        self.running = [self.started(role) for role in (worker.evaluate, worker.send) for _ in range(2)]

    def started(self, role: Callable[[], None]) -> ForkServerProcess:
        process = self.context.Process(target=role, name=role.__name__, daemon=True)
        process.start()
        return process

    def kill_one(self) -> None:
        """At any moment of its work."""
        place = self.chance.randrange(len(self.running))
        victim = self.running[place]
        time.sleep(self.chance.uniform(0, 0.05))
        end(victim)
        self.killed[victim.name] += 1
        self.running[place] = self.started(getattr(worker, victim.name))

    def look(self) -> None:
        """One that ended by itself is a fault of the program."""
        for process in self.running:
            if process.exitcode is not None:
                sys.exit(f"{process.name} ended with {process.exitcode}")


def end(process: ForkServerProcess) -> None:
    process.kill()
    process.join()


@contextmanager
def processes(chance: random.Random) -> Iterator[Processes]:
    found = Processes(chance)
    try:
        yield found
    finally:
        for process in found.running:
            end(process)


def run(asked: argparse.Namespace) -> int:
    say(f"seed {asked.seed}, {asked.moves} moves, {asked.kills} kills")
    chance, began = random.Random(asked.seed), time.monotonic()
    time_of_storm = Clock()
    call_command("migrate", verbosity=0)
    receiver = Receiver(SECRET, chooser(random.Random(asked.seed)), tolerance=10**6)
    with Told(receiver, time_of_storm) as server:
        coins = market.open_market(chance)
        prepare(server.url)
        with processes(chance) as there:
            blow(asked, coins, there, time_of_storm, chance)
            storm = time.monotonic() - began
            say(f"{coins.moves} moves in {coins.steps} minutes ({storm:.0f} s), killed {dict(there.killed)}")
            receiver.choose = lambda: "ok"
            rest(there, time_of_storm)
    return verdict(receiver, coins.moves, time.monotonic() - began)


def chooser(chance: random.Random) -> Callable[[], str]:
    modes, weights = list(MODES), list(MODES.values())
    return lambda: chance.choices(modes, weights)[0]


def prepare(url: str) -> None:
    """A rule for each coin without a pause between two alerts, and a channel that works beside one that does not."""
    now = clock.now()
    AlertDefaults(window_minutes=60, threshold_pct=Decimal(5), enabled=False, changed_at=now).save()
    market.watch_all(now)
    for name, mode in (("steady", "ok"), ("moody", "chance")):
        config = {"url": f"{url}hook/{mode}", "secret": SECRET}
        Channel.objects.create(name=name, kind="webhook", sealed=seal(config), created_at=now)


def blow(asked: argparse.Namespace, coins: Market, there: Processes, now: Clock, chance: random.Random) -> None:
    """Until all moves are made; the kills come evenly among them."""
    while coins.moves < asked.moves or sum(there.killed.values()) < asked.kills:
        now.move(MINUTE)
        coins.step(now.now, asked.moves)
        catch_up(coins, there, now)
        while sum(there.killed.values()) < asked.kills * coins.moves / asked.moves:
            there.kill_one()


def catch_up(coins: Market, there: Processes, now: Clock) -> None:
    moved = time.monotonic()

    def is_over() -> bool:
        nonlocal moved
        if is_behind(now.now) and time.monotonic() > moved + SLOWLY:
            moved = time.monotonic()
            now.move(MINUTE)
            coins.step(now.now, coins.moves)
        return not is_behind(now.now)

    until(is_over, there)


def is_behind(now: datetime) -> bool:
    """A clock that ran ahead of the processes would end every lease and turn before its work is done."""
    oldest = news.unprocessed().aggregate(oldest=Min("from_time"))["oldest"]
    due = claims.due(now).aggregate(oldest=Min("due_at"))["oldest"]
    return (oldest is not None and now - oldest > BEHIND) or (due is not None and now - due > UNSENT)


def rest(there: Processes, now: Clock) -> None:
    """Time passes until everything is evaluated and sent; a message that failed for hours has its next try."""
    moved = time.monotonic()

    def is_over() -> bool:
        nonlocal moved
        if time.monotonic() > moved + SLOWLY or not claims.due(now.now).exists():
            moved = time.monotonic()
            now.move(MINUTE)
        time.sleep(0.02)
        return not news.unprocessed().exists() and not Delivery.objects.filter(state__in=Delivery.OPEN).exists()

    until(is_over, there)


def until(question: Callable[[], bool], there: Processes) -> None:
    deadline = time.monotonic() + PATIENCE
    while not question():
        there.look()
        if time.monotonic() > deadline:
            sys.exit(f"not at rest: {left()}")
        time.sleep(0.005)


def left() -> str:
    open_ones = Counter(Delivery.objects.filter(state__in=Delivery.OPEN).values_list("channel__name", "state", "error"))
    return f"{news.unprocessed().count()} rows of news, deliveries {dict(open_ones)}"


def verdict(receiver: Receiver, moves: int, seconds: float) -> int:
    received, wanted = receiver.received, market.expected()
    found = set(moves_told().values_list("key", flat=True))
    unsent = [row for row in told() if str(row.key) not in received.messages]
    said = {
        "events lost": sorted(wanted - found),
        "events too many": sorted(found - wanted),
        "events without a delivery for a channel": untold(),
        "deliveries that no receiver has": [str(row) for row in unsent],
        "keys with two bodies": sorted(received.accepted_twice),
        "refused by the receiver": ["messages"] * received.refused,
    }
    attempts = Attempt.objects.count()
    say(f"{len(found)} events of {moves} moves, {len(received.messages)} messages taken, {attempts} attempts")
    say(f"the same key came again {received.again} times, and is one message to who looks at it; {seconds:.0f} s")
    for what, rows in said.items():
        say(f"{len(rows):6} {what}" + "".join(f"\n       {row}" for row in rows[:SHOWN]))
    return 1 if any(said.values()) or len(found) != moves else 0


def told() -> list[Delivery]:
    """The message that each delivery of an alert went out as."""
    rows = Delivery.objects.filter(step="fired").select_related("lead").order_by("pk")
    return [row.lead or row for row in rows]


def moves_told() -> QuerySet[AlertEvent]:
    """Without what Charon tells of itself: the channel whose receiver misbehaves is broken, and is not told so."""
    return AlertEvent.objects.exclude(kind=Kind.CHANNEL_BROKEN)


def untold() -> list[str]:
    """Events that a channel has no sent delivery of."""
    sent = set(Delivery.objects.filter(step="fired", state=Delivery.State.SENT).values_list("event", "channel"))
    channels = list(Channel.objects.order_by("pk").values_list("pk", flat=True))
    events = moves_told().order_by("pk").values_list("pk", "key")
    return [f"{key} {channel}" for pk, key in events for channel in channels if (pk, channel) not in sent]


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
