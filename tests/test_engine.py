"""The brain: decisions from figures, kept as X-71 asks, the same in one go and bar by bar."""

import itertools
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from math import sin
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from markets import clock
from markets.models import Instrument, Job, Rate, Source
from markets.records import RateRecord, Table
from markets.store.publish import publish
from signals import engine, ledger, rules, snapshots, tasks
from signals.models import AnalysisSnapshot, Signal
from signals.rules.macd_cross import MacdCross

pytestmark = pytest.mark.django_db

RULE = "macd_signal_cross_12_26_9"
START = date(2020, 1, 6)


def wave(count: int, start: date = START) -> list[tuple[date, Decimal]]:
    """A price that swings every 40 or so bars, on consecutive days."""
    return [
        (start + timedelta(days=n), Decimal(f"{4 + 0.3 * sin(n / 12) + 0.05 * sin(n / 3.1):.4f}")) for n in range(count)
    ]


@pytest.fixture
def bring(nbp: Source, job: Job, at: Callable[[str], None]) -> Callable[..., Instrument]:
    """Store closes of a code (table A unless said) and answer its instrument."""
    at("2026-11-20 13:00")

    def save(closes: list[tuple[date, Decimal]], code: str = "USD", table: str = "A") -> Instrument:
        kind = "metal" if table == "gold" else "currency"
        tables = [Table(table, day, [RateRecord(code, mid=value)], kind=kind) for day, value in closes]
        publish(tables, nbp, job)
        return Instrument.objects.get(code=code)

    return save


def decide(instrument: Instrument, since: date | None = None) -> int:
    return engine.decide(instrument, since=since)


def snapshot(code: str = "USD", window: str = "30d") -> AnalysisSnapshot:
    return AnalysisSnapshot.objects.get(instrument__code=code, window=window)


def content() -> list[Any]:
    """Everything the brain has written, time stamps and row numbers aside."""
    signals = Signal.objects.order_by("instrument", "as_of", "version").values()
    states = AnalysisSnapshot.objects.order_by("instrument", "window").values()
    left_out = ("id", "generated_at", "turned_id")
    return [
        {
            name: ({k: v for k, v in value.items() if k not in left_out} if isinstance(value, dict) else value)
            for name, value in row.items()
            if name not in left_out
        }
        for row in [*signals, *states]
    ]


def test_the_first_run_keeps_the_turns_of_history_and_the_newest_bar(bring: Callable) -> None:
    usd = bring(wave(600))
    written = decide(usd)
    rows = list(Signal.objects.order_by("as_of"))
    assert written == len(rows)
    *history, newest = rows
    assert newest.as_of.date() == START + timedelta(days=599)
    assert (newest.signal, newest.version) == ("HOLD", 1)
    assert {row.signal for row in history} == {"BUY", "SELL"}
    assert all(row.backtested for row in history)
    assert all(row.values["bars"] >= 250 for row in rows)
    assert [a.signal != b.signal for a, b in itertools.pairwise(history)] == [True] * (len(history) - 1)


def test_buy_is_where_the_histogram_turns_positive_and_sell_where_negative(bring: Callable) -> None:
    decide(bring(wave(600)))
    for row in Signal.objects.exclude(signal="HOLD"):
        before, now = row.values["previous_histogram"], row.histogram
        assert now is not None
        assert row.macd is not None
        assert row.signal_line is not None
        assert (before <= 0 < now) if row.signal == "BUY" else (before >= 0 > now)
        assert row.histogram == pytest.approx(row.macd - row.signal_line, abs=Decimal("1e-9"))
        assert (row.rule, row.timeframe, row.horizon_days) == (RULE, "1d", 5)


