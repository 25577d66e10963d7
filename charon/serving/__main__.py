"""Start the web process: one granian with a worker for each core.

python -m charon.serving [--host 127.0.0.1] [--port 8000] [--kill-timeout 10] [--target charon.rsgi:application]
"""

import argparse
import gc
import importlib
import os
import resource
import sys
from pathlib import Path

from charon.serving import bodies

# A worker weighs 105 MB at rest, half of it shared. Beyond this the next one takes its place, and no request fails.
MAX_RSS = 350
# Its lines go the way of all others: granian's own handlers write text, and to standard output.
LOG_CONFIG = Path(__file__).with_name("granian_log.json")


def options(host: str, port: int, workers: int, kill_timeout: int) -> list[str]:
    """`--http 1` ends silent connections too; `backpressure` counts every open connection, also an idle one."""
    values = {
        "--interface": "rsgi",
        "--loop": "uvloop",
        "--host": host,
        "--port": str(port),
        "--workers": str(workers),
        "--http": "1",
        "--http1-header-read-timeout": "5000",
        "--http1-buffer-size": str(bodies.LIMIT),
        "--backpressure": "4096",
        "--respawn-interval": "1",
        "--workers-max-rss": str(MAX_RSS),
        "--workers-kill-timeout": str(kill_timeout),
        "--log-level": "error",
        "--log-config": str(LOG_CONFIG),
    }
    words = [word for option in values.items() for word in option]
    return [*words, "--no-ws", "--respawn-failed-workers"]


def raise_open_files() -> None:
    """A connection is a file, and the usual soft limit of 1,024 is below what a worker accepts."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def empty_metrics(data_dir: Path) -> None:
    """The workers count together through files (prometheus_client's multiprocess mode); a start begins with none."""
    folder = Path(os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", str(data_dir / "run" / "metrics")))
    folder.mkdir(parents=True, exist_ok=True)
    for file in folder.glob("*.db"):
        file.unlink(missing_ok=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m charon.serving")
    parser.add_argument("--host", default="")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--kill-timeout", type=int, default=10)
    parser.add_argument("--target", default="charon.rsgi:application")
    asked = parser.parse_args()
    gc.disable()  # until everything is loaded, as in manage.py
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "charon.settings")
    from django.conf import settings

    from charon.serving import worker_beat

    worker_beat.forget()
    raise_open_files()
    if settings.ENABLE_METRICS_ENDPOINT:
        empty_metrics(settings.DATA_DIR)
    words = options(asked.host or settings.HOST, asked.port or settings.PORT, settings.WEB_WORKERS, asked.kill_timeout)
    serve(words, asked.target)


def serve(words: list[str], target: str) -> None:
    """granian forks its workers. What is imported before, they share: half of their memory, and a second's start."""
    from granian.cli import entrypoint

    importlib.import_module(target.partition(":")[0])
    gc.freeze()  # a collection would write into every shared page
    gc.enable()
    sys.argv = ["granian", *words, target]
    entrypoint()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main()
