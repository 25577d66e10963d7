"""The evaluation when something breaks: killed between two steps, rules that raise, clocks, storms, duplicates."""

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.conf import settings as conf
from django.db import connection

from markets import clock
from markets.models import OutboxEvent, Source, Tick
from markets.store import bulk
from markets.store.prices import save_prices
from signals.alerts import evaluate, news, standings, tasks, watchdog
from signals.alerts.models import AlertDefaults, AlertEvent, AlertPass, AlertRule, AlertSeries, AlertState
from signals.alerts.windows import memory
from tests.alerts import bring, happened, rule, state
from tests.databases import needs_postgres
from tests.market import instrument, price, source
from tests.processes import ROOT
from tests.test_services_concurrency import at_once

pytestmark = pytest.mark.django_db


class Killed(BaseException):
    """What no `except Exception` sees: the process is gone."""


@pytest.fixture(autouse=True)
def noon(at: Callable[[str], None]) -> None:
    at("2026-10-26 12:00")


@pytest.fixture
def gecko(db: None) -> Source:
    AlertDefaults.objects.create(
        window_minutes=60, threshold_pct=Decimal(5), enabled=False, changed_at=clock.now(), changed_by="test"
    )
    return source("coingecko", ["BTC", "ETH"])


def open_news() -> int:
    return OutboxEvent.objects.filter(consumer="alerts", processed=None).count()


# Every step of a pass, in its order: where the process ends, before the step and behind it.
STEPS: list[tuple[Any, str]] = [
    (news, "claim"),
    (standings, "lock"),
    (evaluate, "rules_of"),
    (evaluate, "read_series"),
    (evaluate, "save"),
    (standings, "stands"),
    (standings, "write"),
    (standings, "end"),
    (bulk, "insert"),
    (news, "done"),
    (news, "overtaken"),
    (standings, "record"),
]


@pytest.mark.slow
@pytest.mark.parametrize("behind", [False, True])
@pytest.mark.parametrize(("module", "step"), STEPS, ids=[step for _, step in STEPS])
@pytest.mark.django_db(transaction=True)
def test_a_pass_that_is_killed_anywhere_comes_again_and_makes_one_event(
    gecko: Source, monkeypatch: pytest.MonkeyPatch, at: Callable[[str], None], module: Any, step: str, behind: bool
) -> None:
    one, real = rule(), getattr(module, step)
    bring(gecko, [("100", 10)])
    save_prices([price("106", 5)], gecko)

    def dies(*args: Any, **kwargs: Any) -> None:
        if behind:
            real(*args, **kwargs)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(module, step, dies)
        with pytest.raises(Killed):
            tasks.evaluate_news()
    memory.forget()
    at("2026-10-26 12:02")  # the claim of the dead process has ended
    tasks.evaluate_news()
    assert (happened(), state(one), open_news()) == ([("up", "+6.00", "open")], "firing", 0)
    bring(gecko, [("106", -1)])
    assert AlertEvent.objects.count() == 1


def test_the_same_news_once_more_is_no_second_event(gecko: Source) -> None:
    one = rule()
    bring(gecko, [("100", 10), ("106", 5)])
    OutboxEvent.objects.update(processed=None, claimed_until=clock.now())
    assert tasks.evaluate_news() == 0
    AlertSeries.objects.update(seen=clock.now() - timedelta(minutes=10))
    AlertState.objects.filter(rule=one).update(state="armed", fired_at=None, event=None)
    OutboxEvent.objects.update(processed=None, claimed_until=clock.now())
    assert tasks.evaluate_news() == 0, "even where series and states were lost: the key of the event is known"
    assert AlertState.objects.get().event == AlertEvent.objects.get()


# One that fails


def failing(monkeypatch: pytest.MonkeyPatch, pk: int) -> None:
    real = evaluate.watch_of

    def watch_of(one: evaluate.RuleRow) -> Any:
        if one.pk == pk:
            raise ZeroDivisionError("of this rule")
        return real(one)

    monkeypatch.setattr(evaluate, "watch_of", watch_of)


