"""What holds for every rule of the registry, and for a rule that is added to it."""

import inspect
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from itertools import starmap
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from django.utils.translation import gettext_noop

from markets.models import Candle, Instrument, Job, Source
from markets.records import RateRecord, Table
from markets.store.prices import save_bars
from markets.store.publish import publish
from signals import compiled, engine, history, ledger, rules, series, tasks
from signals.bars import Bars
from signals.kernel import COLUMNS
from signals.models import AnalysisSnapshot, Signal
from signals.rules.rule import OFFICIAL, Bar, Row, Rule, Sentence, Value, Values
from signals.snapshots import bar_of
from tests.market import bar as candle
from tests.market import instrument as find
from tests.market import source
from tests.test_engine import START, wave

ROOT = Path(__file__).parent.parent
FOLDER = Path(rules.__file__).parent


class ThreeInARow(Rule):
    """Three closes in a row above the one before: BUY. Three below: SELL."""

    name = "three_in_a_row_3"
    label = "Trzy z rzędu"
    needs = frozenset({"close"})
    timeframes = ("1d", "1h")
    warm_up = 4
    initial = (0.0, 0.0)
    values = (Value("run", "Z rzędu", signed=True),)

    def step(self, state: Row, bar: Bar) -> tuple[Row, Row, int]:
        last, run = state
        way = (bar.close > last) - (bar.close < last) if last else 0
        run = run + way if run * way > 0 else float(way)
        return (bar.close, run), (run,), way if abs(run) == 3 else 0

    def explain(self, values: Values, signal: str, scale: int) -> Sentence:
        text = gettext_noop("Trzy kolejne ceny rosły lub spadały (licznik %(run)s dnia %(day)s): %(signal)s.")
        return Sentence(text, {"run": f"{values['run']:+.0f}", "signal": signal})


REGISTRY = rules.RULES
MEMBERS = [*rules.active(), ThreeInARow()]
OF_CLOSES = [rule for rule in MEMBERS if rule.needs <= {"close", OFFICIAL}]
OF_CANDLES = [rule for rule in MEMBERS if rule not in OF_CLOSES]


def each(members: list[Rule] = MEMBERS) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("rule", members, ids=lambda rule: rule.name)


def walk(count: int = 900, seed: int = 5) -> pd.DataFrame:
    """Bars of all columns, an hour apart."""
    noise = np.random.default_rng(seed)
    closes = 4 + np.cumsum(noise.normal(0, 0.01, count))
    opens = np.concatenate((closes[:1], closes[:-1]))
    high, low = np.maximum(opens, closes) + 0.004, np.minimum(opens, closes) - 0.004
    return pd.DataFrame(
        dict(zip(COLUMNS, (closes, opens, high, low, noise.uniform(1, 9, count)), strict=True)),
        index=pd.date_range("2026-01-01", periods=count, freq="h", tz="UTC"),
    )


def unbroken(frame: pd.DataFrame) -> Bars:
    """As `signals.series` gives them."""
    return Bars(compiled.matrix(frame), np.zeros(len(frame), np.int64))


def bits(values: Any) -> bytes:
    return np.array(values, np.float64).tobytes()


@each()
def test_all_at_once_equals_one_bar_after_the_other_to_the_last_bit(rule: Rule) -> None:
    frame = walk()
    whole = rule.evaluate(frame, rule.initial)
    state, rows, decisions = rule.initial, [], []
    for bar in starmap(Bar, compiled.matrix(frame).tolist()):
        state, values, decision = rule.step(state, bar)
        rows.append(values)
        decisions.append(decision)
    assert bits(whole.values) == bits(rows)
    assert list(whole.decisions) == decisions
    assert bits(whole.state) == bits(state)
    assert {-1, 1} <= set(decisions), "a walk on which it never decides proves nothing"


