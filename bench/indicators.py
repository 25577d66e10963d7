"""Benchmark of the indicators: whole histories and one new bar, beside TA-Lib in the same run.

Targets: every indicator over 200 series of 6,000 bars at most 2.3 times TA-Lib, which is asked per series on one
thread, and at most 1.2 times where two threads share the work; one new bar of 87 series at most 0.005 times TA-Lib over
the last 1,000 bars of each. All in CPU time, of two threads that of the busier one: what passes by the clock depends on
who else uses the machine, and is printed beside it.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import django
import numpy as np
import talib
from numpy.typing import NDArray

Floats = NDArray[np.float64]
SERIES, BARS, LIVE, LOOKED_AT = 200, 6000, 87, 1000
REPEATS = 9
LIMITS = {"one thread": 2.3, "two threads": 1.2, "one new bar": 0.005}


def histories() -> list[Floats]:
    """As `compiled.matrix` gives them: close, open, high, low, volume, time."""
    noise = np.random.default_rng(20)
    moments = 1_700_000_000 + 3600.0 * np.arange(BARS)
    found = []
    for _ in range(SERIES):
        closes = 100 + np.abs(np.cumsum(noise.normal(0, 1, BARS)))
        opens = np.concatenate((closes[:1], closes[:-1])) + noise.normal(0, 1, BARS)
        high, low = np.maximum(opens, closes) + noise.uniform(0, 1, BARS), np.minimum(opens, closes) - 0.5
        found.append(np.column_stack((closes, opens, high, low, noise.uniform(0, 9, BARS), moments)))
    return found


def all_by_talib(series: list[list[Floats]]) -> None:
    for one in series:
        by_talib(*one)


def by_talib(close: Floats, high: Floats, low: Floats, volume: Floats) -> None:
    """The same values, but for the price of each day: TA-Lib would have to be asked 250 times a series."""
    for span in (12, 26, 20, 25, 30, 35, 40, 45, 50, 55):
        talib.EMA(close, span)
    talib.MACD(close, 12, 26, 9)
    talib.RSI(close, 14)
    _, middle, _ = talib.BBANDS(close, 20, 2, 2)
    _, smooth = talib.STOCHRSI(close, 14, 14, 3)
    talib.SMA(smooth[29:], 3)
    talib.ATR(high, low, close, 14)
    centre, reach = talib.EMA(close, 20), 2 * talib.ATR(high, low, close, 10)
    _ = centre - reach, centre + reach
    ranges = talib.SMA(talib.TRANGE(high, low, close)[1:], 20)
    on = 2 * talib.STDDEV(close, 20, 1)[1:] < 1.5 * ranges
    _ = on[:-1] & ~on[1:]
    source = close - (talib.MIDPRICE(high, low, 20) + middle) / 2
    talib.LINEARREG(source[19:], 20)
    talib.VWAP(high, low, close, volume)


def least(ways: dict[str, Callable[[], float]]) -> dict[str, float]:
    """The fewest seconds of some runs of each, taken in turns."""
    runs = [{name: way() for name, way in ways.items()} for _ in range(REPEATS)]
    return {name: min(run[name] for run in runs) for name in ways}


def seconds(work: Callable[[], object]) -> float:
    """CPU time of this thread."""
    started = time.thread_time()
    work()
    return time.thread_time() - started


def main() -> None:
    os.environ |= {"DJANGO_SETTINGS_MODULE": "charon.settings", "ENV_FILE": os.devnull, "SECRET_KEY": "bench" * 10}
    with tempfile.TemporaryDirectory(prefix="charon-bench-") as folder:
        os.environ["DATA_DIR"] = folder
        django.setup()
        compare()


def compare() -> None:
    from signals import compiled
    from signals.indicators import together

    bars = histories()
    columns = [[np.ascontiguousarray(one[:, place]) for place in (0, 2, 3, 4)] for one in bars]
    recent = [[column[-LOOKED_AT:].copy() for column in one] for one in columns[:LIVE]]
    width, start = len(together.COLUMNS), [0.0] * together.SIZE

    def one_series(history: Floats) -> tuple[float, ...]:
        return compiled.evaluate(together.together, history, [0], together.PARAMETERS, start, width)[2]

    rows = np.array([one_series(history) for history in bars[:LIVE]])
    newest = np.array([history[-1] for history in bars[:LIVE]])
    compiled.many(together.together, newest, [0], together.PARAMETERS, rows, width)

    def new_bars() -> None:
        for _ in range(100):
            compiled.many(together.together, newest, [0], together.PARAMETERS, rows, width)

    def by_one(some: list[Floats]) -> float:
        return seconds(lambda: [one_series(one) for one in some])

    def by_clock() -> float:
        started = time.perf_counter()
        list(threads.map(by_one, halves))
        return time.perf_counter() - started

    halves = bars[::2], bars[1::2]
    with ThreadPoolExecutor(2) as threads:
        took = least(
            {
                "own": lambda: by_one(bars),
                "busier of two": lambda: max(threads.map(by_one, halves)),
                "two by the clock": by_clock,
                "TA-Lib": lambda: seconds(lambda: all_by_talib(columns)),
                "new bar": lambda: seconds(new_bars) / 100,
                "TA-Lib, recent": lambda: seconds(lambda: all_by_talib(recent)),
            }
        )
    ratios = {
        "one thread": took["own"] / took["TA-Lib"],
        "two threads": took["busier of two"] / took["TA-Lib"],
        "one new bar": took["new bar"] / took["TA-Lib, recent"],
    }
    print(f"indicators: {width} values a bar, {SERIES} series x {BARS} bars; one new bar of {LIVE} series")
    for name, time_of in took.items():
        print(f"  {name:17} {time_of * 1000:9.3f} ms")
    for name, ratio in ratios.items():
        print(f"  {name:17} {ratio:9.4f} x TA-Lib, limit {LIMITS[name]}")
    if missed := [name for name, ratio in ratios.items() if ratio > LIMITS[name]]:
        sys.exit(f"  target missed: {', '.join(missed)}")


if __name__ == "__main__":
    main()
