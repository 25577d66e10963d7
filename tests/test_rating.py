"""What the rules of a series say together: the mean of their votes, its label and its sentence."""

from math import inf, nextafter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signals import rating
from signals.rating import Label, rate

VOTES = st.lists(st.sampled_from([1, 0, -1, None]), max_size=40)


def votes(buy: int, sell: int, neutral: int) -> list[int | None]:
    return [*[1] * buy, *[-1] * sell, *[0] * neutral]


@pytest.mark.parametrize(
    ("value", "above", "at", "below"),
    [
        (0.5, Label.STRONG_BUY, Label.BUY, Label.BUY),
        (0.1, Label.BUY, Label.BUY, Label.NEUTRAL),
        (-0.1, Label.NEUTRAL, Label.NEUTRAL, Label.SELL),
        (-0.5, Label.SELL, Label.SELL, Label.STRONG_SELL),
    ],
)
def test_each_cut_point_belongs_to_the_label_that_is_named_for_it(
    value: float, above: Label, at: Label, below: Label
) -> None:
    near = nextafter(value, inf), value, nextafter(value, -inf)
    assert tuple(map(rating.label, near)) == (above, at, below)


@pytest.mark.parametrize(
    ("buy", "sell", "neutral", "label"),
    [
        (6, 0, 4, Label.STRONG_BUY),
        (5, 0, 5, Label.BUY),
        (1, 0, 9, Label.BUY),
        (6, 3, 21, Label.BUY),  # 3/30
        (2, 1, 8, Label.NEUTRAL),  # 1/11
        (3, 3, 0, Label.NEUTRAL),
        (0, 1, 9, Label.NEUTRAL),
        (3, 6, 21, Label.NEUTRAL),  # -3/30
        (0, 2, 8, Label.SELL),
        (0, 5, 5, Label.SELL),
        (0, 6, 4, Label.STRONG_SELL),
    ],
)
def test_a_mean_of_votes_that_is_a_cut_point_meets_it_exactly(buy: int, sell: int, neutral: int, label: Label) -> None:
    found = rate(votes(buy, sell, neutral))
    assert found is not None
    assert found.label == label
    assert found[2:] == (buy, sell, neutral, buy + sell + neutral)


@pytest.mark.parametrize("cast", [[], [1], [1, 1], [1, 1, None, None, None], [None] * 7])
def test_fewer_than_three_rules_are_no_rating(cast: list[int | None]) -> None:
    assert rate(cast) is None


def test_a_rule_without_a_vote_does_not_count() -> None:
    found = rate([1, None, 1, 0, None])
    assert found == (2 / 3, Label.STRONG_BUY, 2, 0, 1, 3)


@pytest.mark.slow
@given(VOTES)
def test_the_opposite_votes_are_the_opposite_rating(cast: list[int | None]) -> None:
    found, mirrored = rate(cast), rate([None if vote is None else -vote for vote in cast])
    if found is None or mirrored is None:
        assert found is mirrored
        return
    assert -1 <= found.value == -mirrored.value <= 1
    assert (found.buy, found.sell) == (mirrored.sell, mirrored.buy)
    assert found.buy + found.sell + found.neutral == found.rules


@pytest.mark.parametrize(
    ("cast", "said"),
    [
        (votes(2, 0, 1), "Ocena +0,67 z 3\u00a0reguł: 2 za kupnem, 0 za sprzedażą, 1 bez wskazania."),
        (votes(1, 4, 2), "Ocena −0,43 z 7\u00a0reguł: 1 za kupnem, 4 za sprzedażą, 2 bez wskazania."),
        (votes(11, 11, 0), "Ocena 0,00 z 22\u00a0reguł: 11 za kupnem, 11 za sprzedażą, 0 bez wskazania."),
    ],
)
def test_the_sentence_names_the_rating_and_its_votes(cast: list[int | None], said: Any) -> None:
    found = rate(cast)
    assert found is not None
    assert rating.sentence(found) == said