@each()
@pytest.mark.parametrize("cut", [1, 2, 5, 12, 22, 500])
def test_a_restart_from_the_state_in_json_changes_no_bit(rule: Rule, cut: int) -> None:
    frame = walk()
    whole, first = rule.evaluate(frame, rule.initial), rule.evaluate(frame[:cut], rule.initial)
    assert all(map(isfinite, first.state)), "JSON keeps finite numbers alone"
    rest = rule.evaluate(frame[cut:], tuple(json.loads(json.dumps(list(first.state)))))
    assert bits(rest.values) == bits(whole.values[cut:])
    assert bits(rest.state) == bits(whole.state)


@each()
@pytest.mark.parametrize("count", [1, 2, 5, 12, 22, 300])
def test_no_bar_knows_of_the_bars_after_it(rule: Rule, count: int) -> None:
    frame = walk()
    whole, part = rule.evaluate(frame, rule.initial), rule.evaluate(frame[:count], rule.initial)
    assert bits(part.values) == bits(whole.values[:count])
    assert list(part.decisions) == list(whole.decisions[:count])


@each()
def test_a_constant_series_is_held(rule: Rule) -> None:
    frame = walk(600)
    frame[list(COLUMNS)] = 4.2
    assert not any(rule.evaluate(frame, rule.initial).decisions)


@each()
@pytest.mark.parametrize("nothing", [float("nan"), float("inf")])
def test_a_bar_without_a_number_decides_nothing_and_leaves_the_state_alone(rule: Rule, nothing: float) -> None:
    frame = walk()
    for name in rule.needs - {OFFICIAL}:
        holed = frame.copy()
        holed.loc[holed.index[400], name] = nothing
        found, state = engine.follow(engine.usable(unbroken(holed), rule), rule, None)
        without, same = engine.follow(unbroken(frame.drop(frame.index[400])), rule, None)
        assert not found.bars.are_among([frame.index[400]]).any()
        every = np.ones(len(found), np.bool_)
        assert list(map(repr, found.at(every))) == list(map(repr, without.at(every)))
        assert state == same


@each(OF_CLOSES)
def test_the_web_computes_the_bits_of_the_engine(rule: Rule) -> None:
    closes = wave(500)
    frame = pd.DataFrame({"close": [float(value) for _, value in closes]})
    theirs = rule.evaluate(frame, rule.initial).values
    own = history.bars(closes, rule)
    assert bits([list(bar.values())[1:] for bar in own.values()]) == bits(theirs)


@each(OF_CANDLES)
def test_the_web_has_no_values_of_a_rule_that_needs_more_than_a_close(rule: Rule) -> None:
    assert not history.bars(wave(50), rule)


@each()
def test_each_decision_has_a_sentence_without_gaps(rule: Rule) -> None:
    found, _ = engine.follow(unbroken(walk()), rule, None)
    for decision, signal in ((1, "BUY"), (-1, "SELL")):
        bar = next(found.at((found.decisions == decision) & (found.counts >= rule.warm_up)))
        text, facts = rule.explain(bar_of(rule, bar), signal, 4)
        said = text % {"day": "26.10.2026", "day_before": "23.10.2026", **facts}
        assert "%(" not in said
        assert said.endswith(".")


@each()
def test_what_a_rule_says_of_itself_fits_the_tables(rule: Rule) -> None:
    assert len(rule.name) <= 60
    assert rule.needs <= {*COLUMNS, OFFICIAL}
    assert set(rule.timeframes) <= {"5m", "1h", "4h", "1d"}
    assert len({value.name for value in rule.values} | {"close", "bars", "decision"}) == len(rule.values) + 3


def test_a_rule_is_one_file_one_test_and_one_line() -> None:
    files = {path.stem for path in FOLDER.glob("*.py")} - {"__init__", "rule"}
    assert files == REGISTRY.keys()
    assert all((Path(__file__).parent / f"test_rule_{name}.py").exists() for name in files)


# A rule that is added


