"""The dashboards ask for what there is, and Grafana finds them and Prometheus."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import scrapes
from tests.processes import ROOT

GRAFANA = ROOT / "ops" / "grafana"
DASHBOARDS = sorted((GRAFANA / "dashboards").glob("*.json"))
RULES = ROOT / "ops" / "alerts.yml"


def read(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text()))


def queries_of(dashboard: dict[str, Any]) -> Iterator[str]:
    for panel in dashboard["panels"]:
        yield from (target["expr"] for target in panel["targets"])


def rules() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def test_a_query_names_its_metrics_and_labels() -> None:
    query = 'sum by (le, view) (rate(charon_x_bucket{status=~"5.."}[5m])) / on (pair) max(charon_y offset 1d) > 0.5'
    assert scrapes.metrics_of(query) == {"charon_x_bucket", "charon_y"}
    assert scrapes.labels_in(query) == {"le", "view", "pair", "status"}
    series = {"charon_x_bucket": {"le", "view"}, "charon_y": {"pair"}}
    assert list(scrapes.unknown([query], series)) == [f"label status in {query}"]
    assert list(scrapes.unknown(["charon_z"], series)) == ["charon_z in charon_z"]
    assert list(scrapes.unknown(["1 + 1"], series)) == ["no metric in 1 + 1"]


@pytest.mark.django_db
def test_every_query_of_every_dashboard_and_rule_names_what_a_scrape_contains() -> None:
    series = scrapes.scraped()
    assert {"charon_task_seconds_bucket", "charon_http_requests_total", "alert_compute_seconds_sum"} <= series.keys()
    asked = [*(query for path in DASHBOARDS for query in queries_of(read(path))), *(rule["expr"] for rule in rules())]
    assert len(asked) > 70
    assert list(scrapes.unknown(asked, series)) == []


@pytest.mark.skipif(not shutil.which("promtool"), reason="needs promtool (Debian: apt install prometheus)")
def test_prometheus_can_read_every_query_of_the_dashboards(tmp_path: Path) -> None:
    queries = [query.replace("$__rate_interval", "1m") for path in DASHBOARDS for query in queries_of(read(path))]
    records = [{"record": f"dashboard:query:{number}", "expr": query} for number, query in enumerate(queries)]
    (tmp_path / "queries.yml").write_text(yaml.safe_dump({"groups": [{"name": "dashboards", "rules": records}]}))
    done = subprocess.run(["promtool", "check", "rules", tmp_path / "queries.yml"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_there_is_a_dashboard_of_prices_of_jobs_of_the_api_and_of_alerts() -> None:
    assert [path.stem for path in DASHBOARDS] == ["alerts", "api", "jobs", "prices"]
    known = [read(path) for path in DASHBOARDS]
    assert len({one["uid"] for one in known}) == len(known)
    for one in known:
        assert len({panel["id"] for panel in one["panels"]}) == len(one["panels"]) > 5
        assert all(panel["title"] and panel["targets"] for panel in one["panels"])
        assert not overlapping([panel["gridPos"] for panel in one["panels"]])


def overlapping(places: list[dict[str, int]]) -> list[tuple[int, int]]:
    cells = [(x, y) for one in places for x in range(one["x"], one["x"] + one["w"])
             for y in range(one["y"], one["y"] + one["h"])]  # fmt: skip
    return [cell for cell in set(cells) if cells.count(cell) > 1 or not 0 <= cell[0] < 24]


def test_every_panel_asks_the_prometheus_that_is_provisioned() -> None:
    (source,) = yaml.safe_load((GRAFANA / "provisioning/datasources/prometheus.yml").read_text())["datasources"]
    assert source["url"] == "http://prometheus:9090"
    wanted = {"type": source["type"], "uid": source["uid"]}
    for path in DASHBOARDS:
        dashboard = read(path)
        asked = [
            *dashboard["templating"]["list"],
            *dashboard["panels"],
            *(t for p in dashboard["panels"] for t in p["targets"]),
        ]
        assert all(one["datasource"] == wanted for one in asked), path.name


def test_grafana_is_a_profile_that_reads_these_folders_and_lets_nobody_change_anything() -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    grafana = services["grafana"]
    assert grafana["profiles"] == ["grafana"]
    assert "profiles" not in services["prometheus"]
    mounts = dict(volume.removesuffix(":ro").split(":") for volume in grafana["volumes"])
    assert {ROOT / name for name in mounts} == {GRAFANA / "provisioning", GRAFANA / "dashboards"}
    (provider,) = yaml.safe_load((GRAFANA / "provisioning/dashboards/charon.yml").read_text())["providers"]
    assert provider["options"]["path"] == mounts["./ops/grafana/dashboards"]
    home = grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert (GRAFANA / "dashboards" / Path(home).name).is_file()
    assert grafana["ports"] == ["127.0.0.1:3000:3000"]
    assert grafana["environment"]["GF_AUTH_ANONYMOUS_ORG_ROLE"] == "Viewer"
    assert grafana["environment"]["GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION"] == "true"
