"""Hurt an installation for a while, let it heal, and compare it with one that nobody touched.

Exit code 0: nothing lost, doubled or unequal, every signal as it was first written, every problem told and closed.
"""

import argparse
import os
import random
import signal
import sys
import tempfile
from contextlib import ExitStack
from datetime import date
from pathlib import Path

import django


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seconds", type=float, default=180, help="how long faults are done")
    parser.add_argument("--heal", type=float, default=420, help="how long it may take to come to rest afterwards")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--on", choices=["sqlite", "postgres"], default="sqlite", help="postgres has a Redis as well")
    parser.add_argument("--first", type=date.fromisoformat, default=date(2024, 1, 2), help="where histories begin")
    parser.add_argument(
        "--archive", type=date.fromisoformat, default=date(2022, 1, 3), help="where that of the archive does"
    )
    parser.add_argument("--tables", default="A,B,C,gold", help="the NBP's")
    parser.add_argument("--sources", default="", help="as in SOURCES; all unless given")
    parser.add_argument("--faults", default="", help="only those whose name contains one of these words, by commas")
    parser.add_argument(
        "--core", type=float, help="no faults: a first start on this share of one core, in its own pace"
    )
    return parser.parse_args()


def main() -> int:
    asked = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # and with it all that was started
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="charon-chaos-")))
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "charon.settings",
            "ENV_FILE": os.devnull,
            "DATA_DIR": str(folder / "mine"),
            # Never opened; it names the queues, and tasks are signed with their name.
            "DATABASE_URL": "sqlite://:memory:" if asked.on == "sqlite" else "postgres://127.0.0.1:9/none",
            "LOG_LEVEL": "WARNING",
        }
        django.setup()
        from tests.chaos import run

        return run.run(asked, folder, stack)


if __name__ == "__main__":
    sys.exit(main())
