"""Sending when something breaks: receivers that fail, hang or are away, and a process killed between any two steps."""

import logging
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django_q.models import OrmQ

from markets import clock
from markets.models import Source
from signals.alerts import words
from signals.alerts.channels import KINDS
from signals.alerts.channels.channel import Failed, Message
from signals.alerts.deliver import backoff, claims, health, message, outcomes, plan, route, sender, tasks
from signals.alerts.deliver.models import Attempt, Channel, Delivery, Sending
from signals.alerts.deliver.sender import Sender
from signals.alerts.deliver.turn import Turn
from tests.databases import needs_postgres
from tests.deliveries import Receiver, Seconds, channel, fire, later, played, quotes, states, work
from tests.test_services_concurrency import at_once

pytestmark = pytest.mark.django_db


class Killed(BaseException):
    """What no `except Exception` sees: the process is gone."""


@pytest.fixture(autouse=True)
def gecko(db: None, at: Callable[[str], None]) -> Source:
    at("2026-10-26 12:00")
    return quotes()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with played() as one:
        yield one


def one() -> Delivery:
    return Delivery.objects.get()


# Killed

STEPS: list[tuple[Any, str]] = [
    (Turn, "take"),
    (claims, "claim"),
    (claims, "cancel"),
    (claims, "lately"),
    (claims, "freeze"),
    (message, "build"),
    (claims, "take"),
    (Sender, "fly"),
    (Sender, "land"),
    (outcomes, "settle"),
    (outcomes, "note"),
    (outcomes, "succeeded"),
    (outcomes, "record"),
    (health, "note"),
    (outcomes, "log"),
    (Turn, "give_back"),
]


@pytest.mark.slow
@pytest.mark.parametrize("behind", [False, True])
@pytest.mark.parametrize(("place", "step"), STEPS, ids=[f"{place.__name__}.{step}" for place, step in STEPS])
def test_a_task_that_is_killed_anywhere_loses_nothing_and_sends_with_the_same_key(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, place: Any, step: str, behind: bool
) -> None:
    channel()
    fire(1, 2, rule_number=7)
    real = getattr(place, step)

    def dies(*args: Any, **kwargs: Any) -> None:
        if behind:
            real(*args, **kwargs)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Turn, "give_back", lambda _: None)  # whoever is dead gives nothing back
        patch.setattr(place, step, dies)
        with pytest.raises(Killed):
            work()
    later(monkeypatch, seconds=91)
    work()
    assert states() == [("fired", "sent")] * 2
    assert 1 <= len(receiver.got) <= 2
    assert set(receiver.keys()) == {str(Delivery.objects.earliest("pk").key)}
    assert len({str(got) for got in receiver.got}) == 1, "the same bytes"


