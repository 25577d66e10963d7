"""The tasks around sending: the timetable, the wake-up of each minute, retention, and the metrics."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as conf
from django.utils.module_loading import import_string
from django_q.models import OrmQ, Schedule
from prometheus_client import CollectorRegistry, generate_latest

from charon import alert_metrics
from charon.metric_families import Collected
from markets import clock
from markets.models import Source
from signals.alerts import schedule
from signals.alerts.deliver import tasks
from signals.alerts.deliver.models import Attempt, Delivery
from tests.deliveries import Receiver, channel, fire, later, played, quotes, work

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def gecko(db: None, at: Callable[[str], None]) -> Source:
    at("2026-10-26 12:00")
    return quotes()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with played() as one:
        yield one


def test_the_timetable_has_every_entry_once_and_none_of_an_earlier_release() -> None:
    Schedule.objects.create(name="alerts.old", func="signals.alerts.tasks.gone", schedule_type=Schedule.HOURLY)
    schedule.write()
    schedule.write()
    rows = Schedule.objects.filter(func__startswith="signals.alerts.")
    assert sorted(rows.values_list("name", "cluster")) == sorted((name, conf.BRAIN_QUEUE) for name in schedule.ENTRIES)
    for func in rows.values_list("func", flat=True):
        assert callable(import_string(func))


def test_the_wake_up_asks_for_a_task_only_when_something_is_due(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not tasks.wake()
    channel()
    fire(1)
    OrmQ.objects.all().delete()
    assert tasks.wake()
    OrmQ.objects.all().delete()
    Delivery.objects.update(due_at=clock.now() + timedelta(minutes=5))
    assert not tasks.wake()
    later(monkeypatch, minutes=5)
    assert tasks.wake()


def test_a_wake_up_costs_few_queries(django_assert_max_num_queries: Any) -> None:
    with django_assert_max_num_queries(5):
        tasks.wake()


def test_deliveries_go_after_90_days_with_their_tries(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    channel()
    fire(1, 2, rule_number=7)
    work()
    later(monkeypatch, days=89)
    fire(3)
    tasks.prune()
    assert (Delivery.objects.count(), Attempt.objects.count()) == (3, 1)
    later(monkeypatch, days=2)
    tasks.prune()
    assert (Delivery.objects.get(event__rule_number=3).state, Attempt.objects.count()) == ("pending", 0)
    later(monkeypatch, days=91)
    tasks.prune()
    assert Delivery.objects.count() == 1, "what is still to be sent stays"


@pytest.mark.slow
def test_the_metrics_count_deliveries_by_kind_and_state(receiver: Receiver) -> None:
    channel()
    fire(1, 2, rule_number=7)
    fire(3)
    receiver.fails()
    work()
    registry = CollectorRegistry()
    registry.register(Collected(alert_metrics.read))
    said = generate_latest(registry).decode()
    assert 'alert_deliveries_total{channel_kind="played",state="retry"} 2.0' in said
    assert 'alert_deliveries_total{channel_kind="played",state="sent"} 1.0' in said
