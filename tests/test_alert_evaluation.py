"""Rules over prices that arrive: which event comes, once, and what suspends a rule."""

import json
import logging
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.module_loading import import_string
from django_q.models import OrmQ, Schedule

from charon.logs import JsonFormatter
from markets import clock, problems
from markets.instruments import create
from markets.jobs import runs
from markets.messages import Message
from markets.models import Instrument, OutboxEvent, Source
from markets.records import RateRecord, Table
from markets.store.prices import save_bars, save_prices
from markets.store.publish import publish
from signals import schedule as brain_schedule
from signals.alerts import automatic, schedule, tasks
from signals.alerts.models import AlertDefaults, AlertEvent, AlertRule, AlertSeries, AlertState
from signals.alerts.windows import memory
from signals.models import DAILY, AnalysisSnapshot, Signal, midnight
from tests.alerts import bring, happened, rule, state
from tests.market import bar, instrument, price, source

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def noon(at: Callable[[str], None]) -> None:
    at("2026-10-26 12:00")


@pytest.fixture
def gecko(db: None) -> Source:
    """Asked every five minutes: a pause of more than 12.5 minutes is a silence."""
    return source("coingecko", ["BTC"])


@pytest.fixture
def deribit(gecko: Source) -> Source:
    return source("deribit", ["btc_usd"])


@pytest.fixture
def quiet() -> None:
    """No rule but those of the test."""
    AlertDefaults.objects.create(
        window_minutes=60, threshold_pct=Decimal(5), enabled=False, changed_at=clock.now(), changed_by="test"
    )


@pytest.fixture
def money(nbp: Source) -> Source:
    create.find_or_create({"EUR", "USD"}, Instrument.Kind.CURRENCY)
    return nbp


def enqueued() -> list[str]:
    return [row.task["func"] for row in OrmQ.objects.order_by("pk") if row.task["func"].startswith("signals.alerts.")]


# Without a rule of anybody


def test_an_event_of_a_move_keeps_its_extremes_and_one_of_a_level_its_level_and_no_window(
    gecko: Source, quiet: None
) -> None:
    rule(kind="move", threshold_pct=Decimal(5), window_minutes=60)
    rule(kind="level", level=Decimal(105), direction="up")
    bring(gecko, [("100", 10), ("106", 5)])
    move, level = AlertEvent.objects.get(kind="move"), AlertEvent.objects.get(kind="level")
    assert {name: Decimal(value) for name, value in move.details.items()} == {"low": 100, "high": 106}
    assert (move.window_minutes, move.threshold_pct) == (60, Decimal(5))
    assert {name: Decimal(value) for name, value in level.details.items()} == {"level": 105}
    assert (level.window_minutes, level.threshold_pct) == (None, None)
    assert (move.scale, level.scale) == (instrument("BTCUSD").scale,) * 2


def test_a_followed_asset_has_an_event_once_its_enqueued_task_has_run(gecko: Source) -> None:
    save_prices([price("100", 10)], gecko)
    save_prices([price("106", 5)], gecko)
    (name,) = enqueued()
    assert import_string(name)() == 1
    event = AlertEvent.objects.get()
    assert (event.subject, event.source, event.kind) == ("BTCUSD", gecko, "move")
    assert (event.window_minutes, event.threshold_pct, event.change_pct) == (60, Decimal(5), Decimal(6))
    assert (event.direction, event.price, event.state) == ("up", Decimal(106), "open")
    assert event.observed_at == clock.now() - timedelta(minutes=5)
    assert event.rule is not None
    assert (event.rule.automatic, event.rule_number) == (True, event.rule.pk)


def test_what_nobody_follows_is_not_watched(gecko: Source) -> None:
    gecko.listings.update(tracked=False)
    assert bring(gecko, [("100", 10), ("110", 5)]) == 0
    assert not AlertSeries.objects.exists()
    assert not OutboxEvent.objects.filter(consumer="alerts", processed=None).exists()


