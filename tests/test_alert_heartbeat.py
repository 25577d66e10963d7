"""The sign of life to a watchman outside: what must be so for it, and what is said instead."""

import logging
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django_q.models import Schedule

from markets import clock
from markets.jobs import redact
from miner.models import Lease
from miner.pulse import polls
from signals.alerts import heartbeat, schedule
from signals.alerts.models import AlertPass, Channel, Delivery
from tests.replica import Server
from tests.replica.answer import Answer, text
from tests.replica.service import Service
from tests.replica.wire import Request

pytestmark = pytest.mark.django_db

SECRET = "0b0e1c5e-8f6d-4a5e-a3c3"


class Watchman(Service):
    """What was said to it, by the path; it answers with `status`."""

    name, base = "watchman", "/ping/"

    def __init__(self) -> None:
        self.heard: list[tuple[str, str]] = []
        self.status = 200

    def answer(self, request: Request, now: object) -> Answer:
        self.heard.append((request.path, request.body.decode()))
        return text(self.status, "OK")


@pytest.fixture
def watchman(settings: Any, outgoing: set[tuple[str, int]], at: Callable[[str], None]) -> Iterator[Watchman]:
    at("2026-10-24 12:00")  # a Saturday
    with Server(Watchman()) as server:
        outgoing.add(("127.0.0.1", server.port))
        settings.HEARTBEAT_URL = f"{server.url}{SECRET}"
        redact.key_settings.cache_clear()
        yield server.service


def ago(**length: float) -> Any:
    return clock.now() - timedelta(**length)


@pytest.fixture
def healthy(watchman: Watchman, settings: Any) -> Watchman:
    """Pulse, wanted because of Redis, has just renewed its lease; everything was evaluated a minute ago."""
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    Lease.objects.create(name=polls.LEASE, holder="here:1", until=clock.now() - timedelta(seconds=5) + polls.HELD)
    AlertPass.objects.create(pk=1, ended_at=ago(minutes=1))
    return watchman


def delivery(state: str = Delivery.State.RETRY, **late: float) -> Delivery:
    channel, _ = Channel.objects.get_or_create(name="one", defaults={"kind": "webhook", "created_at": clock.now()})
    return Delivery.objects.create(
        key=uuid4(), channel=channel, step="fired", state=state, due_at=ago(**late), created_at=ago(hours=1)
    )


def test_all_is_well_on_a_weekend_without_a_single_rate(healthy: Watchman) -> None:
    heartbeat.beat()
    assert healthy.heard == [(f"/ping/{SECRET}", "")]


def pulse_is_silent() -> None:
    Lease.objects.update(until=clock.now() - timedelta(seconds=90) + polls.HELD)


def pulse_has_ended() -> None:
    Lease.objects.update(until=None, holder="")


def pulse_never_began() -> None:
    Lease.objects.all().delete()


def nothing_was_evaluated() -> None:
    AlertPass.objects.update(ended_at=ago(minutes=2))


def nothing_was_ever_evaluated() -> None:
    AlertPass.objects.all().delete()


def the_evaluation_was_under_a_wrong_clock() -> None:
    AlertPass.objects.update(ended_at=ago(hours=-1))


def a_message_waits() -> None:
    delivery(minutes=5, seconds=1)


PULSE = "Proces pulse nie daje znaku życia od ponad 90 sekund."
EVALUATION = "Alerty nie były oceniane od ponad 2 minut."
DELIVERY = "Wiadomość o alercie czeka na wysłanie ponad 5 minut po terminie."


@pytest.mark.parametrize(
    ("what", "words"),
    [
        (pulse_is_silent, PULSE),
        (pulse_has_ended, PULSE),
        (pulse_never_began, PULSE),
        (nothing_was_evaluated, EVALUATION),
        (nothing_was_ever_evaluated, EVALUATION),
        (the_evaluation_was_under_a_wrong_clock, EVALUATION),
        (a_message_waits, DELIVERY),
    ],
)
def test_a_part_that_stands_still_is_told_with_its_reason(
    healthy: Watchman, what: Callable[[], None], words: str
) -> None:
    what()
    heartbeat.beat()
    assert healthy.heard == [(f"/ping/{SECRET}/fail", words)]


def test_all_that_stands_still_is_one_message(healthy: Watchman) -> None:
    for what in (pulse_has_ended, nothing_was_evaluated, a_message_waits):
        what()
    heartbeat.beat()
    assert healthy.heard == [(f"/ping/{SECRET}/fail", f"{PULSE}\n{EVALUATION}\n{DELIVERY}")]


def test_a_message_that_is_not_due_or_is_over_is_no_fault(healthy: Watchman) -> None:
    delivery(minutes=4, seconds=59)
    for state in set(Delivery.State) - set(Delivery.OPEN):
        delivery(state, hours=1)
    heartbeat.beat()
    assert healthy.heard == [(f"/ping/{SECRET}", "")]


def test_pulse_may_rest_where_nothing_needs_it(healthy: Watchman, settings: Any) -> None:
    settings.REDIS_URL = ""
    pulse_never_began()
    assert not polls.is_needed()
    heartbeat.beat()
    assert healthy.heard == [(f"/ping/{SECRET}", "")]


@pytest.mark.parametrize("status", [404, 500])
def test_a_watchman_that_does_not_take_it_is_a_line_without_its_address(
    healthy: Watchman, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    healthy.status = status
    with caplog.at_level(logging.WARNING):
        heartbeat.beat()
    (record,) = [one for one in caplog.records if one.name == heartbeat.__name__]
    assert str(status) in record.getMessage()
    assert SECRET not in caplog.text
    assert record.__dict__["cause"] == "heartbeat"  # which the console writes once an hour


@pytest.mark.usefixtures("healthy")
def test_a_watchman_that_is_away_is_a_line_and_no_failed_task(
    settings: Any, outgoing: set[tuple[str, int]], caplog: pytest.LogCaptureFixture
) -> None:
    outgoing.add(("127.0.0.1", 9))
    settings.HEARTBEAT_URL = f"http://127.0.0.1:9/{SECRET}"
    heartbeat.beat()
    assert [one.levelname for one in caplog.records if one.name == heartbeat.__name__] == ["WARNING"]
    assert SECRET not in caplog.text


def test_without_an_address_nothing_is_sent_or_scheduled(settings: Any, watchman: Watchman) -> None:
    address, settings.HEARTBEAT_URL = settings.HEARTBEAT_URL, ""
    heartbeat.beat()
    schedule.write()
    assert watchman.heard == []
    assert not Schedule.objects.filter(func="signals.alerts.heartbeat.beat").exists()
    settings.HEARTBEAT_URL = address
    schedule.write()
    entry = Schedule.objects.get(func="signals.alerts.heartbeat.beat")
    assert (entry.cron, entry.kwargs) == ("* * * * *", "{'q_options': {'save': False}}")


def test_its_address_is_masked_as_a_key(watchman: Watchman, settings: Any) -> None:
    assert SECRET not in redact.without_secrets(f"GET {settings.HEARTBEAT_URL}/fail: 404")


def test_the_sign_of_pulse_is_the_lease_that_it_renews(healthy: Watchman, at: Callable[[str], None]) -> None:
    at("2026-10-24 12:10")
    assert polls.hold_lease("there:2")
    assert polls.last_sign() == clock.now()
    for moment in ("2026-10-24 12:11", "2026-10-24 12:12"):
        at(moment)
        AlertPass.objects.update(ended_at=ago(minutes=1))
        heartbeat.beat()
    assert [said for _path, said in healthy.heard] == ["", PULSE]
