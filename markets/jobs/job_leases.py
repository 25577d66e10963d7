"""The lease of a running job: taken, extended, given up, and ended for a process that is gone."""

import os
import socket
from datetime import timedelta

from django.db import models
from django.db.models import Q

from markets import clock, events, messages
from markets.messages import Message
from markets.models import Job

LEASE = timedelta(seconds=120)
# A continuation waits in the queue; the queue delivers a killed worker's task again after 300 s (Q_CLUSTER's `retry`).
QUEUED_LEASE = timedelta(seconds=600)


class LeaseLost(Exception):
    """This process lost the lease of the job: another one failed it or took it over, so nothing more may be written."""

    reason = Job.Reason.LOST


def this_process() -> str:
    """Host and pid: the owner that a lease names."""
    return f"{socket.gethostname()}:{os.getpid()}"


def take_up(pk: int | None, job_type: str) -> Job | None:
    """Takes the lease of a paused job and returns the job; None when it is not paused any more."""
    if pk is None:
        return None
    waiting = Job.objects.filter(pk=pk, job_type=job_type, status=Job.Status.RUNNING, worker="")
    if not waiting.update(worker=this_process(), lease_until=clock.now() + LEASE):
        return None
    return Job.objects.get(pk=pk)


def own_row(row: Job) -> models.QuerySet[Job]:
    """The row, as long as this process holds its lease."""
    return Job.objects.filter(pk=row.pk, status=Job.Status.RUNNING, worker=this_process())


def renew(row: Job) -> None:
    """Extend the lease; raises LeaseLost when another process failed the job or took it over."""
    if not own_row(row).update(lease_until=clock.now() + LEASE):
        raise LeaseLost(Message("given_up", job=str(row.pk)))


def reap(**which: str) -> int:
    """Fail the running jobs whose lease expired or whose process, on this machine, is gone; returns how many."""
    running = Job.objects.filter(status=Job.Status.RUNNING, **which)
    expired = Q(lease_until__lt=clock.now()) | Q(lease_until__isnull=True) | void()
    dead = [row.pk for row in running.exclude(worker="") if not is_alive(row.worker)]
    return end(running.filter(expired | Q(pk__in=dead)), Job.Reason.LOST)


def void() -> Q:
    """A lease beyond the longest one was taken by a clock that was ahead of ours."""
    return Q(lease_until__gt=clock.now() + QUEUED_LEASE + clock.SKEW)


def reap_void() -> int:
    """Fail the running jobs whose lease is void; returns how many."""
    return end(leased_too_long(), Job.Reason.LOST)


def leased_too_long() -> models.QuerySet[Job]:
    """Running jobs whose lease is void."""
    return Job.objects.filter(void(), status=Job.Status.RUNNING)


def stop() -> int:
    """Record the jobs of this machine's ended processes as stopped by the operator, when Charon shuts down."""
    here = Job.objects.filter(status=Job.Status.RUNNING, worker__startswith=f"{socket.gethostname()}:")
    dead = [row.pk for row in here if not is_alive(row.worker)]
    return end(here.filter(pk__in=dead), Job.Reason.STOPPED)


def abandon(pk: int | None) -> None:
    """End a paused job whose continuation will not run: its reason is `stopped`, not `lost`."""
    if pk is not None:
        end(Job.objects.filter(pk=pk, status=Job.Status.RUNNING, worker=""), Job.Reason.STOPPED)


def end(rows: models.QuerySet[Job], reason: Job.Reason) -> int:
    error = Message(f"reason.{reason.value}")
    said = {"error": "".join(error), "error_message": messages.encoded(error)}
    count = rows.update(status=Job.Status.FAILED, reason=reason, finished_at=clock.now(), lease_until=None, **said)
    if count:
        events.ended.send(sender=Job, job=None)
    return count


def is_alive(worker: str) -> bool:
    """Whether the process may still run. A process of another machine counts as alive until its lease expires."""
    host, _, pid = worker.rpartition(":")
    if host != socket.gethostname() or not pid.isdigit():
        return True
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
