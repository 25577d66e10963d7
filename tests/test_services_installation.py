"""A whole installation on real servers: random kills, restarts of its database, and forty concurrent readers."""

import os
import random
import time
from collections import Counter
from pathlib import Path
from threading import Event, Thread
from typing import Any

import httpx
import pytest
from django.db import connection

from markets.models import Instrument, Publication, Rate
from signals.tasks import recompute
from tests import short_nbp
from tests.databases import needs_postgres
from tests.installations import ROLES, Installation, Servers, decisions, enqueue_polls, settled, stored_rates
from tests.news import open_news
from tests.processes import until
from tests.replica import Replica

pytestmark = [pytest.mark.services, needs_postgres]

FAULT_SECONDS = float(os.environ.get("FAULT_SECONDS", "20"))
HEAL_SECONDS = 120.0
READERS = 40
USD = f"/api/v1/rates?code=USD&from={short_nbp.FIRST}&to={short_nbp.LAST}&limit=1000"
Content = tuple[Counter[Any], Counter[Any]]


@pytest.fixture(scope="module")
def undisturbed(street: Servers, calm: str) -> Content:
    """The rates and signals of an installation without faults."""
    with street.look_into(calm):
        found = stored_rates(), decisions()
    assert sum(found[0].values()) == short_nbp.rate_count() >= 30_000
    assert sum(found[1].values()) > 500
    return found


@pytest.fixture(autouse=True)
def may_call(outgoing: set[tuple[str, int]], monkeypatch: pytest.MonkeyPatch) -> None:
    """Allow the port of each installation when it starts."""
    start = Installation.ready

    def ready(self: Installation) -> Any:
        outgoing.add(("127.0.0.1", self.port))
        return start(self)

    monkeypatch.setattr(Installation, "ready", ready)


def assert_same(undisturbed: Content) -> None:
    """Every figure and every decision is there, once, and is the right one."""
    found, decided = stored_rates(), decisions()
    assert found == undisturbed[0]
    assert decided == undisturbed[1]
    assert set(found.values()) == set(decided.values()) == {1}
    assert not open_news().exists()
    assert recompute([code for (code,) in Instrument.objects.values_list("code")]) == 0


def publish(replica: Replica, days: list[Any]) -> None:
    for day in days:
        for letter in short_nbp.LETTERS:
            replica.publish(letter, day)


def withhold(replica: Replica, days: list[Any]) -> None:
    for day in days:
        for letter in short_nbp.LETTERS:
            replica.withhold(letter, day)


class Reader(Thread):
    """Asks again and again until it is told to stop; what it got, in its order."""

    def __init__(self, installation: Installation, stop: Event) -> None:
        super().__init__()
        self.installation, self.stop = installation, stop
        self.statuses: Counter[int] = Counter()
        self.counts: list[int] = []

    def run(self) -> None:
        with httpx.Client(base_url=self.installation.url, timeout=60) as client:
            while not self.stop.wait(0.25):
                self.ask(client)

    def ask(self, client: httpx.Client) -> None:
        try:
            answer = client.get(USD)
        except httpx.TransportError:
            self.statuses[0] += 1
            return
        self.statuses[answer.status_code] += 1
        if answer.status_code == 200:
            self.counts.append(answer.json()["count"])


def read_while(installation: Installation, readers: int, stop: Event) -> list[Reader]:
    threads = [Reader(installation, stop) for _ in range(readers)]
    for thread in threads:
        thread.start()
    return threads


def test_whoever_is_killed_at_random_for_a_while_every_row_is_there_once_and_decided_as_ever(
    street: Servers, undisturbed: Content, tmp_path: Path
) -> None:
    seed = random.SystemRandom().randrange(10**6)
    chance, killed, statuses = random.Random(seed), Counter[str](), Counter[int]()
    fresh = short_nbp.days(first=short_nbp.HISTORY)[1:]
    withhold(street.replica, fresh)
    with street.installation(tmp_path / "data", "chaos") as installation:
        began = time.monotonic()
        while (passed := time.monotonic() - began) < FAULT_SECONDS or len(+killed) < len(ROLES):
            publish(street.replica, fresh[: int(len(fresh) * passed / FAULT_SECONDS)])
            enqueue_polls()
            statuses[installation.answers(USD)] += 1
            Event().wait(chance.uniform(0.2, 3.0))
            for role in chance.sample(ROLES, chance.randint(1, 2)):
                killed[role] += installation.kill_one(role, chance)
        publish(street.replica, fresh)
        settled(HEAL_SECONDS)
        until(lambda: installation.answers("/health") == 200)
        print(f"seed {seed}: killed {dict(killed)}, answers {dict(statuses)}")  # noqa: T201
        assert_same(undisturbed)
        assert set(statuses) <= {0, 200, 404}  # away, or nothing stored yet: never a fault


def grown(enough: float) -> None:
    def look() -> bool:
        enqueue_polls()
        return Rate.objects.count() > enough

    until(look, HEAL_SECONDS)


def test_a_database_that_restarts_under_load_loses_nothing_and_all_come_back_by_themselves(
    street: Servers, undisturbed: Content, tmp_path: Path
) -> None:
    stop = Event()
    with street.installation(tmp_path / "data", "restarts") as installation:
        readers = read_while(installation, 4, stop)
        try:
            for share in (0.2, 0.6):
                grown(share * short_nbp.rate_count())
                connection.close()  # ours
                street.postgres.restart()
                until(lambda: installation.answers("/health") == 200)
            settled(HEAL_SECONDS)
            before = [reader.statuses[200] for reader in readers]
            until(lambda: all(reader.statuses[200] > n for reader, n in zip(readers, before, strict=True)))
            assert [installation.answers(USD) for _ in range(20)] == [200] * 20
        finally:
            stop.set()
            for reader in readers:
                reader.join()
        assert_same(undisturbed)
        statuses = sum((reader.statuses for reader in readers), Counter[int]())
        print(f"answers {dict(statuses)}")  # noqa: T201
        assert set(statuses) <= {200, 404, 503}


def test_forty_readers_during_an_import_are_all_answered_and_see_it_grow(
    street: Servers, undisturbed: Content, tmp_path: Path
) -> None:
    stop = Event()
    with street.installation(tmp_path / "data", "readers") as installation:
        until(lambda: Rate.objects.exists())
        readers = read_while(installation, READERS, stop)
        try:
            settled(HEAL_SECONDS)
        finally:
            stop.set()
            for reader in readers:
                reader.join()
        assert_same(undisturbed)
        statuses = sum((reader.statuses for reader in readers), Counter[int]())
        print(f"answers {dict(statuses)}")  # noqa: T201
        assert set(statuses) <= {200, 404}  # no USD before the first window
        assert all(reader.counts == sorted(reader.counts) for reader in readers)
        assert httpx.get(installation.url + USD).json()["count"] == Publication.objects.filter(table="A").count()
