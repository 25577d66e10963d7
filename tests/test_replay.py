"""`manage.py replay` names a row that is not what its series gives; what cannot be computed is never equal."""

import json
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from markets.models import Candle, Instrument, Job, Rate, Source
from markets.records import RateRecord, Table
from markets.store.prices import prune
from markets.store.publish import publish
from signals import engine, replay, rules
from signals.models import AnalysisSnapshot, Signal
from signals.replay import Report
from tests.market import instrument as find
from tests.test_engine import wave
from tests.test_ledger_hashes import bitcoin as fives  # noqa: F401  a fixture
from tests.test_rules_laws import ThreeInARow

pytestmark = pytest.mark.django_db
CLOSES = wave(420)
DAYS = [day for day, _ in CLOSES]
RULE = "macd_signal_cross_12_26_9"


@pytest.fixture
def bring(nbp: Source, job: Job, at: Callable[[str], None]) -> Callable[..., Instrument]:
    at("2026-11-20 13:00")

    def save(closes: list[tuple[date, Decimal]]) -> Instrument:
        publish([Table("A", day, [RateRecord("USD", mid=value)]) for day, value in closes], nbp, job)
        return find("USD")

    return save


@pytest.fixture
def usd(bring: Callable[..., Instrument]) -> Instrument:
    """Decided on until its last day."""
    instrument = bring(CLOSES)
    engine.decide(instrument)
    return instrument


def a_turn() -> Signal:
    return Signal.objects.filter(signal="BUY").order_by("-as_of")[0]


def run(*words: str) -> tuple[str, int]:
    """What the command prints, and its exit code."""
    out = StringIO()
    try:
        call_command("replay", *words, stdout=out)
    except SystemExit as ended:
        return out.getvalue(), int(str(ended.code))
    return out.getvalue(), 0


def counts(report: Report) -> dict[str, int]:
    """Those that are not zero."""
    names = [name for name in Report.__slots__ if name != "differences"]
    found = {name: getattr(report, name) for name in names} | {"differ": len(report.differences)}
    return {name: count for name, count in found.items() if count}


def both() -> list[dict[str, int]]:
    return [counts(replay.verify()), counts(replay.truncate())]


def test_rows_that_nobody_touched_are_equal(usd: Instrument) -> None:
    rows = Signal.objects.count()
    assert both() == [{"rows": rows, "equal": rows}] * 2
    text, code = run("--verify", "--truncate")
    assert code == 0
    assert text.startswith(f"verify: {rows} rows in ")
    assert f"\ntruncate: {rows} rows in " in text
    assert text.endswith(f"{rows} equal, 0 differ\n")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"signal": "SELL"}, "signal"),
        ({"signal": "HOLD"}, "signal"),
        ({"histogram": Decimal("0.0123")}, "histogram"),
        ({"signal_line": None}, "signal_line"),
        ({"inputs": "0" * 64}, "inputs"),
        ({"params": "0" * 64}, "params"),
        ({"values": {"close": 4.0}}, "values.close, values.ema_fast"),
        ({"values": {"withdrawn": True}}, "signal"),
    ],
)
def test_a_row_that_was_changed_is_named_with_its_field(usd: Instrument, change: dict[str, Any], field: str) -> None:
    row = a_turn()
    Signal.objects.filter(pk=row.pk).update(**change)
    text, code = run("--verify")
    assert code == 1
    line = f"row {row.pk}: USD {RULE} 1d {row.as_of:%Y-%m-%d}: "
    if field == "signal" and "values" in change:
        assert text.startswith(line), "a row that pretends to be withdrawn"
    else:
        assert text.startswith(line + field) or f", {field}" in text.splitlines()[0]
    assert "1 differ" in text
    assert counts(replay.truncate())["differ"] == 1


def test_a_last_bit_of_a_value_is_a_difference(usd: Instrument) -> None:
    row = a_turn()
    row.values["ema_slow"] += 1e-15
    row.save()
    assert [difference.fields for difference in replay.verify().differences] == [["values.ema_slow"]]


def test_a_row_that_was_moved_to_another_bar_is_named(usd: Instrument) -> None:
    row = a_turn()
    Signal.objects.filter(pk=row.pk).update(as_of=row.as_of + timedelta(hours=1))
    text, code = run("--verify")
    assert code == 1
    assert f"row {row.pk}: USD {RULE} 1d {row.as_of:%Y-%m-%d}: bar\n" in text
    assert f"no row: USD {RULE} 1d {row.as_of:%Y-%m-%d}: missing\n" in text


