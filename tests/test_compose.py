"""The image and the services around it, as far as they can be read without a container engine."""

import fnmatch
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from charon import connections
from charon.processes import container_healthcheck

ROOT = Path(__file__).resolve().parent.parent
OURS = ("web", "live", "miner", "brain", "pulse")
SECRETS = ("SECRET_KEY", "DB_PASSWORD", "API_TOKEN")


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def load(name: str) -> dict[str, Any]:
    return dict(yaml.safe_load(read(name)))


COMPOSE = load("docker-compose.yml")
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DEV: dict[str, dict[str, Any]] = load("docker-compose.dev.yml")["services"]
E2E: dict[str, dict[str, Any]] = load("docker-compose.e2e.yml")["services"]


def healthcheck(name: str) -> list[str]:
    return [str(word) for word in SERVICES[name]["healthcheck"]["test"]]


# The services


def test_every_process_of_charon_and_what_it_needs_is_a_service() -> None:
    assert set(SERVICES) == {*OURS, "proxy", "postgres", "redis", "prometheus", "grafana"}
    assert {name: SERVICES[name]["command"] for name in OURS} == {name: [name] for name in OURS}
    assert {name: SERVICES[name]["image"] for name in OURS} == {name: f"charon-{name}" for name in OURS}
    assert {name: SERVICES[name]["build"] for name in OURS} == {name: {"context": ".", "target": name} for name in OURS}


def test_images_are_pinned() -> None:
    images = {name: service["image"] for name, service in SERVICES.items() if name not in OURS}
    assert images["postgres"] == "postgres:16"
    assert images["redis"] == "redis:7"
    assert images["prometheus"] == "prom/prometheus:v2.55.0"
    assert all(re.fullmatch(r"[\w/]+:v?\d[\w.-]*", image) for image in images.values())


def test_the_proxy_and_prometheus_are_published_by_default_to_this_machine() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published == {
        "proxy": ["${HOST:-127.0.0.1}:${PORT:-8000}:8080"],
        "prometheus": ["127.0.0.1:9090:9090"],
        "grafana": ["127.0.0.1:3000:3000"],
    }
    assert not any(service.get("network_mode") for service in SERVICES.values())


def test_development_publishes_more_but_to_this_machine_alone() -> None:
    published = [port for service in DEV.values() for port in service.get("ports", [])]
    assert len(published) == 2
    assert all(port.startswith("127.0.0.1:") for port in published)
    assert set(DEV) <= set(SERVICES)
    assert DEV["web"]["environment"]["DEBUG"] == "1"
    assert all(DEV[name]["volumes"] == [".:/app:ro"] for name in OURS)


def test_the_test_from_start_to_page_asks_the_replica_and_no_provider() -> None:
    asked = {name: E2E[name]["environment"] for name in ("web", "miner", "brain", "pulse")}
    assert all(one == {"NBP_BASE_URL": "http://127.0.0.1:9000/api/", "SOURCES": "nbp"} for one in asked.values())
    assert set(E2E) == {*asked, "replica"}
    replica = E2E["replica"]
    assert (replica["network_mode"], "ports" in replica) == ("service:miner", False)
    assert replica["entrypoint"] == ["python", "-m", "tests.replica", "nbp", "--port", "9000", "--goes-on"]
    assert replica["healthcheck"]["test"][-1].startswith(asked["miner"]["NBP_BASE_URL"])


def test_the_other_names_of_web_and_miner() -> None:
    assert SERVICES["web"]["networks"]["front"]["aliases"] == ["api", "frontend"]
    assert SERVICES["miner"]["networks"]["front"]["aliases"] == ["worker"]


def test_the_databases_can_be_reached_by_charon_alone() -> None:
    assert COMPOSE["networks"]["back"] == {"internal": True}
    inside = {name for name, service in SERVICES.items() if "back" in service["networks"]}
    assert inside == {*OURS, "postgres", "redis"}
    assert SERVICES["postgres"]["networks"] == SERVICES["redis"]["networks"] == ["back"]