def test_the_automatic_rule_follows_the_settings_and_then_what_was_set(gecko: Source, settings: Any) -> None:
    automatic.keep()
    one = AlertRule.objects.get()
    assert (one.window_minutes, one.threshold_pct, one.enabled) == (60, Decimal(5), True)
    settings.ALERT_WINDOW_MINUTES, settings.ALERT_THRESHOLD_PCT = 15, 2.123451
    automatic.keep()
    assert AlertRule.objects.values_list("pk", "window_minutes", "threshold_pct").get() == (
        one.pk,
        15,
        Decimal("2.1235"),
    )
    with CaptureQueriesContext(connection) as asked:
        automatic.keep()
    assert not [query for query in asked if not query["sql"].startswith("SELECT")]
    AlertDefaults.objects.create(
        window_minutes=5, threshold_pct=1, direction="up", enabled=False, changed_at=clock.now()
    )
    tasks.evaluate_news()
    assert AlertRule.objects.values_list("window_minutes", "direction", "enabled").get() == (5, "up", False)


# Prices


def test_a_move_is_one_event_inside_its_hysteresis_and_resolves_behind_it(quiet: None, gecko: Source) -> None:
    one = rule()
    assert bring(gecko, [("100", 40), ("104.9", 35), ("105", 30), ("104.5", 25), ("106", 20)]) == 1
    assert (happened(), state(one)) == ([("up", "+5.00", "open")], "firing")
    assert bring(gecko, [("103", 15)]) == 0
    assert (happened(), state(one)) == ([("up", "+5.00", "resolved")], "armed")
    event = AlertEvent.objects.get()
    assert event.resolved_at == clock.now() - timedelta(minutes=15)


def test_an_acknowledged_event_resolves_as_well(quiet: None, gecko: Source) -> None:
    rule(direction="up")
    bring(gecko, [("100", 40), ("106", 35)])
    AlertEvent.objects.update(state="acknowledged")
    bring(gecko, [("101", 30)])
    assert happened() == [("up", "+6.00", "resolved")]


def test_many_prices_that_come_together_are_looked_at_one_after_the_other(quiet: None, gecko: Source) -> None:
    rule(direction="up")
    save_prices([price(value, age) for value, age in (("100", 40), ("106", 35), ("101", 30), ("107", 25))], gecko)
    assert tasks.evaluate_news() == 2
    assert happened() == [("up", "+6.00", "resolved"), ("up", "+7.00", "open")]


def test_the_first_price_only_arms_and_the_first_one_of_a_new_rule_too(quiet: None, gecko: Source) -> None:
    first = rule()
    assert bring(gecko, [("100", 40)]) == 0
    bring(gecko, [("106", 35)])
    later = rule()
    assert bring(gecko, [("107", 30)]) == 0
    assert (state(later), AlertEvent.objects.get().rule) == ("armed", first)


def test_a_known_or_an_older_price_moves_nothing(quiet: None, gecko: Source) -> None:
    one = rule()
    bring(gecko, [("100", 40), ("104", 30)])
    assert bring(gecko, [("150", 35), ("104", 30)]) == 0
    assert AlertSeries.objects.get().seen == clock.now() - timedelta(minutes=30)
    assert (state(one), AlertEvent.objects.count()) == ("armed", 0)


def test_a_reconnect_after_a_silence_is_no_move(quiet: None, gecko: Source) -> None:
    one = rule(window_minutes=20)
    bring(gecko, [("100", 60), ("100", 55)])
    assert bring(gecko, [("130", 30), ("140", 20), ("140", 11)]) == 0
    assert state(one) == "suspended"
    assert bring(gecko, [("140", 9)]) == 0, "more than twenty minutes after it the window is full"
    assert state(one) == "armed"
    assert bring(gecko, [("150", 5)]) == 1


def test_a_silence_suspends_within_a_minute_and_the_alert_stays_open(
    quiet: None, gecko: Source, at: Callable[[str], None]
) -> None:
    one = rule()
    bring(gecko, [("100", 10), ("106", 5)])
    tasks.watch()
    assert state(one) == "firing"
    at("2026-10-26 12:08")
    tasks.watch()
    assert (state(one), happened()) == ("suspended", [("up", "+6.00", "open")])


def test_a_price_that_comes_hours_late_fires_nothing(quiet: None, gecko: Source) -> None:
    rule()
    bring(gecko, [("100", 100), ("110", 95), ("120", 90)])
    assert not AlertEvent.objects.exists()


def test_a_restart_of_the_process_changes_nothing(quiet: None, gecko: Source) -> None:
    one = rule()
    bring(gecko, [("100", 40), ("101", 35), ("102", 30)])
    memory.forget()
    bring(gecko, [("103", 25)])
    memory.forget()
    assert bring(gecko, [("105", 20)]) == 1, "5 % from the price of 40 minutes ago, which was read anew"
    assert state(one) == "firing"


