"""Worlds of which it is known whether a rule has an edge: a small part of `make worlds`."""

from argparse import Namespace

import numpy as np
import pandas as pd
import pytest

from signals import rules
from signals.outcomes import worlds
from signals.outcomes.panel import POOLED, Key
from tests.worlds import arguments, history, no_edge, of_closes, planted, share, tell_no_edge, tell_planted

REGISTRY = rules.RULES


@pytest.fixture(autouse=True)
def every_rule(macd_alone: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "RULES", REGISTRY)


def asked(**changed: object) -> Namespace:
    return Namespace(**(vars(arguments([])) | {"codes": 5, "draws": 199} | changed))


def noise(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.slow
def test_of_twenty_worlds_without_an_edge_at_most_one_is_coloured_where_five_per_cent_each_colours_nearly_all() -> None:
    found = [no_edge(asked(), number) for number in range(20)]
    assert min(one.panels for one in found) > 60
    assert sum(one.coloured > 0 for one in found) <= 1
    assert sum(one.naive > 0 for one in found) >= 15


@pytest.mark.slow
def test_an_edge_that_should_be_seen_is_found_and_where_there_is_none_nothing_is() -> None:
    found = [planted(asked(strength=7.0), number) for number in range(8)]
    assert sum(one.found for one in found if one) >= 6
    assert not any(one.found for one in [planted(asked(strength=0.0), number) for number in range(3)] if one)


@pytest.mark.slow
def test_a_world_is_the_same_each_time() -> None:
    assert no_edge(asked(codes=2), 3) == no_edge(asked(codes=2), 3)
    assert no_edge(asked(codes=2), 3) != no_edge(asked(codes=2), 4)


def test_days_are_taken_in_blocks_of_twenty_on_average_and_go_on_from_the_last_to_the_first() -> None:
    taken = worlds.dates(100_000, noise())
    follows = (taken[1:] - taken[:-1]) % 100_000 == 1
    assert 1 / (1 - follows.mean()) == pytest.approx(20, rel=0.05)
    assert set(worlds.dates(3, noise(), mean_block=10**9).tolist()) == {0, 1, 2}


def test_a_world_has_the_moves_of_real_days_of_all_codes_together_with_one_sign_a_day() -> None:
    closes = history(3)
    real = closes.apply(np.log).diff().iloc[1:].to_numpy()
    made = worlds.without_edge(closes, noise()).apply(np.log).diff().iloc[1:].to_numpy()
    signs = set()
    for row in made[:50]:
        day = np.flatnonzero(np.isclose(np.abs(real), np.abs(row), rtol=0, atol=1e-12).all(axis=1))[0]
        moved = np.abs(row) > 1e-12
        ratio = set(np.sign(row[moved] * real[day][moved]).tolist())
        assert len(ratio) <= 1
        signs |= ratio
    assert signs == {-1.0, 1.0}


def test_an_edge_adds_kappa_deviations_to_the_mean_of_the_five_bars_after_the_entry() -> None:
    closes = history(1)
    world = worlds.decided(worlds.without_edge(closes, noise()), of_closes())
    rule = next(one.rule for one in world if one.rule.startswith("rsi"))
    made = worlds.planted(world, rule, 6.0, closes.columns[0])
    assert made is not None
    before, after = (
        {one.key: one for one in worlds.panels_of(each, draws=99)}[Key(rule, closes.columns[0], "1d", 5, live=False)]
        for each in (world, made[0])
    )
    assert before.smallest is not None
    assert before.mean is not None
    assert after.mean is not None
    assert (after.n, made[1].kappa) == pytest.approx((before.n, 6.0 / before.n**0.5))
    assert after.mean - before.mean == pytest.approx(before.smallest, rel=0.4), "some decisions overlap"


def test_no_edge_is_planted_where_a_rule_has_decided_too_little() -> None:
    flat = pd.DataFrame({"USD": np.ones(600)}, index=pd.date_range("2020-01-01", periods=600, tz="UTC"))
    assert worlds.planted(worlds.decided(flat, of_closes()), of_closes()[0].name, 6.0, "USD") is None


@pytest.mark.slow
def test_on_the_real_history_nothing_is_coloured() -> None:
    """32 codes since 2012, 5 rules of closes, 3 horizons: docs/method.md has the numbers."""
    panels = worlds.panels_of(worlds.decided(history(32), of_closes()))
    own = [one for one in panels if one.key.code != POOLED]
    assert (len(panels), len(own), sum(one.n >= 30 for one in own)) == (495, 480, 474)
    assert list(worlds.coloured(panels)) == []
    assert max(one.verdict.t or 0 for one in panels) == pytest.approx(3.415, abs=0.001)
    assert min(one.verdict.p or 1 for one in panels) > 0.1


def test_what_is_told_says_how_many_of_how_many(capsys: pytest.CaptureFixture[str]) -> None:
    assert share(38, 1000) == "38 of 1000, 3.8% (95 %: 2.8% to 5.2%)"
    none, one = no_edge(asked(codes=1), 0), no_edge(asked(codes=1), 0)._replace(coloured=1)
    assert tell_no_edge([none] * 19 + [one])
    assert not tell_no_edge([none] * 9 + [one])
    found = planted(asked(codes=1, strength=9.0), number=1)
    assert found is not None
    assert tell_planted([found._replace(found=True)] * 4 + [found._replace(found=False), None])
    assert not tell_planted([found._replace(found=True)] * 3 + [found._replace(found=False)])
    assert "1 of 20, 5.0%" in capsys.readouterr().out
