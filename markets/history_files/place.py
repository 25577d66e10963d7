"""Where the files of closed years lie, and how they go before an answer changes.

A proxy serves the plain file that it finds and asks us where there is none. So a writer of rates takes the files of a
year away in its own transaction, as the last thing before it commits, and we answer from the tables until the files are
made again. `.swap` is a lock on the folder: who changes figures holds it shared from then until the commit is through,
who puts a file in its place holds it alone and looks whether the code is marked. So no file that was made of older
figures can come back behind a change, whichever process dies when.
"""

import fcntl
import logging
import os
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import msgspec
from django.conf import settings
from django.db import transaction

from markets import clock, file_locks, problems
from markets.errors import log_cause
from markets.licence import Audience, may
from markets.messages import Message

logger = logging.getLogger(__name__)

FOLDER = Path("api/v1/history")
INDEX, PARQUET = "index.json", "history.parquet"
MARKS, LOCK = ".withdrawn", ".swap"
# The plain one first where they are taken away, last where they are put there: it is what a proxy looks for.
PACKED = (".br", ".gz")
KINDS = ("json", "csv")
# Of the sha256 of the plain file: what an address that never changes has in its name.
MARK_DIGITS = 12
PROBLEM = "history_files"
# What of it the disk did not take: files of older figures, or everything there; the latter the job tries again.
WITHDRAW, FORGET = "withdraw", "forget"
REST = timedelta(days=30)
# What is said of a source in each file, as `expand=source` of the API says it.
FACTS = ("code", "name", "attribution", "licence", "url")


def last_closed() -> int:
    """The newest year whose last day was thirty days ago: on 30 January the year before."""
    return (clock.today() - REST + timedelta(days=1)).year - 1


def kept() -> Path | None:
    """The folder that is kept current (HISTORY_DIR); None where none is."""
    return Path(settings.HISTORY_DIR) if settings.HISTORY_DIR else None


def file_of(root: Path, code: str, name: str) -> Path:
    return root / FOLDER / code / name


def marks(root: Path) -> list[str]:
    """The codes whose files were taken away since they were last made."""
    with suppress(FileNotFoundError):
        return sorted(path.name for path in (root / MARKS).iterdir())
    return []


def mark(root: Path, code: str) -> None:
    (root / MARKS).mkdir(exist_ok=True)
    (root / MARKS / code).touch()


def remove(path: Path) -> None:
    """A file, and before it what is packed of it: a server that is asked for packed bytes looks for nothing else."""
    for ending in (*PACKED, ""):
        path.with_name(path.name + ending).unlink(missing_ok=True)


def opened(root: Path) -> IO[str]:
    return (root / LOCK).open("a")


@contextmanager
def alone(root: Path) -> Iterator[bool]:
    """Whether nobody changes figures at this moment; nobody begins to before the end of the block."""
    with file_locks.alone(root / LOCK) as ours:
        yield ours


class Withdrawal:
    """Around a transaction that may change figures of closed years; what it takes away stays away until the commit."""

    def __init__(self) -> None:
        self.held: IO[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self.held is not None:
            self.held.close()

    def of(self, codes: Collection[str], years: Collection[int]) -> None:
        """A disk that fails keeps no figure out of the tables: it is told, and the old file may be served meanwhile."""
        root, closed = kept(), {year for year in years if year <= last_closed()}
        if root is None or not closed or not codes or not (root / FOLDER).is_dir():
            return
        try:
            self.held = opened(root)
            fcntl.flock(self.held, fcntl.LOCK_SH)
            withdraw(root, codes, closed)
        except OSError as error:
            tell(error, root, WITHDRAW)


def tell(error: OSError, root: Path, part: str) -> None:
    """Of files that could not be taken away; a row of the transaction that is open, if it comes to its end."""
    told = f"{error.filename or root}: {error.strerror or error}"
    logger.error("Files of closed years stay though they should go: %s", told, exc_info=error, extra=log_cause(error))
    transaction.on_commit(lambda: problems.report(PROBLEM, part, Message.of(told)), robust=True)


def told_by(index: Path) -> dict[str, Any] | None:
    """What it says; None where there is none, or one that a power cut left: no figure waits for it to be made anew."""
    try:
        found = msgspec.json.decode(index.read_bytes(), type=dict[str, Any])
    except (FileNotFoundError, msgspec.MsgspecError):
        return None
    return found if {"sources", "parquet", "rows"} <= found.keys() else None


def withdraw(root: Path, codes: Collection[str], years: Collection[int]) -> None:
    """The addresses without a hash, the lines of the index and the Parquet; those with a hash stay true for ever.

    To take away needs no room, so that it comes first.
    """
    for path in (file_of(root, code, f"{year}.{kind}") for code in codes for year in years for kind in KINDS):
        remove(path)
    remove(root / FOLDER / PARQUET)
    index = root / FOLDER / INDEX
    told = told_by(index)
    remove(index)
    for code in codes:
        mark(root, code)
    if told:
        rest = [row for row in told["rows"] if row[0] not in codes or row[1] not in years]
        draft = index.with_name(f".tmp-{INDEX}-{os.getpid()}")
        draft.write_bytes(msgspec.json.encode(told | {"rows": rest, "parquet": None}))
        draft.replace(index)


def forget_all() -> None:
    """Everything, hashes too: another database stands behind them, or a licence that no longer allows them."""
    root = kept()
    if root is None or not (root / FOLDER).is_dir():
        return
    with opened(root) as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        for path in (root / FOLDER).iterdir():
            if path.is_dir() and not path.is_symlink():
                mark(root, path.name)
                for plain in [one for one in path.iterdir() if one.suffix not in PACKED]:
                    remove(plain)
                shutil.rmtree(path)
        remove(root / FOLDER / INDEX)
        for path in (root / FOLDER).glob("*.parquet"):
            path.unlink()


def source_saved(instance: Any, **_: object) -> None:
    """An operator changed a source: if the files say something else of it, or it may not be shown, they go.

    A disk that fails keeps no choice of an operator back, nor a start that writes the facts of sources.
    """
    root = kept()
    if root is None:
        return
    try:
        if is_told_otherwise(root, instance):
            forget_all()
            # What was made of the rows of before while this transaction was open.
            transaction.on_commit(forget_all, robust=True)
    except OSError as error:
        tell(error, root, FORGET)


def is_told_otherwise(root: Path, source: Any) -> bool:
    """While the first files are made there is no index, and only a licence matters."""
    if not (root / FOLDER).is_dir():
        return False
    if not may(source, Audience.API):
        return True
    shown = {name: getattr(source, name) for name in FACTS}
    told = told_by(root / FOLDER / INDEX)
    return told is not None and told["sources"].get(source.code, shown) != shown
