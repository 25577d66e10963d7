"""Channels of a kind that tests play, and sending without threads and without waiting."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from markets import clock
from markets.models import Source
from signals.alerts import standings
from signals.alerts.channels import KINDS, Kind
from signals.alerts.channels.channel import Config, Failed, Message
from signals.alerts.deliver import route, sender
from signals.alerts.deliver.models import Channel, Delivery
from signals.alerts.deliver.outcomes import Outcome
from signals.alerts.deliver.seal import seal
from signals.alerts.models import AlertDefaults, AlertEvent
from tests.alert_rows import alert_event
from tests.market import source


@dataclass
class Receiver:
    """What arrived, by the name of the channel. `answers` are called in their order, then everything is taken."""

    got: list[tuple[str, Message]] = field(default_factory=list)
    answers: list[Callable[[str, Message], int]] = field(default_factory=list)

    def send(self, config: Config, message: Message) -> int:
        if self.answers:
            return self.answers.pop(0)(config["name"], message)
        self.got.append((config["name"], message))
        return 200

    def keys(self) -> list[str]:
        return [message.key for _name, message in self.got]

    def texts(self, name: str = "desk") -> list[str]:
        return [message.text for channel, message in self.got if channel == name]

    def types(self, name: str = "desk") -> list[str]:
        return [message.type for channel, message in self.got if channel == name]

    def fails(self, times: int = 1, **more: Any) -> None:
        def refuse(*_: Any) -> int:
            raise Failed("HTTP 500", 500, **more)

        self.answers += [refuse] * times


@contextmanager
def played() -> Iterator[Receiver]:
    receiver = Receiver()
    kind = Kind("played", "played", (), lambda _: {}, lambda _: "", receiver.send)
    with pytest.MonkeyPatch.context() as patch:  # of its own: a test may undo its own patches
        patch.setitem(KINDS, "played", kind)
        yield receiver


def quotes() -> Source:
    """A source of prices that nobody watches without a rule."""
    AlertDefaults.objects.create(
        window_minutes=60, threshold_pct=Decimal(5), enabled=False, changed_at=clock.now(), changed_by="test"
    )
    return source("coingecko", ["BTC", "ETH"])


def channel(name: str = "desk", **more: Any) -> Channel:
    facts = {"kind": "played", "sealed": seal({"name": name}), "created_at": clock.now()}
    return Channel.objects.create(name=name, **facts | more)


def no_wait(results: sender.Results, _seconds: float) -> Outcome | None:
    return None if results.empty() else results.get_nowait()


class Seconds:
    """A clock that goes on by a tick with each look at it."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += sender.TICK
        return self.now


def work(**more: Any) -> int | None:
    """One sending task, whose threads are done at once."""
    now: dict[str, Any] = {"wait": no_wait, "start": lambda send: send(), "seconds": Seconds()}
    return sender.Sender(**now | more).run()


def fire(*numbers: int, tell: bool = True, **more: Any) -> list[AlertEvent]:
    """An event of BTC for each number, by a rule of that number, and its deliveries; all found by one pass."""
    moment = clock.now().isoformat()
    events = []
    for number in numbers:
        facts: dict[str, Any] = {"rule_number": number, "key": f"{number}:{moment}"}
        events.append(alert_event(**facts | more))
    if tell:
        route.fired(events)
    return events


def resolve(*events: AlertEvent) -> None:
    standings.resolve(AlertEvent.objects.filter(pk__in=[event.pk for event in events]), clock.now())


def later(monkeypatch: pytest.MonkeyPatch, **distance: float) -> None:
    moment = clock.now() + timedelta(**distance)
    monkeypatch.setattr(clock, "now", lambda: moment)


def states(**where: Any) -> list[tuple[str, str]]:
    rows = Delivery.objects.filter(**where).order_by("pk")
    return [(row.step, row.state) for row in rows]
