"""The log: text, or one JSON object per line (LOG_FORMAT=json), without API keys; one traceback for one cause."""

import json
import logging
import re
import threading
import time
import traceback
from dataclasses import dataclass
from datetime import UTC, datetime

from markets.errors import is_storage_fault
from markets.jobs.redact import without_keys

# A database that is away fails every request and every poll with the same 5 kB: 50 MB a day.
WINDOW = 3600.0
# Far more causes than any process has had at once; the oldest are forgotten first.
MAX_CAUSES = 200
OURS = re.compile(r"/(?:charon|markets|miner|signals)/[^\"]*\.py$")
FRAME = re.compile(r'File "(.+?)", line (\d+)')
TRACEBACK = "Traceback (most recent call last)"


class TextFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return without_keys(super().format(record))


class JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return without_keys(json.dumps(line, ensure_ascii=False))


@dataclass(slots=True)
class Told:
    """A cause whose traceback has been written: until when it is not written again, and how often it came since."""

    until: float
    again: int = 0


class OneTraceback(logging.Filter):
    """Lets the traceback of a cause through once an hour; in between a line without it at the 10th, 100th ... time.

    Records without a traceback pass.
    """

    def __init__(self) -> None:
        super().__init__()
        self.told: dict[str, Told] = {}
        self.lock = threading.Lock()

    def filter(self, record: logging.LogRecord) -> bool:
        cause = cause_of(record)
        if not cause:
            return True
        with self.lock:
            known = self.told.get(cause)
            if known is None or time.monotonic() >= known.until:
                self.begin(cause)
                if known and known.again:
                    note(record, known.again)
                return True
            known.again += 1
            again = known.again
        if again >= 10 and str(again).strip("0") == "1":
            note(record, again)
            shorten(record)
            return True
        return False

    def begin(self, cause: str) -> None:
        self.told.pop(cause, None)
        if len(self.told) >= MAX_CAUSES:
            del self.told[next(iter(self.told))]
        self.told[cause] = Told(time.monotonic() + WINDOW)


def cause_of(record: logging.LogRecord) -> str:
    """What was raised and where; empty without a traceback. The queue writes tracebacks into its messages."""
    error = record.exc_info[1] if record.exc_info else None
    if error is not None:
        if is_storage_fault(error):
            return f"{type(error).__qualname__} {record.name}"
        frames = [(frame.filename, frame.lineno or 0) for frame in traceback.extract_tb(error.__traceback__)]
        return named(type(error).__qualname__, frames)
    if record.levelno < logging.WARNING or TRACEBACK not in (message := record.getMessage()):
        return ""
    last = message.strip().rsplit("\n", 1)[-1].split(":")[0]
    return named(last, [(file, int(line)) for file, line in FRAME.findall(message)])


def named(error: str, frames: list[tuple[str, int]]) -> str:
    """The place where it was raised, and the one of ours that led there: libraries raise the same for many."""
    ours = [frame for frame in frames if OURS.search(frame[0])]
    return f"{error} {frames[-1:]} {ours[-1:]}"


def note(record: logging.LogRecord, again: int) -> None:
    record.msg, record.args = f"{record.getMessage()} (again {again} times)", None


def shorten(record: logging.LogRecord) -> None:
    record.exc_info = record.exc_text = None
    head, _, rest = str(record.msg).partition(TRACEBACK)
    if rest:
        record.msg = f"{head.strip()} {rest[rest.rfind('(again') :]}"
