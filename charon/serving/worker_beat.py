"""Whether every web worker lives. A question to the port reaches one of them by chance.

Each touches a file of its own every two seconds, and the supervisor looks at all of them. A worker whose thread does
not come back ends itself, and granian starts another: in a container there is no supervisor.
"""

import asyncio
import logging
import os
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from django.conf import settings

logger = logging.getLogger(__name__)

BEAT_SECONDS = 2.0
SILENT_SECONDS = 10.0
# Twice as long as a statement may take (DB_STATEMENT_SECONDS), and the longest wait for a locked SQLite is 20 s.
STUCK_SECONDS = 120.0


def folder() -> Path:
    return Path(settings.DATA_DIR) / "run" / "web"


def forget() -> None:
    """The workers of an earlier start."""
    shutil.rmtree(folder(), ignore_errors=True)


async def beat(busy_since: Callable[[], float | None], end: Callable[[int], None] = os._exit) -> None:
    """`busy_since`: since when the longest request of this worker is answered, by the monotonic clock."""
    while True:
        since = busy_since()
        if since is not None and time.monotonic() - since > STUCK_SECONDS:
            logger.error("A request has held its thread for %.0f s; this worker ends", STUCK_SECONDS)
            end(1)
        with suppress(OSError):  # a full disk is no reason to serve nobody
            folder().mkdir(parents=True, exist_ok=True)
            (folder() / str(os.getpid())).touch()
        await asyncio.sleep(BEAT_SECONDS)


def all_beat() -> bool:
    """Whether no worker is silent. One that is gone was replaced; its file goes too."""
    with suppress(OSError):
        return all(beats(file) for file in list(folder().iterdir()))
    return True


def beats(file: Path) -> bool:
    try:
        os.kill(int(file.name), 0)
        return time.time() - file.stat().st_mtime < SILENT_SECONDS  # the kernel's clock wrote it
    except ProcessLookupError:
        file.unlink(missing_ok=True)
    except (OSError, ValueError):
        return True
    return True