def test_another_process_went_on_meanwhile(quiet: None, gecko: Source) -> None:
    """Its windows are behind the tables then, not ahead of them."""
    rule()
    bring(gecko, [("100", 40)])
    kept = dict(memory.kept)
    memory.forget()
    bring(gecko, [("90", 35), ("91", 30)])
    memory.kept.update(kept)
    AlertEvent.objects.all().delete()
    AlertState.objects.update(state="armed", event=None, fired_at=None)
    assert bring(gecko, [("95", 25)]) == 1, "5.56 % from 90, which this process had not seen"


def test_a_level_is_crossed_once(quiet: None, gecko: Source) -> None:
    rule(kind="level", level=Decimal(100), window_minutes=None, threshold_pct=None, direction="up")
    assert bring(gecko, [("99", 40), ("101", 35), ("102", 30), ("99", 25), ("100", 20)]) == 2
    assert [row.details for row in AlertEvent.objects.all()] == [{"level": "100.0000000000"}] * 2


def test_candles_wake_nobody_and_are_passed_over(db: None) -> None:
    market = source("binance", ["BTCUSDT"])
    save_bars([bar("2026-10-26 09:00")], market)
    assert enqueued() == []
    tasks.evaluate_news()
    assert not OutboxEvent.objects.filter(consumer="alerts", processed=None).exists()


# Sources


def test_a_window_never_mixes_sources(quiet: None, gecko: Source, deribit: Source) -> None:
    rule(source=gecko)
    bring(gecko, [("100", 10)])
    assert bring(deribit, [("110", 8), ("120", 7)], "btc_usd") == 0
    assert bring(gecko, [("101", 5)]) == 0
    assert AlertSeries.objects.count() == 1, "only what a rule looks at"


def test_a_stand_in_fires_when_its_own_window_is_full(
    quiet: None, gecko: Source, deribit: Source, at: Callable[[str], None]
) -> None:
    gecko.listings.update(priority=1)
    deribit.listings.update(priority=4)
    Source.objects.update(polling_interval=300)
    one = rule(window_minutes=20)
    bring(gecko, [("100", 40), ("100", 35)])
    assert AlertState.objects.get().source == gecko
    assert bring(deribit, [("100", 14), ("110", 9)], "btc_usd") == 0
    assert (state(one), AlertState.objects.get().source) == ("suspended", gecko)
    at("2026-10-26 12:07")
    assert bring(deribit, [("110", 4), ("110", -1), ("110", -6)], "btc_usd") == 1, "10 % from its own first price"
    assert (AlertState.objects.get().source, AlertEvent.objects.get().source) == (deribit, deribit)


def test_a_source_that_may_not_be_shown_is_looked_at_by_rules_that_name_it_alone(quiet: None, gecko: Source) -> None:
    Source.objects.update(public_api=False)
    rule()
    named = rule(source=gecko)
    bring(gecko, [("100", 40), ("106", 35)])
    assert [event.rule for event in AlertEvent.objects.all()] == [named]


def test_news_of_two_hundred_assets_costs_as_many_queries_as_of_one(quiet: None, gecko: Source) -> None:
    codes = list(gecko.listings.values_list("instrument__code", "ticker"))
    for code, _ in codes:
        rule(code)

    def asked(tickers: list[str], age: float) -> int:
        save_prices([price("100", age, ticker) for ticker in tickers], gecko)
        with CaptureQueriesContext(connection) as queries:
            tasks.evaluate_news()
        return len(queries)

    every = [ticker for _, ticker in codes]
    assert len(every) > 3
    asked(every, 20)
    assert asked(every[:1], 15) == asked(every, 10)


# Official rates


def day_after_day(nbp: Source, values: list[tuple[date, str]]) -> None:
    for day, value in values:
        with runs.job("nbp.A", nbp) as job:
            publish(
                [Table("A", day, [RateRecord("EUR", mid=Decimal(value))], f"{day:%j}/A", sha256=f"{day:%j}")], nbp, job
            )
        tasks.evaluate_news()


