"""What goes out together and what waits: groups, storms, quiet hours, ends that come before their alert was told."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from markets import clock, problems
from markets.models import Source
from markets.store.prices import save_prices
from signals.alerts import rule_store, tasks
from signals.alerts.deliver import plan, quiet
from signals.alerts.deliver.models import Channel, Delivery
from signals.alerts.models import AlertState, Kind
from tests.alerts import rule
from tests.cases import walk
from tests.deliveries import Receiver, channel, fire, later, played, quotes, resolve, states, work
from tests.market import price

pytestmark = pytest.mark.django_db
NIGHT = {"quiet_from": "22:00", "quiet_until": "07:00"}
FAULT: dict[str, Any] = {"instrument": None, "source": None, "price": None, "direction": "", "details": {}}


@pytest.fixture(autouse=True)
def gecko(db: None, at: Callable[[str], None]) -> Source:
    at("2026-10-26 12:00")
    return quotes()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with played() as one:
        yield one


def held() -> list[tuple[str, int]]:
    """Why deliveries wait, and for how many more minutes."""
    rows = Delivery.objects.filter(state="pending").order_by("pk")
    return [(row.held, (row.due_at - clock.now()) // timedelta(minutes=1)) for row in rows]


# Groups


def test_the_first_of_a_cause_goes_at_once_and_what_follows_waits_five_minutes(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel()
    fire(1)
    assert work() == 1
    for _ in range(3):
        later(monkeypatch, minutes=1)
        fire(1)
        assert work() == 0
    assert held() == [("group", 2)] * 3
    later(monkeypatch, minutes=2)
    assert work() == 1
    assert receiver.types() == ["alert.fired", "alert.digest"]
    [lead, *members] = Delivery.objects.order_by("pk")[1:]
    assert [row.lead for row in (lead, *members)] == [None, lead, lead]
    assert {row.state for row in Delivery.objects.all()} == {"sent"}
    assert receiver.keys()[1] == str(lead.key)


def test_what_comes_after_a_group_waits_for_the_end_of_the_next_five_minutes(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel()
    for minutes in (0, 1, 4):  # at 12:00, 12:01 and, with the group, at 12:05
        later(monkeypatch, minutes=minutes)
        fire(1)
        work()
    assert len(receiver.got) == 2
    later(monkeypatch, minutes=1)
    fire(1)
    work()
    assert held() == [("group", 4)]


def test_other_causes_and_other_channels_do_not_wait(receiver: Receiver) -> None:
    channel("desk", kinds=["move"])
    channel("phone", kinds=["gap", "move"])
    fire(1)
    work()
    fire(2)
    fire(3, kind=Kind.GAP, subject="nbp.A", **FAULT)
    assert work() == 3


def test_fifty_assets_that_crash_together_are_one_message_at_once(receiver: Receiver) -> None:
    channel()
    fire(*range(50), rule_number=7)
    assert work() == 1
    assert (receiver.types(), receiver.got[0][1].title) == (["alert.digest"], "Alerty: 50")


def test_one_rule_over_everything_tells_two_assets_of_one_pass_in_one_message(
    gecko: Source, receiver: Receiver
) -> None:
    rule(None)
    channel()
    for value, age in (("100", 10), ("106", 5)):
        save_prices([price(value, age), price(value, age, "ethereum")], gecko)
        tasks.evaluate_news()
    assert work() == 1
    assert receiver.got[0][1].data["count"] == 2


# Storms


@pytest.mark.slow
def test_a_thousand_events_in_a_minute_are_22_messages_and_none_is_lost(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel()
    for part in range(20):
        fire(*range(part * 50, part * 50 + 50))
        while work():
            pass
        later(monkeypatch, seconds=3)
    fire(2000, kind=Kind.DISK, subject="", **FAULT)
    work()
    assert len(receiver.got) == 20
    assert set(Delivery.objects.filter(state="pending").values_list("held", flat=True)) == {"storm"}
    later(monkeypatch, minutes=8, seconds=59)
    work()
    assert len(receiver.got) == 20
    later(monkeypatch, seconds=1)
    assert work() == 2
    assert receiver.types()[-2:] == ["alert.fired", "alert.digest"], "the urgent first, by itself"
    assert receiver.got[-2][1].critical
    assert receiver.got[-1][1].data["count"] == 980
    assert len(receiver.got[-1][1].data["alerts"]) == 30
    assert receiver.texts()[-1].endswith("…i jeszcze 950\u00a0alertów")
    assert Delivery.objects.filter(state="sent").count() == 1001
    assert Delivery.objects.exclude(lead=None).values("lead").distinct().count() == 1


@pytest.mark.slow
def test_a_channel_that_takes_nothing_is_tried_with_twenty_messages_of_a_storm(receiver: Receiver) -> None:
    channel()
    receiver.fails(100)
    fire(*range(100))
    work()
    assert Delivery.objects.filter(state="retry").count() == 20
    assert Delivery.objects.filter(held="storm").count() == 80


@pytest.mark.slow
def test_the_storm_of_one_channel_holds_up_no_other(receiver: Receiver) -> None:
    channel("desk", kinds=["move"])
    fire(*range(30))
    work()
    channel("phone")
    fire(99)
    assert work() == 1
    assert receiver.got[-1][0] == "phone"


@pytest.mark.parametrize("why", ["storm", "quiet"])
def test_what_has_waited_for_the_end_of_a_storm_or_of_quiet_hours_waits_for_nothing_else(why: str) -> None:
    now = clock.now()
    row = Delivery(step="fired", cause="1:move", held=why)
    told = [plan.Told("1:move", now - timedelta(minutes=1))] * 20
    assert plan.hold(Channel(), [row], told, now) is None
    row.held = ""
    assert plan.hold(Channel(), [row], told, now) == plan.Hold("group", now + timedelta(minutes=4))


# Quiet hours


@walk(
    ("moment", "start", "end", "until"),
    [
        ("2026-10-26 23:30", "22:00", "07:00", "2026-10-27 07:00"),
        ("2026-10-27 06:59", "22:00", "07:00", "2026-10-27 07:00"),
        ("2026-10-27 07:00", "22:00", "07:00", ""),
        ("2026-10-26 21:59", "22:00", "07:00", ""),
        ("2026-10-26 13:00", "12:00", "14:00", "2026-10-26 14:00"),
        ("2026-10-26 15:00", "12:00", "14:00", ""),
        ("2026-10-26 15:00", "12:00", "12:00", ""),
        ("2026-10-26 15:00", None, "16:00", ""),
        # The night of 25 October 2026 has two hours from 2 to 3, that of 29 March 2026 has none.
        ("2026-10-24 23:00", "22:00", "07:00", "2026-10-25 07:00"),
        ("2026-10-24 23:00", "22:00", "02:30", "2026-10-25 01:30+00:00"),
        ("2026-03-28 23:00", "22:00", "07:00", "2026-03-29 07:00"),
        ("2026-03-28 23:00", "22:00", "02:30", "2026-03-29 03:30"),
    ],
)
def test_quiet_hours_pass_midnight_and_the_change_of_the_clocks(
    at: Callable[[str], None], moment: str, start: str | None, end: str, until: str
) -> None:
    one = channel(quiet_from=start, quiet_until=end)
    one.refresh_from_db()
    at(moment)
    found = quiet.ends(one, clock.now())
    if until.endswith("+00:00"):
        assert found is not None
        assert found.isoformat(" ") == until.replace("+00:00", ":00+00:00")
        return
    expected = None
    if until:
        at(until)
        expected = clock.now()
    assert found == expected


def test_quiet_hours_hold_everything_for_one_summary(receiver: Receiver, at: Callable[[str], None]) -> None:
    channel(**NIGHT)
    at("2026-10-24 23:00")
    [first] = fire(1)
    fire(2, 3)
    fire(4, kind=Kind.GAP, subject="nbp.A", **FAULT)
    assert work() == 0
    at("2026-10-25 03:00")
    resolve(first)
    work()
    assert set(Delivery.objects.values_list("held", flat=True)) == {"quiet"}
    at("2026-10-25 06:59")
    assert work() == 0
    at("2026-10-25 07:00")
    assert work() == 1
    assert receiver.got[0][1].data["count"] == 4
    assert {row.state for row in Delivery.objects.all()} == {"sent"}


@pytest.mark.parametrize(
    ("kind", "passes"),
    [
        (Kind.SOURCE_STALE, 1), (Kind.DISK, 1), (Kind.QUEUE_AGE, 1), (Kind.CHANNEL_BROKEN, 1),
        (Kind.PUBLICATION_LATE, 0), (Kind.GAP, 0),
    ],
)  # fmt: skip
def test_what_is_urgent_passes_quiet_hours(
    receiver: Receiver, at: Callable[[str], None], kind: Kind, passes: int
) -> None:
    channel(**NIGHT)
    at("2026-10-26 23:00")
    fire(1, kind=kind, subject="nbp.A", **FAULT)
    assert work() == passes


@pytest.mark.slow
def test_a_message_that_failed_in_the_evening_does_not_ring_at_night(
    receiver: Receiver, at: Callable[[str], None]
) -> None:
    channel(**NIGHT)
    at("2026-10-26 21:59")
    fire(1)
    receiver.fails()
    work()
    key = Delivery.objects.get().key
    at("2026-10-26 22:00")
    assert work() == 0
    assert (Delivery.objects.get().state, Delivery.objects.get().held) == ("retry", "quiet")
    at("2026-10-27 07:00")
    assert work() == 1
    assert receiver.keys() == [str(key)]


# Ends and escalations


def test_what_ended_before_anything_was_sent_is_one_message_that_says_both(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel()
    [event] = fire(1)
    later(monkeypatch, minutes=3)
    resolve(event)
    assert work() == 1
    assert receiver.types() == ["alert.resolved"]
    assert receiver.texts()[0].endswith("USD (próg 5%), ustąpił po 3\u00a0minutach")
    assert states() == [("fired", "sent"), ("resolved", "sent")]
    assert receiver.got[0][1].data["state"] == "resolved"


def test_the_end_has_the_incident_of_its_alert(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    channel()
    [event] = fire(1)
    work()
    later(monkeypatch, minutes=20)
    resolve(event)
    assert work() == 1
    first, last = (message for _name, message in receiver.got)
    assert first.incident == last.incident
    assert first.key != last.key


@pytest.mark.slow
def test_nobody_hears_of_an_end_before_its_alert_has_arrived(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel()
    [event] = fire(1)
    receiver.fails(4)
    work()
    for _ in range(3):
        later(monkeypatch, minutes=2)
        work()
    later(monkeypatch, seconds=30)
    resolve(event)
    work()
    assert receiver.got == []
    later(monkeypatch, minutes=8)
    work()
    assert receiver.types() == ["alert.fired", "alert.resolved"]


@pytest.mark.slow
def test_an_alert_that_was_given_up_has_no_end_to_tell(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    channel()
    [event] = fire(1)
    receiver.fails()
    work()
    resolve(event)
    receiver.fails(final=True)
    later(monkeypatch, minutes=1)
    work()
    assert states() == [("fired", "dead"), ("resolved", "cancelled")]


def test_an_escalation_is_sent_when_nobody_acknowledged(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    channel("desk", escalates_to=channel("night", is_fallback=True))
    fire(1)
    work()
    later(monkeypatch, minutes=14, seconds=50)
    assert work() == 0
    later(monkeypatch, seconds=10)
    assert work() == 1
    later(monkeypatch, minutes=45)
    assert work() == 1
    assert receiver.types("night") == ["alert.escalated", "alert.escalated_again"]
    assert receiver.texts("night")[1].endswith("Od 60\u00a0minut nikt nie potwierdził tego alertu.")


@pytest.mark.parametrize("how", ["acknowledged", "resolved", "unseen"])
def test_an_escalation_is_cancelled_at_the_latest_when_it_is_claimed(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    channel("desk", escalates_to=channel("night", is_fallback=True))
    [event] = fire(1)
    work()
    if how == "acknowledged":
        rule_store.mark([event.pk], "anna")
    elif how == "resolved":
        resolve(event)
    else:  # by a process that knows nothing of deliveries
        event.acknowledged_at = clock.now()
        event.save()
    later(monkeypatch, minutes=61)
    work()
    assert receiver.types("night") == []
    assert set(states(channel__name="night")) == {("escalated", "cancelled"), ("escalated_again", "cancelled")}


# An outage


@pytest.mark.slow
def test_an_outage_that_suspends_200_rules_is_exactly_one_message(
    gecko: Source, receiver: Receiver, at: Callable[[str], None]
) -> None:
    channel()
    for _ in range(200):
        rule(source=gecko)
    rule(None, kind=Kind.SOURCE_STALE, window_minutes=None, threshold_pct=None)
    save_prices([price("100", 2)], gecko)
    tasks.evaluate_news()
    at("2026-10-26 13:00")
    problems.report("source_stale", "coingecko")
    for _ in range(2):
        tasks.watch()
        work()
    assert AlertState.objects.filter(state="suspended").count() == 200
    assert receiver.texts() == ["Źródło coingecko milczy; wstrzymano 200\u00a0reguł"]


def test_a_channel_is_told_in_its_language(receiver: Receiver) -> None:
    channel("english", language=Channel.Language.ENGLISH)
    fire(1)
    work()
    assert "67,321.50" in receiver.texts("english")[0]
