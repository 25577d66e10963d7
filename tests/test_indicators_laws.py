"""What holds for every indicator: one formula whichever way it is run, and how it stands to the prices."""

import json
from math import inf, nan

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signals import compiled
from signals.indicators import averages, strength, together, volume, windows
from tests.indicator_frames import bits, evaluated, of_closes, stepped, walk
from tests.test_docs import section, table

BARS = compiled.matrix(walk())
NAMES = together.COLUMNS
FREE = ("rsi_14", "stochastic_rsi_k", "stochastic_rsi_d", "squeeze_on", "squeeze_fired")
# First bar at which each is known, of those that bar 0 does not give.
FIRST = {
    "rsi_14": 14, "bollinger_lower": 19, "bollinger_middle": 19, "bollinger_upper": 19, "stochastic_rsi_k": 29,
    "stochastic_rsi_d": 31, "atr_14": 14, "keltner_lower": 10, "keltner_middle": 10, "keltner_upper": 10,
    "squeeze_on": 20, "squeeze_fired": 21, "squeeze_momentum": 38,
}  # fmt: skip
# Prices in sixty-fourths, whose differences are exact.
PRICES = st.lists(st.integers(64, 64_000).map(lambda ticks: ticks / 64), min_size=1, max_size=90)
few = settings(max_examples=25)


def empty() -> list[float]:
    return [0.0] * together.SIZE


def all_of(frame: pd.DataFrame) -> pd.DataFrame:
    return compiled.all_indicators(frame)


def column(values: np.ndarray, name: str) -> np.ndarray:
    return values[:, NAMES.index(name)]


def around(closes: list[float]) -> pd.DataFrame:
    """Whole bars around these closes."""
    frame = of_closes(closes)
    reach = 1 + np.arange(len(closes)) % 7
    return frame.assign(
        open=frame["close"], high=frame["close"] + reach, low=frame["close"] - reach / 2, volume=1.0 * reach
    )


# One formula


def test_batch_and_single_steps_in_machine_code_and_in_python_give_the_same_bits() -> None:
    whole, behind = evaluated(BARS, empty())
    row = empty()
    assert bits(stepped(BARS, row)) == bits(whole)
    assert bits(row) == bits(behind)
    assert all(type(number) is float for number in row), "JSON keeps their bits"


def test_without_a_compiler_arrays_come_to_the_same_bits() -> None:
    bars, row, needed, weights = BARS[:120], np.zeros(together.SIZE), np.array([0]), np.array(together.PARAMETERS)
    values, rows = np.full((120, len(NAMES)), nan), np.zeros((120, together.SIZE))
    compiled.looped(together.together)(bars, needed, weights, row, values, np.zeros(120, np.int64))
    whole, behind = evaluated(bars, empty())
    assert (bits(values), bits(row)) == (bits(whole), bits(behind))
    compiled.side_by_side(together.together)(bars, needed, weights, rows, values, np.zeros(120, np.int64))
    found, _ = compiled.many(together.together, bars, [0], together.PARAMETERS, np.zeros(rows.shape), len(NAMES))
    assert bits(values) == bits(found)


@pytest.mark.parametrize("cut", [1, 2, 13, 20, 21, 38, 700])
def test_a_restart_from_json_changes_no_bit(cut: int) -> None:
    whole, behind = evaluated(BARS, empty())
    _, state = evaluated(BARS[:cut], empty())
    rest, after = evaluated(BARS[cut:], json.loads(json.dumps(list(state))))
    assert bits(rest) == bits(whole[cut:])
    assert bits(after) == bits(behind)


def test_one_bar_of_many_series_gives_the_bits_of_each() -> None:
    frames = [compiled.matrix(walk(300, seed)) for seed in range(5)]
    rows = np.zeros((5, together.SIZE))
    width = len(NAMES)
    for bar in range(300):
        together_now = np.array([frame[bar] for frame in frames])
        found, _ = compiled.many(together.together, together_now, [0], together.PARAMETERS, rows, width)
    for place, frame in enumerate(frames):
        alone, behind = evaluated(frame, empty())
        assert bits(found[place]) == bits(alone[-1])
        assert bits(rows[place]) == bits(behind)


@pytest.mark.parametrize("count", [1, 2, 5, 12, 22, 39, 300])
def test_no_bar_knows_of_the_bars_after_it(count: int) -> None:
    assert bits(evaluated(BARS[:count], empty())[0]) == bits(evaluated(BARS, empty())[0][:count])


