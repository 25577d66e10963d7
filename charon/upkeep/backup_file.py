"""A backup is one zip: `about.json` beside the copy of the database. Nothing secret of the environment is in it.

A zip has its index at its end and a checksum of each part, so that one that was cut or changed is recognised.
"""

import hashlib
import hmac
import os
import re
import secrets
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Literal, TypeAlias
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

import msgspec
from django.conf import settings

from charon.processes import data_dir_lock
from charon.upkeep import Refused

Vendor: TypeAlias = Literal["sqlite", "postgresql"]

FORMAT, ABOUT = 1, "about.json"
CONTENT: dict[Vendor, str] = {"sqlite": "charon.sqlite3", "postgresql": "charon.dump"}
# Level 1 halves an SQLite file in a second; pg_dump has compressed its own already.
PACKED: dict[Vendor, int] = {"sqlite": ZIP_DEFLATED, "postgresql": ZIP_STORED}
NAME = re.compile(r"charon-(\d{8}T\d{6}Z)-[\w.+-]+-(?:sqlite|postgresql)\.zip")
MOMENT = "%Y%m%dT%H%M%SZ"
DRAFT = ".draft-"
LOCK = "backup.lock"
# What reading a file that is no whole backup raises.
BROKEN = (BadZipFile, zlib.error, EOFError, KeyError, NotImplementedError, RuntimeError, msgspec.MsgspecError)


class About(msgspec.Struct, frozen=True):
    """What the copy holds. `key` tells whether the SECRET_KEY is the same, and does not tell what it is."""

    format: int
    version: str
    made_at: datetime
    vendor: Vendor
    migrations: list[str]
    rows: dict[str, int]
    key: str


def folder() -> Path:
    return Path(settings.DATA_DIR) / "backups"


def key_mark() -> str:
    """32 bits of a hash: whoever has the database could try keys on its sealed rows anyway."""
    return hmac.new(str(settings.SECRET_KEY).encode(), b"charon.backup", hashlib.sha256).hexdigest()[:8]


def name_of(about: About) -> str:
    return f"charon-{about.made_at.astimezone(UTC):{MOMENT}}-{about.version}-{about.vendor}.zip"


def made_at(path: Path) -> datetime | None:
    """As its name has it, which a copy from elsewhere keeps; None for a file of another name."""
    found = NAME.fullmatch(path.name)
    with suppress(ValueError):
        return datetime.strptime(found[1], MOMENT).replace(tzinfo=UTC) if found else None
    return None


def kept() -> list[tuple[datetime, Path]]:
    """The backups of this installation, the newest first; none where the folder cannot be read."""
    try:
        found = [(made_at(path), path) for path in folder().iterdir() if path.is_file()]
    except OSError:
        return []
    return sorted(((moment, path) for moment, path in found if moment), reverse=True)


def newest() -> datetime | None:
    return next((moment for moment, _path in kept()), None)


@contextmanager
def alone() -> Iterator[Path]:
    """The folder of the backups, for one backup at a time; what an interrupted one left there is gone."""
    place = folder()
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = data_dir_lock.take(Path(settings.DATA_DIR), LOCK)
    except data_dir_lock.LockHeld as held:
        raise Refused(f"Another backup is being made (pid {held.pid or 'unknown'}).") from None
    except OSError as error:
        raise Refused(f"{place} cannot be written: {error.strerror}.") from None
    with lock:
        for left in place.glob(f"{DRAFT}*"):
            left.unlink(missing_ok=True)
        yield place


@contextmanager
def draft(place: Path, ending: str) -> Iterator[Path]:
    """An empty file for its owner alone; it is gone afterwards, unless it was given a name of its own."""
    path = place / f"{DRAFT}{secrets.token_hex(6)}{ending}"
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        yield path
    finally:
        for left in place.glob(f"{path.name}*"):
            left.unlink(missing_ok=True)


def write(path: Path, vendor: Vendor, fill: Callable[[IO[bytes]], About]) -> About:
    """Into an empty file: the copy as `fill` writes it, then what it says of it. On the disk when this returns."""
    part = ZipInfo(CONTENT[vendor])
    part.compress_type, part.external_attr = PACKED[vendor], 0o600 << 16
    with path.open("r+b") as file:
        with ZipFile(file, "w", compresslevel=1) as archive:
            with archive.open(part, "w", force_zip64=True) as content:
                about = fill(content)
            archive.writestr(ZipInfo(ABOUT), msgspec.json.encode(about))
        file.flush()
        os.fsync(file.fileno())
    return about


def check(path: Path) -> About:
    """What the backup says of itself, after each of its bytes was read. Raises Refused for anything but a whole one."""
    with opened(path) as archive:
        about = msgspec.json.decode(archive.read(ABOUT), type=About)
        if about.format > FORMAT:
            raise Refused(f"{path} is of a newer release ({about.version}); upgrade Charon first.")
        if archive.testzip() is not None or CONTENT[about.vendor] not in archive.namelist():
            raise BadZipFile
    return about


def take_out(path: Path, about: About, target: Path) -> None:
    """The copy of the database, into an empty file."""
    with opened(path) as archive, archive.open(CONTENT[about.vendor]) as content, target.open("r+b") as file:
        while block := content.read(1 << 20):
            file.write(block)
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def opened(path: Path) -> Iterator[ZipFile]:
    # The end of a device or a pipe is never found, and its search takes all memory.
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise Refused(f"{path} is no file.")
    try:
        with ZipFile(path) as archive:
            yield archive
    except BROKEN:
        raise Refused(
            f"{path} is no whole backup of Charon: it was cut off, changed, or made by something else."
        ) from None
    except OSError as error:
        raise Refused(f"{error.filename or path}: {error.strerror or error}.") from None


def sync_folder(place: Path) -> None:
    """A name that was given or taken is on the disk."""
    descriptor = os.open(place, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