def test_every_service_tells_how_it_is() -> None:
    assert all("healthcheck" in service for service in SERVICES.values())
    assert not any(service["healthcheck"].get("disable") for service in SERVICES.values())
    assert "pg_isready" in healthcheck("postgres")
    assert healthcheck("redis") == ["CMD", "redis-cli", "ping"]
    asked = {name: healthcheck(name)[1:] for name in OURS}
    assert asked == {
        "web": ["python", "-m", "charon.processes.container_healthcheck", "http://127.0.0.1:8000/health"],
        "live": ["python", "-m", "charon.processes.container_healthcheck", "http://127.0.0.1:8002/health"],
        "miner": ["python", "-m", "charon.processes.container_healthcheck", "queue", "miner"],
        "brain": ["python", "-m", "charon.processes.container_healthcheck", "queue", "brain"],
        "pulse": ["python", "-m", "charon.processes.container_healthcheck", "http://127.0.0.1:8895/health"],
    }


def test_every_service_is_asked_at_the_port_that_it_listens_on() -> None:
    """Whatever the operator's .env says for a Charon outside of containers."""
    for name, variable in {"web": "PORT", "live": "LIVE_PORT", "pulse": "MARKET_DATA_PORT"}.items():
        assert healthcheck(name)[-1] == f"http://127.0.0.1:{environment(name)[variable]}/health"


def test_nobody_starts_before_what_it_needs_is_well() -> None:
    needs = {name: service["depends_on"] for name, service in SERVICES.items() if "depends_on" in service}
    conditions = {condition["condition"] for need in needs.values() for condition in need.values()}
    assert conditions == {"service_healthy"}
    both = {"postgres", "redis"}
    assert {name: set(need) for name, need in needs.items()} == {
        "web": both, "miner": both, "brain": both, "pulse": both,
        "live": {"redis"}, "proxy": {"web", "live"}, "prometheus": {"web"}, "grafana": {"prometheus"},
    }  # fmt: skip


def test_everything_comes_back_ends_in_its_time_and_has_a_limit() -> None:
    for name, service in SERVICES.items():
        assert service["restart"] == "unless-stopped", name
        assert re.fullmatch(r"\d+s", service["stop_grace_period"]), name
        assert re.fullmatch(r"\d+[mg]", service["mem_limit"]), name
    drained = {name: int(SERVICES[name]["stop_grace_period"][:-1]) for name in ("miner", "brain")}
    assert all(seconds > 2 * 60 for seconds in drained.values())  # a task that runs and one that was fetched


def test_what_must_last_is_in_volumes_and_redis_writes_it_down() -> None:
    assert {"pgdata", "redisdata"} <= set(COMPOSE["volumes"])
    assert SERVICES["postgres"]["volumes"] == ["pgdata:/var/lib/postgresql/data"]
    assert SERVICES["redis"]["volumes"] == ["redisdata:/data"]
    command = SERVICES["redis"]["command"]
    assert command[command.index("--appendonly") + 1] == "yes"


def test_our_containers_may_do_next_to_nothing() -> None:
    for name in OURS:
        service = SERVICES[name]
        assert (service["read_only"], service["cap_drop"], service["init"]) == (True, ["ALL"], True), name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["tmpfs"] == ["/tmp", "/data"], name


# Variables


def environment(name: str) -> dict[str, str]:
    return dict(SERVICES[name].get("environment", {}))


def test_every_variable_is_one_that_is_documented() -> None:
    known = set(re.findall(r"^\| `([A-Z_]+)` \|", read("docs/configuration.md"), re.MULTILINE))
    text = read("docker-compose.yml") + read("docker-compose.dev.yml")
    asked = set(re.findall(r"\$\{?([A-Z_]+)", text))
    set_here = {name for service in OURS for name in environment(service)}
    in_image = set(re.findall(r"^(?:ENV|   ) ([A-Z_]+)=", read("Dockerfile"), re.MULTILINE))
    foreign = {
        "PATH",
        "PIP_DISABLE_PIP_VERSION_CHECK",
        "PYTHONDONTWRITEBYTECODE",
        "PYTHONUNBUFFERED",
        "NUMBA_CACHE_DIR",
    }
    assert asked >= {*SECRETS, "HOST", "PORT", "ALLOWED_HOSTS"}
    assert in_image >= {"ENV_FILE", "DATA_DIR", "HOST", "PORT"}
    assert (asked | set_here | in_image) - known == foreign & in_image


