"""`manage.py prepare`: migrations, sources and schedules, by one process per release."""

import logging
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection
from django_q.tasks import async_task

from charon import sentry, variables
from charon.processes import timekeeping
from charon.startup_messages import said
from markets.jobs import runs

logger = logging.getLogger(__name__)

# "Charon" in ASCII: the number of the lock in PostgreSQL.
LOCK = 0x436861726F6E


class Command(BaseCommand):
    help = "Migrate, and write sources and schedules; other processes that start meanwhile wait."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--start", action="store_true", help="then have the queues look for what is missing")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with alone():
                call_command("migrate", interactive=False, verbosity=0)
                call_command("sync")
                timekeeping.check()
        except DatabaseError as error:
            raise CommandError(said("The database could not be prepared: {}", runs.scrub(str(error)))) from None
        for name in variables.without_use():
            logger.info("%s is not used: tasks wait in the database, in the transaction that they belong to", name)
        if sentry.is_missing():
            logger.warning(sentry.MISSING)
        if options["start"]:
            async_task("miner.tasks.start", cluster=settings.MINER_QUEUE)
            async_task("signals.tasks.catch_up", cluster=settings.BRAIN_QUEUE, group="brain")


@contextmanager
def alone() -> Iterator[None]:
    """Hold an advisory lock of PostgreSQL, which frees it if the process dies. On SQLite only `up` runs this."""
    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        # Waiting for the lock, or a migration, may take longer than the statement_timeout of the settings.
        cursor.execute("SET statement_timeout = 0")
        cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
    try:
        yield
    finally:
        connection.close()  # and with it the lock goes