def test_a_rule_that_raises_says_so_and_the_others_go_on(gecko: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    bad, good = rule(), rule()
    failing(monkeypatch, bad.pk)
    assert bring(gecko, [("100", 10), ("106", 5)]) == 1
    assert AlertEvent.objects.get().rule == good
    assert AlertState.objects.get(rule=bad).error == "ZeroDivisionError: of this rule"
    assert open_news() == 0
    monkeypatch.undo()


def test_a_rule_that_works_again_says_nothing_any_more(gecko: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    one = rule()
    with monkeypatch.context() as patch:
        failing(patch, one.pk)
        bring(gecko, [("100", 15)])
    bring(gecko, [("100", 10)])
    assert (state(one), AlertState.objects.get().error) == ("armed", "")


def test_an_instrument_that_fails_keeps_its_news_and_stops_no_other(
    gecko: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule()
    rule("ETHUSD")
    real = evaluate.run

    def run(since: Any, found: Any) -> None:
        if instrument("ETHUSD").pk in since:
            raise OverflowError("the price of ether")
        real(since, found)

    save_prices([price("100", 10), price("100", 10, "ethereum")], gecko)
    tasks.evaluate_news()
    monkeypatch.setattr(evaluate, "run", run)
    for age in (5, 4):
        save_prices([price("106", age), price("106", age, "ethereum")], gecko)
        tasks.evaluate_news()
    assert [row.subject for row in AlertEvent.objects.all()] == ["BTCUSD"]
    row = OutboxEvent.objects.get(consumer="alerts", processed=None)
    assert (row.instrument.code, row.tries, row.error) == ("ETHUSD", 2, "OverflowError('the price of ether')")
    monkeypatch.undo()


@pytest.mark.slow
def test_news_that_fails_five_times_is_left_until_later_news_succeeds(
    gecko: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise OverflowError

    rule()
    save_prices([price("100", 10)], gecko)
    with monkeypatch.context() as patch:
        patch.setattr(evaluate, "run", broken)
        for _ in range(news.MAX_TRIES):
            tasks.evaluate_news()
    assert tasks.evaluate_news() == 0
    assert OutboxEvent.objects.get(consumer="alerts").tries == news.MAX_TRIES
    bring(gecko, [("101", 5)])
    assert open_news() == 0


@pytest.mark.parametrize(
    ("figures", "words"),
    [
        ({"threshold_pct": Decimal(0)}, "threshold_pct must be above 0"),
        ({"threshold_pct": None}, "threshold_pct must be above 0"),
        ({"window_minutes": 0}, "window_minutes and threshold_pct"),
        ({"kind": "level"}, "level is missing"),
    ],
)
def test_a_row_that_is_no_rule_fires_nothing_and_says_why(gecko: Source, figures: dict[str, Any], words: str) -> None:
    rule(**figures)
    assert bring(gecko, [("100", 10), ("200", 5)]) == 0
    assert words in AlertState.objects.get().error


def test_the_highest_threshold_is_a_rule_that_waits(gecko: Source) -> None:
    one = rule(threshold_pct=Decimal(99_999))
    assert bring(gecko, [("0.01", 10), ("9.9", 8), ("0.01", 6), ("9999999", 4)]) == 1
    assert (state(one), AlertEvent.objects.get().change_pct) == ("firing", Decimal("99999989900"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ALERT_THRESHOLD_PCT", "0"), ("ALERT_THRESHOLD_PCT", "1e9"), ("ALERT_THRESHOLD_PCT", "nan"),
        ("ALERT_WINDOW_MINUTES", "0"), ("ALERT_WINDOW_MINUTES", "43201"),
    ],
)  # fmt: skip
def test_a_setting_that_watches_nothing_ends_the_start_with_one_line(name: str, value: str, tmp_path: Any) -> None:
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "charon.settings", "DATA_DIR": str(tmp_path), name: value}
    ended = subprocess.run(
        [sys.executable, "manage.py", "check"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode != 0
    assert name in ended.stderr.strip().splitlines()[-1]


def test_what_came_while_nothing_was_evaluated_fires_and_is_then_silent(gecko: Source) -> None:
    one = rule()
    bring(gecko, [("100", 45), ("100", 40)])
    save_prices([price("106", 35), price("106", 30)], gecko)
    assert tasks.watch() == 1
    assert (state(one), happened()) == ("suspended", [("up", "+6.00", "open")])
    assert AlertState.objects.get().event == AlertEvent.objects.get(), "so that it can end"
    assert tasks.watch() == 0


def test_prices_that_a_dead_pass_holds_are_no_silence(gecko: Source, at: Callable[[str], None]) -> None:
    """A level that is crossed in them would be crossed in a silence otherwise, and fire nothing."""
    rule(kind="level", level=Decimal(103), window_minutes=None, threshold_pct=None)
    bring(gecko, [("100", 20), ("100", 13)])
    save_prices([price("106", 6)], gecko)
    news.claim()
    assert tasks.watch() == 0
    at("2026-10-26 12:02")
    assert tasks.watch() == 1


def test_a_stand_in_that_quotes_another_level_has_not_crossed_it(gecko: Source, at: Callable[[str], None]) -> None:
    deribit = source("deribit", ["btc_usd"])
    one = rule(kind="level", level=Decimal(103), window_minutes=None, threshold_pct=None)
    Source.objects.update(polling_interval=300)
    gecko.listings.update(priority=1)
    deribit.listings.update(priority=4)
    bring(gecko, [("102", 25), ("102", 20)])
    assert bring(deribit, [("104", 5)], "btc_usd") == 0
    assert (AlertState.objects.get().source, state(one)) == (deribit, "armed")
    assert bring(deribit, [("102", 4), ("104", 3)], "btc_usd") == 2


# Clocks and storms


def test_a_clock_that_jumped_ahead_and_back_leaves_nothing_waiting(gecko: Source, at: Callable[[str], None]) -> None:
    one = rule(cooldown_minutes=60)
    at("2026-10-27 12:00")
    bring(gecko, [("100", -1440 + 10), ("106", -1440 + 5)])
    assert state(one) == "firing"
    at("2026-10-26 12:00")
    assert bring(gecko, [("100", 10), ("101", 8)]) == 0
    assert AlertSeries.objects.get().seen == clock.now() - timedelta(minutes=8)
    assert bring(gecko, [("110", 5)]) == 1, "neither `seen` nor the pause of tomorrow holds it"


def test_our_clock_behind_the_sources_fires_nothing_before_it_is_right(
    gecko: Source, at: Callable[[str], None]
) -> None:
    rule()
    bring(gecko, [("100", 10), ("101", 5)])
    at("2026-10-26 10:00")
    assert tasks.watch() == 0
    at("2026-10-26 12:00")
    assert bring(gecko, [("106", 0)]) == 1


def test_a_thousand_prices_in_a_minute_are_one_move(gecko: Source) -> None:
    rules = [rule(threshold_pct=Decimal(number)) for number in range(1, 6)]
    prices = [price(str(100 + Decimal(number) / 100), 1 - number / 1000) for number in range(1000)]
    save_prices(prices, gecko)
    assert tasks.evaluate_news() == len(rules)
    assert Tick.objects.count() == 1000
    assert AlertPass.objects.get().passes == 1


@pytest.mark.slow
def test_a_thousand_events_in_a_minute_are_all_there(gecko: Source) -> None:
    for number in range(1000):
        rule(threshold_pct=Decimal(5) + Decimal(number) / 1000)
    assert bring(gecko, [("100", 1), ("106", 0)]) == 1000
    assert (AlertEvent.objects.count(), AlertState.objects.filter(state="firing").count()) == (1000, 1000)
    assert not AlertRule.objects.filter(pk__in=AlertEvent.objects.values("pk")).exists(), "their numbers never overlap"


@pytest.mark.django_db(transaction=True)
def test_a_rule_that_goes_while_a_pass_works_makes_it_begin_anew(
    gecko: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone, _ = rule(), rule()
    bring(gecko, [("100", 10)])
    real, passes = evaluate.rules_of, list[int]()

    def rules_of(*args: Any) -> Any:
        found = real(*args)
        if not passes:
            AlertRule.objects.filter(pk=gone.pk).delete()  # its state refers to nothing when the pass commits
        passes.append(1)
        return found

    monkeypatch.setattr(evaluate, "rules_of", rules_of)
    save_prices([price("106", 5)], gecko)
    assert (tasks.evaluate_news(), len(passes), open_news()) == (2, 2, 0)


def test_a_watchdog_that_fails_is_told_and_prices_go_on(gecko: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise OverflowError

    rule()
    bring(gecko, [("100", 10)])
    save_prices([price("106", 5)], gecko)
    monkeypatch.setattr(watchdog, "run", broken)
    with pytest.raises(OverflowError):
        tasks.watch()
    assert AlertEvent.objects.count() == 1


@pytest.mark.services
@needs_postgres
@pytest.mark.django_db(transaction=True)
def test_two_passes_at_once_make_every_event_once(gecko: Source) -> None:
    rules = [rule(cooldown_minutes=0, direction="up") for _ in range(20)]
    brought = list[bool]()

    def bring_all() -> None:
        try:
            for number in range(30):
                value = "100" if number % 2 else "110"
                save_prices([price(value, 30 - number), price(value, 30 - number, "ethereum")], gecko)
        finally:
            brought.append(True)

    def evaluate_all() -> None:
        while not brought or news.is_open():
            tasks.evaluate_news()
        connection.close()

    at_once(bring_all, evaluate_all, evaluate_all)
    tasks.evaluate_news()
    events = list(AlertEvent.objects.values_list("rule_number", "observed_at"))
    assert len(events) == len(set(events))
    counts = {one.pk: AlertEvent.objects.filter(rule=one).count() for one in rules}
    assert set(counts.values()) == {14}, "each rise after the first fall"
    assert not AlertState.objects.exclude(state__in=["armed", "firing"]).exists()


def test_tests_of_settings_see_the_defaults() -> None:
    assert (conf.ALERT_WINDOW_MINUTES, conf.ALERT_THRESHOLD_PCT) == (60, 5.0)
