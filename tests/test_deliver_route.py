"""Who is told of what: the rows that are written with an event, with its end and with an acknowledgement."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django_q.models import OrmQ

from markets import clock
from markets.models import Source
from signals.alerts import rule_store
from signals.alerts.deliver import route
from signals.alerts.deliver.models import Channel, Delivery, Silence
from signals.alerts.models import Kind
from tests.alerts import bring, rule
from tests.deliveries import channel, fire, quotes, resolve, states
from tests.market import instrument

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def gecko(db: None, at: Callable[[str], None]) -> Source:
    at("2026-10-26 12:00")
    return quotes()


def told() -> list[str]:
    return list(Delivery.objects.order_by("pk").values_list("channel__name", flat=True))


def installation(kind: str, subject: str = "") -> dict[str, Any]:
    return {"kind": kind, "subject": subject, "instrument": None, "source": None, "price": None, "direction": ""}


def test_every_channel_that_is_on_and_wants_the_kind_is_told() -> None:
    channel("all")
    channel("moves", kinds=["move"])
    channel("disks", kinds=["disk"])
    channel("off", enabled=False)
    channel("fallback", is_fallback=True)
    fire(1)
    assert told() == ["all", "moves"]


def test_a_broken_channel_is_not_told_so_itself() -> None:
    one = channel("desk")
    channel("phone")
    channel("night", escalates_to=one)
    fire(1, **installation(Kind.CHANNEL_BROKEN, "desk"))
    assert told() == ["night", "phone"] or told() == ["phone", "night"]
    Delivery.objects.all().delete()
    fire(2, **installation(Kind.CHANNEL_BROKEN, f"channel:{one.pk}"))
    assert "desk" not in told()


def test_without_a_channel_events_cost_one_query(django_assert_num_queries: Any) -> None:
    events = fire(1, 2, 3, tell=False)
    with django_assert_num_queries(1):
        route.fired(events)
    with django_assert_num_queries(1):
        route.ended([event.pk for event in events])
    with django_assert_num_queries(0):
        route.fired([])
        route.ended([])
    assert (Delivery.objects.count(), OrmQ.objects.count()) == (0, 0)


def test_the_same_event_once_more_is_no_second_delivery() -> None:
    one = channel()
    events = fire(1)
    route.fired(events)
    row = Delivery.objects.get()
    assert row.key == route.key_of(events[0], one, "fired")


@pytest.mark.django_db(transaction=True)
def test_an_event_that_is_not_committed_leaves_no_delivery_and_no_task() -> None:
    channel()

    class Killed(BaseException):
        pass

    with pytest.raises(Killed), transaction.atomic():
        fire(1)
        raise Killed
    assert (Delivery.objects.count(), OrmQ.objects.count()) == (0, 0)


# Silences


def silence(minutes: float = 60, **what: Any) -> Silence:
    now = clock.now()
    facts: dict[str, Any] = {"begins_at": now, "until": now + timedelta(minutes=minutes), "author": "test"}
    return Silence.objects.create(**facts | what)


@pytest.mark.parametrize("matching", [True, False])
@pytest.mark.parametrize("by", ["kind", "instrument", "rule", "channel"])
def test_a_silence_keeps_what_matches_from_being_told(gecko: Source, by: str, matching: bool) -> None:
    mine, other = rule(), rule("ETHUSD")
    desk, phone = channel("desk"), channel("phone", enabled=False)
    what: dict[str, tuple[Any, Any]] = {
        "kind": ("move", "level"),
        "instrument": (instrument("BTCUSD"), instrument("ETHUSD")),
        "rule": (mine, other),
        "channel": (desk, phone),
    }
    silence(**{by: what[by][not matching]})
    bring(gecko, [("100", 10), ("106", 5)])
    assert states() == [("fired", "silenced" if matching else "pending")]
    assert mine.events.count() == 1, "the event is written all the same"


def test_a_silence_that_is_over_or_has_not_begun_keeps_nothing() -> None:
    silence(-1)
    silence(begins_at=clock.now() + timedelta(minutes=1))
    channel()
    fire(1)
    assert states() == [("fired", "pending")]


def test_who_was_not_told_because_of_a_silence_hears_neither_of_the_end_nor_escalates() -> None:
    silence(kind="move")
    channel("desk", escalates_to=channel("night", is_fallback=True))
    [event] = fire(1)
    resolve(event)
    assert states() == [("fired", "silenced")]


def test_what_only_has_a_silenced_delivery_wakes_no_task() -> None:
    silence()
    channel()
    fire(1)
    assert OrmQ.objects.count() == 0


# Ends


def test_the_end_is_told_to_those_that_were_told(monkeypatch: pytest.MonkeyPatch) -> None:
    channel("desk")
    [event] = fire(1)
    channel("new")
    resolve(event)
    resolve(event)
    assert states() == [("fired", "pending"), ("resolved", "pending")]
    assert told() == ["desk", "desk"]


def test_an_alert_that_did_not_arrive_has_no_end() -> None:
    channel("desk")
    [event] = fire(1)
    Delivery.objects.update(state="dead")
    resolve(event)
    assert states() == [("fired", "dead")]


def test_a_rule_that_is_removed_ends_what_was_told_of_it(gecko: Source) -> None:
    one = rule()
    channel()
    bring(gecko, [("100", 10), ("106", 5)])
    rule_store.remove(one)
    assert states() == [("fired", "pending"), ("resolved", "pending")]


def test_what_fires_and_ends_in_one_pass_has_both_and_no_escalation(gecko: Source) -> None:
    from markets.store.prices import save_prices
    from signals.alerts import tasks
    from tests.market import price

    rule(window_minutes=5)
    channel("desk", escalates_to=channel("night", is_fallback=True))
    bring(gecko, [("100", 30)])
    save_prices([price("100", 29), price("106", 25), price("106", 19), price("106", 15)], gecko)
    assert tasks.evaluate_news() == 1
    assert states() == [("fired", "pending"), ("resolved", "pending")]


# Escalations


def test_an_escalation_is_written_with_the_event_for_after_15_and_60_minutes() -> None:
    channel("desk", escalates_to=channel("night", is_fallback=True))
    fire(1)
    now = clock.now()
    rows = Delivery.objects.filter(channel__name="night").order_by("due_at")
    assert [(row.step, (row.due_at - now) // timedelta(minutes=1)) for row in rows] == [
        ("escalated", 15),
        ("escalated_again", 60),
    ]


def test_two_channels_that_escalate_to_one_tell_it_once() -> None:
    night = channel("night", is_fallback=True)
    channel("desk", escalates_to=night)
    channel("phone", escalates_to=night)
    fire(1)
    assert Delivery.objects.filter(channel=night).count() == 2


def test_nothing_escalates_to_a_channel_that_is_off_or_to_itself() -> None:
    channel("desk", escalates_to=channel("night", enabled=False))
    own = channel("own")
    Channel.objects.filter(pk=own.pk).update(escalates_to=own)
    fire(1)
    assert states() == [("fired", "pending")] * 2


def test_an_escalation_counts_from_the_end_of_quiet_hours(at: Callable[[str], None]) -> None:
    at("2026-10-26 23:00")
    hours = {"quiet_from": "22:00", "quiet_until": "07:00"}
    Channel.objects.get(pk=channel("desk", escalates_to=channel("night", is_fallback=True), **hours).pk)
    fire(1)
    at("2026-10-27 07:15")
    assert Delivery.objects.get(step="escalated").due_at == clock.now()


def test_an_acknowledgement_cancels_what_would_escalate(gecko: Source) -> None:
    channel("desk", escalates_to=channel("night", is_fallback=True))
    first, _second = fire(1, 2)
    assert rule_store.mark([first.pk], "anna") == 1
    assert states(event=first) == [("fired", "pending"), ("escalated", "cancelled"), ("escalated_again", "cancelled")]
    assert Delivery.objects.filter(step="escalated", state="pending").count() == 1


def test_the_end_cancels_what_would_escalate() -> None:
    channel("desk", escalates_to=channel("night", is_fallback=True))
    [event] = fire(1)
    resolve(event)
    assert states(channel__name="night") == [("escalated", "cancelled"), ("escalated_again", "cancelled")]


def test_who_was_told_by_an_escalation_is_told_the_end() -> None:
    channel("desk", escalates_to=channel("night", is_fallback=True))
    [event] = fire(1)
    Delivery.objects.filter(step="escalated").update(state="sent")
    resolve(event)
    assert states(channel__name="night") == [
        ("escalated", "sent"),
        ("escalated_again", "cancelled"),
        ("resolved", "pending"),
    ]


def test_moves_of_one_rule_have_one_cause_and_faults_of_the_installation_one_by_kind() -> None:
    channel()
    fire(1, 2)
    fire(3, **installation(Kind.GAP, "nbp.A"))
    fire(4, **installation(Kind.DISK))
    rows = Delivery.objects.order_by("pk").values_list("cause", "critical")
    assert list(rows) == [("1:move", False), ("2:move", False), ("gap", False), ("disk", True)]
