"""Bars for the tests of the indicators, and the indicators of them, computed in one go."""

from math import nan
from pathlib import Path

import numpy as np
import pandas as pd

from miner.providers.nbp_archive import series
from signals import compiled
from signals.indicators import together
from signals.kernel import COLUMNS
from signals.rules.rule import Bar

RECORDED = Path(__file__).parent / "recorded" / "stock_indicators"
CODES = ("USD", "EUR", "CHF", "GBP", "JPY", "HUF", "CZK", "SEK", "NOK", "DKK", "CAD", "AUD")


def walk(count: int = 1500, seed: int = 7) -> pd.DataFrame:
    """Bars of all columns, an hour apart, on a random walk."""
    noise = np.random.default_rng(seed)
    closes = 100 + np.abs(np.cumsum(noise.normal(0, 1, count)))
    # Away from the close before, whose distance is then the true range of many bars.
    opens = np.concatenate((closes[:1], closes[:-1])) + noise.normal(0, 1, count)
    highs = np.maximum(opens, closes) + noise.uniform(0, 0.6, count)
    lows = np.minimum(opens, closes) - noise.uniform(0, 0.6, count)
    columns = dict(zip(COLUMNS, (closes, opens, highs, lows, noise.uniform(0, 9, count)), strict=True))
    return pd.DataFrame(columns, index=pd.date_range("2026-01-01", periods=count, freq="h", tz="UTC"))


def official(code: str) -> pd.DataFrame:
    """Mids of table A: closes alone."""
    found = {pd.Timestamp(day, tz="UTC"): float(value) for day, letter, value in series(code) if letter == "A"}
    return pd.DataFrame({"close": found.values()}, index=pd.DatetimeIndex(found))


def of_closes(closes: list[float]) -> pd.DataFrame:
    index = pd.date_range("2026-01-01", periods=len(closes), freq="D", tz="UTC")
    return pd.DataFrame({"close": np.array(closes, np.float64)}, index=index)


def recorded(name: str) -> pd.DataFrame:
    frame = pd.read_csv(RECORDED / name, encoding="utf-8-sig", index_col="date", parse_dates=["date"])
    return frame.astype(np.float64).tz_localize("UTC")


def bits(values: object) -> bytes:
    return np.array(values, np.float64).tobytes()


def stepped(bars: np.ndarray, row: list[float]) -> list[list[float]]:
    """One bar after the other in plain Python, as a web process does; `row` is moved on."""
    found = []
    for bar in bars.tolist():
        values = [nan] * len(together.COLUMNS)
        if np.isfinite(bar[0]):
            together.together(row, Bar(*bar), together.PARAMETERS, values)
        found.append(values)
    return found


def evaluated(bars: np.ndarray, row: list[float]) -> tuple[np.ndarray, tuple[float, ...]]:
    """All of them at once in machine code: the values, and what is kept behind the last bar."""
    width = len(together.COLUMNS)
    values, _, behind = compiled.evaluate(together.together, bars, [0], together.PARAMETERS, row, width)
    return values, behind
