"""Of many panels without an edge none is coloured, of many with one that one is; and the same each time."""

import tracemalloc
from collections.abc import Sequence
from hashlib import shake_256
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signals.outcomes import family
from signals.outcomes.family import Member, judge, signs_of, step_down
from signals.outcomes.panel import Key, Verdict

LEVEL = 0.025


def key(number: int) -> Key:
    return Key("rule", f"C{number:03}", "1d", 5, live=False)


def member(number: int, x: Sequence[float], n: int = 100, first: int = 0) -> Member:
    return Member(key(number), n, np.arange(first, first + len(x)), np.array(x, np.float64))


def noise(number: int, days: int = 300, mean: float = 0.0, n: int = 100) -> Member:
    return member(number, np.random.default_rng([5, number]).normal(mean, 1, days).tolist(), n)


def verdict(members: Sequence[Member], number: int, draws: int = 999) -> Verdict:
    return judge(members, draws).verdicts[key(number)]


def p_of(members: Sequence[Member], number: int, draws: int = 999) -> float:
    found = verdict(members, number, draws).p
    assert found is not None
    return found


def test_t_is_the_sum_over_the_root_of_the_sum_of_squares() -> None:
    found = verdict([member(0, [1.0, 2.0, 3.0, -1.0])], 0)
    assert found.t == pytest.approx(5 / 15**0.5)
    assert found.panels == 1


def test_p_of_one_panel_is_that_of_all_its_signs() -> None:
    """Of the 16 ways to sign four days 6 reach |5|: as 1, 2, 3, 1, with either 1 turned, and their mirrors."""
    assert p_of([member(0, [1.0, 2.0, 3.0, -1.0])], 0, draws=9_999) == pytest.approx(6 / 16, abs=0.015)


@pytest.mark.slow
def test_p_of_one_long_panel_is_that_of_the_normal_distribution() -> None:
    one = noise(0, days=2000, mean=0.04)
    found = verdict([one], 0, draws=9_999)
    assert found.t is not None
    assert found.p == pytest.approx(2 * (1 - NormalDist().cdf(found.t)), abs=0.01)


def test_an_edge_among_a_hundred_panels_is_found_and_only_that() -> None:
    members = [*(noise(number) for number in range(99)), noise(99, mean=0.4)]
    found = judge(members, 999)
    assert found.verdicts[key(99)].says == "better"
    assert {found.verdicts[one.key].says for one in members[:99]} == {"chance"}
    assert sum((one.t or 0) > 1.96 for one in found.verdicts.values()) > 3, "at 5 % each some would be coloured"
    assert found.critical is not None
    assert 3 < found.critical < 4.5


def test_what_loses_is_worse_than_chance() -> None:
    assert verdict([noise(0), noise(1, mean=-0.5)], 1).says == "worse"


def test_too_few_decisions_take_no_part_in_the_family() -> None:
    few, others = noise(1, mean=2.0, n=29), [noise(0), noise(2, n=30)]
    found = judge([few, *others], 999)
    assert found.verdicts[few.key] == Verdict(None, None, "", 2)
    assert {name: found.verdicts[name] for name in (key(0), key(2))} == judge(others, 999).verdicts
    assert judge([few], 999) == ({few.key: Verdict(None, None, "", 0)}, None)
    assert judge([], 999) == ({}, None)


def test_a_larger_t_never_has_a_larger_p() -> None:
    members = [noise(number, mean=0.01 * number) for number in range(20)]
    rows = sorted(judge(members, 499).verdicts.values(), key=lambda one: one.t or 0)
    assert [one.p for one in rows] == sorted((one.p or 0 for one in rows), reverse=True)


@pytest.mark.slow
def test_copies_of_a_panel_cost_nothing_and_as_many_others_do() -> None:
    """The signs are common: what moves together is one look, not many. Holm would take 21 for 21."""
    one = noise(0, mean=0.16)
    alone = p_of([one], 0, draws=9_999)
    copies = [one, *(one._replace(key=key(number)) for number in range(1, 21))]
    others = [one, *(noise(number) for number in range(1, 21))]
    assert p_of(copies, 0, draws=9_999) == pytest.approx(alone, rel=0.5)
    assert p_of(others, 0, draws=9_999) > 8 * alone


def test_once_the_largest_is_coloured_the_next_has_fewer_beside_it() -> None:
    strong = [noise(number, mean=1.0) for number in range(30)]
    weak = noise(99, mean=0.16)
    together, alone = p_of([*strong, weak], 99, draws=9_999), p_of([weak], 99, draws=9_999)
    assert together == pytest.approx(alone, rel=0.5)