def test_a_decision_without_a_row_is_named(usd: Instrument) -> None:
    row = a_turn()
    row.delete()
    text, code = run("--verify")
    assert code == 1
    assert f"no row: USD {RULE} 1d {row.as_of:%Y-%m-%d}: missing\n" in text


def test_all_rows_of_a_series_may_be_missing(usd: Instrument) -> None:
    rows = Signal.objects.count()
    Signal.objects.all().delete()
    assert counts(replay.verify()) == {"differ": rows}


def test_days_that_the_engine_has_not_decided_on_are_not_missing(usd: Instrument, bring: Callable) -> None:
    bring(wave(600)[420:])
    assert replay.verify().differences == []


def test_a_rate_that_was_changed_behind_the_store_is_seen_in_every_row_after_it(usd: Instrument) -> None:
    day = DAYS[300]
    Rate.objects.filter(effective_date=day).update(mid=Decimal("9.9999"))
    found = replay.verify().differences
    after = Signal.objects.filter(as_of__date__gte=day).values_list("pk", flat=True)
    assert {row.id for row in found if row.id} == set(after)
    assert all("inputs" in row.fields for row in found if row.id)


# What is counted apart


def test_rows_of_an_earlier_release_are_equal_and_unattested(usd: Instrument) -> None:
    Signal.objects.update(inputs=None, params=None, program=None)
    row = a_turn()
    values = {name: value for name, value in row.values.items() if name != "previous_histogram"}
    Signal.objects.filter(pk=row.pk).update(values=values | {"ema_slow": values["ema_slow"] + 1e-12, "dea": 1.0})
    rows = Signal.objects.count()
    assert counts(replay.verify()) == {"rows": rows, "equal": rows, "unattested": rows}
    Signal.objects.filter(pk=row.pk).update(values=values | {"ema_slow": values["ema_slow"] + 1e-6})
    assert counts(replay.verify())["differ"] == 1


def test_another_program_alone_is_no_difference(usd: Instrument) -> None:
    Signal.objects.filter(pk=a_turn().pk).update(program="0.0.9+0123456789abcdef")
    rows = Signal.objects.count()
    assert counts(replay.verify()) == {"rows": rows, "equal": rows, "other_program": 1}


def test_versions_that_were_superseded_are_counted_apart(usd: Instrument, bring: Callable, at: Callable) -> None:
    turn = a_turn()
    at("2026-11-21 13:00")
    bring([(turn.as_of.date(), Decimal("3.5000"))])
    assert engine.decide(usd, since=turn.as_of.date()) > 0
    found = counts(replay.verify())
    assert found["superseded"] == Signal.objects.filter(version=2).count() > 0
    assert "differ" not in found


def test_withdrawn_rows_are_counted_apart(usd: Instrument) -> None:
    Rate.objects.filter(effective_date__gte=a_turn().as_of.date()).update(table="B")
    engine.decide(usd, since=a_turn().as_of.date())
    found = counts(replay.verify())
    assert found["withdrawn"] == Signal.objects.filter(values__withdrawn=True).count() > 0
    assert found["not_replayable"] == 1, "the HOLD of the last day, which is in table B as well"
    assert "differ" not in found
    changed = Signal.objects.filter(values__withdrawn=True)[0]
    Signal.objects.filter(pk=changed.pk).update(signal="SELL")
    assert [one.id for one in replay.verify().differences] == [changed.pk]


def test_a_row_on_values_that_were_corrected_since_keeps_its_decision(
    usd: Instrument, bring: Callable, at: Callable
) -> None:
    at("2026-11-21 13:00")
    bring([(DAYS[100], CLOSES[100][1] + Decimal("0.0001"))])
    assert engine.decide(usd, since=DAYS[100]) == 0
    rows = Signal.objects.count()
    assert both() == [{"rows": rows, "corrected": rows}] * 2
    row = a_turn()
    Signal.objects.filter(pk=row.pk).update(signal="SELL")
    assert [difference.id for difference in replay.verify().differences] == [row.pk]


