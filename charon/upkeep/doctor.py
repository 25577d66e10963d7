"""The doctor: every examination, whatever the others come to, and its findings in the words of the register."""

import logging
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from django.db import DatabaseError, connection
from django.utils import translation

from charon.upkeep import examinations
from charon.upkeep.examinations import Examination
from markets import clock, problems
from markets.jobs import runs
from markets.messages import Message, of_error
from markets.problems import Fault

logger = logging.getLogger(__name__)

Result = Literal["ok", "findings", "not examined"]
FINE, FOUND, INCOMPLETE = 0, 1, 2


@dataclass(frozen=True)
class Examined:
    name: str
    result: Result
    faults: tuple[Fault, ...] = ()


def examine(left_out: Collection[str] = ()) -> list[Examined]:
    """In the order of EXAMINATIONS. While there is no database only those are done that need none."""
    return list(walk(one for one in examinations.EXAMINATIONS if one.name not in left_out))


def walk(wanted: Iterable[Examination]) -> Iterator[Examined]:
    there = {"": True}
    for one in wanted:
        if one.needs not in there:
            there["database"] = examinations.is_there()
            there["tables"] = there["database"] and examinations.has_tables()
        yield examined(one) if there[one.needs] else Examined(one.name, "not examined")


def examined(one: Examination) -> Examined:
    """One that raises is a finding itself: nobody knows how that part is doing."""
    try:
        found = tuple(one.look())
    except Exception as error:
        logger.debug("The examination %s failed", one.name, exc_info=True)
        said = Message.of(runs.scrub(str(of_error(error))))
        if isinstance(error, DatabaseError):
            connection.close()
        return Examined(one.name, "not examined", (Fault("unexamined", one.name, said),))
    return Examined(one.name, "findings" if found else "ok", found)


def code(done: list[Examined]) -> int:
    """What could not be examined weighs more than what was found: there may be more."""
    results = {one.result for one in done}
    return INCOMPLETE if "not examined" in results else FOUND if "findings" in results else FINE


def finding(examination: str, fault: Fault) -> dict[str, Any]:
    """In English, as commands speak."""
    kind = problems.KINDS[fault.kind]
    with translation.override("en"):
        return {
            "examination": examination,
            "kind": fault.kind,
            "subject": fault.subject,
            "title": str(kind.title),
            "detail": runs.scrub(fault.detail) if fault.detail else "",
            "harm": str(kind.harm),
            "remedy": str(kind.remedy),
            "urgent": kind.strict,
        }


def findings(done: list[Examined]) -> list[dict[str, Any]]:
    return [finding(one.name, fault) for one in done for fault in one.faults]


def as_json(done: list[Examined], version: str) -> dict[str, Any]:
    return {
        "version": version,
        "examined_at": clock.now().isoformat(timespec="seconds"),
        "code": code(done),
        "examinations": {one.name: one.result for one in done},
        "findings": findings(done),
    }


def as_text(done: list[Examined]) -> Iterator[str]:
    for one in done:
        yield f"{one.result:<12}  {one.name}"
        for fault in one.faults:
            told = finding(one.name, fault)
            about = f" ({told['subject']})" if told["subject"] else ""
            yield f"    {told['title']}{about}" + (f": {told['detail']}" if told["detail"] else "")
            yield f"        {told['harm']}"
            yield f"        What to do: {told['remedy']}"