@pytest.fixture
def added(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(rules.RULES, "three_in_a_row", ThreeInARow)


@pytest.fixture
def brought(nbp: Source, job: Job, at: Callable[[str], None]) -> None:
    """USD daily, AED weekly: published, and decided on by the task that figures wake."""
    at("2026-11-20 13:00")
    publish([Table("A", day, [RateRecord("USD", mid=value)]) for day, value in wave(400)], nbp, job)
    publish([Table("B", START, [RateRecord("AED", mid=Decimal("1.05"))])], nbp, job)
    Job.objects.update(status=Job.Status.SUCCESS, lease_until=None)


def items(client: Client, path: str) -> list[dict[str, Any]]:
    response = client.get(path)
    assert response.status_code == 200, response.content
    return list(response.json()["items"])


@pytest.mark.slow
@pytest.mark.django_db
@pytest.mark.usefixtures("added", "brought")
def test_a_rule_of_twenty_lines_is_everywhere_without_another_change(client: Client, admin_client: Client) -> None:
    tasks.catch_up()
    newest = Signal.objects.filter(rule=ThreeInARow.name, signal__in=("BUY", "SELL")).order_by("-as_of")[0]
    for asked in ("three_in_a_row", ThreeInARow.name, "THREE_IN_A_ROW"):
        found = items(client, f"/signals?rule={asked}&signal={newest.signal}&limit=1")
        assert (found[0]["id"], found[0]["rule"]) == (newest.pk, ThreeInARow.name)
        assert (found[0]["macd"], found[0]["signal_line"], found[0]["histogram"]) == (None, None, None)
    assert {row["rule"] for row in items(client, "/signals")} == {rules.primary().name}
    assert {row["rule"] for row in items(client, "/signals?rule=all&limit=1000")} == {
        rules.primary().name, ThreeInARow.name,
    }  # fmt: skip

    states = {row["code"]: row for row in items(client, "/signals/current?rule=three_in_a_row")}
    assert {code: row["status"] for code, row in states.items()} == {"AED": "not_applicable", "USD": "ok"}
    assert (states["USD"]["turned"], states["USD"]["histogram"], states["USD"]["trend"]) == (newest.signal, None, None)
    both = items(client, "/signals/current?rule=all&limit=3&offset=1")
    assert [(row["code"], row["rule"]) for row in both] == [
        ("AED", ThreeInARow.name), ("USD", rules.primary().name), ("USD", ThreeInARow.name),
    ]  # fmt: skip

    listed = admin_client.get("/admin/signals/signal/", {"rule": ThreeInARow.name}).content.decode()
    assert f"?rule={ThreeInARow.name}" in admin_client.get("/admin/signals/signal/").content.decode()
    assert listed.count(ThreeInARow.name) > 50
    assert ">–</td>" in listed

    page = client.get("/waluty/USD/", {"regula": "three_in_a_row"}).content.decode()
    why = f"Trzy kolejne ceny rosły lub spadały (licznik {newest.values['run']:+.0f} dnia {newest.as_of:%d.%m.%Y})"
    assert why in page
    assert '<th scope="row">Z rzędu</th>' in page
    assert f"rule={ThreeInARow.name}" in page
    assert "zakres=5R&amp;regula=three_in_a_row_3" in page
    assert "regula=three_in_a_row_3#sygnal" in client.get("/waluty/USD/").content.decode()


@pytest.mark.slow
@pytest.mark.django_db
@pytest.mark.usefixtures("added", "brought")
def test_the_primary_rule_is_a_setting(client: Client, settings: Any) -> None:
    tasks.catch_up()
    settings.PRIMARY_RULE = "three_in_a_row"
    assert {row["rule"] for row in items(client, "/signals?code=USD")} == {ThreeInARow.name}
    assert {row["rule"] for row in items(client, "/signals/current")} == {ThreeInARow.name}
    for page in ("/", "/waluty/", "/waluty/USD/"):
        text = client.get(page).content.decode()
        assert client.get(page).status_code == 200
        assert "MACD 12/26/9" not in text or "Inne reguły" in text
    assert "Trzy z rzędu" in client.get("/").content.decode()


@pytest.mark.django_db
@pytest.mark.usefixtures("brought")
def test_a_rule_that_is_new_decides_on_what_is_there_already(monkeypatch: pytest.MonkeyPatch) -> None:
    tasks.catch_up()
    before = Signal.objects.count()
    monkeypatch.setitem(rules.RULES, "three_in_a_row", ThreeInARow)
    assert tasks.catch_up() == Signal.objects.count() - before > 0
    assert set(Signal.objects.order_by("-pk")[:5].values_list("rule", flat=True)) == {ThreeInARow.name}
    assert tasks.catch_up() == 0


@pytest.mark.django_db
@pytest.mark.usefixtures("brought")
@each()
def test_a_series_that_lacks_a_need_is_told_apart_from_one_that_holds(
    rule: Rule, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "RULES", {"it": lambda: rule})
    monkeypatch.setattr(series, "carries", lambda *_: frozenset())
    assert engine.decide(Instrument.objects.get(code="USD"), rule.timeframes[0]) == 0
    rows = AnalysisSnapshot.objects.filter(rule=rule.name)
    assert {(row.status, str(row.stats)) for row in rows} == {("not_applicable", "{}")}
    assert not Signal.objects.exists()


@pytest.mark.parametrize("path", ["/signals", "/signals/current"])
@pytest.mark.django_db
def test_an_unknown_rule_is_404_with_the_nearest_names(client: Client, path: str) -> None:
    response = client.get(path, {"rule": "macd_crosss"})
    assert response.status_code == 404
    assert response.json()["error"]["detail"] == {"nearest": [rules.primary().name]}


@pytest.mark.django_db
@pytest.mark.usefixtures("brought")
def test_decisions_under_former_parameters_can_still_be_asked_for(client: Client, settings: Any) -> None:
    tasks.catch_up()
    former = rules.primary().name
    settings.MACD_FAST = 5
    assert items(client, "/signals") == []
    assert {row["rule"] for row in items(client, f"/signals?rule={former}")} == {former}
    assert {row["status"] for row in items(client, f"/signals/current?rule={former}")} == {"ok", "not_applicable"}


# Candles


def hours(count: int, start: str = "2026-10-20 00:00", **more: Any) -> Iterator[Any]:
    """Closes that rise and fall in turns of five."""
    first = pd.Timestamp(start)
    for n in range(count):
        close = 100 + abs(n % 10 - 5)
        yield candle(f"{first + timedelta(hours=n):%Y-%m-%d %H:%M}", str(close), "110", "90", str(close), **more)


@pytest.fixture
def bitcoin(db: None, at: Callable[[str], None], added: None) -> Instrument:
    at("2026-10-26 12:30")
    save_bars(list(hours(60)), source("binance", ["BTCUSDT"]))
    return find("BTCUSDT")


def decided(instrument: Instrument) -> dict[str, str]:
    rows = ledger.newest_versions(instrument=instrument, timeframe="1h")
    return {f"{row.as_of:%d %H}": row.signal for row in rows}


def test_a_rule_decides_on_the_candles_that_it_names(bitcoin: Instrument, client: Client) -> None:
    assert engine.decide(bitcoin, "1h") > 0
    assert set(decided(bitcoin).values()) == {"BUY", "SELL"}, "candles keep no HOLD"
    assert {row.rule for row in Signal.objects.all()} == {ThreeInARow.name}
    assert [engine.decide(bitcoin, "1h"), engine.decide(bitcoin, "5m"), engine.decide(bitcoin, "4h")] == [0, 0, 0]
    newest = items(client, "/signals?rule=three_in_a_row&limit=1")[0]
    assert (newest["timeframe"], newest["as_of"][10:]) == ("1h", "T10:00:00Z")
    state = items(client, "/signals/current?rule=three_in_a_row")
    assert [(row["code"], row["timeframe"], row["status"]) for row in state] == [("BTCUSDT", "1h", "ok")]
    assert items(client, "/signals/current") == []
    assert items(client, "/signals?rule=all&from=2026-10-22&to=2026-10-22")
    Source.objects.filter(code="binance").update(public_api=False)
    for path in ("/signals?rule=all", "/signals/current?rule=all"):
        assert items(client, path) == [], "the licence of the candles"


def state_of_hours() -> Any:
    return AnalysisSnapshot.objects.get(rule=ThreeInARow.name, timeframe="1h").state


@pytest.mark.slow
def test_candle_by_candle_comes_to_the_same_as_in_one_go(bitcoin: Instrument) -> None:
    engine.decide(bitcoin, "1h")
    for one in list(hours(90))[60:]:
        save_bars([one], Source.objects.get(code="binance"))
        engine.decide(bitcoin, "1h", since=one.open_time)
    stepped = decided(bitcoin), state_of_hours()
    Signal.objects.all().delete()
    assert engine.decide(bitcoin, "1h") > 0
    assert (decided(bitcoin), state_of_hours()) == stepped


def test_open_and_empty_candles_are_no_bars_and_an_empty_one_is_no_gap(bitcoin: Instrument) -> None:
    binance = Source.objects.get(code="binance")
    save_bars(list(hours(72, "2026-10-23 12:00")), binance)
    assert Candle.objects.filter(closed=False).count() == 1, "the one of 11:00 goes on until 12:00"
    assert series.load(bitcoin, "1h").parts.tolist() == [0] * 60 + [1] * 71, "24 candles are absent"
    save_bars(list(hours(24, "2026-10-22 12:00", volume="0")), binance)
    assert series.load(bitcoin, "1h").parts.tolist() == [0] * 131


# The page that tells how, and the start


def test_the_example_of_the_page_is_the_rule_that_is_tested_here() -> None:
    page = (ROOT / "docs" / "adding-a-rule.md").read_text(encoding="utf-8")
    assert f"```python\n{inspect.getsource(ThreeInARow)}```" in page
    assert len(inspect.getsource(ThreeInARow).splitlines()) <= 22


@pytest.mark.slow
def test_an_unknown_primary_rule_ends_the_start_with_one_line(tmp_path: Path) -> None:
    ended = manage("check", PRIMARY_RULE="no such", DATA_DIR=str(tmp_path))
    assert ended.returncode == 1
    named = sorted({*REGISTRY, *(configured().name for configured in REGISTRY.values())})
    assert ended.stderr == f"PRIMARY_RULE: there is no rule 'no such'; there is {', '.join(named)}\n"


def test_a_rule_that_is_silent_on_days_cannot_be_the_primary_one(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    monkeypatch.setattr(ThreeInARow, "timeframes", ("1h",))
    monkeypatch.setitem(rules.RULES, "three_in_a_row", ThreeInARow)
    settings.PRIMARY_RULE = "three_in_a_row"
    with pytest.raises(ImproperlyConfigured, match="'three_in_a_row' does not decide on days"):
        rules.primary()


@pytest.mark.slow
def test_a_web_process_loads_neither_pandas_nor_numba(tmp_path: Path) -> None:
    script = "import sys, charon.wsgi, charon.urls; print({'pandas', 'numba', 'numpy'} & set(sys.modules))"
    environment = os.environ | {"DATA_DIR": str(tmp_path), "ENV_FILE": os.devnull}
    asked = [sys.executable, "-c", script]
    assert (
        subprocess.run(asked, env=environment, check=True, capture_output=True, text=True, cwd=ROOT).stdout == "set()\n"
    )


@pytest.mark.slow
def test_a_process_that_decides_or_computes_the_record_loads_no_pandas(tmp_path: Path) -> None:
    """70 MB of the 250 that it may weigh."""
    loads = "from signals import cycle, engine, tasks; from signals.outcomes import record"
    script = f"import sys, django; django.setup(); {loads}; print('pandas' in sys.modules)"
    environment = os.environ | {"DATA_DIR": str(tmp_path), "ENV_FILE": os.devnull}
    environment |= {"DJANGO_SETTINGS_MODULE": "charon.settings"}
    asked = [sys.executable, "-c", script]
    assert (
        subprocess.run(asked, env=environment, check=True, capture_output=True, text=True, cwd=ROOT).stdout == "False\n"
    )


def manage(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    variables = os.environ | {"DJANGO_SETTINGS_MODULE": "charon.settings", "ENV_FILE": os.devnull} | environment
    return subprocess.run(
        [sys.executable, "manage.py", *words], cwd=ROOT, env=variables, capture_output=True, text=True
    )