def test_secrets_come_from_the_environment_and_nobody_starts_without_them() -> None:
    text = read("docker-compose.yml")
    for name in SECRETS:
        given = re.findall(rf"\b(?:POSTGRES_PASSWORD|{name}): (.*)", text)
        assert f"${{{name}:?put a {name} into .env}}" in given or f"${{{name}:?put an {name} into .env}}" in given
        assert all(value.startswith("${") and ":?" in value for value in given)
        assert re.search(rf"^# {name}=$", read(".env.example"), re.MULTILINE)


def interpolated(value: str, variables: dict[str, str]) -> str:
    """As Compose reads `${NAME}`, `${NAME:-default}` and `${NAME:?fault}`."""

    def put(found: re.Match[str]) -> str:
        name, operator, rest = found.groups()
        given = variables.get(name, "")
        assert given or operator != ":?", f"{name}: {rest}"
        return given or (rest if operator == ":-" else "")

    return re.sub(r"\$\{([A-Z_]+)(:[-?])?([^}]*)\}", put, value)


GIVEN = {"SECRET_KEY": "s", "API_TOKEN": "t", "DB_PASSWORD": "p"}
EXTERNAL = {"DATABASE_URL": "postgres://u:p@db.example:5432/rates", "REDIS_URL": "rediss://cache.example:6380/3"}


def test_addresses_of_the_operators_own_servers_reach_every_process() -> None:
    for name in OURS:
        read = {key: interpolated(value, GIVEN | EXTERNAL) for key, value in environment(name).items()}
        assert {key: read[key] for key in EXTERNAL} == EXTERNAL, name
        parts = {"DB_HOST": "db.example", "DB_NAME": "rates", "REDIS_HOST": "cache.example", "REDIS_DB": "3"}
        read = {key: interpolated(value, GIVEN | parts) for key, value in environment(name).items()}
        assert {key: read[key] for key in parts} == parts, name
        assert read["DATABASE_URL"] == read["REDIS_URL"] == "", name


def test_without_them_the_services_beside_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for key, value in environment("web").items():
        monkeypatch.setenv(key, interpolated(value, GIVEN))
    database = connections.database(Path("/data"))
    assert (database["HOST"], database["PORT"], database["USER"], database["NAME"]) == (
        "postgres",
        5432,
        "charon",
        "charon",
    )
    assert connections.redis_url() == "redis://redis:6379/0"
    inside = {key: interpolated(str(value), GIVEN) for key, value in SERVICES["postgres"]["environment"].items()}
    assert inside == {"POSTGRES_USER": "charon", "POSTGRES_PASSWORD": "p", "POSTGRES_DB": "charon"}


