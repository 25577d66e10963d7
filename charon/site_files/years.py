"""The files of one code: written where its figures are others than those that lie there."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from charon.site_files import written
from charon.upkeep import Refused
from markets import clock
from markets.history_files import content, place
from markets.models import Instrument

# How long an address with a hash is answered after another one has taken its place.
KEEP_OLD = timedelta(days=30)
NAME = re.compile(r"(\d{4})(?:\.([0-9a-f]{12}))?\.(?:json|csv)")


@dataclass(slots=True)
class Done:
    """What a run did: files that it wrote and that were right already, old ones that went, codes that have to wait."""

    written: int = 0
    kept: int = 0
    pruned: int = 0
    waiting: list[str] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        return bool(self.written or self.pruned)


def make(root: Path, instrument: Instrument, known: content.Facts, done: Done) -> None:
    """All closed years of a code. One whose figures are being changed waits, marked, for the next run."""
    if not unmarked(root, instrument.code):
        done.waiting.append(instrument.code)
        return
    first, last = date(1, 1, 1), date(place.last_closed(), 12, 31)
    years = content.by_year(content.days(instrument, first, last))
    folder = root / place.FOLDER / instrument.code
    if not years and not folder.exists():
        return
    folder_for(folder)
    written.clean(folder)
    right = set[str]()
    for year, rows in years.items():
        for kind, data in content.files(instrument, year, rows, known).items():
            name = f"{year}.{kind}"
            right |= {name, written.named(folder / name, data).name}
            if not put(root, folder / name, data, done):
                place.mark(root, instrument.code)
                done.waiting.append(instrument.code)
                return
    prune(folder, right, done)


def unmarked(root: Path, code: str) -> bool:
    """Taken off while nobody is between a mark and its commit: what is read after this is what was committed."""
    with place.alone(root) as is_alone:
        if is_alone:
            (root / place.MARKS / code).unlink(missing_ok=True)
        return is_alone


def folder_for(folder: Path) -> None:
    """For anybody to read: what is in it is public."""
    if folder.is_symlink():
        raise Refused(f"{folder} is a symbolic link. Nothing is written behind one.")
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)


def put(root: Path, bare: Path, data: bytes, done: Done) -> bool:
    """Under both names; False where the figures are being changed, and the file may be old already."""
    hashed = written.named(bare, data)
    if not written.is_whole(hashed, data):
        outdated(bare)
        written.write(hashed, written.packed(data))
    if written.is_whole(bare, data):
        done.kept += 1
        return True
    with place.alone(root) as is_alone:
        if not is_alone or (root / place.MARKS / bare.parent.name).exists():
            return False
        written.link(hashed, bare)
    done.written += 1
    return True


def outdated(bare: Path) -> None:
    """Those with another hash stay for thirty days from now."""
    moment = clock.now().timestamp()
    for path in bare.parent.glob(f"{bare.stem}.*{bare.suffix}*"):
        os.utime(path, (moment, moment))


def prune(folder: Path, right: set[str], done: Done) -> None:
    """Years that have no figures any more, and hashes that are old."""
    bare = [path for path in files_in(folder) if path.name.count(".") == 1 and path.name not in right]
    hashed = [path for kind in place.KINDS for path in old(folder, f"????.*.{kind}", *right)]
    for path in (*bare, *hashed):
        place.remove(path)
        done.pruned += 1


def old(folder: Path, pattern: str, *right: str) -> list[Path]:
    """Files with hashes that have been out of date for thirty days."""
    oldest = (clock.now() - KEEP_OLD).timestamp()
    return [path for path in folder.glob(pattern) if path.name not in right and path.stat().st_mtime <= oldest]


def files_in(folder: Path) -> Iterator[Path]:
    """The plain ones."""
    yield from sorted(path for path in folder.iterdir() if NAME.fullmatch(path.name))
