"""Series for the tests of the record."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from math import exp
from typing import Any

import numpy as np

from signals.outcomes.panel import Decided
from signals.outcomes.samples import Sample, samples

START = datetime(2020, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def series(logs: Sequence[float], decisions: Mapping[int, int], live: Sequence[int] = (), **fields: Any) -> Decided:
    """Days of closes by their logarithms; `live` are the decisions that were made when their bar was new."""
    given: dict[str, Any] = {
        "rule": "rule",
        "code": "USD",
        "timeframe": "1d",
        "times": [START + DAY * number for number in range(len(logs))],
        "closes": [exp(value) for value in logs],
        "decisions": {place: (sign, place in live) for place, sign in decisions.items()},
    }
    return Decided(**(given | fields))


def sample(decided: Decided, horizon: int = 1, live: bool = False, side_cost: float = 0.001) -> Sample:
    return next(one for one in samples(decided, side_cost) if (one.horizon, one.live) == (horizon, live))


def walk(count: int, seed: int, step: float = 0.01) -> list[float]:
    steps = np.random.default_rng(seed).normal(0, step, count)
    return [float(value) for value in steps.cumsum()]


def coins(count: int, every: int, seed: int) -> dict[int, int]:
    """BUY or SELL by chance, on every so many bars."""
    noise = np.random.default_rng(seed)
    return {place: int(noise.choice((-1, 1))) for place in range(0, count, every)}