@pytest.mark.slow
@pytest.mark.skipif(
    not shutil.which("docker-compose"), reason="needs docker-compose (Debian: apt install docker-compose)"
)
def test_compose_reads_the_file_with_external_addresses(tmp_path: Path) -> None:
    for name in ("docker-compose.yml", ".env.example"):
        shutil.copy(ROOT / name, tmp_path)
    lines = [f"{key}={value}" for key, value in (GIVEN | EXTERNAL).items()]
    (tmp_path / ".env").write_text("\n".join(lines))
    env = {name: value for name, value in os.environ.items() if name not in {*GIVEN, *EXTERNAL, "HOST", "PORT"}}
    done = subprocess.run(["docker-compose", "config"], cwd=tmp_path, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    services = yaml.safe_load(done.stdout)["services"]
    for name in OURS:
        assert {key: services[name]["environment"][key] for key in EXTERNAL} == EXTERNAL, name


# The secrets that `make compose-up` makes


def secrets_of(folder: Path, **variables: str) -> dict[str, str]:
    """What stands in .env after the script; the last line of a name counts, as Compose reads them."""
    env = {"PATH": "/usr/bin:/bin", **variables}
    subprocess.run(["sh", ROOT / "docker" / "secrets.sh", ".env"], cwd=folder, env=env, check=True, capture_output=True)
    lines = [line.partition("=") for line in (folder / ".env").read_text().splitlines()]
    return {name: value for name, _, value in lines}


def test_a_fresh_clone_gets_its_three_secrets_in_a_file_of_its_own(tmp_path: Path) -> None:
    made = secrets_of(tmp_path)
    assert made.keys() == set(SECRETS)
    assert all(re.fullmatch(r"[0-9a-f]{64}", value) for value in made.values())
    assert len(set(made.values())) == 3
    assert (tmp_path / ".env").stat().st_mode & 0o777 == 0o600
    assert secrets_of(tmp_path) == made


def test_lines_that_stand_there_are_kept_and_only_what_lacks_is_made(tmp_path: Path) -> None:
    before = "# mine\nPORT=8123\nAPI_TOKEN=short\nSECRET_KEY=\n# DB_PASSWORD=\nLOG_LEVEL=info"
    (tmp_path / ".env").write_text(before)
    made = secrets_of(tmp_path)
    assert (tmp_path / ".env").read_text().startswith(before + "\n")
    assert (made["PORT"], made["API_TOKEN"], made["LOG_LEVEL"]) == ("8123", "short", "info")
    assert len(made["SECRET_KEY"]) == len(made["DB_PASSWORD"]) == 64
    assert (tmp_path / ".env").stat().st_mode & 0o777 == 0o600


def test_a_secret_of_the_environment_is_left_to_it(tmp_path: Path) -> None:
    assert secrets_of(tmp_path, DB_PASSWORD="given").keys() == {"SECRET_KEY", "API_TOKEN"}


def test_make_compose_up_makes_them_before_it_starts(tmp_path: Path) -> None:
    for name in ("Makefile", "docker"):
        (tmp_path / name).symlink_to(ROOT / name)
    teller = "sh -c 'grep -c = .env'"
    done = subprocess.run(
        ["make", "--silent", "compose-up", f"COMPOSE={teller}"], cwd=tmp_path, capture_output=True, text=True,
        env={"PATH": os.environ["PATH"]},
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "3\n"), done.stderr


def test_the_settings_of_the_operator_reach_every_process() -> None:
    assert all(SERVICES[name]["env_file"] == ".env" for name in OURS)
    assert environment("live")["ENV_FILE"] == "/dev/null"


def test_the_pool_is_for_the_web_alone() -> None:
    assert {name: environment(name)["DB_POOL"] for name in OURS} == {
        "web": "1", "live": "0", "miner": "0", "brain": "0", "pulse": "0",
    }  # fmt: skip


def test_prometheus_asks_only_what_answers() -> None:
    config = load("ops/prometheus.yml")
    assert config["global"] == {"scrape_interval": "15s", "evaluation_interval": "15s"}
    jobs = {job["job_name"]: (job["metrics_path"], job["static_configs"]) for job in config["scrape_configs"]}
    assert jobs == {
        "api": ("/metrics", [{"targets": ["api:8000"]}]),
        "worker": ("/metrics", [{"targets": ["worker:8001"]}]),
    }
    assert environment("web")["ENABLE_METRICS_ENDPOINT"] == "1"
    assert (environment("miner")["ENABLE_WORKER_METRICS"], environment("miner")["WORKER_METRICS_PORT"]) == ("1", "8001")
    assert not any("ENABLE_WORKER_METRICS" in environment(name) for name in OURS if name != "miner")
    assert environment("web")["ALLOWED_HOSTS"] == "${ALLOWED_HOSTS:-*},api,127.0.0.1"


def test_the_proxy_hides_metrics_and_leads_the_stream_to_live() -> None:
    """A handle comes before every other word of Caddy's, and of handles the narrower path."""
    text = re.sub(r"#.*", "", read("docker/Caddyfile"))
    matchers = dict(re.findall(r"@(\w+) path (.+)", text))
    assert matchers == {
        "inside": "/metrics /metrics/*",
        "stream": "/api/v1/stream /api/v1/stream/ /sse /sse/ /stream /stream/",
        **{kind: f"*.{kind}" for kind in ("json", "csv", "parquet")},  # what the files of closed years are
    }
    handles = re.findall(r"handle(?: @(\w+))? \{\s*(?:encode gzip\s*)?(\w+ \S+)", text)
    assert handles == [
        ("inside", "respond 404"),
        ("stream", "reverse_proxy live:8002"),
        ("years", "root *"),
        ("", "reverse_proxy web:8000"),
    ]
    assert SERVICES["proxy"]["volumes"][0] == "./docker/Caddyfile:/etc/caddy/Caddyfile:ro"


def test_who_changes_figures_and_who_sends_closed_years_have_one_folder() -> None:
    folder = "/var/lib/charon-history"
    assert all(SERVICES[name]["volumes"] == [f"history:{folder}"] for name in OURS)
    assert f"history:{folder}:ro" in SERVICES["proxy"]["volumes"]
    assert "history" in COMPOSE["volumes"]
    assert f"HISTORY_DIR:{folder}" in read("docker/Caddyfile")
    # A volume takes the owner of the folder that it is first mounted over.
    assert f"--owner charon --group charon {folder}" in read("Dockerfile")


# The image


def stages() -> list[str]:
    return re.split(r"^FROM ", read("Dockerfile"), flags=re.MULTILINE)[1:]


def test_the_image_is_slim_and_made_in_two_steps() -> None:
    builder, shared, *targets = stages()
    assert builder.startswith("python:3.12-slim AS builder\n")
    assert shared.startswith("python:3.12-slim AS charon\n")
    assert "--only-binary=:all:" in builder
    assert "collectstatic" in builder
    assert not re.search(r"apt-get|gcc|build-essential|curl", read("Dockerfile"))
    assert not any("pip" in stage for stage in (shared, *targets))


def test_each_process_is_a_target_of_the_same_layers_and_web_is_the_last() -> None:
    _, _, *targets = stages()
    begun = [re.match(r"charon AS (\w+)\n", stage) for stage in targets]
    names = [found[1] for found in begun if found]
    assert len(names) == len(targets)
    assert sorted(names) == sorted(OURS)
    assert names[-1] == "web"  # what is built when no target is named
    assert [re.findall(r"^([A-Z]+) ", stage, re.MULTILINE)[-1] for stage in targets] == ["CMD"] * len(OURS)
    assert {
        name: re.findall(r"^CMD (.*)$", stage, re.MULTILINE) for name, stage in zip(names, targets, strict=True)
    } == {name: [f'["{name}"]'] for name in OURS}


def test_the_image_runs_as_nobody_in_particular_and_says_how_it_is() -> None:
    _, shared, *targets = stages()
    assert re.findall(r"^USER (.*)$", shared, re.MULTILINE) == ["10001:10001"]
    assert shared.index("USER") < shared.index("ENTRYPOINT")
    assert not any(re.search(r"^(USER|RUN|COPY|ADD) ", stage, re.MULTILINE) for stage in targets)
    assert all(stage.count("HEALTHCHECK ") == 1 for stage in targets)


def test_an_image_says_how_it_is_as_its_service_does() -> None:
    for stage in stages()[2:]:
        name = re.findall(r"^CMD \[\"(\w+)\"\]$", stage, re.MULTILINE)[0]
        options, words = re.findall(r"^HEALTHCHECK (.*) \\\n    CMD (.*)$", stage, re.MULTILINE)[0]
        service = SERVICES[name]["healthcheck"]
        assert ["CMD", *yaml.safe_load(words)] == healthcheck(name)
        assert dict(word.lstrip("-").replace("-", "_").split("=") for word in options.split()) == {
            key: str(service[key]) for key in ("interval", "timeout", "start_period", "retries")
        }


def test_hadolint_has_nothing_to_say() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("hadolint"), "Dockerfile"], cwd=ROOT, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def let_in(path: str) -> bool:
    """As Docker reads .dockerignore: the last line that fits decides."""
    inside = True
    for line in read(".dockerignore").splitlines():
        if not line or line.startswith("#"):
            continue
        pattern = line.removeprefix("!").removeprefix("**/")
        parts = path.split("/")
        heads = ["/".join(parts[: count + 1]) for count in range(len(parts))]
        if any(fnmatch.fnmatch(word, pattern) for word in (heads + parts if "**/" in line else heads)):
            inside = line.startswith("!")
    return inside


