"""What the installation tells of its own faults while they last, seen from outside."""

import time
from collections import Counter
from dataclasses import dataclass, field

from markets.models import Problem
from tests.chaos.faults import Fault
from tests.chaos.house import House

TOLD_WITHIN = 60.0


@dataclass
class Injected:
    """One fault that was done, in seconds since the begin."""

    fault: Fault
    what: str
    began: float
    ended: float = 0.0


@dataclass
class Register:
    """`first` and `last`: when each problem (kind, subject, row) was first seen open, and last."""

    began: float = field(default_factory=time.monotonic)
    injected: list[Injected] = field(default_factory=list)
    first: dict[tuple[str, str, int], float] = field(default_factory=dict)
    last: dict[tuple[str, str, int], float] = field(default_factory=dict)

    def now(self) -> float:
        return time.monotonic() - self.began

    def look(self, house: House) -> None:
        for key in house.ask(
            lambda: list(Problem.objects.filter(closed_at=None).values_list("kind", "subject", "pk")), []
        ):
            self.first.setdefault(key, self.now())
            self.last[key] = self.now()

    def told(self, one: Injected) -> dict[str, float]:
        """The kinds that were open between its begin and 60 s later, each with the seconds it took."""
        found: dict[str, float] = {}
        for (kind, _, _), first in self.first.items():
            if one.began <= first <= one.began + TOLD_WITHIN:
                found[kind] = min(found.get(kind, TOLD_WITHIN), first - one.began)
        return found

    def untold(self) -> list[str]:
        """Faults whose problem did not open although they lasted for a minute."""
        return [
            f"{one.fault.name} ({one.what}): none of {', '.join(sorted(one.fault.opens))} within {TOLD_WITHIN:.0f} s"
            for one in self.injected
            if one.fault.opens and one.ended - one.began >= TOLD_WITHIN and not one.fault.opens & self.open_during(one)
        ]

    def open_during(self, one: Injected) -> set[str]:
        return {
            key[0] for key in self.first if self.first[key] <= one.began + TOLD_WITHIN and self.last[key] >= one.began
        }

    def table(self) -> list[str]:
        lines = [f"{'fault':34} {'done':>4} {'problems that opened within 60 s'}"]
        for name in sorted({one.fault.name for one in self.injected}):
            those = [one for one in self.injected if one.fault.name == name]
            kinds = Counter(kind for one in those for kind in self.told(one))
            lines.append(f"{name:34} {len(those):4} {', '.join(f'{kind} {n}x' for kind, n in kinds.items()) or '-'}")
        return lines
