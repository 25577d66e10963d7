"""When the supervisor starts a process again, when it does not, and how it tells a dead queue."""

import logging
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from django.core.management.base import CommandError
from django.db import OperationalError, connection
from django_q.brokers.orm import ORM
from django_q.models import OrmQ
from django_q.tasks import async_task

from charon import logs
from charon.processes import child_process, queue_heartbeat, supervisor
from charon.processes.child_process import Child
from charon.processes.liveness import Answer, Watch
from charon.processes.queue_heartbeat import Heartbeat
from charon.processes.supervisor import Stop, supervise
from charon.processes.task_broker import GuardedORM


@pytest.fixture(autouse=True)
def database_at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child_process, "database_is_away", lambda: False)


def child(code: str = "pass") -> Child:
    return Child("web", [sys.executable, "-c", code])


def run_out(it: Child, now: float) -> None:
    """Let it start, end and be noticed, all at `now`."""
    it.check(now)
    assert it.process is not None
    it.process.wait()
    it.check(now)


def test_it_comes_back_later_each_time_even_after_a_good_end(caplog: pytest.LogCaptureFixture) -> None:
    it, now, delays = child(), 0.0, []
    for _ in range(4):
        run_out(it, now)
        delays.append(it.due - now)
        it.check(it.due - 0.1)
        assert it.process is None
        now = it.due
    assert delays == [1, 2, 4, 8]
    assert [record.getMessage() for record in caplog.records][:2] == [
        "web ended with code 0; again in 1 s",
        "web ended with code 0; again in 2 s",
    ]