@pytest.mark.parametrize("path", ["manage.py", "charon/settings.py", "static/vendor/vendor.json", "requirements.txt",
                                  "markets/migrations/__init__.py", "docker/entrypoint.sh",
                                  "requirements-channels.txt"])  # fmt: skip
def test_what_runs_is_sent_to_the_builder(path: str) -> None:
    assert (ROOT / path).exists()
    assert let_in(path)


@pytest.mark.parametrize("path", [".env", ".git/config", "data/secret_key", "data/charon.sqlite3", "tests/settings.py",
                                  "charon/__pycache__/settings.cpython-312.pyc", "staticfiles/app.css"])  # fmt: skip
def test_secrets_and_litter_stay_outside(path: str) -> None:
    assert not let_in(path)


# The beginning of a container


@pytest.fixture
def begun(tmp_path: Path) -> Any:
    """What the entrypoint runs, with a `python` that only tells what it was asked."""
    teller = tmp_path / "python"
    teller.write_text('#!/bin/sh\necho "$(test "$$" = "$BEGAN" && echo exec) $DB_POOL ${Q_CLUSTER_NAME:-} $*"\n')
    teller.chmod(0o755)

    def begin(*words: str) -> list[list[str]]:
        # The first shell becomes the entrypoint, so that both have one number.
        line = 'BEGAN=$$ exec sh docker/entrypoint.sh "$@"'
        env = {"PATH": f"{tmp_path}:/usr/bin:/bin", "HOST": "0.0.0.0", "PORT": "8000"}
        done = subprocess.run(["sh", "-c", line, "sh", *words], cwd=ROOT, env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return [text.split() for text in done.stdout.splitlines()]

    return begin


def test_the_entrypoint_is_a_script_that_can_be_run() -> None:
    path = ROOT / "docker" / "entrypoint.sh"
    assert path.stat().st_mode & 0o111 == 0o111
    assert subprocess.run(["sh", "-n", path], capture_output=True).returncode == 0


def test_the_web_prepares_and_becomes_the_server_with_a_pool(begun: Any) -> None:
    prepare, server = begun("web")
    assert prepare == ["0", "manage.py", "prepare"]
    assert server == ["exec", "1", "-m", "charon.serving"]
    assert begun()[1] == server  # what the image does when nothing is said


@pytest.mark.parametrize(
    ("role", "prepare", "command"),
    [
        ("miner", ["prepare", "--start"], ["0", "miner", "manage.py", "qcluster"]),
        ("brain", ["prepare"], ["0", "brain", "manage.py", "qcluster"]),
        ("pulse", ["prepare"], ["0", "manage.py", "pulse"]),
    ],
)
def test_the_others_prepare_and_become_their_process(
    begun: Any, role: str, prepare: list[str], command: list[str]
) -> None:
    assert begun(role) == [["0", "manage.py", *prepare], ["exec", *command]]


def test_live_needs_no_tables_and_other_commands_are_run_as_they_are(begun: Any) -> None:
    assert begun("live") == [["exec", "manage.py", "live"]]
    assert begun("python", "manage.py", "createsuperuser") == [["exec", "manage.py", "createsuperuser"]]


# Its health


@pytest.fixture
def answering(outgoing: set[tuple[str, int]]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(int(self.path.strip("/")))
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Not here."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        outgoing.add(("127.0.0.1", server.server_port))
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_service_is_well_when_it_answers_200(answering: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")  # whoever is asked is asked directly
    assert [container_healthcheck.main([f"{answering}/{status}"]) for status in (200, 503, 404)] == [0, 1, 1]


def test_a_service_that_nobody_hears_is_ill(outgoing: set[tuple[str, int]]) -> None:
    outgoing.add(("127.0.0.1", 9))
    assert container_healthcheck.main(["http://127.0.0.1:9/health"]) == 1
    assert container_healthcheck.main([]) == 2


@pytest.mark.slow
def test_the_question_costs_no_django() -> None:
    """It is asked four times a minute in every container."""
    words = "import sys, charon.processes.container_healthcheck; sys.exit('django' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", words], cwd=ROOT).returncode == 0
