"""From a price to a message: the rows of one transaction, the claim, the sending, what is written of it."""

from collections.abc import Callable, Iterator

import pytest
from django_q.models import OrmQ

from markets import clock
from markets.models import Source
from signals.alerts.deliver import tasks
from signals.alerts.deliver.models import Attempt, Delivery
from signals.tasks import is_task
from tests.alerts import bring, rule
from tests.deliveries import Receiver, channel, played, quotes, states, work

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def noon(at: Callable[[str], None]) -> None:
    at("2026-10-26 12:00")


@pytest.fixture
def gecko(db: None) -> Source:
    return quotes()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with played() as one:
        yield one


def queued() -> int:
    return sum(is_task(row, tasks.SEND) for row in OrmQ.objects.all())


def test_a_move_arrives_once_with_the_key_of_its_row(gecko: Source, receiver: Receiver) -> None:
    rule(window_minutes=10)
    channel()
    assert bring(gecko, [("100", 9), ("106", 5)]) == 1
    assert (states(), queued()) == ([("fired", "pending")], 1)
    assert work() == 1
    row, attempt = Delivery.objects.get(), Attempt.objects.get()
    assert (row.state, row.tries, row.lead, row.sent_at) == ("sent", 1, None, clock.now())
    assert (attempt.delivery, attempt.number, attempt.ok, attempt.status) == (row, 1, True, 200)
    [(name, message)] = receiver.got
    assert (name, message.key, message.type) == ("desk", str(row.key), "alert.fired")
    assert message.title == "BTC: zmiana ceny"
    assert message.text == "BTC: +6,00% w 10\u00a0min, cena 106,00\u00a0USD (próg 5%)"
    assert message.data["asset"] == "BTCUSD"
    assert message.data["type"] == "fired"
    assert work() == 0
    assert len(receiver.got) == 1
