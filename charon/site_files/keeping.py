"""HISTORY_DIR: the folder of closed years is kept current by the queue, in slices that give way to everything else.

A tick a minute costs two small reads while nothing is to be done. All codes are looked at once a day, one whose figures
were corrected at the next tick. Nothing is made while a first history is still to come.
"""

from pathlib import Path

import msgspec
from django.conf import settings
from django_q.models import Schedule

from charon.site_files import making
from charon.upkeep import Refused
from markets import clock, problems
from markets.history_files import place
from markets.messages import Message
from markets.models import Problem
from markets.queries import gaps
from miner.slices import Slice, in_slices

NAME, TASK = "history_files", "charon.site_files.keeping.run"
LOOKED = ".looked"


class Looked(msgspec.Struct):
    """On which day the codes were looked at, and up to which; None: all of them."""

    day: str = ""
    after: str | None = ""


@in_slices
def run() -> str:
    """One slice; what is left follows at the next tick."""
    root = place.kept()
    if root is None:
        return "off"
    if gaps.half_known().exists():
        return "the first history is not there yet"
    today = clock.today().isoformat()
    try:
        if Problem.objects.filter(kind=place.PROBLEM, subject=place.FORGET, closed_at=None).exists():
            place.forget_all()
        looked = read(root)
        if looked.day != today:
            looked = Looked(today, "")
        if looked.after is None and not place.marks(root):
            return "current"
        only = None if looked.after is not None else ()
        made = making.make(root, Slice(settings.TASK_WORK.total_seconds()), looked.after or "", only)
        (root / LOOKED).write_bytes(msgspec.json.encode(Looked(today, made.left)))
    except (Refused, OSError) as error:
        problems.report(place.PROBLEM, "", Message.of(str(error)))
        return "failed"
    problems.settle(place.PROBLEM, {})
    return f"{made.done.written} written, {made.done.kept} right" + (f", up to {made.left}" if made.left else "")


def read(root: Path) -> Looked:
    """A file that was cut says nothing."""
    try:
        return msgspec.json.decode((root / LOOKED).read_bytes(), type=Looked)
    except (FileNotFoundError, msgspec.MsgspecError):
        return Looked()


def write_schedule() -> None:
    """An entry only where a folder is named."""
    if not settings.HISTORY_DIR:
        Schedule.objects.filter(name=NAME).delete()
        return
    entry = {"func": TASK, "schedule_type": Schedule.MINUTES, "minutes": 1, "cluster": settings.MINER_QUEUE}
    more = {"repeats": -1, "kwargs": repr({"q_options": {"save": False}})}
    Schedule.objects.update_or_create(
        name=NAME, defaults=entry | more, create_defaults=entry | more | {"next_run": clock.now()}
    )
