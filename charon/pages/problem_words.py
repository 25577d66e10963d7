"""The open problems for readers: what, since when and what it harms; details are for operators alone."""

from collections import defaultdict
from datetime import datetime

from markets import formats, problems
from markets.models import Problem
from markets.views import Row
from miner.views import label


def rows(names: dict[str, str], now: datetime) -> list[Row]:
    """One row a kind, the newest first; of sources and their series also which. `names` are those of the sources."""
    kinds: dict[str, list[Problem]] = defaultdict(list)
    for problem in problems.current():
        if problem.kind in problems.KINDS:
            kinds[problem.kind].append(problem)
    return [row(kind, found, names, now) for kind, found in kinds.items()]


def harm(names: dict[str, str], now: datetime) -> list[Row]:
    """Those that cost a reader of rates something, of sources that the pages show."""
    return [one for one in rows(names, now) if one["reader"]]


def row(kind: str, found: list[Problem], names: dict[str, str], now: datetime) -> Row:
    since, known = min(problem.opened_at for problem in found), problems.KINDS[kind]
    subjects = dict.fromkeys(about(problem.subject, names) for problem in found)
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