def test_an_official_rate_crosses_a_level_and_is_of_its_day(quiet: None, money: Source) -> None:
    rule("EUR", kind="level", level=Decimal("4.30"), window_minutes=None, threshold_pct=None, direction="up")
    day_after_day(money, [(date(2026, 10, 22), "4.28"), (date(2026, 10, 23), "4.29"), (date(2026, 10, 26), "4.31")])
    event = AlertEvent.objects.get()
    assert (event.source, event.price, event.observed_at) == (
        money,
        Decimal("4.31"),
        datetime(2026, 10, 26, tzinfo=UTC),
    )


def test_an_official_rate_moves_over_days(quiet: None, money: Source) -> None:
    rule("EUR", window_minutes=5 * 1440, threshold_pct=Decimal(1))
    day_after_day(money, [(date(2026, 10, 22), "4.00"), (date(2026, 10, 23), "4.02"), (date(2026, 10, 26), "4.05")])
    assert happened() == [("up", "+1.25", "open")]


def test_the_archive_of_years_fires_nothing(quiet: None, money: Source) -> None:
    rule("EUR", window_minutes=5 * 1440, threshold_pct=Decimal(1))
    days = [(date(2020, 1, 1) + timedelta(days=number), "4" if number % 2 else "5") for number in range(60)]
    with runs.job("nbp.A", money) as job:
        publish([Table("A", day, [RateRecord("EUR", mid=Decimal(value))]) for day, value in days], money, job)
    assert tasks.evaluate_news() == 0


# Decisions, the rating, and the installation


def decided(asset: Instrument, label: str, day: date, **more: Any) -> None:
    Signal.objects.create(
        instrument=asset, rule="macd_signal_cross_12_26_9", signal=label, as_of=midnight(day), horizon_days=5,
        generated_at=clock.now(), **more,
    )  # fmt: skip


@pytest.mark.slow
def test_a_new_decision_fires_once_and_ends_the_one_before(quiet: None, money: Source) -> None:
    one = rule("USD", kind="signal", window_minutes=None, threshold_pct=None)
    dollar = instrument("USD")
    decided(dollar, "BUY", date(2026, 10, 22), backtested=True)
    decided(dollar, "HOLD", date(2026, 10, 23))
    assert tasks.watch() == 0
    decided(dollar, "BUY", date(2026, 10, 24))
    assert [tasks.watch(), tasks.watch()] == [1, 0]
    decided(dollar, "BUY", date(2026, 10, 23), version=2)
    assert tasks.watch() == 0, "a correction of an older bar is no news"
    decided(dollar, "SELL", date(2026, 10, 26))
    assert tasks.watch() == 1
    assert happened() == [("up", "", "resolved"), ("down", "", "open")]
    assert state(one, "USD") == "firing"


@pytest.mark.parametrize("label", ["HOLD", "SELL"])
def test_a_decision_that_a_correction_takes_back_is_over_and_the_next_one_fires(
    quiet: None, money: Source, label: str
) -> None:
    one = rule("USD", kind="signal", window_minutes=None, threshold_pct=None)
    dollar = instrument("USD")
    decided(dollar, "BUY", date(2026, 10, 24))
    assert tasks.watch() == 1
    decided(dollar, "BUY", date(2026, 10, 24), version=2)
    assert (tasks.watch(), happened()) == (0, [("up", "", "open")])
    decided(dollar, label, date(2026, 10, 24), version=3)
    assert (tasks.watch(), happened()) == (0, [("up", "", "resolved")])
    assert state(one, "USD") == "armed"
    decided(dollar, "BUY", date(2026, 10, 26))
    assert (tasks.watch(), happened()) == (1, [("up", "", "resolved"), ("up", "", "open")])


@pytest.mark.slow
def test_decisions_within_the_pause_of_a_rule_fire_once(quiet: None, money: Source) -> None:
    rule("USD", kind="signal", timeframe="5m", cooldown_minutes=60, window_minutes=None, threshold_pct=None)
    first = midnight(date(2026, 10, 26)) + timedelta(hours=9)
    for minute, label in ((0, "BUY"), (5, "SELL"), (55, "BUY"), (60, "SELL")):
        Signal.objects.create(
            instrument=instrument("USD"), rule="macd_signal_cross_12_26_9", timeframe="5m", signal=label,
            as_of=first + timedelta(minutes=minute), horizon_days=5, generated_at=clock.now(),
        )  # fmt: skip
        tasks.watch()
    assert happened() == [("up", "", "resolved"), ("down", "", "open")]


