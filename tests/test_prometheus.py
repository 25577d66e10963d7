"""Prometheus understands the configuration, and finds `api` and `worker` UP; both where its programs are installed."""

import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.processes import ROOT, Up, free_port, until

OPS = ROOT / "ops"
CONFIG, RULES, RULE_TESTS = OPS / "prometheus.yml", OPS / "alerts.yml", OPS / "alerts_test.yml"


@pytest.mark.skipif(not shutil.which("promtool"), reason="needs promtool (Debian: apt install prometheus)")
def test_promtool_has_nothing_to_say_about_the_configuration() -> None:
    done = subprocess.run(["promtool", "check", "config", CONFIG], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "SUCCESS: 1 rule files found" in done.stdout


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("promtool"), reason="needs promtool (Debian: apt install prometheus)")
def test_the_rules_fire_when_they_should_and_at_nothing_else() -> None:
    done = subprocess.run(["promtool", "test", "rules", RULE_TESTS], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_rule_is_tried_firing_and_quiet_lasts_and_says_what_to_do() -> None:
    rules = [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]
    tried = [case for test in yaml.safe_load(RULE_TESTS.read_text())["tests"] for case in test["alert_rule_test"]]
    names = {rule["alert"] for rule in rules}
    assert len(names) == len(rules) > 15
    assert {case["alertname"] for case in tried if case["exp_alerts"]} == names
    assert {case["alertname"] for case in tried if not case["exp_alerts"]} == names
    for rule in rules:
        assert re.fullmatch(r"\d+[mhd]", rule["for"]), "a single failure wakes nobody"
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert rule["annotations"].keys() == {"summary", "description"}


def test_the_containers_mount_the_rules_where_the_configuration_looks_for_them() -> None:
    mounts = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["prometheus"]["volumes"]
    folders = {Path(mount.split(":")[1]).parent for mount in mounts if mount.startswith("./ops/")}
    assert len(folders) == 1
    assert "./ops/alerts.yml:/etc/prometheus/alerts.yml:ro" in mounts
    assert yaml.safe_load(CONFIG.read_text())["rule_files"] == ["alerts.yml"]


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
    shutil.copy(RULES, tmp_path)
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
    def said(path: str, **query: str) -> dict[str, Any]:
        try:
            answer = httpx.get(f"{prometheus}/api/v1/{path}", params=query)
        except httpx.TransportError:
            return {}
        return dict(answer.json()["data"]) if answer.status_code == 200 else {}  # it still starts

    def health() -> dict[str, str]:
        return {one["labels"]["job"]: one["health"] for one in said("targets").get("activeTargets", [])}

    def value(query: str) -> float:
        found = said("query", query=query).get("result", [])
        return float(found[0]["value"][1]) if found else 0.0

    until(lambda: health() == {"api": "up", "worker": "up"}, 180)
    until(lambda: value('sum(charon_tasks_total{job="worker",result="success"})') > 0, 180)
    before = value("sum(charon_task_seconds_count)")
    until(lambda: value("sum(charon_task_seconds_count)") > before, 180)
    assert value('min(charon_database_up{job=~"api|worker"})') == 1
    assert len(said("rules")["groups"]) == 5


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
