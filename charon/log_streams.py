"""What reaches standard error beside the log becomes lines of the log: warnings, errors that nothing caught, prints."""

import io
import logging
import sys
import threading
from types import TracebackType
from typing import TextIO

logger = logging.getLogger("stderr")


def log_what_nothing_caught() -> None:
    """With their traceback, and without secrets. Ctrl-C ends a command as it always did."""

    def uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
        else:
            # Also where the same error has been logged before: this one is the end.
            logger.critical("The process ends by an error", exc_info=(kind, error, trace), extra={"cause": "the end"})

    def uncaught_in_thread(told: threading.ExceptHookArgs) -> None:
        if told.exc_value is not None and told.exc_type is not SystemExit:
            name = told.thread.name if told.thread else "?"
            exc_info = (told.exc_type, told.exc_value, told.exc_traceback)
            logger.error("The thread %s ends by an error", name, exc_info=exc_info)

    sys.excepthook, threading.excepthook = uncaught, uncaught_in_thread
    logging.captureWarnings(capture=True)


class Thread(threading.local):
    """What a thread has written of a line, and whether it is inside of the log."""

    begun = ""
    logs = False


class LoggedLines(io.TextIOBase):
    """Stands for sys.stderr under LOG_FORMAT=json: a line that is written there becomes a record.

    multiprocessing prints the traceback of a process that ends, and commands print what is wrong with their arguments.
    What logging itself prints when a record cannot be written goes through as it is: a record of that would fail too.
    """

    encoding = "utf-8"

    def __init__(self, below: TextIO) -> None:
        self.below = below
        self.thread = Thread()

    def write(self, text: str) -> int:
        if self.thread.logs:
            return self.below.write(text)
        *lines, self.thread.begun = (self.thread.begun + text).split("\n")
        self.thread.logs = True
        try:
            for line in filter(str.strip, lines):
                logger.warning("%s", line)
        finally:
            self.thread.logs = False
        return len(text)

    def flush(self) -> None:
        self.below.flush()

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self.below.fileno()
