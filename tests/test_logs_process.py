"""What a running `up` writes with LOG_FORMAT=json: every line is one object, whoever writes it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.processes import Up, until
from tests.replica import Replica

pytestmark = pytest.mark.processes

SECRET = "pk-live-Zx81-Qw77"


@pytest.fixture
def running(tmp_path: Path, replica: Replica, outgoing: set[tuple[str, int]]) -> Iterator[Up]:
    planted = {"API_TOKEN": SECRET, "POLYGON_API_KEY": f"{SECRET}-p", "SENTRY_DSN": f"http://{SECRET}@127.0.0.1:9/1"}
    chosen = {"LOG_FORMAT": "json", "LOG_ACCESS": "1", "LOG_LEVEL": "DEBUG", "SOURCES": "nbp", "WEB_WORKERS": "1"}
    up = Up(tmp_path / "data", None, NBP_BASE_URL=replica.url, **chosen, **planted)
    outgoing.add(("127.0.0.1", up.port))
    yield up
    up.end()


def objects(up: Up) -> list[dict[str, Any]]:
    return [json.loads(line) for line in up.said().splitlines()]


def lines_of(up: Up, **fields: object) -> list[dict[str, Any]]:
    return [row for row in objects(up) if fields.items() <= row.items()]


def worker_of_granian(up: Up) -> psutil.Process | None:
    """The child of the process that has a child itself: the child runner, granian, its worker."""
    for process in up.processes():
        words = " ".join(process.cmdline())
        if "charon.serving" in words and "child_runner" not in words and process.children():
            return process.children()[0]
    return None


def test_every_line_of_a_running_charon_is_one_object_without_secrets(running: Up) -> None:
    until(lambda: f"Charon: {running.url}/" in running.said(), 180)
    asked = {"X-Request-ID": "asked-by-me", "Authorization": f"Bearer {SECRET}"}
    running.get(f"/rates?code=USB&token={SECRET}")
    httpx.post(f"{running.url}/batch/run", headers=asked, timeout=60)
    until(lambda: lines_of(running, request_id="asked-by-me", logger="miner.batch.run"), 180)
    until(lambda: lines_of(running, logger="miner.fetch.http"), 180)
    until(lambda: worker_of_granian(running)).kill()
    until(running.cluster).children()[0].kill()
    until(lambda: lines_of(running, logger="_granian"), 60)
    until(lambda: lines_of(running, logger="charon.processes.child_process"), 60)
    running.process.terminate()
    assert running.process.wait(60) == 0
    assert [row["status"] for row in lines_of(running, logger="charon.access", route="/api/v1/rates")] == [422]
    assert all(row["request_id"] for row in lines_of(running, logger="miner.fetch.http"))
    assert all({"time", "level", "logger", "message"} <= row.keys() for row in objects(running))
    assert SECRET not in running.said()