def test_from_the_first_run_on_every_bar_gets_its_row_hold_included(bring: Callable, at: Callable) -> None:
    first_run = START + timedelta(days=601)
    usd = bring(wave(600))
    at(f"{first_run} 13:00")
    decide(usd)
    before = Signal.objects.count()
    at("2026-11-20 13:00")
    bring(wave(606)[600:])
    decide(usd, since=START + timedelta(days=600))
    rows = {row.as_of.date(): row for row in Signal.objects.order_by("as_of")[before:]}
    assert {day for day in rows if day >= first_run} == {START + timedelta(days=n) for n in range(601, 606)}
    assert [row.backtested for row in rows.values()] == [day < first_run for day in rows]


def test_figures_that_come_late_are_history_whenever_they_come(bring: Callable) -> None:
    closes = wave(900)
    usd = bring(closes[:300])
    decide(usd)
    bring(closes[300:])
    decide(usd, since=closes[300][0])
    holds = [row.as_of.date() for row in Signal.objects.filter(signal="HOLD").order_by("as_of")]
    assert holds == [closes[299][0], closes[899][0]]
    assert not Signal.objects.filter(backtested=False).exists()


def test_a_turn_whose_bar_left_the_series_is_withdrawn(bring: Callable) -> None:
    closes = wave(600)
    rub = bring(closes, "RUB")
    decide(rub)
    turn = Signal.objects.exclude(signal="HOLD").order_by("-as_of")[0]
    day = turn.as_of.date()
    Rate.objects.filter(instrument=rub, effective_date__gte=day).update(table="B")
    assert decide(rub, since=day) > 0
    newest = Signal.objects.filter(as_of=turn.as_of).order_by("-version")[0]
    assert (newest.signal, newest.version, newest.values) == ("HOLD", 2, {"withdrawn": True})
    stats = snapshot("RUB").stats
    assert stats["turned_on"] < stats["as_of"] < day.isoformat()
    assert decide(rub) == 0


def test_a_code_that_left_table_a_altogether_keeps_no_decision(bring: Callable) -> None:
    rub = bring(wave(600), "RUB")
    decide(rub)
    Rate.objects.filter(instrument=rub).update(table="B")
    decide(rub)
    assert snapshot("RUB").status == "not_applicable"
    newest = {row.as_of: row.signal for row in Signal.objects.order_by("version")}
    assert set(newest.values()) == {"HOLD"}


@pytest.mark.slow
def test_bar_by_bar_comes_to_the_same_as_in_one_go(bring: Callable) -> None:
    closes = wave(420)
    usd = bring(closes[:300])
    decide(usd)
    for number in range(300, 420):
        bring(closes[number : number + 1])
        decide(usd, since=closes[number][0])
    step_by_step = content()
    state = snapshot().state
    AnalysisSnapshot.objects.update(state={**state, "row": [0.0, 0.0, 0.0, 0.0, 0.0]})
    assert decide(usd) == 0
    assert content() == step_by_step
    assert snapshot().state["row"] == state["row"]


def test_a_recompute_of_everything_writes_nothing_new(bring: Callable) -> None:
    usd = bring(wave(600))
    decide(usd)
    before = list(Signal.objects.values()), list(AnalysisSnapshot.objects.values())
    assert decide(usd) == 0
    assert (list(Signal.objects.values()), list(AnalysisSnapshot.objects.values())) == before


def test_fewer_bars_than_the_warm_up_decide_nothing(bring: Callable) -> None:
    usd = bring(wave(249))
    assert decide(usd) == 0
    state = snapshot()
    assert (state.status, state.stats["bars"], state.stats["warm_up"], state.stats["signal"]) == (
        "warming_up", 249, 250, None,
    )  # fmt: skip
    bring(wave(250)[249:])
    assert decide(usd, since=START + timedelta(days=249)) == 1
    assert snapshot().status == "ok"


def test_a_weekly_code_is_set_aside_as_not_applicable(bring: Callable) -> None:
    aed = bring([(START + timedelta(weeks=n), Decimal("1.05")) for n in range(300)], "AED", "B")
    assert decide(aed) == 0
    assert (snapshot("AED").status, snapshot("AED").stats) == ("not_applicable", {})


