"""Whether a channel works: failures in a row, failures for long, the daily test, and what clears them."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from markets import clock, problems
from markets.models import Source
from signals.alerts import tasks as alert_tasks
from signals.alerts.deliver import manual, tasks
from signals.alerts.deliver.models import Channel, Delivery, Silence
from signals.alerts.models import Kind
from tests.alerts import rule
from tests.deliveries import Receiver, channel, fire, later, played, quotes, states, work

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def gecko(db: None, at: Callable[[str], None]) -> Source:
    at("2026-10-26 12:00")
    return quotes()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with played() as one:
        yield one


def broken() -> dict[str, str]:
    return dict(problems.current().filter(kind="channel_broken").values_list("subject", "detail"))


def test_three_messages_that_are_given_up_one_after_another_break_a_channel(receiver: Receiver) -> None:
    channel()
    receiver.fails(3, final=True)
    fire(1, 2)
    work()
    assert (Channel.objects.get().failures, broken()) == (2, {})
    fire(3)
    work()
    one = Channel.objects.get()
    assert (one.failures, one.broken_since, broken()) == (3, clock.now(), {"desk": "HTTP 500"})


def test_one_success_between_failures_begins_the_count_anew(receiver: Receiver) -> None:
    channel()
    fire(1, 2, 3)
    receiver.fails(2, final=True)
    work()
    one = Channel.objects.get()
    assert (one.failures, one.failing_since, one.broken_since) == (0, None, None)


@pytest.mark.slow
def test_three_tries_that_fail_within_ten_minutes_are_no_broken_channel(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel()
    fire(1)
    receiver.fails(4)
    for _ in range(4):
        work()
        later(monkeypatch, minutes=2)
    assert (Delivery.objects.get().tries, broken()) == (4, {})


@pytest.mark.slow
def test_a_channel_that_is_away_for_an_hour_is_broken_long_before_its_message_is_given_up(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel()
    fire(1)
    receiver.fails(100)
    for _ in range(12):
        work()
        later(monkeypatch, minutes=5)
    assert states() == [("fired", "retry")]
    assert broken() == {"desk": "HTTP 500"}
    receiver.answers.clear()
    later(monkeypatch, hours=2)
    assert work() == 1
    assert (broken(), Channel.objects.get().broken_since) == ({}, None)


def test_a_channel_that_was_switched_off_by_its_receiver_is_a_problem(receiver: Receiver) -> None:
    channel()
    fire(1)
    receiver.fails(gone=True)
    work()
    assert (Channel.objects.get().enabled, broken()) == (False, {"desk": "HTTP 500"})


def test_the_problem_of_a_channel_that_was_removed_closes(receiver: Receiver) -> None:
    channel()
    fire(1)
    receiver.fails(gone=True)
    work()
    Channel.objects.all().delete()
    tasks.wake()
    assert broken() == {}


def test_another_channel_is_told_that_one_is_broken(receiver: Receiver) -> None:
    rule(None, kind=Kind.CHANNEL_BROKEN, window_minutes=None, threshold_pct=None)
    channel("desk", kinds=["move", "channel_broken"])
    channel("phone", kinds=["channel_broken"])
    fire(1)
    receiver.fails(gone=True)
    work()
    Channel.objects.update(enabled=True)
    alert_tasks.watch()
    work()
    assert receiver.texts("phone") == ["Kanał desk nie działa (HTTP 500)"]
    assert receiver.texts("desk") == []


# The test button and the daily test


def test_the_test_of_a_channel_passes_silences_quiet_hours_groups_and_storms(receiver: Receiver) -> None:
    now = clock.now()
    one = channel(quiet_from="00:00", quiet_until="23:59", enabled=False)
    one.refresh_from_db()
    Silence.objects.create(begins_at=now, until=now + timedelta(hours=1), author="test")
    first = manual.test(one)
    assert manual.test(one) == first, "twice at one moment is once"
    assert work() == 1
    [(_name, message)] = receiver.got
    assert (message.type, message.key) == ("alert.test", str(first.key))
    assert message.text == "Kanał „desk” działa: ta wiadomość doszła."


@pytest.mark.slow
def test_tests_are_messages_of_their_own(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    one = channel()
    for _ in range(25):
        later(monkeypatch, seconds=1)
        manual.test(one)
    assert work() == 25
    fire(1)
    assert work() == 1, "and no storm"


def test_the_daily_test_keeps_when_it_arrived_and_how_long_it_took(receiver: Receiver) -> None:
    manual.canary(channel())
    assert work() == 1
    one = Channel.objects.get()
    assert one.canary_at == clock.now()
    assert one.canary_ms is not None


@pytest.mark.slow
def test_a_daily_test_that_fails_three_times_breaks_its_channel(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    manual.canary(channel())
    receiver.fails(3)
    for _ in range(3):
        assert broken() == {}
        work()
        later(monkeypatch, minutes=1)
    assert broken() == {"desk": "HTTP 500"}
    assert Channel.objects.get().canary_at is None


def test_a_success_of_a_healthy_channel_does_not_write_its_row(receiver: Receiver) -> None:
    channel()
    fire(1)
    with CaptureQueriesContext(connection) as asked:
        work()
    assert Delivery.objects.get().state == "sent"
    assert not [one for one in asked if one["sql"].startswith('UPDATE "alerts_channel"')]