def test_a_correction_excuses_no_row_before_it(usd: Instrument, bring: Callable, at: Callable) -> None:
    row = a_turn()
    later = DAYS.index(row.as_of.date()) + 1
    at("2026-11-21 13:00")
    bring([(DAYS[later], CLOSES[later][1] + Decimal("0.0001"))])
    engine.decide(usd, since=DAYS[later])
    assert replay.verify().differences == []
    Signal.objects.filter(pk=row.pk).update(histogram=Decimal("0.0123"))
    assert [(found.id, found.fields) for found in replay.verify().differences] == [(row.pk, ["histogram"])]


def test_a_day_that_came_late_is_a_completed_series(usd: Instrument, bring: Callable, at: Callable) -> None:
    late = Rate.objects.get(effective_date=DAYS[100])
    mid = late.mid
    assert mid is not None
    late.delete()
    Signal.objects.all().delete()
    AnalysisSnapshot.objects.all().delete()
    engine.decide(usd)
    assert "corrected" not in counts(replay.verify())
    at("2026-11-21 13:00")
    bring([(DAYS[100], mid)])
    engine.decide(usd, since=DAYS[100])
    found = counts(replay.verify())
    assert found["corrected"] > 0
    assert "differ" not in found


def test_parameters_that_are_not_configured_are_counted_apart(usd: Instrument, settings: Any) -> None:
    settings.MACD_FAST = 5
    rows = Signal.objects.count()
    assert counts(replay.verify()) == {"rows": rows, "not_configured": rows}


@pytest.mark.slow
def test_rows_whose_candles_were_pruned_are_not_replayable(fives: Instrument, at: Callable) -> None:  # noqa: F811
    engine.decide(fives, "5m")
    rows = Signal.objects.count()
    assert counts(replay.verify()) == {"rows": rows, "equal": rows}
    prune(30)
    assert both() == [{"rows": rows, "not_replayable": rows}] * 2
    at("2026-10-26 12:35")
    assert engine.decide(fives, "5m") == 0
    pruned = Signal.objects.filter(as_of__lt=Candle.objects.earliest("open_time").open_time).count()
    found = counts(replay.verify())
    assert pruned <= found["not_replayable"] < rows
    assert found["not_replayable"] + found["corrected"] == rows
    assert "equal" not in found
    Candle.objects.filter(timeframe="5m").delete()
    assert counts(replay.verify()) == {"rows": rows, "not_replayable": rows}


# The command


def test_one_instrument_and_one_rule_can_be_asked_for(usd: Instrument) -> None:
    rows = Signal.objects.count()
    Signal.objects.filter(pk=a_turn().pk).update(signal="SELL")
    text, code = run("--verify", "--code", "usd/pln", "--rule", "macd_cross", "--json")
    answer = json.loads(text)["verify"]
    assert code == 1
    assert (answer["rows"], answer["equal"]) == (rows, rows - 1)
    assert [row["fields"] for row in answer["differences"]] == [["signal"]]
    assert answer["seconds"] >= 0
    Instrument.objects.create(code="EUR", kind="currency")
    assert json.loads(run("--verify", "--code", "EUR", "--json")[0])["verify"]["rows"] == 0
    assert run("--verify", "--rule", RULE)[1] == 1


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ((), "say --verify, --truncate or both"),
        (("--verify", "--code", "USB"), "there is no instrument 'USB'"),
        (("--verify", "--rule", "macd"), "there is no rule 'macd'"),
    ],
)
def test_what_cannot_be_asked_is_refused(db: None, words: tuple[str, ...], error: str) -> None:
    with pytest.raises(CommandError, match=error):
        call_command("replay", *words)


def test_parts_of_a_series_are_cut_where_they_begin(bring: Callable) -> None:
    """Behind a gap of a year the warm-up begins anew, so do the bars that a row is computed on."""
    second = wave(300, date(2022, 6, 1))
    engine.decide(bring(CLOSES + second))
    assert Signal.objects.filter(as_of__year=2023).exists()
    rows = Signal.objects.count()
    assert both() == [{"rows": rows, "equal": rows}] * 2


def test_a_rule_without_columns_of_its_own_is_replayed(bring: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(rules.RULES, "three_in_a_row", ThreeInARow)
    engine.decide(bring(CLOSES))
    assert {row.rule for row in Signal.objects.all()} == {RULE, ThreeInARow.name}
    assert "differ" not in both()[1]
