"""The log: text, or one JSON object per line (LOG_FORMAT=json), without API keys; one line for one cause."""

import json
import logging
import re
import threading
import time
import traceback
from dataclasses import dataclass
from datetime import UTC, datetime

from markets.errors import is_storage_fault
from markets.jobs.redact import without_keys, without_secrets, without_secrets_within

# A database that is away fails every request and every poll with the same 5 kB: 50 MB a day.
WINDOW = 3600.0
# Far more causes than any process has had at once; the oldest are forgotten first.
MAX_CAUSES = 200
OURS = re.compile(r"/(?:charon|markets|miner|signals)/[^\"]*\.py$")
FRAME = re.compile(r'File "(.+?)", line (\d+)')
TRACEBACK = "Traceback (most recent call last)"
# The pool of connections to PostgreSQL writes a line for each try: its text without the numbers is the cause.
REPEATING = frozenset({"psycopg.pool"})


# str.splitlines and some collectors end a line at these too; JSON has them escaped as well.
LINE_ENDS = str.maketrans({"\x85": "\\u0085", "\u2028": "\\u2028", "\u2029": "\\u2029"})


class TextFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return without_secrets(super().format(record))

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name that logging calls
        """`[4f6c1a52…] GET /api/v1/rates 422`: the id of the request or task, where there is one."""
        if number := getattr(record, "request_id", ""):
            record.message = f"[{number}] {record.message}"
        return super().formatMessage(record)


class JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "logger": record.name,
            "message": without_secrets(record.getMessage()),
        }
        if number := getattr(record, "request_id", ""):
            line["request_id"] = number
        line |= without_secrets_within(getattr(record, "details", {}))
        if record.exc_info:
            line["exception"] = without_secrets(self.formatException(record.exc_info))
        return without_keys(json.dumps(line, ensure_ascii=False, default=str)).translate(LINE_ENDS)


@dataclass(slots=True)
class Told:
    """A cause that has been written: until when it is not written again, and how often it came since."""

    until: float
    again: int = 0


class OncePerCause(logging.Filter):
    """Lets a cause through once an hour; in between a line without its traceback at the 10th, 100th ... time.

    A record has a cause when it has a traceback, when `extra` names one (`markets.errors.log_cause`), or when its
    logger is known to repeat itself. All other records pass. Where `extra` names other `seconds` than an hour,
    nothing is written in between.
    """

    def __init__(self, counts: bool = True) -> None:
        """Without `counts` the record stays as it is, and nothing is written in between."""
        super().__init__()
        self.counts = counts
        self.told: dict[str, Told] = {}
        self.lock = threading.Lock()

    def filter(self, record: logging.LogRecord) -> bool:
        cause = cause_of(record)
        if not cause:
            return True
        seconds = getattr(record, "seconds", WINDOW)
        with self.lock:
            known = self.told.get(cause)
            if known is None or time.monotonic() >= known.until:
                self.begin(cause, seconds)
                if self.counts and known and known.again:
                    note(record, known.again)
                return True
            known.again += 1
            again = known.again
        if self.counts and seconds == WINDOW and again >= 10 and str(again).strip("0") == "1":
            note(record, again)
            shorten(record)
            return True
        return False

    def begin(self, cause: str, seconds: float) -> None:
        self.told.pop(cause, None)
        if len(self.told) >= MAX_CAUSES:
            del self.told[next(iter(self.told))]
        self.told[cause] = Told(time.monotonic() + seconds)


class WithoutExpectedAnswers(logging.Filter):
    """Django writes an error for every 503; we answer so on purpose, and log what is behind it where it is found."""

    def filter(self, record: logging.LogRecord) -> bool:
        return bool(record.exc_info) or getattr(record, "status_code", 0) != 503


class NoTraceback(logging.Filter):
    """ENABLE_EXCEPTION_LOGGING=0: what went wrong stays one line, with the name of the error."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.exc_info and record.exc_info[0]:
            record.msg, record.args = f"{record.getMessage()} ({record.exc_info[0].__qualname__})", None
        if record.exc_info or TRACEBACK in record.getMessage():
            shorten(record)
        return True


def cause_of(record: logging.LogRecord) -> str:
    """The cause that the record names, or what was raised and where. The queue writes tracebacks into its messages."""
    if given := getattr(record, "cause", ""):
        return str(given)
    if record.name in REPEATING and record.levelno >= logging.WARNING:
        return f"{record.name} {record.msg}"
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
    """Without the traceback, of which a message of the queue keeps the last line's end that `note` has added."""
    record.exc_info = record.exc_text = None
    head, _, rest = record.getMessage().partition(TRACEBACK)
    if rest:
        end = rest.rfind("(again")
        record.msg, record.args = f"{head.strip()} {rest[end:] if end >= 0 else ''}".strip(), None
