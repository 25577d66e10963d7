"""The open problems for readers: what, since when and what it harms; details are for operators alone."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple, Protocol

from django.utils.translation import gettext as _

from markets import problems
from markets.queries.freshness import OFFICIAL, Freshness, State
from markets.views import Row
from miner.job_names import label


class Fault(Protocol):
    """A row of the register, or what stands for one."""

    @property
    def kind(self) -> str: ...
    @property
    def subject(self) -> str: ...
    @property
    def opened_at(self) -> datetime | None: ...


class Open(NamedTuple):
    """An open problem of a kind that this release knows; `opened_at` is None for one that nobody has recorded yet."""

    kind: str
    subject: str
    opened_at: datetime | None


def recorded() -> list[Open]:
    """What the register has open, the newest first; one statement."""
    found = problems.current().filter(kind__in=problems.KINDS)
    return [Open(*row) for row in found.values_list("kind", "subject", "opened_at")]


def harm(names: Mapping[str, str], truth: Freshness) -> list[Row]:
    """Those that cost a reader something, but what the line of truth says anyway."""
    known = ("source_stale", OFFICIAL) if truth.state == State.STALE else None
    found = [one for one in truth.facts.problems if (one.kind, one.subject) != known]
    return [one for one in rows(found, names) if one["reader"]]


def rows(found: Iterable[Fault], names: Mapping[str, str]) -> list[Row]:
    """One row a kind in the order given; of sources and their series also which. `names` are those of the sources."""
    kinds: dict[str, list[Fault]] = defaultdict(list)
    for problem in found:
        if problem.kind in problems.KINDS:
            kinds[problem.kind].append(problem)
    return [row(kind, of_kind, names) for kind, of_kind in kinds.items()]


def row(kind: str, found: Iterable[Fault], names: Mapping[str, str]) -> Row:
    known, found = problems.KINDS[kind], list(found)
    subjects = {} if known.private else dict.fromkeys(about(problem.subject, names) for problem in found)
    return {
        "kind": kind,
        "title": known.title,
        "about": ", ".join(filter(None, subjects)),
        "harm": known.harm,
        "reader": known.reader,
        "light": "bad" if known.strict else "warn",
        "since": min(filter(None, (problem.opened_at for problem in found)), default=None),
    }


def about(subject: str, names: Mapping[str, str]) -> str:
    """The source or its series in words; whatever else a problem is about stays with the operators."""
    code, dot, _series = subject.partition(".")
    if code not in names:
        return ""
    return label(subject, names) if dot else _(names[code])
