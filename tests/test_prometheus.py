"""Prometheus understands the configuration, and finds `api` and `worker` UP; both where its programs are installed."""

import shutil
import socket
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.db import OperationalError, connection
from django_q.models import OrmQ

from charon.processes import worker_metrics
from markets import clock
from tests.processes import ROOT, Up, free_port, until

CONFIG = ROOT / "ops" / "prometheus.yml"


@pytest.mark.skipif(not shutil.which("promtool"), reason="needs promtool (Debian: apt install prometheus)")
def test_promtool_has_nothing_to_say_about_the_configuration() -> None:
    done = subprocess.run(["promtool", "check", "config", CONFIG], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "SUCCESS" in done.stdout


@pytest.fixture
def up(tmp_path: Path, outgoing: set[tuple[str, int]]) -> Iterator[Up]:
    worker = free_port()
    up = Up(tmp_path / "data", ENABLE_METRICS_ENDPOINT="1", ENABLE_WORKER_METRICS="1", WORKER_METRICS_PORT=str(worker))
    outgoing |= {("127.0.0.1", up.port), ("127.0.0.1", worker)}
    yield up.ready()
    up.end()


@pytest.fixture
def prometheus(up: Up, tmp_path: Path, outgoing: set[tuple[str, int]]) -> Iterator[str]:
    """The shipped configuration, with the addresses of this machine and without its pauses."""
    text = CONFIG.read_text().replace("15s", "1s")
    text = text.replace("api:8000", f"127.0.0.1:{up.port}")
    text = text.replace("worker:8001", f"127.0.0.1:{up.env['WORKER_METRICS_PORT']}")
    config, port = tmp_path / "prometheus.yml", free_port()
    config.write_text(text)
    outgoing.add(("127.0.0.1", port))
    words = [f"--config.file={config}", f"--storage.tsdb.path={tmp_path / 'tsdb'}"]
    with (tmp_path / "prometheus.log").open("w") as log:
        process = subprocess.Popen(["prometheus", *words, f"--web.listen-address=127.0.0.1:{port}"], stderr=log)
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait(60)


@pytest.mark.processes
@pytest.mark.skipif(not shutil.which("prometheus"), reason="needs prometheus (Debian: apt install prometheus)")
def test_both_targets_are_up_beside_a_running_charon(prometheus: str) -> None:
    def health() -> dict[str, str]:
        try:
            answer = httpx.get(f"{prometheus}/api/v1/targets")
        except httpx.TransportError:
            return {}
        if answer.status_code != 200:  # it still starts
            return {}
        return {one["labels"]["job"]: one["health"] for one in answer.json()["data"]["activeTargets"]}

    until(lambda: health() == {"api": "up", "worker": "up"}, 120)


@pytest.mark.processes
def test_the_cluster_works_on_where_its_metrics_have_no_port(tmp_path: Path, outgoing: set[tuple[str, int]]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        up = Up(tmp_path / "data", ENABLE_WORKER_METRICS="1", WORKER_METRICS_PORT=port)
        try:
            until(lambda: f"No worker metrics on port {port}: Address already in use" in up.said())
            until((up.folder / "run" / "charon.beat").exists)
        finally:
            up.end()


@pytest.mark.django_db
def test_the_worker_tells_how_many_tasks_wait_and_for_how_long(settings: Any) -> None:
    settings.MINER_QUEUE, settings.BRAIN_QUEUE = "miner", "brain"
    now = clock.now()
    for queue, seconds in (("miner", 90), ("miner", 30), ("brain", -60), ("elsewhere", 5)):
        OrmQ.objects.create(key=queue, payload="x", lock=now - timedelta(seconds=seconds))
    assert worker_metrics.queues(now) == {"miner": (2, 90.0), "brain": (0, 0.0)}


def test_a_database_that_is_away_leaves_the_target_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_: object) -> None:
        raise OperationalError

    monkeypatch.setattr(worker_metrics, "queues", away)
    monkeypatch.setattr(connection, "close", lambda: None)
    assert list(worker_metrics.Queues().collect()) == []