def test_a_retired_code_keeps_its_last_state(bring: Callable) -> None:
    hrk = bring(wave(500, date(2020, 8, 19)), "HRK")
    decide(hrk)
    assert snapshot("HRK").stats["as_of"] == "2021-12-31"
    assert Signal.objects.order_by("-as_of")[0].as_of.date() == date(2021, 12, 31)


def test_a_gap_of_a_year_begins_a_new_series_with_its_own_warm_up(bring: Callable) -> None:
    first, second = wave(400), wave(260, date(2022, 6, 1))
    usd = bring(first + second[:100])
    decide(usd)
    assert (snapshot().status, snapshot().stats["bars"]) == ("warming_up", 100)
    assert not Signal.objects.filter(as_of__date__gte=date(2022, 1, 1)).exists()
    bring(second[100:])
    decide(usd, since=second[100][0])
    assert (snapshot().status, snapshot().stats["bars"]) == ("ok", 260)
    together = content()
    decide(usd)
    assert content() == together


def test_a_gap_met_bar_by_bar_starts_anew_as_well(bring: Callable) -> None:
    usd = bring(wave(300))
    decide(usd)
    bring([(date(2022, 6, 1), Decimal("4.0000"))])
    decide(usd, since=date(2022, 6, 1))
    assert snapshot().stats["bars"] == 1


def test_gold_is_decided_on_its_own_table(bring: Callable) -> None:
    gold = bring(wave(300), "XAU", "gold")
    assert decide(gold) > 0
    assert snapshot("XAU").status == "ok"


def test_mids_of_table_b_stay_out_of_a_daily_series(bring: Callable) -> None:
    clp = bring(wave(300), "CLP")
    bring([(START - timedelta(weeks=n), Decimal("9.9999")) for n in range(1, 20)], "CLP", "B")
    decide(clp)
    assert snapshot("CLP").stats["bars"] == 300


def test_a_revision_adds_editions_only_where_the_decision_changes(bring: Callable) -> None:
    usd = bring(wave(600))
    decide(usd)
    before = {row.as_of: row.signal for row in Signal.objects.all()}
    turn = Signal.objects.filter(signal="BUY", as_of__date__gt=START + timedelta(days=400)).order_by("as_of")[0]
    day = turn.as_of.date()
    bring([(day, Decimal("3.5000"))])
    assert decide(usd, since=day) > 0
    newer = Signal.objects.filter(version=2)
    assert newer.get(as_of=turn.as_of).signal == "HOLD"
    assert all(before[row.as_of] != row.signal for row in newer)
    assert Signal.objects.filter(version=1, as_of__in=before).count() == len(before)
    assert not Signal.objects.filter(as_of__lt=turn.as_of).exclude(as_of__in=before).exists()
    assert decide(usd, since=day) == 0


def test_a_revision_that_changes_no_decision_adds_nothing(bring: Callable) -> None:
    usd = bring(wave(600))
    decide(usd)
    count = Signal.objects.count()
    rate = Rate.objects.get(effective_date=START + timedelta(days=100))
    assert rate.mid is not None
    bring([(rate.effective_date, rate.mid + Decimal("0.0001"))])
    assert decide(usd, since=rate.effective_date) == 0
    assert Signal.objects.count() == count


def test_other_parameters_are_another_rule_and_old_rows_stay(bring: Callable, settings: Any) -> None:
    usd = bring(wave(600))
    decide(usd)
    old = Signal.objects.count()
    settings.MACD_FAST, settings.MACD_SLOW, settings.MACD_SIGNAL = 5, 35, 5
    assert decide(usd) > 0
    assert Signal.objects.filter(rule=RULE).count() == old
    assert Signal.objects.filter(rule="macd_signal_cross_5_35_5").exists()
    assert AnalysisSnapshot.objects.count() == 6


