"""The units of systemd: what they run, how they end, and what systemd itself says of them."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_compose import OURS, ROOT, SERVICES, environment

FOLDER = ROOT / "ops" / "systemd"
CLONE = "/srv/charon"
PYTHON = f"{CLONE}/.venv/bin/python"
NAMES = ("charon", *(f"charon-{process}" for process in OURS))

needs_systemd = pytest.mark.skipif(
    not shutil.which("systemd-analyze"), reason="needs systemd-analyze (Debian: apt install systemd)"
)

Unit = dict[str, list[str]]


def unit(name: str) -> Unit:
    """The lines of a unit by their key, after those of its drop-in; an empty value takes nothing back here."""
    folder = FOLDER / ("charon.service.d" if name == "charon" else "charon-.service.d")
    lines: Unit = {}
    for file in (folder / "charon.conf", FOLDER / f"{name}.service"):
        for key, value in re.findall(r"^(\w+)=(.*)$", file.read_text(), re.MULTILINE):
            lines.setdefault(key, []).append(value)
    return lines


UNITS = {name: unit(name) for name in NAMES}


def only(name: str, key: str) -> str:
    (value,) = UNITS[name][key]
    return value


# What they run


def told(folder: Path, command: list[str], **variables: str) -> str:
    """What a command makes of `python`: the two variables that tell the processes apart, and its words."""
    teller = folder / "python"
    teller.write_text('#!/bin/sh\necho "${DB_POOL:-} ${Q_CLUSTER_NAME:-} $*"\n')
    teller.chmod(0o755)
    env = {"PATH": f"{folder}:/usr/bin:/bin", **variables}
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=True).stdout


def run_by_the_unit(folder: Path, name: str) -> str:
    variables = dict(word.split("=", 1) for line in UNITS[name].get("Environment", []) for word in shlex.split(line))
    lines = [*UNITS[name].get("ExecStartPre", []), only(name, "ExecStart")]
    assert all(shlex.split(line)[0] in {PYTHON, "/usr/bin/env"} for line in lines)
    commands = [["env", *shlex.split(line.replace(PYTHON, "python"))] for line in lines]
    return "".join(told(folder, command, **variables) for command in commands)


def test_each_unit_runs_what_the_container_of_its_name_runs(tmp_path: Path) -> None:
    entrypoint = {name: told(tmp_path, ["sh", "docker/entrypoint.sh", name]) for name in OURS}
    assert {name: run_by_the_unit(tmp_path, f"charon-{name}") for name in OURS} == entrypoint
    assert entrypoint["miner"] == "0  manage.py prepare --start\n0 miner manage.py qcluster\n"


def test_one_unit_runs_the_whole_of_it_and_never_beside_the_others() -> None:
    assert only("charon", "ExecStart") == f"{PYTHON} manage.py up"
    assert only("charon", "Conflicts") == "charon.target"
    assert only("charon", "Restart") == "on-failure", "who said `manage.py down` meant it"
    assert "ExecStartPre" not in UNITS["charon"], "up prepares by itself, under its lock"


def test_the_target_starts_and_ends_all_processes() -> None:
    target = (FOLDER / "charon.target").read_text()
    wanted = re.findall(r"^Wants=(.*)$", target, re.MULTILINE)
    assert [word for line in wanted for word in line.split()] == [f"charon-{name}.service" for name in OURS]
    assert {only(f"charon-{name}", "PartOf") for name in OURS} == {"charon.target"}
    assert {path.stem for path in FOLDER.glob("*.service")} == set(NAMES)


def test_who_has_no_server_of_databases_is_not_started_in_processes() -> None:
    """On SQLite there is one queue, and no lock for those who prepare at once."""
    assert {only(f"charon-{name}", "AssertPathExists") for name in OURS} == {"/etc/charon/charon.env"}


# How they end, come back and are bounded


def test_each_has_the_time_to_end_and_the_memory_of_its_container() -> None:
    for name in OURS:
        service, mine = SERVICES[name], f"charon-{name}"
        assert only(mine, "TimeoutStopSec") + "s" == service["stop_grace_period"], name
        assert only(mine, "MemoryMax").lower() == service["mem_limit"], name
        assert only(mine, "Restart") == "always", name
    # The supervisor kills what has not ended after 3 s.
    assert int(only("charon", "TimeoutStopSec")) > 3


def test_all_come_back_for_ever_and_are_told_to_end_alone() -> None:
    for name in NAMES:
        assert (only(name, "StartLimitIntervalSec"), only(name, "RestartSec")) == ("0", "5"), name
        assert only(name, "KillMode") == "mixed", name
        assert (only(name, "TimeoutStartSec"), only(name, "Type")) == ("infinity", "exec"), name
        assert int(only(name, "LimitNOFILE")) >= 8192, name
        assert int(only(name, "TasksMax")) >= 256, name
        assert only(name, "StandardError") == "journal", name


def test_all_start_after_the_network_and_the_databases_of_this_machine() -> None:
    for name in NAMES:
        (after,) = UNITS[name]["After"]
        assert {"network-online.target", "postgresql.service", "redis-server.service"} <= set(after.split()), name
        assert UNITS[name]["Wants"] == ["network-online.target"], name


# What they may


def test_settings_come_from_one_file_and_data_lie_in_one_folder() -> None:
    for name in NAMES:
        assert only(name, "EnvironmentFile") == "-/etc/charon/charon.env", name
        assert {"ENV_FILE=/dev/null", "DATA_DIR=/var/lib/charon"} <= set(UNITS[name]["Environment"][0].split()), name
        assert (only(name, "StateDirectory"), only(name, "StateDirectoryMode")) == ("charon", "0700"), name
        assert "ReadWritePaths" not in UNITS[name], name
        assert (only(name, "User"), only(name, "WorkingDirectory")) == ("charon", CLONE), name
    assert environment("web")["ENV_FILE"] == "/dev/null", "as in the containers"


def test_none_may_more_than_it_needs() -> None:
    yes = ("NoNewPrivileges", "ProtectHome", "PrivateTmp", "PrivateDevices", "RestrictNamespaces", "LockPersonality")
    for name in NAMES:
        assert {only(name, key) for key in yes} == {"yes"}, name
        assert only(name, "ProtectSystem") == "strict", name
        assert (only(name, "CapabilityBoundingSet"), only(name, "AmbientCapabilities")) == ("", ""), name
    compiled = {name for name in NAMES if "MemoryDenyWriteExecute" not in UNITS[name]}
    assert compiled == {"charon", "charon-brain"}, "numba writes machine code where decisions are made"


# What systemd says


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The units as for a clone that exists here: systemd looks whether the programs are there."""
    here = tmp_path_factory.mktemp("clone")
    (here / ".venv" / "bin").mkdir(parents=True)
    (here / ".venv" / "bin" / "python").symlink_to(sys.executable)
    (here / "docs").symlink_to(ROOT / "docs")
    shutil.copytree(FOLDER, here / "units", symlinks=True)
    for file in (here / "units").glob("**/*.*"):
        if file.is_file() and not file.is_symlink():
            file.write_text(file.read_text().replace(CLONE, str(here)))
    return here / "units"


def analyze(*words: str) -> subprocess.CompletedProcess[str]:
    """From the root, where systemd itself is: it follows no link that leads to nowhere there."""
    return subprocess.run(["systemd-analyze", *words], cwd="/", capture_output=True, text=True)


@needs_systemd
def test_systemd_verifies_every_unit_without_a_word(installed: Path) -> None:
    files = sorted(str(path) for path in installed.glob("charon*.*") if path.is_file())
    assert len(files) == 7
    done = analyze("verify", *files)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@needs_systemd
def test_systemd_finds_every_unit_well_enclosed(installed: Path) -> None:
    """The score goes from 0 to 10, here times ten; 1.4 with systemd 252, and 9.6 where nothing is said."""
    files = [f"{installed}/{name}.service" for name in NAMES]
    done = analyze("security", "--offline=true", "--threshold=20", "--no-pager", *files)
    scores = re.findall(r"exposure level for (\S+): ", done.stdout)
    assert (done.returncode, scores) == (0, [f"{name}.service" for name in NAMES]), done.stderr
