"""The indicators as numba compiles them: loaded by the processes that decide, never by a web process."""

import numpy as np
from numba import njit
from numba.extending import register_jitable
from numpy.typing import NDArray

from signals import indicators

Floats = NDArray[np.float64]

for function in (indicators.crossing, indicators.macd_cross):
    register_jitable(function)
# All of it stands in one file: numba's cache notices a change of that file alone.
run = njit("void(f8[::1],UniTuple(f8,3),f8[::1],f8[:,::1],i8[::1])", cache=True, nogil=True)(indicators.macd_cross_over)


def macd_cross(
    closes: Floats, weights: tuple[float, float, float], state: tuple[float, ...]
) -> tuple[Floats, NDArray[np.int64], tuple[float, ...]]:
    """Values (a row a bar), crossings and the state behind the last bar, for closes that follow `state`."""
    values, decisions = np.empty((closes.size, 6)), np.empty(closes.size, np.int64)
    row = np.array(state, np.float64)
    run(np.array(closes, np.float64), weights, row, values, decisions)
    return values, decisions, tuple(row.tolist())