def rated(asset: Instrument, value: float, day: str) -> None:
    AnalysisSnapshot.objects.update_or_create(
        instrument=asset, rule="rating", timeframe=DAILY, window="365d",
        defaults={"status": "ok", "stats": {"rating": value, "as_of": day}, "generated_at": clock.now()},
    )  # fmt: skip


def test_a_rating_that_crosses_its_level_fires(quiet: None, money: Source) -> None:
    rule("USD", kind="rating", level=Decimal("0.5"), window_minutes=None, threshold_pct=None, direction="up")
    for value, day, events in ((0.2, "2026-10-22", 0), (0.6, "2026-10-23", 1), (0.6, "2026-10-23", 0)):
        rated(instrument("USD"), value, day)
        assert tasks.watch() == events
    assert AlertEvent.objects.get().price == Decimal("0.6")


def test_a_fault_of_the_installation_is_open_as_long_as_it_lasts(quiet: None, nbp: Source) -> None:
    one = rule(None, kind="disk", window_minutes=None, threshold_pct=None)
    assert tasks.watch() == 0
    problems.report("disk", "", Message.of("12 MB"))
    assert [tasks.watch(), tasks.watch()] == [1, 0]
    assert AlertEvent.objects.get().details == {"detail": "12 MB"}
    problems.close("disk")
    tasks.watch()
    assert (happened(), state(one, "")) == ([("", "", "resolved")], "armed")


def test_a_rule_about_one_source_is_told_of_no_other(quiet: None, nbp: Source, gecko: Source) -> None:
    rule(None, kind="source_stale", source=nbp, window_minutes=None, threshold_pct=None)
    problems.report("source_stale", "coingecko")
    assert tasks.watch() == 0
    problems.report("source_stale", "nbp")
    assert tasks.watch() == 1


@pytest.mark.slow
def test_a_table_that_is_late_fires_once_until_it_comes(quiet: None, nbp: Source, at: Callable[[str], None]) -> None:
    rule(None, kind="publication_late", window_minutes=None, threshold_pct=None)
    day_after_day(nbp, [(date(2026, 10, 23), "4.00")])
    assert tasks.watch() == 0
    at("2026-10-26 12:20")
    assert [tasks.watch(), tasks.watch()] == [1, 0]
    at("2026-10-26 13:20")
    assert tasks.watch() == 0, "late has become missing"
    day_after_day(nbp, [(date(2026, 10, 26), "4.00")])
    tasks.watch()
    assert happened() == [("", "", "resolved")]


def test_an_alert_whose_rule_is_gone_or_off_is_over(quiet: None, gecko: Source) -> None:
    gone, off = rule(), rule()
    bring(gecko, [("100", 10), ("106", 5)])
    gone.delete()
    AlertRule.objects.filter(pk=off.pk).update(enabled=False)
    tasks.watch()
    assert happened() == [("up", "+6.00", "resolved")] * 2


# The timetable and the log


def test_both_timetables_stand_beside_each_other(db: None) -> None:
    for _ in range(2):
        brain_schedule.write()
        schedule.write()
    Schedule.objects.create(name="old", func="signals.alerts.tasks.gone", schedule_type="I", minutes=1)
    schedule.write()
    brain_schedule.write()
    ours = [(tasks.WATCH, "* * * * *"), *schedule.ENTRIES.values(), ("signals.tasks.catch_up", "7 * * * *")]
    assert sorted(Schedule.objects.values_list("func", "cron")) == sorted(set(ours))
    assert callable(import_string(tasks.WATCH))


def test_one_evaluation_waits_however_many_prices_come(gecko: Source) -> None:
    for age in (10, 5, 0):
        save_prices([price("100", age)], gecko)
    assert enqueued() == [tasks.EVALUATE]


def test_an_event_is_one_object_in_the_log(
    quiet: None,
    gecko: Source,
    caplog: pytest.LogCaptureFixture,
    django_capture_on_commit_callbacks: Any,
) -> None:
    rule()
    with caplog.at_level(logging.INFO, "signals.alerts"), django_capture_on_commit_callbacks(execute=True):
        bring(gecko, [("100", 10), ("106", 5)])
    (record,) = [one for one in caplog.records if one.name.startswith("signals.alerts")]
    line = json.loads(JsonFormatter().format(record))
    assert line["alert"]["subject"] == "BTCUSD"
    assert (line["alert"]["change_pct"], line["alert"]["direction"]) == ("6.0000", "up")
    assert line["alert"]["id"] == AlertEvent.objects.get().pk
