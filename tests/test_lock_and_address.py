"""One Charon per data folder and per port."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from charon.processes import data_dir_lock, listen_socket
from tests.processes import ROOT, free_port

HOLD = (
    "import signal, sys; from pathlib import Path; from charon.processes import data_dir_lock; "
    "f = data_dir_lock.take(Path(sys.argv[1]))"
)


@pytest.fixture(autouse=True)
def may_look_up(outgoing: set[tuple[str, int]]) -> None:
    outgoing.update((host, 0) for host in ("127.0.0.1", "0.0.0.0", "::1", "192.0.2.1", "not an address"))


@pytest.fixture
def holder(tmp_path: Path) -> Any:
    code = f"{HOLD}; print(1, flush=True); signal.pause()"
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"1\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_the_lock_says_who_holds_it_and_ends_with_its_holder(tmp_path: Path, holder: Any) -> None:
    assert data_dir_lock.holder(tmp_path) == holder.pid
    with pytest.raises(data_dir_lock.LockHeld) as refused:
        data_dir_lock.take(tmp_path)
    assert refused.value.pid == holder.pid
    holder.kill()
    holder.wait()
    assert data_dir_lock.holder(tmp_path) is None
    data_dir_lock.take(tmp_path).close()
    assert (tmp_path / "charon.lock").read_text() == str(os.getpid())


def test_down_ends_the_one_that_runs_on_this_folder(
    tmp_path: Path, holder: Any, settings: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.DATA_DIR = tmp_path
    call_command("down")
    assert holder.wait(timeout=40) == -signal.SIGTERM
    call_command("down")
    assert capsys.readouterr().out == f"Charon has ended.\nNo Charon runs on {tmp_path}.\n"


def test_a_port_that_somebody_listens_on_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0), reuse_port=True) as server:
        port = server.getsockname()[1]
        with (
            pytest.raises(CommandError, match=f"^Port {port} of 127.0.0.1 is taken; choose another with PORT=...$"),
            listen_socket.reserve("127.0.0.1", port),
        ):
            pass


def test_a_reserved_port_is_refused_to_the_next_and_open_to_our_own_server(outgoing: set[tuple[str, int]]) -> None:
    with listen_socket.reserve("127.0.0.1", free_port()) as place:
        with pytest.raises(CommandError, match="is taken"), listen_socket.reserve("127.0.0.1", place.port):
            pass
        assert not place.answers()
        with socket.create_server(("127.0.0.1", place.port), reuse_port=True):
            outgoing.add(("127.0.0.1", place.port))
            assert place.answers()


def test_a_port_with_connections_that_are_just_closing_is_free(outgoing: set[tuple[str, int]]) -> None:
    server = socket.create_server(("127.0.0.1", 0))
    outgoing.add(server.getsockname())
    caller = socket.create_connection(server.getsockname())
    accepted, _ = server.accept()
    port = server.getsockname()[1]
    accepted.close()  # the side that closes first keeps the address in TIME_WAIT
    caller.close()
    server.close()
    with listen_socket.reserve("127.0.0.1", port) as place:
        assert place.port == port
        socket.create_server((place.ip, place.port), reuse_port=True).close()


@pytest.mark.parametrize("host", ["192.0.2.1", "not an address"])
def test_a_host_that_is_not_this_machine_is_refused(host: str) -> None:
    with (
        pytest.raises(CommandError, match=f"^HOST {host} is not an address of this machine.$"),
        listen_socket.reserve(host, free_port()),
    ):
        pass


@pytest.mark.parametrize(
    ("host", "url"),
    [("127.0.0.1", "http://127.0.0.1:{}/"), ("0.0.0.0", "http://127.0.0.1:{}/"), ("::1", "http://[::1]:{}/")],
)
def test_it_names_an_address_that_a_browser_here_can_open(host: str, url: str, outgoing: set[tuple[str, int]]) -> None:
    with listen_socket.reserve(host, free_port()) as place:
        assert place.url == url.format(place.port)
