"""Ten rules that look ahead, each in a way that has fooled people, are found by `replay --truncate`; MACD is honest.

They keep no values, so that their decisions alone give them away, and one pass over the series finds nothing: it looks
ahead in the same way.
"""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from markets.models import Instrument, Rate, Source
from signals import engine, replay, rules
from signals.models import Signal
from signals.rules.macd_cross import MacdCross
from signals.rules.rule import Evaluated, Row, Rule, Sentence, Values
from tests.test_engine import START

pytestmark = pytest.mark.django_db
BARS = 1_200
WARM_UP = 60
# The bars that the back-fill thinks missing.
FILLED = range(28, BARS, 29)


def turns(values: pd.Series) -> pd.Series:
    """1 where the values become positive, -1 where they become negative."""
    side = pd.Series(np.sign(values.fillna(0.0)))
    return side.where(side != side.shift(fill_value=0.0), 0.0)


def next_bar(closes: pd.Series) -> pd.Series:
    return turns(closes.shift(-1) - closes)


def reversed_average(closes: pd.Series) -> pd.Series:
    return turns(closes - closes[::-1].ewm(span=20, adjust=False).mean()[::-1])


def fourier(closes: pd.Series) -> pd.Series:
    """The smooth part of the whole series."""
    waves = np.fft.rfft(closes.to_numpy())
    waves[20:] = 0
    return turns(closes - np.fft.irfft(waves, len(closes)))


def min_max(closes: pd.Series) -> pd.Series:
    return turns((closes - closes.min()) / max(closes.max() - closes.min(), 1e-9) - 0.5)


def quantile(closes: pd.Series) -> pd.Series:
    return turns(closes - float(closes.quantile(0.7)))


def centred_mean(closes: pd.Series) -> pd.Series:
    return turns(closes - closes.rolling(21, center=True).mean())


def pivots(closes: pd.Series) -> pd.Series:
    """Buys the lowest and sells the highest bar of ten before and ten behind."""
    around = closes.rolling(21, center=True)
    return (closes == around.min()).astype(float) - (closes == around.max()).astype(float)


def trend_line(closes: pd.Series) -> pd.Series:
    numbers = np.arange(len(closes))
    slope, start = np.polyfit(numbers, closes, 1) if len(closes) > 1 else (0.0, closes.iloc[0])
    return turns(closes - (start + slope * numbers))


def z_score(closes: pd.Series) -> pd.Series:
    return turns((closes - closes.mean()) / (closes.std() or 1.0) - 0.5)


def back_fill(closes: pd.Series) -> pd.Series:
    """One bar in 29 is thought to be missing, and is filled with the one behind it: 41 of 1,200 bars."""
    filled = closes.mask(np.arange(len(closes)) % 29 == 28).bfill()
    return pd.Series(np.sign(filled.diff().fillna(0.0)))


WAYS = (
    next_bar, reversed_average, fourier, min_max, quantile, centred_mean, pivots, trend_line, z_score, back_fill,
)  # fmt: skip


class Cheat(Rule):
    """Decides on all bars at once."""

    label = "Cheat"
    needs = frozenset({"close"})
    timeframes = ("1d",)
    warm_up = WARM_UP
    initial = (0.0,)
    values = ()

    def __init__(self, way: Callable[[pd.Series], pd.Series]) -> None:
        self.way, self.name = way, way.__name__

    def over(self, rows: NDArray[np.float64], state: Row) -> Evaluated:
        decisions = self.way(pd.Series(rows[:, 0])).to_numpy().astype(np.int64)
        return Evaluated(np.empty((len(rows), 0)), decisions, state)

    def explain(self, values: Values, signal: str, scale: int) -> Sentence:
        raise NotImplementedError


@pytest.fixture
def decided(nbp: Source, monkeypatch: pytest.MonkeyPatch, at: Callable[[str], None]) -> None:
    """1,200 days of a random walk, and what all eleven rules said of them."""
    at("2026-11-20 13:00")
    steps = np.random.default_rng(12).normal(0, 0.02, BARS)
    usd = Instrument.objects.create(code="USD", kind="currency")
    Rate.objects.bulk_create(
        Rate(instrument=usd, source=nbp, table="A", effective_date=START + timedelta(days=n), mid=mid, scale=4)
        for n, mid in enumerate(Decimal(f"{value:.4f}") for value in 4 + np.cumsum(steps))
    )
    everything: dict[str, Rule] = {way.__name__: Cheat(way) for way in WAYS}
    everything["macd_cross"] = MacdCross(12, 26, 9)
    monkeypatch.setattr(rules, "RULES", {name: lambda rule=rule: rule for name, rule in everything.items()})
    engine.decide(usd)


@pytest.mark.slow
def test_ten_ways_to_look_ahead_are_caught_and_the_honest_rule_is_not(decided: None) -> None:
    assert replay.verify().differences == [], "one pass looks ahead in the same way"
    found = replay.truncate()
    caught: dict[str, list[str]] = {way.__name__: [] for way in WAYS}
    for difference in found.differences:
        assert difference.fields == ["signal"]
        caught[difference.rule].append(difference.bar)
    assert all(caught.values()), caught
    assert found.equal >= Signal.objects.filter(rule="macd_signal_cross_12_26_9").count() > 10

    # No row is sampled: of more than a thousand of the back-fill the filled ones behind the warm-up differ, no other.
    filled = {(START + timedelta(days=n)).isoformat() for n in FILLED if n + 1 >= WARM_UP}
    assert Signal.objects.filter(rule="back_fill").count() > 1_000
    assert len(FILLED) == 41
    assert set(caught["back_fill"]) <= filled
    assert len(caught["back_fill"]) >= len(filled) - 2, "one whose next close is that of the bar before says HOLD"