def test_the_windows_tell_the_change_the_range_and_the_trend(bring: Callable) -> None:
    closes = [(START + timedelta(days=n), Decimal(f"{4 + n / 1000:.4f}")) for n in range(400)]
    usd = bring(closes)
    decide(usd)
    month, year = snapshot(window="30d").stats, snapshot(window="365d").stats
    assert (month["points"], month["first"], month["last"], month["min"], month["max"]) == (
        30,
        4.37,
        4.399,
        4.37,
        4.399,
    )
    assert month["change"] == pytest.approx(0.029)
    assert month["change_pct"] == pytest.approx(0.029 / 4.37 * 100)
    assert (year["points"], year["window_days"], year["trend"]) == (365, 365, "up")
    assert snapshot(window="30d").state["bars"] == 400
    assert (snapshot(window="90d").state, snapshot(window="365d").state) == ({}, {}), "it stands once"


@pytest.mark.parametrize(("fast", "slow", "word"), [(4.01, 4.0, "up"), (4.0, 4.01, "down"), (4.001, 4.0, "flat")])
def test_the_trend_is_flat_within_a_thousandth_of_the_price(fast: float, slow: float, word: str) -> None:
    assert snapshots.trend(fast, slow, 4.0) == word


def test_a_constant_series_holds(bring: Callable) -> None:
    usd = bring([(START + timedelta(days=n), Decimal("4.0000")) for n in range(300)])
    assert decide(usd) == 1
    assert (Signal.objects.get().signal, snapshot().stats["trend"]) == ("HOLD", "flat")
    assert "turned" not in snapshot().stats


def test_the_newest_turn_is_named_in_the_state(bring: Callable) -> None:
    usd = bring(wave(600))
    decide(usd)
    turn = Signal.objects.exclude(signal="HOLD").order_by("-as_of")[0]
    stats = snapshot().stats
    assert (stats["turned"], stats["turned_on"], stats["turned_id"]) == (
        turn.signal, turn.as_of.date().isoformat(), turn.pk,
    )  # fmt: skip


def test_every_column_of_a_decision_is_written() -> None:
    """Rows are written past the model: a new column has to be named beside the others."""
    assert {*ledger.STORED, "id"} == {field.column for field in Signal._meta.concrete_fields}


@pytest.mark.slow
def test_a_pass_over_a_series_asks_no_more_for_more_rules(bring: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands is read once and what came of it written once, however many rules there are."""
    usd, counts = bring(wave(300)), []
    for number in (1, 2, 4):
        monkeypatch.setattr(
            rules, "active", lambda number=number: [MacdCross(8 + more, 26, 9) for more in range(number)]
        )
        Signal.objects.all().delete()
        AnalysisSnapshot.objects.all().delete()
        with CaptureQueriesContext(connection) as asked:
            engine.decide(usd)
        counts.append(len(asked))
        assert set(AnalysisSnapshot.objects.values_list("rule", flat=True)) >= {one.name for one in rules.active()}
    assert counts[0] == counts[1] <= 12, counts
    assert counts[2] <= counts[0] + 1, "the rating of four rules"


def test_the_rules_are_compiled_before_there_is_anything_to_decide_on_and_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A first start compiles for seconds: while the archive arrives, not behind it."""
    loaded: list[str] = []
    monkeypatch.setattr(tasks, "load_rules", lambda: loaded.append("now"))
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "numba"))
    tasks.catch_up()
    assert loaded == ["now"]
    usd = Instrument.objects.create(code="USD")
    AnalysisSnapshot.objects.create(instrument=usd, rule=RULE, status="ok", generated_at=clock.now())
    tasks.catch_up()
    assert loaded == ["now"]


def test_a_pass_without_news_loads_no_rules_where_another_process_compiles_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Every window of an archive rings, and to load them for nothing takes 0.8 s of a core each time."""
    loaded: list[str] = []
    monkeypatch.setattr(tasks, "load_rules", lambda: loaded.append("now"))
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    tasks.catch_up()
    assert loaded == []
