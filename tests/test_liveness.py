"""A process that is alive and does not answer is replaced; one that is busy, paused or still loading is not."""

import asyncio
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import psutil
import pytest
from django.db import OperationalError, connection

from charon.processes import liveness
from charon.processes.liveness import Answer, Beats, Watch
from markets.models import Problem
from miner.pulse import loop
from tests.processes import Up, free_port, manage, until


@pytest.fixture(autouse=True)
def the_tests_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "close", lambda: None)


def silent_after(answers: str) -> Answer:
    """`y` is an answer, everything else and all that follows is silence."""
    left = iter(answers)
    return Answer(lambda: next(left, "-") == "y")


def dead_at(sign: Answer, *, every: float = 10.0, end: float = 400.0) -> float:
    """The first moment at which it is called dead."""
    moments = (every * number for number in range(int(end / every)))
    return next((now for now in moments if not sign.alive(now)), float("inf"))


def test_who_answered_and_then_is_silent_for_30_seconds_is_dead() -> None:
    assert dead_at(silent_after("yy")) == 50.0  # the first question without an answer came at 20 s


def test_one_answer_among_silences_is_life() -> None:
    assert dead_at(silent_after("y---" * 10), end=390) == float("inf")


def test_a_pause_of_the_whole_machine_is_no_silence() -> None:
    """After an hour without a question one that came too early is not enough."""
    sign = silent_after("y")
    assert [sign.alive(now) for now in (0.0, 10.0, 3600.0)] == [True, True, True]


def test_a_process_that_still_loads_has_five_minutes_and_one_that_need_not_answer_for_ever() -> None:
    assert dead_at(silent_after("")) == 300.0
    assert dead_at(Answer(lambda: False, start_limit=float("inf"))) == float("inf")


def test_a_new_process_begins_without_the_silence_of_the_one_before() -> None:
    watch = Watch("web", silent_after("y"))
    watch.sign.alive(0)
    watch.dead = True
    watch.begin()
    watch.look()
    assert not watch.dead
    assert not watch.sign.answered


@pytest.mark.django_db
def test_the_fault_is_a_problem_until_the_next_process_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    answers, times = iter([True, False, False, False, False, False, True]), iter(range(0, 100, 10))
    monkeypatch.setattr("charon.processes.liveness.time.monotonic", lambda: float(next(times)))
    watch = Watch("web", Answer(lambda: next(answers)))
    for _ in range(5):
        watch.look()
    assert (watch.dead, Problem.objects.get(kind="liveness").subject) == (True, "web")
    watch.begin()
    watch.look()
    assert Problem.objects.get().closed_at is None
    watch.look()
    assert Problem.objects.get().closed_at


