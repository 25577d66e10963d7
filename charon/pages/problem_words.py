"""The open problems for readers: what, since when and what it harms; details are for operators alone."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from markets import formats, problems
from markets.models import Problem
from markets.queries.freshness import OFFICIAL, Freshness, OpenProblem, State
from markets.views import Row
from miner.views import label


def rows(names: dict[str, str], now: datetime) -> list[Row]:
    """One row a kind, the newest first; of sources and their series also which. `names` are those of the sources."""
    return grouped(problems.current(), names, now)


def harm(names: dict[str, str], truth: Freshness) -> list[Row]:
    """Those that cost a reader something, but what the line of truth says anyway."""
    known = ("source_stale", OFFICIAL) if truth.state == State.STALE else None
    found = [one for one in truth.facts.problems if (one.kind, one.subject) != known]
    return [one for one in grouped(found, names, truth.now) if one["reader"]]


def grouped(found: Iterable[Problem | OpenProblem], names: dict[str, str], now: datetime) -> list[Row]:
    kinds: dict[str, list[Problem | OpenProblem]] = defaultdict(list)
    for problem in found:
        if problem.kind in problems.KINDS:
            kinds[problem.kind].append(problem)
    return [row(kind, of_kind, names, now) for kind, of_kind in kinds.items()]


def row(kind: str, found: list[Problem | OpenProblem], names: dict[str, str], now: datetime) -> Row:
    since, known = min(problem.opened_at for problem in found), problems.KINDS[kind]
    subjects = {} if known.private else dict.fromkeys(about(problem.subject, names) for problem in found)
    return {
        "kind": kind,
        "title": known.title,
        "about": ", ".join(filter(None, subjects)),
        "harm": known.harm,
        "reader": known.reader,
        "light": "bad" if known.strict else "warn",
        "iso": since.isoformat(),
        "since": formats.near(since, now),
    }


def about(subject: str, names: dict[str, str]) -> str:
    """The source or its series in words; whatever else a problem is about stays with the operators."""
    code, dot, _series = subject.partition(".")
    if code not in names:
        return ""
    return label(subject, names) if dot else names[code]