@pytest.mark.slow
def test_before_the_lease_ends_nobody_sends_it_again(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = channel()
    fire(1)
    assert claims.claim(desk.pk) is not None
    later(monkeypatch, seconds=89)
    assert work() == 0
    later(monkeypatch, seconds=1)
    assert work() == 1
    assert one().tries == 2


def test_of_two_that_saw_the_same_row_one_claims_it(receiver: Receiver) -> None:
    """Where a database has no locks of rows, the number of tries decides."""
    desk = channel()
    fire(1)
    seen = [one(), one()]
    for row in seen:
        row.message = message.pack(message.build([row], desk))
    assert [claims.take(desk, row, clock.now()) is not None for row in seen] == [True, False]
    assert one().tries == 1


def test_a_result_that_comes_after_the_lease_is_logged_and_changes_nothing(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = channel()
    fire(1)
    first = claims.claim(desk.pk)
    later(monkeypatch, seconds=91)
    second = claims.claim(desk.pk)
    assert first is not None
    assert second is not None
    assert first.message == second.message
    late = outcomes.Outcome(first, clock.now(), 1, failed=Failed("HTTP 410", 410, gone=True))
    assert outcomes.settle(late) == ""
    assert (one().state, one().tries, Channel.objects.get().enabled) == ("sending", 2, True)
    assert outcomes.settle(outcomes.Outcome(second, clock.now(), 1, 200)) == "sent"
    assert outcomes.settle(late) == ""
    assert (one().state, Attempt.objects.count()) == ("sent", 3)


@pytest.mark.slow
def test_a_lease_of_a_clock_that_was_ahead_is_void(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = channel()
    fire(1)
    with monkeypatch.context() as patch:
        later(patch, days=1)
        assert Turn().take()
        claims.claim(desk.pk)
    work()
    assert one().state == "retry"
    later(monkeypatch, seconds=6)
    assert work() == 1


@pytest.mark.slow
def test_what_a_clock_that_was_ahead_has_written_waits_for_nothing(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel("desk", escalates_to=channel("night", is_fallback=True))
    with monkeypatch.context() as patch:
        later(patch, days=3)
        fire(1)
        receiver.fails()
        work()
    assert claims.due(clock.now()).count() == 0
    tasks.wake()
    assert work() == 1
    assert {(row.due_at - clock.now()) for row in Delivery.objects.filter(state="pending")} == {
        timedelta(minutes=15),
        timedelta(minutes=60),
    }


# Two tasks


def test_a_second_sending_task_ends_at_once(receiver: Receiver) -> None:
    channel()
    fire(1)
    first = Turn()
    assert first.take()
    assert work() is None
    assert receiver.got == []
    first.give_back()
    assert work() == 1


def test_a_second_sending_task_does_not_ask_for_a_third(receiver: Receiver) -> None:
    channel()
    fire(1)
    OrmQ.objects.all().delete()
    Turn().take()
    assert tasks.send_due() == 0
    assert OrmQ.objects.count() == 0


def test_a_task_that_lost_its_turn_begins_nothing_more(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    channel()
    fire(1)
    taken = iter([True, False])
    monkeypatch.setattr(Turn, "take", lambda _: next(taken))

    def refuse(*_: Any) -> int:
        Sending.objects.update(holder="another")
        raise Failed("HTTP 500", 500, retry_after=timedelta(0))

    receiver.answers = [refuse]
    seconds = iter([0.0, 0.0, 0.0, 0.0, *(6.0 + number for number in range(20))])
    assert work(seconds=lambda: next(seconds)) == 0
    assert one().tries == 1


@pytest.mark.services
@needs_postgres
@pytest.mark.django_db(transaction=True)
def test_two_tasks_at_once_claim_every_message_once(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(6):
        channel(f"c{number}")
    fire(*range(3))
    monkeypatch.setattr(Turn, "take", lambda _: True)

    def send_all() -> None:
        work(start=sender.in_a_thread, wait=sender.wait_for)
        connection.close()

    at_once(send_all, send_all)
    assert len(receiver.keys()) == len(set(receiver.keys())) == 18


# Receivers


@pytest.mark.slow
def test_a_500_is_tried_again_with_the_same_key_and_both_tries_are_logged(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel()
    fire(1)
    receiver.fails()
    work()
    row = one()
    assert (row.state, row.tries, row.error, row.lease_until) == ("retry", 1, "HTTP 500", None)
    assert timedelta(seconds=4) <= row.due_at - clock.now() <= timedelta(seconds=6)
    later(monkeypatch, seconds=6)
    assert work() == 1
    assert (one().state, one().error) == ("sent", "")
    assert [(row.number, row.status, row.ok) for row in Attempt.objects.order_by("number")] == [
        (1, 500, False),
        (2, 200, True),
    ]


@pytest.mark.slow
def test_a_500_after_accepting_comes_with_the_same_key_and_bytes(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def accepts_and_fails(name: str, got: Message) -> int:
        receiver.got.append((name, got))
        raise Failed("HTTP 500", 500)

    channel()
    [event] = fire(1)
    receiver.answers = [accepts_and_fails]
    work()
    event.price = 1
    event.save()
    later(monkeypatch, seconds=6)
    work()
    first, second = receiver.got
    assert first == second


class Hanging:
    """A receiver that does not answer until the test ends. Only its messages are sent in threads."""

    def __init__(self, receiver: Receiver, names: set[str]) -> None:
        self.release, self.entered, self.done = threading.Event(), threading.Semaphore(0), threading.Semaphore(0)
        self.names, self.calls = names, list[str]()
        real = receiver.send

        def send(config: Any, got: Message) -> int:
            if config["name"] not in self.names:
                return real(config, got)
            self.calls.append(config["name"])
            self.entered.release()
            self.release.wait(30)
            return 200

        self.send = send

    def start(self, work: Callable[[], None]) -> None:
        def run() -> None:
            work()
            self.done.release()

        threading.Thread(target=run, daemon=True).start()
        while not (self.entered.acquire(timeout=0.01) or self.done.acquire(timeout=0.01)):
            pass


@pytest.fixture
def hanging(receiver: Receiver) -> Iterator[Hanging]:
    one = Hanging(receiver, {"hangs"})
    kind = KINDS["played"]
    with pytest.MonkeyPatch.context() as patch:  # undone before `receiver` is: the test's own would come after it
        patch.setitem(KINDS, "played", type(kind)(kind.name, "", (), kind.check, kind.target, one.send))
        yield one
    one.release.set()


@pytest.mark.slow
def test_a_channel_that_hangs_takes_no_other_channels_turn(
    receiver: Receiver, hanging: Hanging, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("hangs", "desk", "phone"):
        channel(name)
    fire(1, 2, 3)
    assert work(start=hanging.start) == 6
    assert hanging.calls == ["hangs"], "one message at a time"
    stuck = Delivery.objects.get(state="sending")
    assert stuck.lease_until == clock.now() + claims.LEASE
    assert stuck.attempts.get().error == "Odbiorca nie odpowiedział w czasie"
    later(monkeypatch, seconds=89)
    work(start=hanging.start)
    assert hanging.calls == ["hangs"], "its channel waits for the end of the lease"
    hanging.names.clear()
    later(monkeypatch, seconds=1)
    assert work() == 3
    assert not Delivery.objects.exclude(state="sent").exists()


def test_at_most_eight_messages_are_under_way(receiver: Receiver, hanging: Hanging) -> None:
    hanging.names = {f"h{number}" for number in range(10)}
    for name in sorted(hanging.names):
        channel(name)
    channel("zz")
    fire(1)
    task = Sender(start=hanging.start, seconds=Seconds())
    task.begin()
    task.begin()
    assert len(hanging.calls) == 8
    assert receiver.got == []


@pytest.mark.slow
def test_a_receiver_that_always_hangs_is_called_at_the_moments_of_the_back_off(
    receiver: Receiver, hanging: Hanging, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel("hangs")
    fire(1)
    for _ in range(60):
        work(start=hanging.start)
        later(monkeypatch, seconds=91)
    assert 6 <= len(hanging.calls) <= 8, "of 90 minutes, not 60 times"


def test_a_late_answer_of_a_receiver_that_hung_counts(receiver: Receiver) -> None:
    desk = channel()
    fire(1)
    claim = claims.claim(desk.pk)
    assert claim is not None
    outcomes.settle(outcomes.Outcome(claim, clock.now(), 20_000, failed=outcomes.hanging(), hangs=True))
    assert one().state == "sending"
    assert outcomes.settle(outcomes.Outcome(claim, clock.now(), 25_000, 200)) == "sent"


@pytest.mark.slow
def test_a_receiver_that_is_away_for_a_day_gets_every_message_once_it_is_back(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel()
    fire(1, 2)
    receiver.fails(1000)
    for _ in range(23 * 3):
        work()
        later(monkeypatch, minutes=20)
    assert states() == [("fired", "retry")] * 2
    receiver.answers.clear()
    for _ in range(7 * 3):
        work()
        later(monkeypatch, minutes=20)
    assert states() == [("fired", "sent")] * 2
    assert len(set(receiver.keys())) == len(receiver.keys()) == 2
    assert {row.tries for row in Delivery.objects.all()} <= {11, 12}


@pytest.mark.slow
def test_after_a_day_a_message_is_given_up(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    channel()
    fire(1)
    receiver.fails(1000)
    for _ in range(30 * 3):
        work()
        later(monkeypatch, minutes=20)
    assert (one().state, one().tries, Attempt.objects.count()) == ("dead", 12, 12)


@pytest.mark.slow
def test_an_installation_that_was_off_for_a_day_goes_on_trying(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel()
    fire(1)
    receiver.fails(7)
    for seconds in (6, 36, 300):
        work()
        later(monkeypatch, seconds=seconds)
    later(monkeypatch, days=2)
    for _ in range(4):
        work()
        assert one().state == "retry"
        later(monkeypatch, minutes=11)
    assert work() == 1


def test_the_moments_of_the_back_off_spread_by_the_key_and_always_the_same() -> None:
    desk, first = channel(), clock.now()
    fire(*range(40))
    keys = [row.key for row in Delivery.objects.filter(channel=desk)]
    for tries, moment in enumerate(backoff.MOMENTS, 1):
        waits = [backoff.next_try(key, tries, first, first) or first for key in keys]
        assert waits == [backoff.next_try(key, tries, first, first) for key in keys]
        assert all(0.8 * moment <= when - first <= 1.2 * moment for when in waits)
        assert len(set(waits)) > 15
    assert all(when - first >= timedelta(days=1) for when in waits), "the last one"
    assert backoff.next_try(keys[0], 12, first, first) is None


@pytest.mark.slow
def test_retry_after_wins_where_it_is_later(receiver: Receiver) -> None:
    channel("desk")
    fire(1)
    receiver.fails(retry_after=timedelta(minutes=7))
    work()
    assert one().due_at == clock.now() + timedelta(minutes=7)
    Delivery.objects.all().delete()
    fire(2)
    receiver.fails(retry_after=timedelta(seconds=1))
    work()
    assert one().due_at >= clock.now() + timedelta(seconds=4)
    Delivery.objects.all().delete()
    fire(3)
    receiver.fails(retry_after=timedelta(days=400))
    work()
    assert one().due_at == clock.now() + timedelta(days=1)


def test_a_receiver_that_wants_no_more_is_switched_off(receiver: Receiver) -> None:
    channel("desk")
    channel("phone")
    fire(1)
    fire(2)
    other = fire(3, tell=False)

    def gone(name: str, _: Message) -> int:
        raise Failed("HTTP 410", 410, gone=True)

    receiver.answers = [gone]
    work()
    assert not Channel.objects.get(name="desk").enabled
    route.fired(other)
    assert states(channel__name="desk") == [("fired", "dead"), ("fired", "cancelled")]
    assert states(channel__name="phone") == [("fired", "sent")] * 2 + [("fired", "pending")]


def test_what_is_of_no_use_is_not_tried_again(receiver: Receiver) -> None:
    channel()
    fire(1)
    receiver.fails(final=True)
    work()
    assert (one().state, one().tries) == ("dead", 1)


# One that fails


def test_a_configuration_that_cannot_be_read_is_said_so_and_the_others_go_on(receiver: Receiver) -> None:
    channel("desk", sealed="gAAAAABnot-of-this-key")
    channel("phone")
    fire(1)
    assert work() == 1
    dead = Delivery.objects.get(channel__name="desk")
    assert (dead.state, receiver.got[0][0]) == ("dead", "phone")
    assert dead.error == "Konfiguracji kanału nie da się odczytać (zmienił się SECRET_KEY): ustaw ją od nowa"


def test_a_kind_that_this_installation_does_not_know_stops_no_other(receiver: Receiver) -> None:
    channel("desk", kind="pigeon")
    channel("phone")
    fire(1)
    assert work() == 1
    assert Delivery.objects.get(channel__name="desk").error == "Ta instalacja nie zna kanałów tego rodzaju"


@pytest.mark.slow
def test_an_error_that_nobody_foresaw_is_tried_again_and_tells_no_secret(
    receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    def breaks(*_: Any) -> int:
        raise ValueError("https://user:hunter2@host/token")

    channel()
    fire(1)
    receiver.answers = [breaks]
    with caplog.at_level(logging.DEBUG):
        work()
    assert (one().state, one().error, Attempt.objects.get().error) == ("retry", "ValueError", "ValueError")
    assert "hunter2" not in caplog.text


def test_an_alert_that_cannot_be_put_into_words_arrives_all_the_same(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def speechless(event: Any) -> str:
        raise KeyError(event["kind"])

    monkeypatch.setattr(words, "sentence", speechless)
    channel()
    fire(1, 2, rule_number=7, kind="signal", details={})
    assert work() == 1
    assert receiver.texts() == ["signal BTCUSD\nsignal BTCUSD"]


def test_a_channel_whose_message_cannot_be_made_stops_no_other(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = channel("desk")
    channel("phone")
    fire(1)
    real = plan.hold

    def hold(one: Channel, *args: Any) -> Any:
        if one.pk == desk.pk:
            raise OverflowError
        return real(one, *args)

    monkeypatch.setattr(plan, "hold", hold)
    assert work() == 1
    assert receiver.got[0][0] == "phone"


def test_a_channel_that_goes_while_its_message_is_under_way_leaves_nothing(receiver: Receiver) -> None:
    desk = channel()
    fire(1)
    claim = claims.claim(desk.pk)
    desk.delete()
    assert claim is not None
    assert outcomes.settle(outcomes.Outcome(claim, clock.now(), 1, 200)) == ""


# The loop


@pytest.mark.slow
def test_what_is_due_within_seconds_is_waited_for(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    channel()
    fire(1)
    receiver.fails()

    def wait(results: sender.Results, seconds: float) -> Any:
        if results.empty():
            later(monkeypatch, seconds=seconds)
            return None
        return results.get_nowait()

    assert work(wait=wait) == 1
    assert one().tries == 2


@pytest.mark.slow
def test_a_task_begins_nothing_that_could_end_after_its_time(receiver: Receiver) -> None:
    channel()
    fire(*range(15))
    seconds = Seconds()

    def slowly(work: Callable[[], None]) -> None:
        seconds.now += 5
        work()

    assert work(seconds=seconds, start=slowly) == 4
    assert seconds.now < 40
    assert Delivery.objects.filter(state="pending").count() == 11


def test_what_is_left_has_a_task_of_its_own(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    channel()
    fire(1)
    OrmQ.objects.all().delete()
    monkeypatch.setattr(Sender, "run", lambda _: 5)
    assert tasks.send_due() == 5
    assert OrmQ.objects.count() == 1


def test_messages_are_logged_with_their_key_and_without_an_address(
    receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    channel()
    fire(1)
    with caplog.at_level(logging.INFO, logger="signals.alerts.deliver.outcomes"):
        work()
    [record] = caplog.records
    details = vars(record)["details"]["delivery"]
    assert (details["key"], details["state"], details["try"]) == (str(one().key), "sent", 1)