def test_what_looks_at_a_window_depends_on_that_window_alone() -> None:
    names = [name for name in NAMES if name.startswith(("bollinger", "squeeze"))]
    late = walk()[777:]
    assert bits(all_of(late)[names][38:]) == bits(all_of(walk())[names][777 + 38 :])


def test_each_is_known_from_its_first_bar_on_and_never_lost() -> None:
    values, _ = evaluated(BARS, empty())
    assert {name: int(np.isnan(column(values, name)).sum()) for name in NAMES} == dict.fromkeys(NAMES, 0) | FIRST


def test_the_table_of_the_docs_says_what_each_needs_and_when_it_is_known() -> None:
    needs, first = {}, {}
    for columns, _formula, _seed, needed, bar in table(section("docs/technical.md", "## Indicators")):
        for name in columns.replace("`", "").split(", "):
            needs[name], first[name] = frozenset(needed.split(", ")), int(bar)
    assert needs == together.NEEDS
    assert first == dict.fromkeys(NAMES, 0) | FIRST


# Few bars, equal bars, missing numbers


def test_one_bar_gives_averages_and_nothing_else() -> None:
    found = all_of(around([4.5])).iloc[0].dropna()
    price = (5.5 + 4.0 + 4.5) / 3
    expected = {name: 4.5 for name in NAMES if name.startswith("ema")} | dict.fromkeys(NAMES[2:5], 0.0)
    assert found.to_dict() == expected | {"vwap": price, "vwap_day": price}


@given(st.floats(1e-6, 1e6), st.integers(40, 60))
@few
def test_a_constant_series_has_no_width_no_momentum_and_a_strength_of_50(close: float, count: int) -> None:
    frame = of_closes([close] * count)
    last = all_of(frame.assign(high=close, low=close, volume=3.0)).iloc[-1]
    zero = ("macd", "macd_signal", "macd_histogram", "atr_14", "squeeze_on", "squeeze_fired", "squeeze_momentum")
    assert last[list(zero)].tolist() == [0.0] * len(zero)
    assert last[["rsi_14", "stochastic_rsi_k", "stochastic_rsi_d"]].tolist() == [50.0] * 3
    same = [name for name in NAMES if name.startswith(("ema", "bollinger", "keltner"))]
    assert last[same].tolist() == [close] * len(same)
    assert last["vwap"] == pytest.approx(close, rel=1e-14)


def test_a_series_that_only_rises_has_a_strength_of_100_and_one_that_falls_of_0() -> None:
    ramp = [float(n) for n in range(1, 60)]
    assert set(all_of(of_closes(ramp))["rsi_14"].dropna()) == {100.0}
    assert set(all_of(of_closes(ramp[::-1]))["rsi_14"].dropna()) == {0.0}
    assert set(all_of(of_closes(ramp))["stochastic_rsi_d"].dropna()) == {50.0}, "an RSI that stands still has no range"


@given(st.integers(0, 89), st.sampled_from([nan, inf, -inf]))
@few
def test_a_bar_without_a_close_is_nan_and_changes_nothing(place: int, nothing: float) -> None:
    bars = BARS[:90].copy()
    bars[place, 0] = nothing
    found, behind = evaluated(bars, empty())
    without, same = evaluated(np.delete(bars, place, axis=0), empty())
    assert np.isnan(found[place]).all()
    assert bits(np.delete(found, place, axis=0)) == bits(without)
    assert bits(behind) == bits(same)


@pytest.mark.parametrize(
    ("lacks", "lost"),
    [("high", together.OF_RANGE + together.OF_VOLUME), ("low", together.OF_RANGE + together.OF_VOLUME),
     ("volume", together.OF_VOLUME)],
)  # fmt: skip
def test_a_series_that_lacks_a_column_lacks_what_is_made_of_it_alone(lacks: str, lost: tuple[str, ...]) -> None:
    whole, part = all_of(walk(200)), all_of(walk(200).drop(columns=lacks))
    kept = [name for name in NAMES if name not in lost]
    assert part[list(lost)].isna().all(axis=None)
    assert bits(part[kept]) == bits(whole[kept])
    assert {name for name in NAMES if lacks in together.NEEDS[name]} == set(lost)


def test_closes_alone_give_all_that_needs_a_close_alone() -> None:
    found = all_of(walk(200)[["close"]])
    assert {name for name in NAMES if found[name].notna().any()} == set(together.OF_CLOSE)