def test_the_order_of_the_panels_decides_nothing_and_their_names_the_signs() -> None:
    members = [noise(number, mean=0.1) for number in range(6)]
    assert judge(members, 499) == judge(members[::-1], 499)
    renamed = [one._replace(key=one.key._replace(rule="other")) for one in members]
    ps = [[one.p for one in judge(some, 499).verdicts.values()] for some in (members, renamed)]
    assert ps[0] != ps[1]
    assert np.allclose(np.array(ps[0], float), np.array(ps[1], float), atol=0.1)


def test_panels_that_begin_on_other_days_share_the_signs_of_those_they_have_in_common() -> None:
    late = member(1, [1.0] * 40, first=60)
    early = member(0, [1.0] * 100)
    found = step_down([early, late], 999, LEVEL)
    assert found.t.tolist() == pytest.approx([10.0, 40**0.5])
    assert (found.p == 1 / 1000).all()


def test_a_panel_that_never_moved_is_chance() -> None:
    found = verdict([noise(0), member(1, [])], 1)
    assert (found.t, found.p, found.says) == (0.0, 1.0, "chance")


def test_how_much_is_held_at_once_decides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    members = [noise(number, days=100 + number, mean=0.05) for number in range(17)]
    whole = judge(members, 299)
    monkeypatch.setattr(family, "AT_ONCE", 800)
    again = judge(members, 299)
    assert [(one.p, one.says) for one in again.verdicts.values()] == [
        (one.p, one.says) for one in whole.verdicts.values()
    ]
    assert again.critical == pytest.approx(whole.critical)


def test_signs_are_even_and_the_same_on_every_machine() -> None:
    (_, rows), *rest = signs_of(b"seed", 500, 300, 1000)
    assert not rest
    assert rows.shape == (500, 300)
    assert set(np.unique(rows)) == {-1.0, 1.0}
    assert abs(rows.mean()) < 0.01
    bits = f"{int.from_bytes(shake_256(b'seed' + bytes([0, 0, 0, 1])).digest(38), 'big'):0304b}"
    assert rows[1].tolist() == [1.0 if bit == "1" else -1.0 for bit in bits[:300]]
    chunks = np.vstack([part for _, part in signs_of(b"seed", 500, 300, 7)])
    assert (chunks == rows).all()


@pytest.mark.slow
def test_the_family_of_the_whole_history_needs_little_memory() -> None:
    """474 panels of 3,738 days; of the draws a part is held at once, so that their number matters little."""
    x = np.random.default_rng(1).normal(0, 1, (474, 3738))
    members = [Member(key(number), 100, np.arange(3738), row) for number, row in enumerate(x)]
    tracemalloc.start()
    try:
        judge(members, 1200)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 100e6


def colour_and_repeat(members: Sequence[Member], draws: int) -> set[Key]:
    """As the method is told: colour t > c, remove it, and take c of what is left."""
    members = sorted(members, key=lambda one: one.key)
    width = 1 + max(int(one.blocks.max()) for one in members)
    x = np.zeros((len(members), width))
    for row, one in zip(x, members, strict=True):
        row[one.blocks] = one.sums
    sizes = np.sqrt((x**2).sum(axis=1))
    t = np.abs(x.sum(axis=1)) / sizes
    signs = next(signs_of(family.seed_of(members), draws, width, draws))[1]
    drawn = np.abs(signs @ x.T) / sizes
    left = list(range(len(members)))
    while left:
        c = np.sort(drawn[:, left].max(axis=1))[-int(LEVEL * (draws + 1))]
        over = [place for place in left if t[place] > c + 1e-9]
        if not over:
            break
        left = [place for place in left if place not in over]
    return {members[place].key for place in range(len(members)) if place not in left}


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(means=st.lists(st.sampled_from((0.0, 0.1, 0.2, 0.3, -0.3)), min_size=1, max_size=12), days=st.integers(30, 200))
def test_the_adjusted_p_colours_what_the_repeated_test_colours(means: list[float], days: int) -> None:
    members = [noise(number, days, mean) for number, mean in enumerate(means)]
    found = judge(members, 399).verdicts
    assert {name for name, one in found.items() if one.says != "chance"} == colour_and_repeat(members, 399)


@pytest.mark.slow
def test_holm_on_normal_p_colours_the_same_where_the_edge_is_plain() -> None:
    members = [noise(number, days=1000, mean=0.25 * (number < 3)) for number in range(40)]
    found = judge(members, 9_999).verdicts
    rows = sorted(found.items(), key=lambda row: -(row[1].t or 0))
    coloured = set()
    for place, (name, one) in enumerate(rows):
        if 2 * (1 - NormalDist().cdf(one.t or 0)) > LEVEL / (len(rows) - place):
            break
        coloured.add(name)
    assert coloured == {key(0), key(1), key(2)} == {name for name, one in found.items() if one.says == "better"}
