"""The canary: once a day a message through every channel, at a calm hour or as soon as there is one."""

from collections.abc import Callable
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from markets import clock
from signals.alerts import canary
from signals.alerts.deliver.steps import CANARY
from signals.alerts.models import Channel, Delivery

pytestmark = pytest.mark.django_db


def channel(name: str, **more: object) -> Channel:
    return Channel.objects.create(name=name, kind="webhook", created_at=clock.now(), **more)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the channels that got one; each as the row that the engine writes."""
    names: list[str] = []

    def one(channel: Channel) -> None:
        now = clock.now()
        Delivery.objects.create(key=uuid4(), channel=channel, step=CANARY, due_at=now, created_at=now)
        names.append(channel.name)

    monkeypatch.setattr("signals.alerts.deliver.manual.canary", one)
    return names


def test_every_channel_that_is_on_gets_one_a_day(at: Callable[[str], None], sent: list[str]) -> None:
    at("2026-10-23 07:55")
    channel("a"), channel("b"), channel("off", enabled=False)
    for hour in range(8, 24):
        canary.send()
        at(f"2026-10-23 {hour:02}:55")
    assert sent == ["a", "b"]
    at("2026-10-24 06:55")
    assert canary.send() == 0
    at("2026-10-24 07:55")
    assert canary.send() == 2


def test_an_installation_that_slept_does_it_when_it_is_awake(at: Callable[[str], None], sent: list[str]) -> None:
    at("2026-10-23 07:55")
    channel("a")
    canary.send()
    at("2026-10-25 13:55")
    canary.send()
    assert sent == ["a", "a"]


def test_a_day_on_which_the_clock_is_moved_has_one_as_well() -> None:
    before, after = datetime(2026, 10, 25, 6, 54, tzinfo=UTC), datetime(2026, 10, 25, 6, 55, tzinfo=UTC)
    assert canary.last_calm_hour(after) == after
    assert canary.last_calm_hour(before) == datetime(2026, 10, 24, 5, 55, tzinfo=UTC)