@pytest.mark.parametrize("lacks", [2, 3, 4])
def test_a_bar_without_a_range_or_a_volume_leaves_alone_what_is_made_of_them(lacks: int) -> None:
    bars = BARS[:90].copy()
    bars[60, lacks] = nan
    found, _ = evaluated(bars, empty())
    whole, _ = evaluated(BARS[:90], empty())
    without, _ = evaluated(np.delete(BARS[:90], 60, axis=0), empty())
    lost = together.OF_VOLUME if lacks == 4 else together.OF_RANGE + together.OF_VOLUME
    for name in NAMES:
        if name in lost:
            assert np.isnan(column(found, name)[60])
            assert bits(np.delete(column(found, name), 60)) == bits(column(without, name))
        else:
            assert bits(column(found, name)) == bits(column(whole, name))


def test_as_long_as_nothing_was_traded_there_is_no_volume_weighted_price() -> None:
    frame = around([4.0, 5.0, 6.0]).assign(volume=[0.0, 0.0, 2.0])
    found = all_of(frame)[["vwap", "vwap_day"]]
    assert found[:2].isna().all(axis=None)
    assert found.iloc[2].nunique() == 1


def test_the_price_of_a_day_begins_anew_at_midnight_in_utc() -> None:
    row, day = [0.0] * 4, 1_767_225_600.0
    moments = [day - 3600, day - 1, day, day + 3600, day + 86399, day + 86400]
    found = [volume.vwap_day(row, 0, 3.0, 3.0, 3.0 * n, 1.0, moment) for n, moment in enumerate(moments, 1)]
    assert [number for _, number in found] == [1.0, 2.0, 1.0, 2.0, 3.0, 1.0]
    assert [price for price, _ in found] == [3.0, 3.5, 5.0, 5.5, 6.0, 8.0]


# Scale and shift


@pytest.mark.slow
@given(PRICES, st.integers(-20, 20))
@few
def test_a_price_in_another_unit_gives_the_same_in_that_unit(closes: list[float], power: int) -> None:
    """By a power of two, which rounds nothing: to the last bit."""
    unit, frame = 2.0**power, around(closes)
    found = all_of(frame.assign(**{name: frame[name] * unit for name in ("close", "high", "low")}))
    one = all_of(frame)
    for name in NAMES:
        assert bits(found[name]) == bits(one[name] * (1.0 if name in FREE else unit))


@pytest.mark.slow
@given(PRICES, st.integers(1, 500))
@few
def test_a_shift_of_all_prices_shifts_the_lines_and_leaves_the_rest(closes: list[float], by: int) -> None:
    frame = around(closes)
    found = all_of(frame.assign(**{name: frame[name] + by for name in ("close", "high", "low")}))
    one = all_of(frame)
    moved = ("ema", "bollinger", "keltner", "vwap")
    for name in NAMES:
        expected = one[name] + by if name.startswith(moved) else one[name]
        assert np.allclose(found[name], expected, rtol=0, atol=1e-9, equal_nan=True)


def test_differences_alone_decide_the_strength() -> None:
    closes = [ticks / 64 for ticks in range(64, 500, 3)] + [ticks / 64 for ticks in range(500, 64, -5)]
    found, moved = all_of(of_closes(closes)), all_of(of_closes([close + 8 for close in closes]))
    names = ["rsi_14", "stochastic_rsi_k", "stochastic_rsi_d"]
    assert bits(found[names]) == bits(moved[names])


def test_a_price_far_from_zero_deviates_as_near_it_to_the_last_bit() -> None:
    """√(Σx²/n − mean²) would lose all digits here."""
    near, far = [0.0] * 20, [0.0] * 20
    for close in [n % 3 / 64 for n in range(40)]:
        _, deviation = windows.mean_deviation(near, 0, 20, close)
        mean, same = windows.mean_deviation(far, 0, 20, close + 2.0**40)
    assert (deviation, mean) == (same, 2.0**40 + 1 / 64)
    assert deviation == pytest.approx(np.std(near), rel=1e-12)


def test_spans_are_parameters() -> None:
    """Fewer bars, known sooner: each place of the row follows from the spans."""
    rsi, stochastic, average = [0.0] * 4, [0.0] * (5 + 4 + 2 + 2), [0.0] * 4
    closes = [1.0, 2.0, 1.5, 3.0, 2.5, 2.0, 4.0, 3.0, 3.5, 5.0]
    known = [np.isfinite(strength.rsi(rsi, 0, close, 3.0)) for close in closes]
    assert known.index(True) == 3
    lines = [strength.stochastic_rsi(stochastic, 0, close, 3.0, 4.0, 2.0, 2.0) for close in closes]
    assert [np.isfinite(line).tolist().index(True) for line in zip(*lines, strict=True)] == [7, 8]
    assert [averages.sma(average, 0, close, 3.0) for close in closes[:4]][2:] == [1.5, pytest.approx(6.5 / 3)]
