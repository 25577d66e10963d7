"""The two installations, one after the other, and the verdict."""

import argparse
import os
import random
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

from django.conf import settings
from django_q.tasks import async_task

from markets.models import Problem, Rate, Revision
from tests.chaos import content
from tests.chaos.faults import Fault, faults_for, heal_all, restart
from tests.chaos.house import House, Watch
from tests.chaos.register import TOLD_WITHIN, Injected, Register
from tests.chaos.slow import slowed
from tests.chaos.world import CORRECTED, CORRECTIONS, LATE, World, open_world
from tests.servers import Postgres, postgres_server, redis_server

FIRST_START = 900.0  # seconds that the undisturbed one may take
AT_ONCE = 2  # faults
SHOWN = 5  # differences of a table


@dataclass
class News:
    """What the bank does meanwhile: a correction as soon as both figures are stored, then two days, late."""

    house: House
    corrected: bool = False
    published: int = 0

    def go_on(self, share: float) -> None:
        """`share`: how much of the time is over; a day comes out in the middle and one at the end."""
        if not self.corrected:
            if self.house.ask(both_are_stored, otherwise=False):
                self.house.world.correct()
                self.corrected = True
                self.house.ask(self.fetch_now)
        elif self.published < len(LATE) and share >= (self.published + 1) / len(LATE):
            self.house.world.publish(LATE[self.published])
            self.published += 1
            self.house.ask(self.fetch_now)

    def fetch_now(self) -> None:
        """What the button "Pobierz teraz" of the admin does; the hourly run would come within a minute."""
        enqueue(self.house, settings.MINER_QUEUE, "miner.tasks.mine", "nbp")

    @property
    def is_out(self) -> bool:
        return self.corrected and self.published == len(LATE)


def enqueue(house: House, queue: str, task: str, *words: str) -> None:
    now = house.world.now
    with mock.patch("django.utils.timezone.now", now), mock.patch("markets.clock.now", now):
        async_task(task, *words, cluster=queue)


def both_are_stored() -> bool:
    stored = Rate.objects.filter(source__code="nbp", effective_date=CORRECTED)
    return all(stored.filter(table=letter, instrument__code=code).exists() for letter, code, _ in CORRECTIONS)


@dataclass
class Chaos:
    """The disturbed one: faults from a shuffled deck, at most two at a time."""

    house: House
    chance: random.Random
    seconds: float
    faults: list[Fault]
    heal: float
    register: Register = field(default_factory=Register)
    deck: list[Fault] = field(default_factory=list)
    active: list[tuple[float, Injected]] = field(default_factory=list)
    stamps: dict[int, str] = field(default_factory=dict)
    rewritten: set[int] = field(default_factory=set)
    next: float = 3.0

    def go(self) -> None:
        news, looked = News(self.house), 0.0
        while (now := self.register.now()) < self.seconds:
            self.end_those_over(now)
            if now >= self.next and len(self.active) < AT_ONCE:
                self.begin_one(now)
            news.go_on(now / self.seconds)
            self.register.look(self.house)
            if now - looked > 5:
                looked = now
                self.look_at_signals()
            self.keep_up()
            time.sleep(0.3)
        heal_all(self.house)
        while not news.is_out and self.register.now() < self.seconds + self.heal:
            news.go_on(1.0)
            self.keep_up()
            self.register.look(self.house)
            time.sleep(1)

    def begin_one(self, now: float) -> None:
        if not self.deck:
            self.deck = [fault for fault in self.faults for _ in range(fault.weight)]
            self.chance.shuffle(self.deck)
        fault = self.deck.pop()
        self.next = now + self.chance.uniform(1, 4)
        if any(one.fault.end is fault.end or one.fault.name == fault.name for _, one in self.active):
            return
        what = fault.begin(self.house, self.chance)
        if not what:
            self.deck.insert(0, fault)
        else:
            one = Injected(fault, what, now)
            self.register.injected.append(one)
            self.active.append((now + self.chance.uniform(fault.shortest, fault.longest), one))
            say(f"{now:6.1f} s  {fault.name}: {what}")

    def end_those_over(self, now: float) -> None:
        for until, one in [each for each in self.active if each[0] <= now and not self.waits_to_be_told(each[1], now)]:
            one.fault.end(self.house)
            one.ended = self.register.now()
            self.active.remove((until, one))

    def waits_to_be_told(self, one: Injected, now: float) -> bool:
        opens = one.fault.opens
        return bool(opens and not opens & self.register.open_during(one)) and now < one.began + TOLD_WITHIN

    def keep_up(self) -> None:
        """`up` refuses to start while its database is away; whoever runs it starts it again."""
        if not self.house.is_up() and not any(one.fault.end is restart for _, one in self.active):
            restart(self.house)

    def look_at_signals(self) -> None:
        """A stored decision never changes and never goes."""
        seen = self.house.ask(content.stamps)
        if seen is not None:
            self.rewritten |= {pk for pk, stamp in self.stamps.items() if seen.get(pk) != stamp}
            self.stamps |= seen


