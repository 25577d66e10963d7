"""Where work becomes a status."""

import os
import socket
import subprocess
import sys
from datetime import timedelta

import pytest

from markets import clock
from markets.jobs import job_leases, runs
from markets.models import Job, Source
from miner.fetch.errors import Unreachable

HERE = socket.gethostname()


def last() -> Job:
    return Job.objects.order_by("-pk")[0]


def test_the_row_stands_before_the_work_begins(nbp: Source) -> None:
    with runs.job("nbp.A", nbp):
        row = last()
        assert (row.status, row.finished_at, row.worker) == ("running", None, job_leases.this_process())
        assert row.lease_until is not None
        assert row.lease_until > clock.now()
    row = last()
    assert (row.status, row.lease_until) == ("success", None)
    assert row.duration_seconds is not None


def test_a_known_error_names_its_reason_and_goes_on(nbp: Source) -> None:
    with pytest.raises(Unreachable), runs.job("nbp.A", nbp):
        raise Unreachable("GET https://api.nbp.pl/api: HTTP 503")
    row = last()
    assert (row.status, row.reason, row.error) == (
        "failed", "unreachable", "Unreachable: GET https://api.nbp.pl/api: HTTP 503",
    )  # fmt: skip


def test_an_unforeseen_error_is_failed_and_goes_on(nbp: Source) -> None:
    with pytest.raises(ZeroDivisionError), runs.job("nbp.A", nbp):
        1 / 0  # noqa: B018
    assert (last().status, last().reason) == ("failed", "error")


def test_ctrl_c_is_put_down_as_stopped(nbp: Source) -> None:
    with pytest.raises(KeyboardInterrupt), runs.job("nbp.A", nbp):
        raise KeyboardInterrupt
    assert (last().status, last().reason) == ("failed", "stopped")


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("GET https://x/?apiKey=abc123&b=1", "GET https://x/?apiKey=***&b=1"),
        ("Authorization: Bearer", "Authorization: ***"),
        ("Authorization: Bearer sk-123 was sent", "Authorization: *** was sent"),
        ("x-cg-demo-api-key: CG-123", "x-cg-demo-api-key: ***"),
        ('{"apiKey": "abc", "n": 1}', '{"apiKey": ***, "n": 1}'),
        ("password='a b' is wrong", "password=*** is wrong"),
        ("https://u:pa/ss@host/x", "https://***@host/x"),
        ("postgres://user:pass@host/db", "postgres://***@host/db"),
        ("two\nlines", "two lines"),
        ("x" * 900, "x" * 500),
    ],
)
def test_an_error_is_scrubbed_short_and_on_one_line(text: str, clean: str) -> None:
    assert runs.scrub(text) == clean


def test_a_second_run_of_the_same_job_is_refused_and_another_job_is_not(nbp: Source) -> None:
    with runs.job("nbp.A", nbp):
        with pytest.raises(runs.Busy), runs.job("nbp.A", nbp):
            pytest.fail("the second run began")
        with runs.job("nbp.B", nbp):
            pass
    assert Job.objects.count() == 2


def test_an_expired_lease_is_lost_and_the_next_run_begins(nbp: Source) -> None:
    lost = runs.start("nbp.A", nbp, Job.Trigger.SCHEDULE)
    Job.objects.filter(pk=lost.pk).update(lease_until=clock.now() - timedelta(seconds=1))
    with runs.job("nbp.A", nbp):
        pass
    lost.refresh_from_db()
    assert (lost.status, lost.reason) == ("failed", "lost")


def test_a_lease_of_a_process_that_is_gone_is_lost_at_once(nbp: Source) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    row = runs.start("nbp.A", nbp, Job.Trigger.SCHEDULE)
    Job.objects.filter(pk=row.pk).update(worker=f"{HERE}:{gone.pid}")
    assert job_leases.reap() == 1
    row.refresh_from_db()
    assert row.reason == "lost"


def test_a_lease_of_another_machine_is_believed(nbp: Source) -> None:
    row = runs.start("nbp.A", nbp, Job.Trigger.SCHEDULE)
    Job.objects.filter(pk=row.pk).update(worker="elsewhere:1")
    assert job_leases.reap() == 0
    assert job_leases.is_alive(f"{HERE}:{os.getpid()}")


def test_stopping_puts_down_only_what_died_here(nbp: Source) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    rows = [runs.start(f"nbp.{name}", nbp, Job.Trigger.SCHEDULE) for name in ("A", "B", "C")]
    for row, worker in zip(rows, [f"{HERE}:{gone.pid}", job_leases.this_process(), "elsewhere:1"], strict=True):
        Job.objects.filter(pk=row.pk).update(worker=worker)
    assert job_leases.stop() == 1
    assert [row.status for row in Job.objects.order_by("job_type")] == ["failed", "running", "running"]
    assert Job.objects.get(job_type="nbp.A").reason == "stopped"


def test_whoever_lost_its_lease_learns_it(nbp: Source) -> None:
    row = runs.start("nbp.A", nbp, Job.Trigger.SCHEDULE)
    Job.objects.update(worker="elsewhere:1")
    with pytest.raises(job_leases.LeaseLost):
        job_leases.renew(row)
    runs.finish(row, Job.Status.SUCCESS)
    assert last().status == "running"


def skip(source: Source, reason: Job.Reason) -> None:
    with runs.job("nbp.A", source):
        raise runs.Skip(reason)


def test_the_same_skip_on_the_same_day_collapses_into_one_row(nbp: Source, at) -> None:
    for hour in (9, 10, 11):
        at(f"2026-11-11 {hour:02}:00")
        skip(nbp, Job.Reason.HOLIDAY)
    row = Job.objects.get()
    assert (row.status, row.reason, row.repeats) == ("skipped", "holiday", 2)
    assert row.finished_at is not None
    assert row.finished_at.astimezone(clock.WARSAW).hour == 11


def test_another_reason_another_day_or_a_success_between_begins_a_new_row(nbp: Source, at) -> None:
    at("2026-11-10 09:00")
    skip(nbp, Job.Reason.NOT_YET)
    skip(nbp, Job.Reason.UP_TO_DATE)
    with runs.job("nbp.A", nbp):
        pass
    skip(nbp, Job.Reason.UP_TO_DATE)
    at("2026-11-11 09:00")
    skip(nbp, Job.Reason.UP_TO_DATE)
    assert Job.objects.count() == 5


def test_a_paused_job_stays_open_and_is_taken_up_once(nbp: Source) -> None:
    rotating: list[int] = []
    with runs.job("nbp.A", nbp) as row:
        row.requests = 7
        raise runs.Pause(rotating.append)
    assert rotating == [row.pk]
    assert (last().status, last().worker, last().requests) == ("running", "", 7)
    with pytest.raises(runs.Busy), runs.job("nbp.A", nbp):
        pytest.fail("a paused job still is that job")
    with runs.job("nbp.A", nbp, resume=row.pk) as again:
        assert (again.pk, again.requests) == (row.pk, 7)
    assert (Job.objects.count(), last().status) == (1, "success")


def test_a_continuation_whose_job_was_given_up_begins_a_new_one(nbp: Source) -> None:
    with runs.job("nbp.A", nbp) as row:
        raise runs.Pause(lambda _: None)
    Job.objects.update(status="failed")
    with runs.job("nbp.A", nbp, resume=row.pk) as fresh:
        assert fresh.pk != row.pk
