"""A cycle of candles: many series in a few statements, to the same rows as one series after the other."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django_q.models import OrmQ
from pytest_django import DjangoCaptureOnCommitCallbacks

from markets import clock
from markets.instruments import create
from markets.jobs import runs
from markets.models import Instrument, Problem, Source
from markets.records import Bar as Candle
from markets.records import RateRecord, Table
from markets.store import sharing
from markets.store.candles import save_bars
from markets.store.publish import publish
from signals import claims, compiled, cycle, engine, ledger, ratings, rules, snapshots, tasks
from signals.models import AnalysisSnapshot, Signal
from signals.one_series import OneSeries
from signals.outcomes import tasks as outcomes
from signals.rules.rule import Bar, Row, Rule, Values
from tests.market import bar as candle
from tests.market import instrument as find
from tests.market import source
from tests.news import open_news
from tests.own_redis import imitated
from tests.test_engine import wave
from tests.test_rules_laws import ThreeInARow, hours

pytestmark = pytest.mark.django_db

TICKERS = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT")


class Rising(ThreeInARow):
    """It votes with the run."""

    name = "rising_1"
    timeframes = ("1h", "4h")
    warm_up = 2

    def vote(self, values: Values) -> int:
        run: float = values["run"]
        return (run > 0) - (run < 0)


class Heavy(Rising):
    name = "heavy_1"
    needs = frozenset({"close", "volume"})


class Falling(Rising):
    name = "falling_1"
    warm_up = 5

    def step(self, state: Row, bar: Bar) -> tuple[Row, Row, int]:
        state, values, way = super().step(state, bar)
        return state, values, -way


@pytest.fixture
def market(monkeypatch: pytest.MonkeyPatch, at: Callable[[str], None]) -> Source:
    at("2026-10-26 12:30")
    for rule in (ThreeInARow, Rising, Heavy, Falling):
        monkeypatch.setitem(rules.RULES, rule.name, rule)
    return source("binance", TICKERS)


def saved(market: Source, first: int, last: int, tickers: tuple[str, ...] = TICKERS, **more: Any) -> None:
    """The hours from number `first` to before `last` of each series, in one cycle."""
    save_bars([one for ticker in tickers for one in hours_of(ticker, first, last, **more)], market)


def hours_of(ticker: str, first: int, last: int, **more: Any) -> Iterator[Candle]:
    """Of each series at another place of the wave."""
    shift = TICKERS.index(ticker)
    return iter(list(hours(last + shift, "2026-10-20 00:00", ticker=ticker, **more))[first + shift : last + shift])


def rows() -> list[Any]:
    """All that was decided, and all that stands, numbers of rows and times aside."""
    decided = Signal.objects.order_by("instrument__code", "rule", "as_of", "version").values_list(
        "instrument__code", "rule", "timeframe", "as_of", "signal", "version", "values", "histogram", "backtested"
    )
    states = AnalysisSnapshot.objects.order_by("instrument__code", "rule", "timeframe", "window")
    return [
        *decided,
        *(
            (one.instrument_id, one.rule, one.timeframe, one.window, one.status, without_id(one.stats), one.state)
            for one in states
        ),
    ]


def without_id(stats: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in stats.items() if name != "turned_id"}


def alone(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The series that the engine is asked about one by one from now on."""
    seen: list[str] = []
    real = engine.decisions

    def spy(instrument: Instrument, *args: Any) -> dict[str, int]:
        seen.append(instrument.code)
        return real(instrument, *args)

    monkeypatch.setattr(engine, "decisions", spy)
    return seen


