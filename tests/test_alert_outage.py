"""A source that falls silent: one event for operators, none of the rules on its prices, and none for a free day."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from django_q.models import Schedule

from charon import detection
from markets import clock, problems
from markets.models import Source
from markets.store.prices import save_prices
from miner.models import Poll
from signals.alerts import tasks
from signals.alerts.models import AlertEvent, AlertState, Channel
from tests.alerts import bring, rule
from tests.market import NOW, price, source
from tests.test_source_states import loaded

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("without_redis")]
RULES = 200


@pytest.fixture
def gecko(at: Callable[[str], None]) -> Source:
    """Asked every five minutes and nothing beside it; operators have a channel."""
    at("2026-10-26 12:00")
    row = source("coingecko", ["BTC", "ETH"])
    Source.objects.exclude(pk=row.pk).update(enabled=False)
    Channel.objects.create(name="dyżur", kind="fake", created_at=clock.now())
    Schedule.objects.all().delete()
    polled()
    return row


def polled() -> None:
    Poll.objects.update_or_create(name="coingecko.quotes", defaults={"every": 300, "done_at": clock.now()})


def happened() -> list[tuple[str, str, str]]:
    return list(AlertEvent.objects.order_by("pk").values_list("kind", "subject", "state"))


def watch() -> int:
    """As each minute: the detector in the one queue, the watchdog in the other."""
    detection.run()
    return tasks.watch()


@pytest.mark.slow
def test_an_outage_of_one_source_with_200_rules_on_it_is_one_event(
    gecko: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(RULES):
        code = ("BTCUSD", "ETHUSD")[number % 2]
        if number % 4 < 2:
            rule(code, threshold_pct=Decimal(3 + number % 7), source=gecko)
        else:
            rule(code, kind="level", level=Decimal(1000 + number), source=gecko)
    for age in (10, 5, 0):
        bring(gecko, [("100", age)])
        bring(gecko, [("200", age)], "ethereum")
    assert watch() == 0
    for minutes in range(1, 61):
        monkeypatch.setattr(clock, "now", lambda moment=NOW + timedelta(minutes=minutes): moment)
        watch()
    assert happened() == [("source_stale", "coingecko", "open")]
    suspended = AlertState.objects.filter(state="suspended", rule__automatic=False)
    assert suspended.count() == RULES
    polled()
    save_prices([price("150", -60), price("300", -60, "ethereum")], gecko)
    assert watch() == 0, "half as much again after an hour of silence is no move that anybody has seen"
    assert happened() == [("source_stale", "coingecko", "resolved")]


@pytest.mark.parametrize("moment", ["2026-11-21 09:00", "2026-11-22 12:30", "2026-11-22 23:59", "2026-11-23 08:00"])
def test_a_weekend_without_new_rates_is_no_event(nbp: Source, at: Callable[[str], None], moment: str) -> None:
    Source.objects.exclude(pk=nbp.pk).update(enabled=False)
    Channel.objects.create(name="dyżur", kind="fake", created_at=clock.now())
    at("2026-11-20 13:00")
    Schedule.objects.all().delete()
    loaded(nbp)
    at(moment)
    assert watch() == 0
    assert not problems.current().filter(kind="source_stale").exists()


def test_rates_that_have_been_missing_for_days_are_an_event(nbp: Source, at: Callable[[str], None]) -> None:
    Source.objects.exclude(pk=nbp.pk).update(enabled=False)
    Channel.objects.create(name="dyżur", kind="fake", created_at=clock.now())
    at("2026-11-20 13:00")
    Schedule.objects.all().delete()
    loaded(nbp)
    at("2026-11-25 15:00")
    assert watch() == 1
    assert happened() == [("source_stale", "nbp", "open")]
