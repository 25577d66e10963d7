"""The rules as numba compiles them: loaded by the processes that decide, never by a web process.

Nothing here can keep the engine from deciding: without a folder for the cache each process compiles anew (a second
for a rule), and without numba the same functions run as Python, some hundred times slower and to the same last bit.
"""

import importlib
import logging
import pkgutil
import shutil
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path
from types import FunctionType
from typing import TYPE_CHECKING, Any

import numpy as np
from django.conf import settings

from markets.messages import Message
from signals import indicators
from signals.bars import Floats, Ints
from signals.indicators import together
from signals.kernel import COLUMNS, Kernel

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger(__name__)

# Bars, columns that must be finite, parameters, kept numbers, values, decisions.
ONE_SERIES = "void(f8[:,::1],i8[::1],f8[::1],f8[::1],f8[:,::1],i8[::1])"
MANY_SERIES = "void(f8[:,::1],i8[::1],f8[::1],f8[:,::1],f8[:,::1],i8[::1])"
# Nothing of a kernel is allocated, so that no views need be counted: the counting, by locked instructions, cost more
# than the arithmetic of most indicators.
OPTIONS: dict[str, Any] = {"nogil": True, "_nrt": False}

# What is wrong with the compiler: nothing, no cache, or no compiler.
fault: Message | None = None


def looped(kernel: Kernel) -> Callable[..., None]:
    """A kernel over the bars of one series. A bar that lacks a needed number decides nothing and moves nothing."""

    def over(bars: Any, needed: Any, parameters: Any, row: Any, values: Any, decisions: Any) -> None:
        for i in range(bars.shape[0]):
            whole = True
            for k in range(needed.size):
                whole = whole and np.isfinite(bars[i, needed[k]])
            if whole:
                decisions[i] = kernel(row, bars[i], parameters, values[i])

    return over


def side_by_side(kernel: Kernel) -> Callable[..., None]:
    """A kernel over one bar of each of many series, which keep a row each."""

    def over(bars: Any, needed: Any, parameters: Any, rows: Any, values: Any, decisions: Any) -> None:
        for i in range(bars.shape[0]):
            whole = True
            for k in range(needed.size):
                whole = whole and np.isfinite(bars[i, needed[k]])
            if whole:
                decisions[i] = kernel(rows[i], bars[i], parameters, values[i])

    return over


@cache
def machine_code(kernel: Kernel, signature: str = ONE_SERIES) -> Callable[..., None]:
    """The loop of one kernel; it is compiled when a rule is first asked."""
    global fault
    over = looped(kernel) if signature == ONE_SERIES else side_by_side(kernel)
    try:
        import numba

        for function in dict.fromkeys((kernel, *functions())):
            callable_from_machine_code(function)
        if found := from_cache(numba, over, signature):
            return found
        fault = Message("no_cache_folder")
        compiled: Callable[..., None] = numba.njit(signature, **OPTIONS)(over)
    except Exception as error:
        logger.exception("numba cannot be used")
        fault = Message("no_numba", kind=type(error).__name__, words=str(error))
        return over
    return compiled


@cache
def callable_from_machine_code(function: Kernel) -> None:
    """Inlined: the spans of `together` are then numbers that the compiler knows, and its loops over 20 bars unroll."""
    from numba.extending import register_jitable

    register_jitable(forceinline=True)(function)


def functions() -> Iterator[Kernel]:
    """All that a kernel may call: the functions of `signals.indicators`."""
    for info in pkgutil.iter_modules(indicators.__path__):
        module = importlib.import_module(f"{indicators.__name__}.{info.name}")
        yield from (one for one in vars(module).values() if isinstance(one, FunctionType))


def from_cache(numba: Any, over: Callable[..., None], signature: str) -> Callable[..., None] | None:
    """Compiled with a cache: in the folder that NUMBA_CACHE_DIR names, else in the data folder.

    numba looks at one file to see whether what it kept is still right: the folder is named after all of them. What lies
    in our own folder may be broken (a disk that was full): it is emptied once, and other releases' code goes.
    """
    ours = Path(settings.DATA_DIR) / "numba" / release()
    given = Path(numba.config.CACHE_DIR or ours)
    for folder in dict.fromkeys([given if given.name == release() else given / release(), ours]):
        for again in (False, True):
            numba.config.CACHE_DIR = str(folder)
            try:
                compiled: Callable[..., None] = numba.njit(signature, cache=True, **OPTIONS)(over)
            except Exception as error:
                logger.debug("No cache in %s: %s", folder, error)
            else:
                tidy(ours)
                return compiled
            if again or folder != ours:
                break
            shutil.rmtree(ours, ignore_errors=True)
    return None


def tidy(ours: Path) -> None:
    """Only what this release compiled stays in the data folder."""
    for other in ours.parent.glob("*"):
        if other != ours:
            shutil.rmtree(other, ignore_errors=True)


@cache
def release() -> str:
    """A name for the sources that the machine code comes from."""
    digest = sha256()
    here = Path(__file__).parent
    for file in sorted([*here.glob("indicators/*.py"), *here.glob("rules/*.py")]):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def matrix(bars: "pd.DataFrame") -> Floats:
    """The rows of `signals.bars.Bars` of a frame, as tests and notebooks have it."""
    found = np.full((len(bars), len(COLUMNS) + 1), np.nan)
    for place, name in enumerate(COLUMNS):
        if name in bars:
            found[:, place] = bars[name].to_numpy()
    found[:, -1] = seconds(bars.index)
    return found


def evaluate(
    kernel: Kernel, bars: Floats, needed: Sequence[int], parameters: Sequence[float], state: Sequence[float], width: int
) -> tuple[Floats, Ints, tuple[float, ...]]:
    """Values (`width` a bar), decisions and the kept numbers behind the last bar, for bars that follow `state`."""
    values, decisions = np.full((len(bars), width), np.nan), np.zeros(len(bars), np.int64)
    row = np.array(state, np.float64)
    machine_code(kernel)(bars, np.array(needed, np.int64), np.array(parameters, np.float64), row, values, decisions)
    return values, decisions, tuple(row.tolist())


def many(
    kernel: Kernel, bars: Floats, needed: Sequence[int], parameters: Sequence[float], rows: Floats, width: int
) -> tuple[Floats, Ints]:
    """Values and decisions of one bar for each of many series; `rows`, what each of them keeps, are moved on."""
    values, decisions = np.full((len(bars), width), np.nan), np.zeros(len(bars), np.int64)
    over = machine_code(kernel, MANY_SERIES)
    over(bars, np.array(needed, np.int64), np.array(parameters, np.float64), rows, values, decisions)
    return values, decisions


def all_indicators(bars: "pd.DataFrame") -> "pd.DataFrame":
    """Every indicator of a series by its name; NaN where it is not known yet, or the series lacks what it needs."""
    start = [0.0] * together.SIZE
    import pandas as pd  # as below

    values, _, _ = evaluate(together.together, matrix(bars), [0], together.PARAMETERS, start, len(together.COLUMNS))
    return pd.DataFrame(values, index=bars.index, columns=pd.Index(together.COLUMNS))


def seconds(index: "pd.Index[Any]") -> Floats:
    import pandas as pd  # 70 MB, which the engine does without

    return pd.DatetimeIndex(index).as_unit("s").asi8.astype(np.float64)
