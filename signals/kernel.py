"""What a rule gives numba to compile, and the bars that it is given: shared by the rules and their compiler."""

from collections.abc import Callable
from typing import Any

# Kept numbers, a bar, the parameters, and where the values go; the decision comes back. It may call the functions of
# `signals.indicators` and nothing else: numba compiles it.
Kernel = Callable[[Any, Any, Any, Any], int]
# In the order of the bars that `signals.series` reads.
COLUMNS = ("close", "open", "high", "low", "volume")
