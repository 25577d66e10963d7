"""The record as a whole: a panel for everything that was asked, live apart, and colours only for what is no chance."""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from signals.outcomes.panel import HORIZONS, POOLED, POOLED_CANDLES, Decided, Key, Panel, Trials
from signals.outcomes.record import compute, families
from tests.outcomes import START, coins, series, walk

ROOT = Path(__file__).parent.parent


def untried(_: Sequence[Panel]) -> Trials:
    return Trials(0, None)


def panels(*decided: Decided, shifts: int = 0) -> dict[Key, Panel]:
    return {one.key: one for one in compute(decided, tried=untried, draws=399, shifts=shifts)}


def key(code: str = "USD", horizon: int = 1, live: bool = False, rule: str = "rule", timeframe: str = "1d") -> Key:
    return Key(rule, code, timeframe, horizon, live)


def one_of(code: str, seed: int, **fields: Any) -> Decided:
    return series(walk(400, seed), coins(400, 6, seed), code=code, **fields)


def knows(logs: Sequence[float], every: int = 6) -> dict[int, int]:
    """Decisions that are right about the bar they hold."""
    return {at: 1 if logs[at + 2] > logs[at + 1] else -1 for at in range(0, len(logs) - 2, every)}


def test_every_series_has_a_panel_for_each_horizon_and_so_have_all_of_a_rule_together() -> None:
    found = panels(one_of("USD", 1), one_of("EUR", 2), one_of("USD", 1, rule="other"))
    wanted = [("rule", "USD"), ("rule", "EUR"), ("other", "USD"), ("rule", POOLED), ("other", POOLED)]
    assert set(found) == {key(code, horizon, rule=rule) for rule, code in wanted for horizon in HORIZONS}
    for horizon in HORIZONS:
        numbers = {code: found[key(code, horizon)].n for code in ("USD", "EUR", POOLED)}
        assert numbers[POOLED] == numbers["USD"] + numbers["EUR"]
    assert {one.verdict.panels for one in found.values()} == {15}


def test_no_series_gives_no_panels() -> None:
    assert compute([], tried=untried) == []


def test_a_rule_that_has_decided_nothing_has_a_panel_that_says_so() -> None:
    found = panels(series(walk(100, 1), {}))
    assert {(one.n, one.verdict.says, one.verdict.p) for one in found.values()} == {(0, "", None)}
    assert len(found) == 6


def test_live_decisions_have_panels_of_their_own() -> None:
    logs = walk(400, 1)
    found = panels(series(logs, coins(400, 6, 1), live=range(200, 400)))
    past, live = (found[key(live=is_live)] for is_live in (False, True))
    assert (past.n, live.n) == (34, 33)
    assert past.last is not None
    assert live.first is not None
    assert past.last < live.first
    assert found[key(POOLED, live=True)].n == 33


def test_a_rule_that_knows_the_next_bar_is_coloured_and_its_opposite_is_worse() -> None:
    logs = walk(400, 3)
    wrong = {at: -sign for at, sign in knows(logs).items()}
    found = panels(series(logs, knows(logs)), series(logs, wrong, rule="wrong"), *(one_of(str(n), n) for n in range(9)))
    says = {rule: found[key(rule=rule)].verdict.says for rule in ("rule", "wrong")}
    assert says == {"rule": "better", "wrong": "worse"}
    assert {found[key(str(n))].verdict.says for n in range(9)} == {"chance"}


def test_below_thirty_decisions_even_that_rule_is_not_coloured() -> None:
    logs = walk(400, 3)
    few = dict(list(knows(logs).items())[:29])
    found = panels(series(logs, few))[key()]
    assert (found.n, found.hit_rate, found.verdict.says, found.verdict.t) == (29, 1.0, "", None)


def test_candles_and_official_rates_are_two_families() -> None:
    hours = [START + timedelta(hours=number) for number in range(400)]
    official, candles = one_of("USD", 1), one_of("BTCUSDT", 2, times=hours, timeframe="1h")
    days = one_of("BTCUSDT", 3, official=False)
    found = panels(official, candles, days)
    assert found[key()].verdict.panels == 6
    assert found[key("BTCUSDT", timeframe="1h")].verdict.panels == 12
    assert found[key(POOLED)].n == found[key()].n
    assert found[key(POOLED_CANDLES)].n == found[key("BTCUSDT")].n
    assert found[key(POOLED, timeframe="1h")].n == found[key("BTCUSDT", timeframe="1h")].n
    assert found[key()] == panels(official)[key()]
    assert (found[key()].net_n, found[key("BTCUSDT")].net_n) == (
        0,
        67,
    )


def test_four_hours_of_candles_have_one_sign() -> None:
    """A rule that was right about one afternoon was right once: its 48 bars of 5 minutes are one observation."""
    times = [START + timedelta(minutes=5 * number) for number in range(48)]
    logs = [0.01 * number + (0.005 if number % 2 else 0) for number in range(48)]
    decided = series(logs, knows(logs, every=1), times=times, timeframe="5m", closes=[1 + one for one in logs])
    found = panels(decided)[key(timeframe="5m")]
    assert found.n > 30
    assert (found.verdict.t, found.verdict.p) == pytest.approx((1.0, 1.0))


@pytest.mark.slow
def test_the_decisions_are_those_that_were_stored_and_no_rule_is_asked_again() -> None:
    """A correction of the past would change what a rule says now; what it had said is what counts."""
    loaded = loaded_by("signals.outcomes.record")
    assert "numpy" in loaded
    assert not {name for name in loaded if name.startswith(("signals.rules", "signals.engine", "django", "numba"))}
    decided = one_of("USD", 1)
    corrected = replace(
        decided, closes=[close * 1.01 if at == 50 else close for at, close in enumerate(decided.closes)]
    )
    assert panels(corrected)[key()].n == panels(decided)[key()].n


def test_a_web_process_reads_panels_without_numpy() -> None:
    assert not loaded_by("signals.outcomes.panel") & {"numpy", "pandas"}


def loaded_by(module: str) -> set[str]:
    code = f"import sys, {module}; print(*sys.modules)"
    return set(
        subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout.split()
    )


def test_rules_on_one_series_share_its_moves_and_other_series_do_not() -> None:
    first, second = one_of("USD", 1), one_of("EUR", 2)
    other = replace(first, rule="other", decisions=second.decisions)
    together = panels(first, other, second)
    for one in (first, other, second):
        alone = panels(one)[key(one.code, 5, rule=one.rule)]
        assert replace(together[alone.key], verdict=alone.verdict) == alone


def test_the_order_of_the_series_decides_nothing() -> None:
    given = [one_of(str(number), number) for number in range(5)]
    there, back = panels(*given), panels(*given[::-1])
    assert {name: one.verdict[1:] for name, one in there.items()} == {
        name: one.verdict[1:] for name, one in back.items()
    }


def test_the_same_series_give_the_same_panels() -> None:
    assert panels(one_of("USD", 1), shifts=99) == panels(one_of("USD", 1), shifts=99)


def test_a_series_whose_times_do_not_ascend_ends_the_computation() -> None:
    with pytest.raises(ValueError, match="EUR 1d: the times do not ascend"):
        panels(one_of("USD", 1), one_of("EUR", 2, times=[START] * 400))


def test_what_a_family_exceeds_by_chance_is_told() -> None:
    (official, family), (candles, nothing) = families([one_of("USD", 1)], side_cost=0.0, tried=untried, draws=399)
    assert family.critical is not None
    assert (len(official), candles, nothing.critical) == (6, [], None)
    assert all(one.verdict == family.verdicts[one.key] for one in official)
