"""The installation of the browser tests: filled from archive and replica, served by granian."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import httpx

from e2e import clock
from markets.clock import WARSAW
from tests import replica
from tests.processes import free_port

ROOT = Path(__file__).resolve().parent.parent
# The last day of the archive, a Monday; the time is before 12:15, until which table A is published.
TODAY = date(2026, 10, 26)
NOON = datetime(2026, 10, 26, 12, 10, tzinfo=WARSAW)
# Of one step: the archive takes ten seconds of a free machine, and eleven minutes of one that ten others use.
SECONDS = 900
# A pass works a bounded time, then asks to be called again.
ENGINE = "from signals.tasks import catch_up\nwhile catch_up():\n    pass"


@dataclass(frozen=True, slots=True)
class Installation:
    url: str
    env: dict[str, str]

    def manage(self, *words: str) -> None:
        manage(*words, env=self.env)


def environment(folder: Path, port: int, bank: str) -> dict[str, str]:
    """An environment without the caller's own settings: no Redis, and the CDN as by default."""
    foreign = {"DATABASE_URL", "DB_HOST", "DEBUG", "REDIS_URL", "SECRET_KEY", "HOST", "CDN_ENABLED", "ALLOWED_HOSTS"}
    own = {
        "DJANGO_SETTINGS_MODULE": "charon.settings",
        "ENV_FILE": os.devnull,
        "DATA_DIR": str(folder),
        "PORT": str(port),
        "NBP_BASE_URL": bank,
        "LOG_LEVEL": "WARNING",
        "PYTHONPATH": str(ROOT),
        clock.VARIABLE: clock.starting(NOON),
    }
    return {name: value for name, value in os.environ.items() if name not in foreign} | own


def manage(*words: str, env: dict[str, str]) -> None:
    command = [sys.executable, "-m", "e2e.manage", *words]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=SECONDS, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)} failed:\n{done.stdout}{done.stderr}")


def fill(env: dict[str, str]) -> None:
    for words in (["migrate", "-v0"], ["sync"], ["mine", "nbp_archive"], ["mine", "nbp"], ["shell", "-c", ENGINE]):
        manage(*words, env=env)


@contextlib.contextmanager
def web(env: dict[str, str]) -> Iterator[str]:
    """Serve the pages on a free port until the end of the block."""
    port = env["PORT"]
    options = ["--host", "127.0.0.1", "--port", port, "--kill-timeout", "2", "--target", "e2e.rsgi:application"]
    process = subprocess.Popen([sys.executable, "-m", "charon.serving", *options], env=env)
    try:
        url = f"http://127.0.0.1:{port}"
        wait_for(url, process)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=15)


def wait_for(url: str, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(200):
        if process.poll() is not None:
            raise RuntimeError("the web process ended at its start")
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{url}/health").status_code == 200:
                return
        time.sleep(0.1)
    raise RuntimeError(f"{url} does not answer")


@contextlib.contextmanager
def filled(folder: Path) -> Iterator[Installation]:
    """The installation in this folder, filled by the first call and served again by later ones."""
    with replica.serve(today=TODAY) as bank:
        env = environment(folder, free_port(), bank.url)
        if not (folder / ".filled").exists():
            fill(env)
            (folder / ".filled").touch()
        with web(env) as url:
            yield Installation(url, env)


@contextlib.contextmanager
def four_weeks_later(installation: Installation) -> Iterator[Installation]:
    """The same installation four weeks later: no new rates were fetched, and every signal is stale."""
    env = installation.env | {"PORT": str(free_port()), clock.VARIABLE: clock.starting(NOON + timedelta(weeks=4))}
    with web(env) as url:
        yield Installation(url, env)


@contextlib.contextmanager
def empty(folder: Path) -> Iterator[Installation]:
    """An installation with sources and schedules, and without any rate."""
    env = environment(folder, free_port(), "http://127.0.0.1:9/api/")
    for words in (["migrate", "-v0"], ["sync"]):
        manage(*words, env=env)
    with web(env) as url:
        yield Installation(url, env)