@pytest.mark.slow
def test_candle_by_candle_comes_to_the_same_as_each_series_in_one_go(
    market: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved(market, 0, 30)
    tasks.catch_up()
    asked = alone(monkeypatch)
    for number in range(30, 60):
        saved(market, number, number + 1)
        tasks.catch_up()
    assert (asked, open_news().count()) == ([], 0)
    stepped = rows()
    assert {row[4] for row in stepped} >= {"BUY", "SELL", "ok", "warming_up"}
    Signal.objects.all().delete()
    AnalysisSnapshot.objects.all().delete()
    for ticker in TICKERS:
        engine.decide(find(ticker), "1h")
    assert rows() == stepped


@pytest.mark.slow
@pytest.mark.parametrize("started", [0, 40])
def test_no_rule_is_compiled_while_others_cannot_write(
    market: Source, monkeypatch: pytest.MonkeyPatch, started: int
) -> None:
    if started:
        saved(market, 0, started)
        tasks.catch_up()
    real, compiling = compiled.machine_code.__wrapped__, list[int]()

    def spy(*args: Any) -> Any:
        compiling.append(len(connection.savepoint_ids))
        return real(*args)

    monkeypatch.setattr(compiled, "machine_code", cache(spy))
    saved(market, started, started + 1)
    tasks.catch_up()
    assert set(compiling) == {len(connection.savepoint_ids)}


@pytest.mark.slow
def test_other_writers_get_their_turn_between_two_series(market: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    naps = list[float]()
    monkeypatch.setattr("markets.store.sharing.time.sleep", naps.append)
    monkeypatch.setattr(sharing, "BREATH_EVERY", 0.0)
    saved(market, 0, 30)
    tasks.catch_up()
    assert naps.count(sharing.BREATH) == (len(TICKERS) if connection.vendor == "sqlite" else 0)


@pytest.mark.slow
def test_where_one_queue_does_everything_one_engine_works_at_a_time(
    market: Source, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.BRAIN_QUEUE = settings.MINER_QUEUE
    saved(market, 0, 30)
    asked = alone(monkeypatch)
    with claims.alone() as ours:  # between two instruments, when it holds no claim
        assert ours
        assert (tasks.catch_up(), asked) == (0, [])
    tasks.catch_up()
    assert sorted(asked) == sorted(TICKERS)


@pytest.mark.slow
def test_news_that_came_during_a_pass_has_one_of_its_own(
    market: Source, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.BRAIN_QUEUE = settings.MINER_QUEUE
    saved(market, 0, 30, TICKERS[:1])
    OrmQ.objects.all().delete()
    real = tasks.process

    def slow(instrument: Instrument) -> int:
        saved(market, 0, 30, TICKERS[1:2])
        OrmQ.objects.all().delete()
        return real(instrument)

    monkeypatch.setattr(tasks, "process", slow)
    tasks.catch_up()
    assert any(map(tasks.is_catch_up, OrmQ.objects.all()))
    OrmQ.objects.all().delete()
    monkeypatch.setattr(claims, "whole", lambda _: Instrument.objects.none())
    tasks.catch_up()
    assert not any(map(tasks.is_catch_up, OrmQ.objects.all())), "a half history waits for its other half"


@pytest.mark.slow
def test_a_cycle_asks_the_database_as_often_whatever_the_number_of_series(
    market: Source, monkeypatch: pytest.MonkeyPatch, without_redis: None
) -> None:
    monkeypatch.setattr(Falling, "warm_up", 1)
    monkeypatch.setattr(outcomes, "due", lambda: None)  # until its first run the record is asked whether it is
    saved(market, 0, 40)
    tasks.catch_up()
    counts = []
    for number, tickers in ((40, TICKERS[:1]), (41, TICKERS), (42, TICKERS)):
        saved(market, number, number + 1, tickers)
        with CaptureQueriesContext(connection) as asked:
            tasks.catch_up()
        counts.append(len(asked))
    assert max(counts) <= min(counts) + 2, "where something is decided, it is looked up and stored"
    assert max(counts) < 34


@pytest.mark.slow
def test_no_year_is_read_before_a_step(market: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    saved(market, 0, 50)
    tasks.catch_up()
    saved(market, 50, 51)
    bitcoin, read = find("BTCUSDT"), list[int]()
    real = engine.usable

    def spy(bars: Any, rule: Rule) -> Any:
        read.append(len(bars))
        return real(bars, rule)

    monkeypatch.setattr(engine, "usable", spy)
    since = AnalysisSnapshot.objects.filter(instrument=bitcoin, rule=Rising.name).get().state["as_of"]
    newest = bitcoin.candle_set.latest("open_time").open_time
    assert since < newest.isoformat()
    engine.decide(bitcoin, "1h", newest)
    assert set(read) == {2}, "the bar of the state, and the new one"


@pytest.mark.slow
def test_a_correction_a_gap_and_a_rule_that_is_new_are_left_to_the_engine(
    market: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved(market, 0, 40)
    tasks.catch_up()
    asked = alone(monkeypatch)
    save_bars([candle("2026-10-20 05:00", "180", "190", "90", "180", ticker="ETHUSDT")], market)
    saved(market, 70, 75, ("SOLUSDT",))
    saved(market, 40, 41, ("BTCUSDT", "XRPUSDT"))
    tasks.catch_up()
    assert sorted(asked) == ["ETHUSDT", "SOLUSDT"]
    sol = AnalysisSnapshot.objects.get(instrument__code="SOLUSDT", rule=Rising.name)
    assert sol.state["bars"] == 5
    asked.clear()
    monkeypatch.setitem(rules.RULES, "newcomer", type("Newcomer", (Rising,), {"name": "newcomer_1"}))
    saved(market, 41, 42, ("BTCUSDT",))
    tasks.catch_up()
    assert asked == ["BTCUSDT"]
    assert AnalysisSnapshot.objects.get(rule="newcomer_1").state["bars"] == 42
    assert not open_news().exists()


@pytest.mark.slow
def test_empty_candles_between_are_no_gap_in_a_cycle_either(market: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    saved(market, 0, 40, ("BTCUSDT",))
    tasks.catch_up()
    asked = alone(monkeypatch)
    saved(market, 40, 70, ("BTCUSDT",), volume="0")
    tasks.catch_up()
    saved(market, 70, 71, ("BTCUSDT",))
    tasks.catch_up()
    assert asked == []
    assert AnalysisSnapshot.objects.get(rule=Rising.name).state["bars"] == 41


def broken(rule: type[Rule], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("of nothing")

    monkeypatch.setattr(rule, "step", fail)


@pytest.mark.slow
def test_a_rule_that_raises_says_so_and_the_others_go_on(market: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    saved(market, 0, 40)
    tasks.catch_up()
    before = AnalysisSnapshot.objects.get(instrument__code="BTCUSDT", rule=Falling.name)
    asked = alone(monkeypatch)
    with monkeypatch.context() as patch:
        broken(Falling, patch)
        saved(market, 40, 41)
        tasks.catch_up()
        assert (asked, open_news().count()) == ([], 0)
        row = AnalysisSnapshot.objects.get(instrument__code="BTCUSDT", rule=Falling.name)
        assert (row.status, row.error) == ("failed", "ZeroDivisionError('of nothing')")
        assert (row.stats, row.state) == (before.stats, before.state)
        others = AnalysisSnapshot.objects.exclude(rule=Falling.name).exclude(rule=ratings.NAME)
        assert {one.state["bars"] for one in others} == {41}
        assert set(others.model.objects.filter(rule=ratings.NAME).values_list("status")) == {("warming_up",)}, "of two"
        problem = Problem.objects.get(kind="engine", closed_at=None)
        assert problem.subject == Falling.name
        assert "BTCUSDT 1h" in problem.detail
        assert "of nothing" in problem.detail
    saved(market, 41, 42)
    tasks.catch_up()
    assert set(AnalysisSnapshot.objects.values_list("status", flat=True)) == {"ok", "warming_up"}
    assert not Problem.objects.filter(kind="engine", closed_at=None).exists()
    healed = rows()
    Signal.objects.all().delete()
    AnalysisSnapshot.objects.all().delete()
    for ticker in TICKERS:
        engine.decide(find(ticker), "1h")
    assert rows() == healed


@pytest.mark.slow
def test_a_rule_that_raises_on_a_whole_series_reads_it_again_once_an_hour(
    market: Source, monkeypatch: pytest.MonkeyPatch, at: Callable[[str], None]
) -> None:
    asked = alone(monkeypatch)
    with monkeypatch.context() as patch:
        broken(Falling, patch)
        saved(market, 0, 40, ("BTCUSDT",))
        tasks.catch_up()
        saved(market, 40, 41, ("BTCUSDT",))
        tasks.catch_up()
    row = AnalysisSnapshot.objects.get(rule=Falling.name)
    assert (row.status, row.stats, row.state, len(asked)) == ("failed", {}, {}, 1)
    assert AnalysisSnapshot.objects.get(rule=Rising.name).state["bars"] == 41
    at("2026-10-26 13:31")
    with monkeypatch.context() as patch:
        broken(Falling, patch)
        for number in (41, 42):
            saved(market, number, number + 1, ("BTCUSDT",))
            tasks.catch_up()
    assert len(asked) == 2
    at("2026-10-26 14:32")
    saved(market, 43, 44, ("BTCUSDT",))
    tasks.catch_up()
    assert AnalysisSnapshot.objects.get(rule=Falling.name).state["bars"] == 44


@pytest.mark.slow
def test_a_failure_of_the_whole_cycle_falls_back_to_one_after_the_other(
    market: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved(market, 0, 40)
    tasks.catch_up()
    saved(market, 40, 41)
    real = engine.decisions

    def refuse(*_: object) -> None:
        raise ValueError("not together")

    def one_fails(instrument: Instrument, *args: Any) -> dict[str, int]:
        if instrument.code == "ETHUSDT":
            raise ValueError("no number")
        return real(instrument, *args)

    monkeypatch.setattr(snapshots, "replace", refuse)
    tasks.catch_up()
    monkeypatch.undo()
    assert open_news().filter(tries=1).count() == 4, "nobody could write"


@pytest.mark.slow
def test_an_instrument_that_fails_does_not_stop_the_others(market: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    saved(market, 0, 40)
    tasks.catch_up()
    saved(market, 40, 41)
    together, one_by_one = cycle.steps_of, engine.advance

    def fails(instrument: Instrument, *args: Any) -> Any:
        if instrument.code == "ETHUSDT":
            raise ValueError("no number")
        return together(instrument, *args)

    def fails_alone(one: OneSeries, *args: Any) -> Any:
        if one.instrument.code == "ETHUSDT":
            raise ValueError("no number")
        return one_by_one(one, *args)

    monkeypatch.setattr(cycle, "steps_of", fails)
    monkeypatch.setattr(engine, "advance", fails_alone)
    tasks.catch_up()
    assert (open_news().get().instrument.code, open_news().get().tries) == ("ETHUSDT", 1)
    bars = AnalysisSnapshot.objects.filter(rule=Rising.name).values_list("instrument__code", "state__bars")
    assert dict(bars) == {"BTCUSDT": 41, "ETHUSDT": 40, "SOLUSDT": 41, "XRPUSDT": 41}


class Killed(BaseException):
    """What a kill looks like from inside: nothing after it runs."""


STEPS = [
    (claims, "claim_cycle"),
    (snapshots, "kept"),
    (cycle, "new_candles"),
    (cycle, "steps_of"),
    (cycle, "decided_before"),
    (cycle, "write"),
    (snapshots, "replace"),
    (ratings, "bring_up"),
    (tasks, "announce"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("room", "step"), STEPS, ids=[step for _, step in STEPS])
@pytest.mark.parametrize("when", ["before", "after"])
def test_an_engine_killed_between_any_two_steps_of_a_cycle_loses_nothing(
    market: Source, monkeypatch: pytest.MonkeyPatch, at: Callable[[str], None], room: Any, step: str, when: str
) -> None:
    saved(market, 0, 40)
    tasks.catch_up()
    saved(market, 40, 43)
    before, real = rows(), getattr(room, step)

    def die(*args: Any, **kwargs: Any) -> Any:
        if when == "after":
            real(*args, **kwargs)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(room, step, die)
        with pytest.raises(Killed):
            tasks.catch_up()
    assert (rows(), open_news().count()) == (before, 4)
    at("2026-10-26 12:33")
    tasks.catch_up()
    assert not open_news().exists()
    stepped = rows()
    Signal.objects.all().delete()
    AnalysisSnapshot.objects.all().delete()
    for ticker in TICKERS:
        engine.decide(find(ticker), "1h")
    assert rows() == stepped


@pytest.mark.slow
def test_a_second_engine_leaves_a_claimed_cycle_alone(market: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    saved(market, 0, 40)
    tasks.catch_up()
    saved(market, 40, 43)
    real, passes = cycle.decide, list[Any]()

    def two(*args: Any) -> Any:
        passes.append(args)
        assert tasks.catch_up() == 0
        return real(*args)

    monkeypatch.setattr(cycle, "decide", two)
    assert tasks.catch_up() > 0
    assert len(passes) == 1


@pytest.mark.slow
def test_a_decision_that_stands_already_gets_its_version_from_the_engine(
    market: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bar that was withdrawn and came back."""
    saved(market, 0, 40, ("BTCUSDT",))
    tasks.catch_up()
    rule, bitcoin = ThreeInARow(), find("BTCUSDT")
    turn = ledger.newest_versions(instrument=bitcoin, rule=rule.name).order_by("-as_of")[0]
    gone = [one for one in hours_of("BTCUSDT", 0, 40) if one.open_time >= turn.as_of]
    bitcoin.candle_set.filter(open_time__gte=turn.as_of).delete()
    engine.decide(bitcoin, "1h", turn.as_of)
    assert ledger.newest_versions(as_of=turn.as_of, rule=rule.name).get().signal == "HOLD"
    save_bars(gone, market)
    open_news().update(from_time=turn.as_of)
    tasks.catch_up()
    newest = ledger.newest_versions(as_of=turn.as_of, rule=rule.name).get()
    assert (newest.signal, newest.version) == (turn.signal, 3)


@pytest.mark.slow
def test_the_rating_stands_beside_its_rules(market: Source, client: Client) -> None:
    saved(market, 0, 43, ("BTCUSDT",))
    tasks.catch_up()
    saved(market, 43, 44, ("BTCUSDT",))
    tasks.catch_up()
    found = client.get("/signals/current", {"rule": "all", "limit": "100"}).json()["items"]
    bitcoin = {row["rule"]: row for row in found if (row["code"], row["timeframe"]) == ("BTCUSDT", "1h")}
    assert bitcoin.keys() == {*(rule.name for rule in rules.active()), "rating"}
    assert bitcoin["rating"]["status"] == "ok"
    votes = [
        row.stats["vote"] for row in AnalysisSnapshot.objects.filter(rule__in=("rising_1", "heavy_1", "falling_1"))
    ]
    assert float(bitcoin["rating"]["rating"]) == sum(votes) / 3
    assert bitcoin["rating"]["rating_label"] == "STRONG_BUY" if sum(votes) == 3 else "STRONG_SELL"
    assert bitcoin["rising_1"]["rating"] is None
    assert bitcoin["rising_1"]["values"] == {"run": str(AnalysisSnapshot.objects.get(rule="rising_1").stats["run"])}
    alone = client.get("/signals/current", {"rule": "rating"}).json()["items"]
    assert [(row["code"], row["timeframe"], row["rating"]) for row in alone] == [
        ("BTCUSDT", "1h", bitcoin["rating"]["rating"])
    ]
    assert client.get("/signals", {"rule": "rating"}).json()["items"] == [], "it is no decision"


@pytest.mark.slow
@pytest.mark.usefixtures("without_redis")  # an answer in Redis is given up after the commit, which a test never makes
def test_a_rule_that_lacks_its_need_is_listed_as_not_applicable_until_it_has_it(
    market: Source, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved(market, 0, 40, ("BTCUSDT",))
    find("BTCUSDT").candle_set.update(volume=None)
    tasks.catch_up()

    def heavy() -> dict[str, Any]:
        found = client.get("/signals/current", {"rule": "heavy_1"}).json()["items"]
        return {row["timeframe"]: (row["status"], row["values"]) for row in found}

    assert heavy() == {"1h": ("not_applicable", None)}
    everything = client.get("/signals/current", {"rule": "all"}).json()["items"]
    assert {row["rule"]: row["status"] for row in everything if row["rule"] != "rating"}["heavy_1"] == "not_applicable"
    saved(market, 40, 41, ("BTCUSDT",))
    tasks.catch_up()
    assert heavy()["1h"][0] == "warming_up"


@pytest.mark.slow
def test_a_failed_rule_on_days_keeps_what_stood_and_takes_it_up_again(
    nbp: Source, monkeypatch: pytest.MonkeyPatch, at: Callable[[str], None]
) -> None:
    at("2026-11-20 13:00")
    monkeypatch.setitem(rules.RULES, "three", ThreeInARow)

    def bring(closes: Any) -> None:
        with runs.job("nbp.A", nbp) as job:
            publish([Table("A", day, [RateRecord("USD", mid=value)]) for day, value in closes], nbp, job)
        tasks.catch_up()

    closes = wave(302)
    bring(closes[:300])
    with monkeypatch.context() as patch:
        broken(ThreeInARow, patch)
        bring(closes[300:])
        row = AnalysisSnapshot.objects.get(rule=ThreeInARow.name, window="30d")
        assert (row.status, row.stats["as_of"], row.state["bars"]) == ("failed", closes[299][0].isoformat(), 300)
        bring([(closes[100][0], closes[100][1] + 1)])
        row.refresh_from_db()
        assert (row.status, row.stats, row.state["bars"]) == ("failed", {}, 0), "a correction: all of it again"
        at("2026-11-20 14:01")
        asked = alone(monkeypatch)
        tasks.catch_up()
        tasks.catch_up()
        assert asked == ["USD"], "once an hour"
    at("2026-11-20 15:02")
    tasks.catch_up()
    row.refresh_from_db()
    assert (row.status, row.state["bars"], row.state["live_since"]) == ("ok", 302, "2026-11-20")


@pytest.mark.slow
def test_decisions_on_candles_are_told_and_logged(
    market: Source,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    """Each rule of each series that decided, in one go as bar by bar."""
    with imitated(settings, monkeypatch) as redis, redis.pubsub(ignore_subscribe_messages=True) as ear:
        ear.subscribe("signals.updated")
        ear.get_message()
        for first, last in ((0, 40), *((number, number + 1) for number in range(40, 46))):
            saved(market, first, last)
            before = Signal.objects.count()
            with django_capture_on_commit_callbacks(execute=True):
                tasks.catch_up()
            told = [json.loads(message["data"]) for message in iter(ear.get_message, None)]
            assert sum(one["rows"] for one in told) == Signal.objects.count() - before
            for one in told:
                newest = Signal.objects.filter(instrument__code=one["asset"], rule=one["rule"]).order_by("-as_of")[0]
                assert (one["timeframe"], one["as_of"], one["signal"]) == (
                    "1h", newest.as_of.isoformat(), newest.signal,
                )  # fmt: skip
        assert Signal.objects.filter(as_of__gte=datetime(2026, 10, 21, 16, tzinfo=UTC)).exists(), "bar by bar as well"
        entries: Any = redis.xrange("redis:message_log")
    logged = [fields for _, fields in entries if fields[b"channel"] == b"signals.updated"]
    assert {(fields[b"type"], fields[b"source"]) for fields in logged} == {(b"signal", b"ta-service")}
    assert {fields[b"summary"].split()[0] for fields in logged} == {f"asset={code}".encode() for code in TICKERS}
    assert any(fields[b"summary"].split()[1] == b"rule=rising_1" for fields in logged)


def test_an_upgraded_database_keeps_each_state_once(market: Source, nbp: Source) -> None:
    """As an earlier release left them: three windows of every series, the state in each."""
    saved(market, 0, 40, ("BTCUSDT",))
    dollar = create.find_or_create({"USD"}, "currency")[0]["USD"]
    for instrument, timeframe in ((find("BTCUSDT"), "1h"), (dollar, "1d")):
        for days in AnalysisSnapshot.WINDOWS:
            AnalysisSnapshot.objects.create(
                instrument=instrument, rule="rising_1", timeframe=timeframe, window=f"{days}d", status="ok",
                stats={"as_of": "2026-10-21", "points": days, "min": 1.0}, state={"bars": 40}, generated_at=clock.now(),
            )  # fmt: skip
    import_module("signals.migrations.0005_candle_states").keep_states_once(apps, None)
    rows = AnalysisSnapshot.objects.order_by("timeframe", "pk").values_list("timeframe", "window", "stats", "state")
    daily = [
        ("1d", f"{days}d", {"as_of": "2026-10-21", "points": days, "min": 1.0}, {"bars": 40} if days == 30 else {})
        for days in AnalysisSnapshot.WINDOWS
    ]
    assert list(rows) == [*daily, ("1h", "", {"as_of": "2026-10-21"}, {"bars": 40})]


@pytest.mark.slow
def test_a_correction_that_failed_is_decided_with_the_next_candle_and_not_passed_by(market: Source) -> None:
    saved(market, 0, 40, ("BTCUSDT",))
    tasks.catch_up()
    save_bars([candle("2026-10-20 05:00", "180", "190", "90", "180")], market)
    open_news().update(tries=1, error="x", claimed_until=clock.now())
    saved(market, 40, 41, ("BTCUSDT",))
    assert open_news().count() == 2
    tasks.catch_up()
    assert not open_news().exists()
    stepped = rows()
    assert engine.decide(find("BTCUSDT"), "1h") == 0
    assert rows() == stepped


@pytest.mark.slow
def test_a_rule_that_could_not_be_asked_about_the_newest_bar_has_no_vote(market: Source, client: Client) -> None:
    saved(market, 0, 43, ("BTCUSDT",))
    tasks.catch_up()
    assert AnalysisSnapshot.objects.get(rule=ratings.NAME).stats["rules"] == 3
    saved(market, 43, 44, ("BTCUSDT",))
    newest = find("BTCUSDT").candle_set.latest("open_time")
    find("BTCUSDT").candle_set.filter(pk=newest.pk).update(volume=None)
    tasks.catch_up()
    row = AnalysisSnapshot.objects.get(rule=ratings.NAME)
    assert (row.status, row.stats) == ("warming_up", {"as_of": newest.open_time.isoformat()}), "two votes are too few"
