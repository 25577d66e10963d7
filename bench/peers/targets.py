"""The targets beside what was measured, and both as Markdown.

A ratio is judged by the worse of its two sides: requests a second, and processor time for one request, PostgreSQL's
included. Milliseconds are those of the server alone, as their targets are; PostgreSQL's stand beside them. What was not
measured is neither met nor missed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from bench.peers.asking import Load
from bench.peers.servers import ASYNCPG, COLUMNS, CONSTANT, DICTIONARY, NGINX, OBJECTS, OURS, OURS_REDIS, SHIPPED

# (work, way, connections) -> the loads of all rounds.
Rounds = Mapping[tuple[str, str, int], Sequence[Load]]
WIRE_LIMIT = 28_000


@dataclass(frozen=True, slots=True)
class Target:
    """`work` and `way` beside another one; `at_least` as many times as good, or `at_most` as much processor time."""

    what: str
    way: tuple[str, str]
    beside: tuple[str, str] | None = None
    at_least: float | None = None
    at_most: float | None = None
    stretch: str = ""


def page(says: str) -> str:
    return f"{OURS}, {says}"


TARGETS = (
    Target("one year, cold", ("cold", OURS), ("cold", OBJECTS), at_least=6, stretch="15"),
    Target("one year, cold", ("cold", OURS), ("cold", COLUMNS), at_least=6, stretch="15"),
    Target("one year, cold", ("cold", OURS), ("cold", ASYNCPG), at_least=1),
    Target("one year, cached", ("cached", OURS), ("cached", OBJECTS), at_least=60, stretch="100"),
    Target("one year, cached", ("cached", OURS), ("cached", COLUMNS), at_least=60, stretch="100"),
    Target("one year, cached", ("cached", OURS), ("cached", CONSTANT), at_most=2),
    Target("one year, cached", ("cached", OURS), ("cached", DICTIONARY)),
    Target("one year, cached in Redis", ("cached", OURS_REDIS), ("cached", OBJECTS)),
    Target("twenty years, cached", ("twenty", OURS), ("twenty", OBJECTS)),
    Target("twenty years, cached", ("twenty", OURS), ("twenty", DICTIONARY)),
    Target("closed year as a file", ("file", SHIPPED), ("file", NGINX), at_most=1.1),
    Target("closed year as a file", ("file", SHIPPED), ("file", OURS), at_least=8),
    Target("plain file of nginx", ("cached", NGINX), ("cached", OURS)),
    Target(
        "dashboard, cached",
        ("pages", page("dashboard")),
        ("pages", page("`/rates` as large as the dashboard")),
        at_least=0.7,
        stretch="0.9",
    ),
    Target(
        "instrument page, cached",
        ("pages", page("instrument page")),
        ("pages", page("`/rates` as large as the instrument page")),
        at_least=0.7,
        stretch="0.9",
    ),
    Target("dashboard made anew, CPU ms", ("uncached", page("dashboard")), None, None, 15, "8"),
    Target("instrument page 1R made anew, CPU ms", ("uncached", page("instrument page, 1R")), None, None, 20, "10"),
    Target("instrument page Max made anew, CPU ms", ("uncached", page("instrument page, Max")), None, None, 40, "20"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Verdict:
    target: Target
    connections: int
    requests: float | None
    cpu: float

    @property
    def wanted(self) -> str:
        if self.target.at_least is not None:
            return f"at least {self.target.at_least:g}"
        return "–" if self.target.at_most is None else f"at most {self.target.at_most:g}"

    @property
    def is_met(self) -> bool | None:
        if self.target.at_most is not None:
            return self.cpu <= self.target.at_most
        if self.target.at_least is None or self.requests is None:
            return None
        return min(self.requests, self.cpu) >= self.target.at_least

    def line(self) -> str:
        beside = self.target.beside[1] if self.target.beside else "–"
        requests = "–" if self.requests is None else short(self.requests)
        said = {True: "met", False: "**missed**", None: "–"}[self.is_met]
        cells = (self.target.what, beside, str(self.connections), requests, short(self.cpu), self.wanted)
        return row(*cells, self.target.stretch or "–", said)


def short(value: float) -> str:
    """Three digits that count."""
    decimals = next((places for least, places in ((100, 0), (10, 1), (0.1, 2)) if value >= least), 3)
    return f"{value:.{decimals}f}"


def row(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"


def table(head: Sequence[str], rows: Sequence[str]) -> str:
    return "\n".join([row(*head), row(*["---"] * len(head)), *rows])


def verdicts(measured: Rounds) -> list[Verdict]:
    """Of every target whose sides were measured, for each number of connections."""
    found = []
    for target in TARGETS:
        for connections in sorted({number for *_, number in measured}):
            mine = measured.get((*target.way, connections))
            if mine and (verdict := judged(target, connections, mine, measured)):
                found.append(verdict)
    return found


def judged(target: Target, connections: int, mine: Sequence[Load], measured: Rounds) -> Verdict | None:
    if target.beside is None:
        return Verdict(target, connections, None, middle(mine, server_cpu))
    other = measured.get((*target.beside, connections))
    if not other:
        return None
    times = middle(other, cpu) / max(middle(mine, cpu), 1e-6)
    faster = middle(mine, rate) / max(middle(other, rate), 1e-6)
    return Verdict(target, connections, faster, 1 / times if target.at_most is not None else times)


def rate(load: Load) -> float:
    return load.rate


def cpu(load: Load) -> float:
    return load.all_cpu


def server_cpu(load: Load) -> float:
    """What a page costs in milliseconds was set for the server alone."""
    return load.cpu


def middle(loads: Sequence[Load], of: Callable[[Load], float]) -> float:
    return median(of(one) for one in loads)


def spread(loads: Sequence[Load], of: Callable[[Load], float | None]) -> str:
    """The median with the lowest and the highest."""
    values = [value for one in loads if (value := of(one)) is not None]
    if not values:
        return "–"
    return f"{short(median(values))} ({short(min(values))}–{short(max(values))})"


HEAD = (
    "way", "connections", "requests/s", "CPU ms, server", "CPU ms, PostgreSQL", "p50 ms", "p99 ms", "kB", "errors",
)  # fmt: skip


def figures(work: str, measured: Rounds) -> str:
    rows = []
    for (of, way, connections), loads in measured.items():
        if of != work:
            continue
        of_all = (rate, lambda one: one.cpu, lambda one: one.database, lambda one: one.p50, lambda one: one.p99)
        cells = [spread(loads, part) for part in of_all]
        size = f"{median(one.bytes for one in loads) / 1000:.0f}"
        rows.append(row(way, str(connections), *cells, size, str(sum(one.faults for one in loads))))
    return table(HEAD, rows)


def judgement(found: Sequence[Verdict]) -> str:
    head = ("what", "beside", "connections", "requests, times", "CPU, times", "target", "stretch", "")
    return table(head, [one.line() for one in found])
