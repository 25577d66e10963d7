"""One file and what is packed of it: on the disk as a whole, or not at all.

Each is written under another name, is on the disk before it gets its own, and the packed ones come before the plain one
and have its mtime. What was written once under the name with its hash is only linked under the name without.
"""

import errno
import gzip
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import brotli

from charon.upkeep import Refused
from markets import clock
from markets.history_files.place import MARK_DIGITS, PACKED

DRAFT = ".tmp-"
FULL = {errno.ENOSPC, errno.EDQUOT}
# The order in which files get their names.
ENDINGS = (*PACKED, "")


@contextmanager
def told() -> Iterator[None]:
    """What the disk does not take, in words."""
    try:
        yield
    except OSError as error:
        where = error.filename2 or error.filename or "The folder"
        if error.errno in FULL:
            raise Refused(f"{where}: there is no room left. The files of before stay.") from None
        raise Refused(f"{where} cannot be written: {error.strerror or error}.") from None


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def named(path: Path, data: bytes) -> Path:
    """The name with the hash: `2019.json` is also `2019.0a1b2c3d4e5f.json`."""
    return path.with_name(f"{path.stem}.{sha256(data)[:MARK_DIGITS]}{path.suffix}")


def packed(data: bytes) -> dict[str, bytes]:
    """By the ending of the name. Made once and sent for years: the best that both have."""
    return {
        ".br": brotli.compress(data, mode=brotli.MODE_TEXT, quality=11),
        ".gz": gzip.compress(data, 9, mtime=0),
        "": data,
    }


def write(path: Path, parts: dict[str, bytes]) -> None:
    """All parts under their names, each with the same mtime in whole seconds."""
    moment = int(clock.now().timestamp())
    drafts = []
    try:
        for ending, data in parts.items():
            draft = path.with_name(f"{DRAFT}{path.name}{ending}")
            drafts.append(draft)
            with draft.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            draft.chmod(0o644)
            os.utime(draft, (moment, moment))
        for draft, ending in zip(drafts, parts, strict=True):
            draft.replace(path.with_name(path.name + ending))
    finally:
        for draft in drafts:
            draft.unlink(missing_ok=True)
    sync(path.parent)


def is_whole(path: Path, data: bytes, endings: tuple[str, ...] = ENDINGS) -> bool:
    """Whether this is what lies there, and was not cut: the packed ones have the mtime of the plain one."""
    try:
        if path.read_bytes() != data:
            return False
        moments = {path.with_name(path.name + ending).stat().st_mtime_ns for ending in endings}
    except FileNotFoundError:
        return False
    return len(moments) == 1


def link(source: Path, target: Path, endings: tuple[str, ...] = ENDINGS) -> None:
    """The same file under a second name, in the place of what had it; a copy where the disk knows no links."""
    for ending in endings:
        old, new = source.with_name(source.name + ending), target.with_name(target.name + ending)
        if new.exists() and new.samefile(old):
            continue
        draft = new.with_name(f"{DRAFT}{new.name}")
        draft.unlink(missing_ok=True)
        try:
            draft.hardlink_to(old)
        except OSError:
            shutil.copy2(old, draft)
        draft.replace(new)
    sync(target.parent)


def sync(folder: Path) -> None:
    """The names in a folder are on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def clean(folder: Path) -> None:
    """What an interrupted run left there."""
    for left in folder.glob(f"{DRAFT}*"):
        left.unlink(missing_ok=True)
