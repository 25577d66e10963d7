"""Move prices thousands of times while the processes that evaluate and send are killed with SIGKILL again and again.

Exit code 0: no event is lost or too many, compared with the machine run undisturbed over the same prices; every event
reached every receiver; no idempotency key came with two bodies. One receiver answers 500, also after it has taken a
message, hangs, or drips. The clock of the installation runs a minute with each step.
"""

import argparse
import os
import random
import signal
import sys
import tempfile
from pathlib import Path

import django


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.storm", description=__doc__)
    parser.add_argument("--moves", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument(
        "--database", default="", help="URL of an empty database; SQLite in a temporary folder unless given"
    )
    return parser.parse_args()


def main() -> int:
    asked = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # and with it all that was started
    with tempfile.TemporaryDirectory(prefix="charon-storm-") as folder:
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "tests.storm.settings",
            "ENV_FILE": os.devnull,
            "DATA_DIR": folder,
            "STORM_CLOCK": str(Path(folder) / "clock"),
            "DATABASE_URL": asked.database,
            "REDIS_URL": "",
            "SECRET_KEY": "only-for-the-storm-" + "x" * 50,
            "CHANNEL_ALLOWED_HOSTS": "127.0.0.1",
            "LOG_LEVEL": "ERROR",
        }
        django.setup()
        from tests.storm import run

        return run.run(asked)


if __name__ == "__main__":
    sys.exit(main())
