"""One run over a folder of closed years: code by code, as far as its time goes; then the index and the Parquet.

What was done is what lies there: after a run that was killed the next one looks again, and writes what is not right.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from charon.processes import data_dir_lock
from charon.site_files import index, written, years
from charon.upkeep import Refused
from markets.history_files import content, place
from miner.slices import Slice

LOCK = ".export.lock"


@dataclass(slots=True)
class Made:
    """`left` is the code behind which the next run goes on; None where everything was looked at."""

    done: years.Done = field(default_factory=years.Done)
    left: str | None = None
    no_parquet: str | None = None


def make(root: Path, work: Slice, after: str = "", only: Collection[str] | None = None) -> Made:
    """The codes behind `after` and those that are marked; with `only` no others than these. Raises Refused."""
    made = Made()
    with written.told(), alone(root):
        known, marked = content.facts(), set(place.marks(root))
        series = content.instruments()
        for instrument in series:
            wanted = instrument.code in only if only is not None else instrument.code > after
            if wanted or instrument.code in marked:
                years.make(root, instrument, known, made.done)
            if wanted and work.is_over():
                made.left = instrument.code
                return made
        forget_strangers(root, {instrument.code for instrument in series}, made.done)
        made.no_parquet = index.make(root)
    return made


def forget_strangers(root: Path, codes: set[str], done: years.Done) -> None:
    """Files of a code that has no official series any more."""
    for code in index.codes_in(root / place.FOLDER):
        if code not in codes:
            years.prune(root / place.FOLDER / code, set(), done)


@contextmanager
def alone(root: Path) -> Iterator[None]:
    """The folder, made and for this run alone. Raises Refused, or OSError for one that cannot be written."""
    if root.is_symlink():
        raise Refused(f"{root} is a symbolic link: name the folder itself.")
    if root.exists() and not root.is_dir():
        raise Refused(f"{root} is no folder.")
    new = not root.exists()
    root.mkdir(parents=True, exist_ok=True)
    if new:
        root.chmod(0o755)
    try:
        lock = data_dir_lock.take(root, LOCK)
    except data_dir_lock.LockHeld as held:
        raise Refused(f"Another export writes into {root} (pid {held.pid or 'unknown'}).") from None
    with lock:
        for part in (root / place.FOLDER.parts[0], root / Path(*place.FOLDER.parts[:2]), root / place.FOLDER):
            years.folder_for(part)
        written.clean(root / place.FOLDER)
        yield
