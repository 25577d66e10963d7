"""A provider's call limit: so much in every minute of the clock, or whatever its window is."""

import math


class Window:
    def __init__(self, limit: int | None, seconds: int = 60) -> None:
        """`limit` None lets everything through."""
        self.limit = limit
        self.seconds = seconds
        self._number = -1
        self.used = 0

    def take(self, moment: float, amount: int = 1) -> bool:
        """Counts in any case; False when that was too much."""
        number = int(moment // self.seconds)
        if number != self._number:
            self._number, self.used = number, 0
        self.used += amount
        return self.limit is None or self.used <= self.limit

    def wait(self, moment: float) -> int:
        """Whole seconds until the next window."""
        return max(1, math.ceil((int(moment // self.seconds) + 1) * self.seconds - moment))