def test_a_fault_of_the_question_is_no_fault_of_the_process(caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> bool:
        raise OperationalError("no route")

    watch = Watch("web", Answer(broken))
    watch.look()
    assert not watch.dead
    assert "web cannot be watched" in caplog.text


@pytest.fixture
def deaf(outgoing: set[tuple[str, int]]) -> Iterator[socket.socket]:
    """A server that accepts connections, as the kernel does for a stopped process, and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        outgoing.add(server.getsockname())
        yield server


def test_a_port_that_accepts_and_says_nothing_does_not_answer(
    deaf: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(liveness, "TIMEOUT", 0.1)
    ip, port = deaf.getsockname()
    assert not liveness.answers(ip, port, "/")


@pytest.mark.parametrize(
    ("said", "answered"),
    [(b"HTTP/1.1 200 OK\r\n\r\n", True), (b"HTTP/1.1 503 No\r\n\r\n", True), (b"\x00\xff rubbish\r\n\r\n", False)],
)
def test_every_answer_counts_and_rubbish_is_none(deaf: socket.socket, said: bytes, answered: bool) -> None:
    def answer() -> None:
        caller, _ = deaf.accept()
        with suppress(OSError):
            caller.recv(1000)
            caller.sendall(said)
        caller.close()

    thread = Thread(target=answer)
    thread.start()
    ip, port = deaf.getsockname()
    assert liveness.answers(ip, port, "/") is answered
    thread.join()


def test_a_port_where_nobody_listens_does_not_answer(outgoing: set[tuple[str, int]]) -> None:
    port = free_port()
    outgoing.add(("127.0.0.1", port))
    assert not liveness.answers("127.0.0.1", port, "/")


def test_a_beat_of_an_earlier_process_is_none(tmp_path: Path, settings: Any) -> None:
    settings.DATA_DIR = tmp_path
    file = tmp_path / "run" / "pulse.beat"
    file.parent.mkdir()
    file.touch()
    beats = Beats("pulse")
    assert not beats()
    os.utime(file, (1, 1))  # also when the clock was set back
    assert beats()
    assert not beats()
    file.unlink()
    beats()
    assert not beats()


def test_pulse_beats_also_where_nothing_can_be_written(tmp_path: Path, settings: Any) -> None:
    async def for_a_moment() -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(0.05):
                await loop.beat()

    settings.DATA_DIR = tmp_path
    asyncio.run(for_a_moment())
    assert (tmp_path / "run" / "pulse.beat").exists()
    settings.DATA_DIR = Path("/proc/nowhere")
    asyncio.run(for_a_moment())


def member(up: Up, *words: str) -> psutil.Process | None:
    for process in up.processes():
        line = process.cmdline()
        if "child_runner.py" not in " ".join(line) and all(word in line for word in words):
            return process
    return None


def serves(up: Up) -> bool:
    with suppress(httpx.TransportError):
        return up.get("/health").status_code == 200
    return False


def wait_for_beats(up: Up, count: int) -> None:
    file, seen = up.folder / "run" / "pulse.beat", set[int]()

    def enough() -> bool:
        seen.add(file.stat().st_mtime_ns)
        return len(seen) >= count

    until(enough)


@pytest.mark.processes
def test_a_stopped_web_and_a_stopped_pulse_are_replaced(tmp_path: Path, outgoing: set[tuple[str, int]]) -> None:
    up = Up(tmp_path / "data", MARKET_REFRESH_SECONDS="5").ready()
    outgoing.add(("127.0.0.1", up.port))
    try:
        until((up.folder / "run" / "pulse.beat").exists)
        stopped = [until(lambda: member(up, "charon.serving")), until(lambda: member(up, "pulse"))]
        until(lambda: serves(up))
        wait_for_beats(up, 3)  # between two of them the supervisor has asked both several times
        for process in stopped:
            for one in [process, *process.children(recursive=True)]:
                one.send_signal(signal.SIGSTOP)
        until(lambda: all(f"{name} shows no sign of life" in up.said() for name in ("web", "pulse")), seconds=150)
        until(lambda: not any(process.is_running() for process in stopped))
        replaced = [until(lambda: member(up, "charon.serving")), until(lambda: member(up, "pulse"))]
        until(lambda: serves(up))
        assert not {process.pid for process in replaced} & {process.pid for process in stopped}
    finally:
        up.end()


@pytest.mark.processes
def test_one_stopped_worker_of_web_is_noticed_though_the_others_answer(
    tmp_path: Path, outgoing: set[tuple[str, int]]
) -> None:
    up = Up(tmp_path / "data", WEB_WORKERS="2").ready()
    outgoing.add(("127.0.0.1", up.port))
    try:
        until(lambda: serves(up))
        until(lambda: len(list((up.folder / "run" / "web").iterdir())) == 2)
        worker = next((up.folder / "run" / "web").iterdir())
        os.kill(int(worker.name), signal.SIGSTOP)
        until(lambda: "web shows no sign of life" in up.said(), seconds=150)
        until(lambda: not worker.exists())
        until(lambda: serves(up))
    finally:
        up.end()


@pytest.mark.processes
def test_down_ends_a_supervisor_that_was_stopped_and_leaves_nothing(tmp_path: Path) -> None:
    up = Up(tmp_path / "data").ready()
    try:
        up.process.send_signal(signal.SIGSTOP)
        assert manage("down", env=up.env).stdout == "Charon has ended.\n"
        assert up.process.wait(timeout=40) == 0
        until(lambda: not up.processes())
    finally:
        up.end()
