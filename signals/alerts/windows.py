"""The lowest and the highest value of the last minutes, of one series at one source: two monotone queues."""

from collections import OrderedDict, deque
from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal

from signals.alerts.machine import Observation

# A series (an instrument at a source); the ones that were not fed for longest are forgotten, and read anew.
MOST_KEPT = 2_000


class Window:
    """`span` back, both ends included. After a silence it begins anew, and nothing is full before it has refilled."""

    def __init__(self, span: timedelta, refilling: bool = False, since: datetime | None = None) -> None:
        self.span, self.refilling = span, refilling
        self.since = since
        self.lows = deque[tuple[datetime, Decimal]]()
        self.highs = deque[tuple[datetime, Decimal]]()

    def add(self, time: datetime, value: Decimal) -> Observation:
        self.since = self.since or time
        while self.lows and self.lows[-1][1] >= value:
            self.lows.pop()
        while self.highs and self.highs[-1][1] <= value:
            self.highs.pop()
        self.lows.append((time, value))
        self.highs.append((time, value))
        for queue in (self.lows, self.highs):
            while time - queue[0][0] > self.span:
                queue.popleft()
        full = not self.refilling or time - self.since >= self.span
        return Observation(time, value, self.lows[0][1], self.highs[0][1], full=full)

    def silence(self, time: datetime) -> Observation:
        """The source has gone silent: what comes after it is not compared with what came before."""
        self.lows.clear()
        self.highs.clear()
        self.since, self.refilling = None, True
        return Observation(time, Decimal(0), fresh=False)


class Windows:
    """All windows of one series, by their minutes, and up to which time they were fed."""

    def __init__(self, minutes: Iterable[int], since: datetime | None, refilling: bool) -> None:
        self.since, self.refilling = since, refilling
        self.fed: datetime | None = None
        self.of = {one: Window(timedelta(minutes=one), refilling, since) for one in minutes}

    def add(self, time: datetime, value: Decimal) -> dict[int, Observation]:
        self.since, self.fed = self.since or time, time
        return {minutes: window.add(time, value) for minutes, window in self.of.items()}

    def silence(self, time: datetime, *, refill: bool) -> dict[int, Observation]:
        """`refill`: False for what nobody had watched before the silence."""
        self.since, self.refilling = None, self.refilling or refill
        silent = {minutes: window.silence(time) for minutes, window in self.of.items()}
        for window in self.of.values():
            window.refilling = self.refilling
        return silent


class Memory:
    """What a process keeps between passes. After a pass that failed it is ahead of the tables: see `series.read`."""

    def __init__(self) -> None:
        self.kept = OrderedDict[tuple[int, int], Windows]()

    def find(self, place: tuple[int, int], minutes: Iterable[int]) -> Windows | None:
        """None where one of the windows is not there: all of them are read anew, so that they agree."""
        found = self.kept.get(place)
        if found is None or not found.of.keys() >= set(minutes):
            return None
        self.kept.move_to_end(place)
        return found

    def keep(self, place: tuple[int, int], windows: Windows) -> None:
        self.kept[place] = windows
        self.kept.move_to_end(place)
        while len(self.kept) > MOST_KEPT:
            self.kept.popitem(last=False)

    def forget(self) -> None:
        self.kept.clear()


memory = Memory()
