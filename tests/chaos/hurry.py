"""Shorter waits, so that what heals within hours heals within minutes, and a disk that can be full.

A file `disk_full` beside the clock's lets SQLite's database grow no further: every statement that needs a new page is
refused with SQLite's own "database or disk is full". A real full disk would also hit the log and the beats of the
queues; these stay writable.
"""

import sys
from datetime import timedelta
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.db.backends.signals import connection_created

from tests.chaos import settings as chosen

UNLIMITED = 1_073_741_823  # SQLite's own largest number of pages


class Hurry(AppConfig):
    name = "tests.chaos"

    def ready(self) -> None:
        if settings.SQLITE:
            connection_created.connect(limited)
        from charon.processes import child_process, queue_heartbeat
        from markets.jobs import job_leases
        from markets.store import gaps
        from miner.fetch import cooldown
        from signals import claims

        if not chosen.HURRY:
            return
        queue_heartbeat.INTERVAL, queue_heartbeat.LIMIT = 2.0, 15.0
        child_process.MAX_DELAY, child_process.MAX_RESTARTS = 2.0, sys.maxsize
        job_leases.LEASE, job_leases.QUEUED_LEASE = timedelta(seconds=30), timedelta(seconds=60)
        claims.LEASE = timedelta(seconds=30)
        gaps.FIRST_RETRY, gaps.LONGEST_RETRY = timedelta(seconds=10), timedelta(seconds=30)
        cooldown.FIRST_COOLDOWN, cooldown.LONGEST_COOLDOWN = 3, 20


def limited(connection: Any, **_: object) -> None:
    """Before each statement, hold the file at its size while the disk is full."""
    switch, full = chosen.CLOCK.with_name("disk_full"), False

    def watch(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        nonlocal full
        if switch.exists() is not full:
            full = not full
            # 1 means the size that the file has: SQLite never cuts it.
            connection.connection.execute(f"PRAGMA max_page_count = {1 if full else UNLIMITED}")
        return execute(sql, params, many, context)

    connection.execute_wrappers[:] = [watch]  # a connection that was closed and opened again keeps its wrappers