def test_it_waits_30_seconds_at_most_and_a_minute_of_good_running_forgives(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    it, now = child(), 0.0
    it.delay = 16
    for expected in (30, 30):
        now += 100
        it.check(now)
        it.restart_later(now + 59, "ended with code 1")
        assert it.delay == expected
        now = it.due
    it.check(now)
    it.restart_later(now + 60, "ended with code 1")
    assert it.delay == 1


def test_five_ends_within_a_minute_end_everything() -> None:
    it, now = child("raise SystemExit(3)"), 0.0
    for _ in range(4):
        run_out(it, now)
        now = it.due
    with pytest.raises(CommandError, match="web ended with code 3, 5 times within a minute; Charon ends"):
        run_out(it, now)


@pytest.mark.slow
def test_no_half_a_house_when_one_cannot_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    good, bad, stop = child("import time; time.sleep(60)"), child("raise SystemExit(1)"), Stop()
    good.check(0)
    group = good.process.pid if good.process else 0
    bad.restarts = [time.monotonic()] * 4
    with pytest.raises(CommandError):
        supervise([good, bad], stop, lambda: None)
    assert not child_process.group_exists(group)


def test_a_stop_before_the_children_run_interrupts_and_afterwards_is_a_flag() -> None:
    stop = Stop()
    with pytest.raises(KeyboardInterrupt):
        stop()
    stop.interrupts = False
    stop()
    assert stop.asked


def test_whoever_does_not_listen_is_killed_with_its_family(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "GRACE", 0.2)
    supervisor.adopt_orphans()
    code = "import os, signal; signal.signal(15, signal.SIG_IGN); os.fork(); print(1, flush=True); signal.pause()"
    it = child(code)
    it.check(0)
    group = it.process.pid if it.process else 0
    supervisor.end([it])
    assert not child_process.group_exists(group)


def child_runner(code: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-I", "-S", str(child_process.CHILD_RUNNER), sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )


def test_the_child_runner_kills_the_group_when_the_supervisor_is_gone() -> None:
    runner = child_runner("import os, signal; os.fork(); os.write(1, b'1\\n'); signal.pause()")
    assert runner.stdin is not None
    assert runner.stdout is not None
    assert runner.stdout.read(4) == b"1\n1\n"
    runner.stdin.close()
    assert runner.wait(timeout=40) in {-9, 137}  # the signal itself, or the child's end by it, whichever is first
    assert runner.stdout.read() == b""  # the last of them has closed it
    runner.stdout.close()


def test_the_child_runner_kills_what_a_child_leaves_behind_and_tells_its_end() -> None:
    """Not the supervisor alone: it may be killed before it looks."""
    runner = child_runner("import os, signal; os._exit(7) if os.fork() else (os.fork(), signal.pause())")
    assert runner.stdin is not None
    assert runner.stdout is not None
    assert runner.wait(timeout=40) == 7
    assert select.select([runner.stdout], [], [], 20)[0], "the others hold it open"
    assert runner.stdout.read() == b""
    runner.stdin.close()
    runner.stdout.close()


@pytest.fixture
def beats(tmp_path: Path, settings: Any) -> Path:
    settings.DATA_DIR = tmp_path
    return tmp_path / "run" / "charon.beat"


def waiting() -> int:
    return int(OrmQ.objects.filter(key="charon").count())


def sign_at(path: Path, moment: int) -> None:
    queue_heartbeat.sign("charon")
    os.utime(path, (moment, moment))


@pytest.mark.django_db
def test_a_queue_is_asked_every_20_seconds_unless_a_beat_waits(beats: Path) -> None:
    heart = Heartbeat("charon")
    assert (heart.alive(100), waiting()) == (True, 1)
    assert (heart.alive(120), waiting()) == (True, 1)
    sign_at(beats, 1)
    OrmQ.objects.all().delete()
    assert (heart.alive(139), waiting()) == (True, 0)
    assert (heart.alive(140), waiting()) == (True, 1)


@pytest.mark.django_db
def test_a_queue_that_takes_nothing_for_180_seconds_is_dead(beats: Path) -> None:
    heart = Heartbeat("charon")
    assert all(heart.alive(now) for now in range(0, 180, 20))
    assert not heart.alive(180)
    heart.forget()
    assert (heart.alive(181), waiting()) == (True, 2)


@pytest.mark.django_db
def test_a_long_queue_that_moves_is_alive(beats: Path) -> None:
    for _ in range(10):
        async_task("math.sqrt", 4, cluster="charon")
    heart = Heartbeat("charon")
    for now in range(0, 600, 60):
        assert heart.alive(now)
        OrmQ.objects.order_by("pk")[0].delete()


@pytest.mark.django_db
def test_a_task_that_waits_for_its_next_try_does_not_hide_the_beat(beats: Path) -> None:
    async_task("math.sqrt", 4, cluster="charon")
    heart = Heartbeat("charon")
    for now in range(0, 600, 20):
        assert heart.alive(now)
        OrmQ.objects.order_by("pk").last().delete()
        sign_at(beats, now + 1)


@pytest.mark.slow
@pytest.mark.django_db
def test_a_queue_whose_results_go_nowhere_is_dead(beats: Path) -> None:
    """A monitor that was killed: the beat runs again and again, and stays on the queue."""
    heart = Heartbeat("charon")
    for now in range(0, 180, 20):
        assert heart.alive(now)
        queue_heartbeat.beat("charon")
    assert not heart.alive(180)


@pytest.mark.django_db
def test_a_result_is_a_sign_of_life_even_where_it_cannot_be_recorded(
    beats: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OperationalError("database or disk is full")

    monkeypatch.setattr(ORM, "acknowledge", full)
    monkeypatch.setattr(connection, "close", lambda: None)  # it is the test's
    heart = Heartbeat("charon")
    for now in range(0, 600, 60):
        assert heart.alive(now)
        GuardedORM("charon").acknowledge(1)
        os.utime(beats, (now + 1, now + 1))


def test_a_database_that_is_away_is_not_the_clusters_fault(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    heart = Heartbeat("charon")

    def away(now: float) -> bool:
        raise OperationalError("server closed\nthe connection")

    monkeypatch.setattr(heart, "takes_tasks", away)
    with caplog.at_level(logging.WARNING):
        assert [heart.alive(now) for now in (500, 520)] == [True, True]
    assert set(caplog.messages) == {"No heartbeat for queue charon: server closed the connection"}
    assert len({logs.cause_of(record) for record in caplog.records} - {""}) == 1
    assert heart.progressed == 520


def test_a_process_that_shows_no_sign_of_life_is_replaced() -> None:
    it = child("import time; time.sleep(60)")
    it.watch = Watch("web", Answer(lambda: False))
    it.check(0)
    first = it.process.pid if it.process else 0
    os.killpg(first, signal.SIGSTOP)
    it.watch.dead = True
    it.check(200)
    assert (it.process, it.due, child_process.group_exists(first)) == (None, 201, False)
    it.check(201)
    assert it.process is not None
    assert not it.watch.dead
    it.kill()


@pytest.mark.slow
def test_five_ends_while_the_database_is_away_are_waited_out(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(child_process, "database_is_away", lambda: True)
    it, now = child("raise SystemExit(3)"), 0.0
    for _ in range(12):
        run_out(it, now)
        now = it.due
    assert "web ended with code 3 while the database is away; again in 30 s" in caplog.messages
    monkeypatch.setattr(child_process, "database_is_away", lambda: False)
    with pytest.raises(CommandError, match="Charon ends"):
        for _ in range(12):
            run_out(it, now)
            now = it.due


@pytest.mark.django_db
def test_a_process_that_nothing_needs_is_started_when_something_does_and_then_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connection, "close", lambda: None)  # it is the test's
    answers = iter([False, True, False])
    it = child("import time; time.sleep(60)")
    it.wanted = lambda: next(answers)
    it.check(0.0)
    it.check(4.9)
    assert it.process is None
    it.check(5.0)
    assert it.process is not None
    it.check(20.0)
    assert next(answers) is False
    it.kill()


def test_a_database_that_is_away_keeps_no_process_from_starting(monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> bool:
        raise OperationalError("no route")

    monkeypatch.setattr(connection, "close", lambda: None)
    it = child("import time; time.sleep(60)")
    it.wanted = away
    it.check(0.0)
    assert it.process is not None
    it.kill()
