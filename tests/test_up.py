"""`manage.py up` as it really runs: processes, signals, and nothing left behind."""

import os
import pty
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.processes import MANAGE, Up, environment, free_port, manage, until

pytestmark = pytest.mark.processes

# The supervisor gives its children 3 s and kills them then; the rest is for a machine that is busy with other things.
STOP_SECONDS = 12.0


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    up = Up(tmp_path_factory.mktemp("running")).ready()
    yield up
    up.end()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Up]]:
    begun: list[Up] = []

    def begin(**arguments: Any) -> Up:
        begun.append(Up(tmp_path / "data", **arguments))
        return begun[-1]

    yield begin
    for up in begun:
        up.end()


@pytest.fixture(autouse=True)
def may_call(outgoing: set[tuple[str, int]], request: pytest.FixtureRequest) -> None:
    if "running" in request.fixturenames:
        up = request.getfixturevalue("running")
        outgoing.add(("127.0.0.1", up.port))


def test_it_serves_and_says_where_and_how_to_stop(running: Up) -> None:
    assert running.get("/health").json()["status"] == "ok"
    assert (
        f"Charon: {running.url}/\n"
        f"  data:  {running.folder}\n"
        "  admin: no account yet; make one with `make admin`\n"
        "  stop:  Ctrl-C, or `make down` in another terminal\n"
    ) in running.said()


def test_static_files_are_served_without_debug(running: Up) -> None:
    answer = running.get("/static/admin/css/base.css")
    assert (answer.status_code, answer.headers["content-type"]) == (200, 'text/css; charset="utf-8"')


def test_the_key_is_private_and_all_processes_share_it(running: Up) -> None:
    """A worker takes the supervisor's heartbeat: it could read what the supervisor signed."""
    assert (running.folder / "secret_key").stat().st_mode & 0o777 == 0o600
    until((running.folder / "run" / "charon.beat").exists)


def test_a_second_copy_on_the_same_data_is_refused_in_one_line(running: Up) -> None:
    second = manage("up", env=running.env | {"PORT": str(free_port())})
    said = f"Charon already runs on {running.folder} (pid {running.process.pid}).\n"
    assert (second.returncode, second.stdout, second.stderr) == (1, "", said)


def test_a_taken_port_is_refused_in_one_line(running: Up, tmp_path: Path) -> None:
    other = manage("up", env=environment(tmp_path, PORT=str(running.port)))
    said = f"Port {running.port} of 127.0.0.1 is taken; choose another with PORT=...\n"
    assert (other.returncode, other.stdout, other.stderr) == (1, "", said)


def test_a_killed_cluster_leaves_no_orphans_and_comes_back(running: Up) -> None:
    first = until(running.cluster)
    members = [first, *first.children(recursive=True)]
    first.kill()
    until(lambda: not any(member.is_running() for member in members), seconds=5)
    until(lambda: (second := running.cluster()) and second.pid != first.pid)
    until(lambda: "cluster charon ended with code 137; again in 1 s" in running.said())
    assert running.get("/health").status_code == 200


def test_sigterm_ends_everything_at_once_with_code_0(start: Callable[..., Up]) -> None:
    up = start().ready()
    asked = time.monotonic()
    up.process.terminate()
    assert up.process.wait(timeout=40) == 0
    assert time.monotonic() - asked < STOP_SECONDS
    until(lambda: up.processes() == [])
    assert "Traceback" not in up.said()


def test_nothing_survives_a_killed_supervisor(start: Callable[..., Up]) -> None:
    up = start().ready()
    assert len(until(lambda: len(up.processes()) > 8 and up.processes())) > 8
    up.process.kill()
    up.process.wait()
    until(lambda: not up.processes(), seconds=10)


def test_a_signal_before_the_children_run_ends_it_quietly(start: Callable[..., Up]) -> None:
    up = start()
    until((up.folder / "charon.lock").exists)
    up.process.terminate()
    assert up.process.wait(timeout=40) == 0
    assert up.said() == ""


@pytest.mark.skipif(not (shutil.which("make") and shutil.which("setsid")), reason="needs make and setsid")
def test_ctrl_c_at_a_terminal_ends_make_with_code_0(tmp_path: Path) -> None:
    """make itself would end by the signal; the terminal belongs to Charon while it runs."""
    port = free_port()
    words = " ".join(f"'{word}'" for word in MANAGE)
    (tmp_path / "Makefile").write_text(f"up:\n\t@exec {words} up\n")
    controller, terminal = pty.openpty()
    make = subprocess.Popen(
        ["setsid", "--ctty", "--wait", "make", "up"],
        cwd=tmp_path,
        env=environment(tmp_path / "data", PORT=str(port)),
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
    )
    os.close(terminal)
    said = b""
    while b"stop:" not in said:
        said += os.read(controller, 1000)
    asked = time.monotonic()
    os.write(controller, b"\x03")
    assert make.wait(timeout=40) == 0
    assert time.monotonic() - asked < STOP_SECONDS
    assert b"Traceback" not in said
    os.close(controller)
