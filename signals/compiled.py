"""The indicators as numba compiles them: loaded by the processes that decide, never by a web process.

Nothing here can keep the engine from deciding: without a folder for the cache each process compiles anew (1.2 s), and
without numba the same functions run as Python, some hundred times slower and to the same last bit.
"""

import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from signals import indicators

logger = logging.getLogger(__name__)

Floats = NDArray[np.float64]

SIGNATURE = "void(f8[::1],UniTuple(f8,3),f8[::1],f8[:,::1],i8[::1])"


def machine_code() -> tuple[Callable[..., Any], str]:
    """The loop over the closes, and what is wrong with it: nothing, no cache, or no compiler."""
    try:
        import numba
        from numba.extending import register_jitable

        for function in (indicators.crossing, indicators.macd_cross):
            register_jitable(function)
        # All of it stands in one file: numba's cache notices a change of that file alone.
        if found := from_cache(numba):
            return found, ""
        return numba.njit(SIGNATURE, nogil=True)(indicators.macd_cross_over), "no folder for the cache can be written"
    except Exception as error:
        logger.exception("numba cannot be used")
        return indicators.macd_cross_over, f"numba cannot be used: {type(error).__name__}: {error}"


def from_cache(numba: Any) -> Callable[..., Any] | None:
    """Compiled with a cache: in the folder that NUMBA_CACHE_DIR names, else in the data folder, else where numba likes.

    What lies in our own folder may be broken (a disk that was full, another release): it is emptied once.
    """
    ours = str(Path(settings.DATA_DIR) / "numba")
    for folder in dict.fromkeys([numba.config.CACHE_DIR or ours, ours]):
        for again in (False, True):
            numba.config.CACHE_DIR = folder
            try:
                compiled: Callable[..., Any] = numba.njit(SIGNATURE, cache=True, nogil=True)(indicators.macd_cross_over)
            except Exception as error:
                logger.debug("No cache in %s: %s", folder, error)
            else:
                return compiled
            if again or folder != ours:
                break
            shutil.rmtree(ours, ignore_errors=True)
    return None


run, fault = machine_code()


def macd_cross(
    closes: Floats, weights: tuple[float, float, float], state: tuple[float, ...]
) -> tuple[Floats, NDArray[np.int64], tuple[float, ...]]:
    """Values (a row a bar), crossings and the state behind the last bar, for closes that follow `state`."""
    values, decisions = np.empty((closes.size, 6)), np.empty(closes.size, np.int64)
    row = np.array(state, np.float64)
    run(np.array(closes, np.float64), weights, row, values, decisions)
    return values, decisions, tuple(row.tolist())
