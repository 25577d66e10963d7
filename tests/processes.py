"""Charon's processes in a temporary folder, for the tests that start them."""

import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import httpx
import psutil

ROOT = Path(__file__).resolve().parent.parent
MANAGE = [sys.executable, str(ROOT / "manage.py")]


def until(question: Callable[[], Any], seconds: float = 60.0) -> Any:
    """Polls until the first true result; fails after `seconds`, which is ample for a busy machine."""
    deadline = time.monotonic() + seconds
    while not (answer := question()):
        assert time.monotonic() < deadline, f"not true within {seconds} s"
        select.select([], [], [], 0.05)
    return answer


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(folder: Path, **changes: str) -> dict[str, str]:
    """The environment of a plain start, without the variables of the test run."""
    own = {"DATABASE_URL", "SECRET_KEY", "LOG_LEVEL", "SENTRY_DSN", "REDIS_URL", "TEST_DATABASE_URL", "TEST_REDIS_URL"}
    settings = {
        "DJANGO_SETTINGS_MODULE": "charon.settings",
        "ENV_FILE": os.devnull,
        "DATA_DIR": str(folder),
        "NBP_BASE_URL": "http://127.0.0.1:9/api/",
        "MARKET_DATA_PORT": str(free_port()),
        "LIVE_PORT": str(free_port()),
        "PYTHONUNBUFFERED": "1",
    }
    return {name: value for name, value in os.environ.items() if name not in own} | settings | changes


def manage(*words: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*MANAGE, *words], env=env, capture_output=True, text=True, timeout=120)


class Up:
    """`manage.py up`, from its start to the end of its last process; another one of the same folder goes on its log."""

    def __init__(self, folder: Path, command: list[str] | None = None, **changes: str) -> None:
        self.folder, self.port = folder, int(changes.pop("PORT", 0)) or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.env = environment(folder, PORT=str(self.port), **changes)
        self.log = folder.with_name(f"{folder.name}.log")
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                command or [*MANAGE, "up"],
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def ready(self) -> Self:
        until(lambda: self.process.poll() is not None or f"Charon: {self.url}/" in self.said())
        assert self.process.poll() is None, self.said()
        return self

    def said(self) -> str:
        return self.log.read_text()

    def get(self, path: str) -> httpx.Response:
        return httpx.get(self.url + path)

    def processes(self) -> list[psutil.Process]:
        """All processes of this start, also those whose parent is gone."""
        return [process for process in psutil.process_iter() if self.owns(process)]

    def owns(self, process: psutil.Process) -> bool:
        try:
            alive = process.status() != psutil.STATUS_ZOMBIE
            return bool(alive and process.environ().get("DATA_DIR") == str(self.folder))
        except psutil.Error:
            return False

    def cluster(self) -> psutil.Process | None:
        """The main process of the task cluster: the child runner's child."""
        for process in self.processes():
            words = process.cmdline()
            if "qcluster" in words and "child_runner.py" not in " ".join(words):
                return process
        return None

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        until(lambda: not self.processes())