def run(asked: argparse.Namespace, folder: Path, stack: ExitStack) -> int:
    postgres = stack.enter_context(postgres_server()) if asked.on == "postgres" else None
    say(f"seed {asked.seed}, {asked.seconds:.0f} s of faults on {asked.on}")
    calm = house("calm", asked, folder, stack, postgres)
    try:
        right, watch = undisturbed(calm, asked)
    finally:
        calm.end()
    hurt = house("hurt", asked, folder, stack, postgres)
    words = [word for word in asked.faults.split(",") if word]
    faults = [one for one in faults_for(hurt) if not words or any(word in one.name for word in words)]
    if asked.core:
        asked.seconds, watch.patience = 0, watch.patience / asked.core
        say(stack.enter_context(slowed(hurt, asked.core)))
    chaos = Chaos(hurt, random.Random(asked.seed), asked.seconds, faults, asked.heal)
    hurt.start()
    try:
        chaos.go()
        why = settle(chaos, watch, asked.heal)
        say(
            f"at rest {chaos.register.now() - asked.seconds:.0f} s after the last fault"
            if not why
            else f"NOT AT REST: {why}"
        )
        with hurt.seen():
            found, closed = content.everything(), list(Problem.objects.values_list("kind", "closed_at"))
        chaos.look_at_signals()
    finally:
        hurt.end()
        keep_log(hurt)
    return verdict(chaos, watch, why, right, found, len(closed))


def house(name: str, asked: argparse.Namespace, folder: Path, stack: ExitStack, postgres: Postgres | None) -> House:
    world: World = stack.enter_context(open_world(folder / name))
    env = world.env(
        CHAOS_FIRST=str(asked.first),
        CHAOS_ARCHIVE=str(asked.archive),
        CHAOS_TABLES=asked.tables,
        CHAOS_HURRY="0" if asked.core else "1",
        SECRET_KEY=settings.SECRET_KEY,  # this process enqueues tasks for it
        SOURCES=asked.sources,
    )
    if postgres is None:
        return House(name, world, env)
    redis = stack.enter_context(redis_server())
    postgres.sql(f"CREATE DATABASE {name}")
    urls = {"DATABASE_URL": postgres.url_of(name), "REDIS_URL": redis.url, "REDIS_PREFIX": f"{name}:"}
    return House(name, world, env | urls, postgres, redis)


def undisturbed(calm: House, asked: argparse.Namespace) -> tuple[dict[str, content.Rows], Watch]:
    """The content of the installation that nobody touched, and what counts as rest."""
    # The gaps that it ends with are those of the providers: a rate of zero is refused for ever.
    watch, began, news = Watch(gaps=sys.maxsize), time.monotonic(), News(calm)
    calm.start()
    while not (news.is_out and calm.ask(is_seen)) and time.monotonic() < began + FIRST_START:
        if not calm.is_up():
            sys.exit(f"Even the undisturbed installation ended:\n{calm.up and calm.up.said()}")
        news.go_on(1.0)
        time.sleep(0.5)
    say(f"undisturbed: the last news is stored after {time.monotonic() - began:.0f} s")
    why = watch.until_rest(calm, FIRST_START)
    with calm.seen():
        right = content.everything()
        watch.rates, watch.gaps = Rate.objects.count(), sum(right["gaps"].values())
    watch.allowed = frozenset(reason for reason in why if reason.startswith("open: "))
    for what in [*why, *watch.given_up.values()]:
        say(f"undisturbed, and yet: {what}")
    say(
        f"undisturbed: {time.monotonic() - began:.0f} s, "
        + ", ".join(f"{sum(r.values())} {n}" for n, r in right.items())
    )
    watch.given_up.clear()
    return right, watch


def is_seen() -> bool:
    """Whether the correction and the late days have arrived."""
    newest = Rate.objects.filter(source__code="nbp", effective_date=LATE[-1]).values("table").distinct().count()
    return newest > 1 and Revision.objects.count() >= len(CORRECTIONS)


def settle(chaos: Chaos, watch: Watch, seconds: float) -> list[str]:
    """Until rest; the engine's hourly watchdog comes every 15 s, and the register is looked at meanwhile."""
    deadline, why = time.monotonic() + seconds, ["never seen"]
    while why and time.monotonic() < deadline:
        chaos.house.ask(lambda: enqueue(chaos.house, settings.BRAIN_QUEUE, "signals.tasks.catch_up"))
        why = watch.until_rest(chaos.house, 15, quiet=5)
        chaos.register.look(chaos.house)
        chaos.keep_up()
    return why


def keep_log(hurt: House) -> None:
    assert hurt.up is not None
    target = Path("/tmp") / f"charon-chaos-{os.getpid()}.log"
    target.write_text(hurt.up.said())
    say(f"its log: {target}")


def verdict(
    chaos: Chaos,
    watch: Watch,
    why: list[str],
    right: dict[str, content.Rows],
    found: dict[str, content.Rows],
    problems: int,
) -> int:
    bad = list(why)
    say(f"\n{'table':16} {'rows':>8} {'lost':>6} {'doubled':>8} {'unequal':>8}")
    for table, wanted in right.items():
        difference = content.compare(wanted, found[table])
        counts = [len(part) for part in difference[1:]]
        say(f"{table:16} {difference.rows:8} {counts[0]:6} {counts[1]:8} {counts[2]:8}")
        for kind, rows in zip(("lost", "doubled", "unequal"), difference[1:], strict=True):
            for row in rows[:SHOWN]:
                say(f"    {kind}: {row}")
        if not difference.is_none:
            bad.append(f"{table}: lost {counts[0]}, doubled {counts[1]}, unequal {counts[2]}")
    say("\n" + "\n".join(chaos.register.table()))
    say(f"{problems} problems told; {chaos.house.starts} starts of up; {len(chaos.stamps)} decisions looked at")
    bad += chaos.register.untold()
    bad += [f"{len(chaos.rewritten)} stored decisions were rewritten or are gone"] if chaos.rewritten else []
    bad += [f"given up: {what}" for what in watch.given_up.values()]
    say("\n".join(["", *(f"FAULT {what}" for what in bad)]) if bad else "\nlost 0, doubled 0, unequal 0")
    return 1 if bad else 0


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
