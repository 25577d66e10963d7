"""How the web is started, what its sockets and workers do by themselves, and what stands before it."""

import asyncio
import os
import re
import resource
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from charon.management.commands.up import web
from charon.processes.listen_socket import Place
from charon.serving import __main__ as serving
from charon.serving import bodies, sockets, worker_beat
from tests.processes import ROOT

STUCK = worker_beat.STUCK_SECONDS


def option(words: list[str], name: str) -> str:
    return words[words.index(name) + 1]


# The start


def test_granian_gets_a_worker_for_each_core_and_replaces_those_that_end() -> None:
    words = serving.options("127.0.0.1", 8000, 3, 2)
    assert (option(words, "--interface"), option(words, "--workers")) == ("rsgi", "3")
    assert (option(words, "--http"), option(words, "--http1-header-read-timeout")) == ("1", "5000")
    assert option(words, "--workers-kill-timeout") == "2"
    assert words[-2:] == ["--no-ws", "--respawn-failed-workers"]


def test_up_starts_the_same_server_and_ends_it_within_its_five_seconds() -> None:
    words = web(Place(socket.AF_INET, "127.0.0.1", 8123)).command
    assert words[1:3] == ["-m", "charon.serving"]
    assert (option(words, "--port"), option(words, "--kill-timeout")) == ("8123", "2")


def test_there_is_a_worker_for_each_core_but_no_more_than_eight(settings: Any) -> None:
    assert min(8, len(os.sched_getaffinity(0))) == settings.WEB_WORKERS
    assert settings.DJANGO_THREADS == 1


def test_the_workers_share_the_memory_of_the_cache(settings: Any) -> None:
    assert max(32_000_000, 8_000_000 * settings.WEB_WORKERS) >= settings.MEMORY_CACHE_BYTES * settings.WEB_WORKERS
    assert settings.MEMORY_CACHE_BYTES >= 8_000_000


def test_django_refuses_what_the_front_refuses(settings: Any) -> None:
    assert settings.DATA_UPLOAD_MAX_MEMORY_SIZE == bodies.LARGEST == max(bodies.LIMIT, *bodies.LARGER.values())


def test_a_start_empties_the_folder_of_the_metrics(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", {})
    folder = tmp_path / "run" / "metrics"
    folder.mkdir(parents=True)
    (folder / "counter_1.db").touch()
    (folder / "notes.txt").touch()
    serving.empty_metrics(tmp_path)
    assert [file.name for file in folder.iterdir()] == ["notes.txt"]
    assert os.environ["PROMETHEUS_MULTIPROC_DIR"] == str(folder)


def test_a_folder_that_the_operator_names_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path / "a" / "b"))
    serving.empty_metrics(tmp_path)
    assert (tmp_path / "a" / "b").is_dir()


def test_as_many_files_may_be_open_as_the_machine_allows() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(512, hard), hard))
        serving.raise_open_files()
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


# Its sockets


@pytest.fixture
def listening(outgoing: set[tuple[str, int]]) -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as one:
        outgoing.add(one.getsockname())
        yield one


def test_every_connection_inherits_the_limits_of_slow_readers(listening: socket.socket) -> None:
    sockets.limit_slow_readers()
    with closing(socket.create_connection(listening.getsockname())), closing(listening.accept()[0]) as taken:
        assert taken.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == sockets.UNREAD_MILLISECONDS
        assert taken.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) == 2 * sockets.SEND_BUFFER  # tcp(7): doubled


def test_only_the_connection_of_that_client_is_cut(listening: socket.socket) -> None:
    pairs = []
    for _ in range(2):
        client = socket.create_connection(listening.getsockname(), 10)
        pairs.append((client, listening.accept()[0]))
    (first, theirs), (second, others) = pairs
    sockets.cut("{}:{}".format(*first.getsockname()))
    assert first.recv(1) == b""
    others.sendall(b"x")
    assert second.recv(1) == b"x"
    for one in (first, theirs, second, others):
        one.close()


def test_looking_at_the_sockets_leaves_none_open() -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    list(sockets.own_sockets())
    assert len(list(Path("/proc/self/fd").iterdir())) == before


# Its workers


@pytest.fixture
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.DATA_DIR = tmp_path
    return worker_beat.folder()


def one_beat(busy_since: float | None) -> list[int]:
    """The exit codes of a worker that beats once."""
    ended: list[int] = []

    async def beat() -> None:
        task = asyncio.ensure_future(worker_beat.beat(lambda: busy_since, ended.append))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()

    asyncio.run(beat())
    return ended


def test_a_worker_shows_that_it_lives(folder: Path) -> None:
    assert worker_beat.all_beat()
    assert one_beat(None) == []
    assert [file.name for file in folder.iterdir()] == [str(os.getpid())]
    assert worker_beat.all_beat()


def test_one_silent_worker_is_enough(folder: Path) -> None:
    one_beat(None)
    (folder / "1").touch()  # a process that is always there
    os.utime(folder / "1", (0, 0))
    assert not worker_beat.all_beat()


def test_a_worker_that_was_replaced_is_forgotten(folder: Path) -> None:
    one_beat(None)
    gone = subprocess.Popen(["true"])
    gone.wait()
    (folder / str(gone.pid)).touch()
    os.utime(folder / str(gone.pid), (0, 0))
    assert worker_beat.all_beat()
    assert not (folder / str(gone.pid)).exists()


def test_a_start_forgets_the_workers_before(folder: Path) -> None:
    one_beat(None)
    worker_beat.forget()
    assert not folder.exists()


def test_a_worker_whose_thread_does_not_come_back_ends(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("charon.serving.worker_beat.time.monotonic", lambda: 1000.0)
    assert one_beat(1000.0 - STUCK - 1) == [1]
    assert one_beat(1000.0 - STUCK + 1) == []


# The proxy before it


@pytest.mark.parametrize("name", ["docker/Caddyfile", "ops/Caddyfile"])
def test_both_proxies_end_slow_clients_and_hide_the_metrics(name: str) -> None:
    text = re.sub(r"#.*", "", (ROOT / name).read_text())
    limits = dict(re.findall(r"^\t{3}(read_header|read_body|write|idle) (\w+)$", text, re.MULTILINE))
    assert limits == {"read_header": "5s", "read_body": "10s", "write": "60s", "idle": "20s"}
    assert "handle @inside {\n\t\trespond 404" in text
    assert "keepalive 3s" in text  # below the 5 s after which web ends an idle connection
