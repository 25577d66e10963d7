"""`manage.py qcluster`: the task cluster of django-q2; the miner's also tells Prometheus how it is."""

from contextlib import suppress
from typing import Any

from django.conf import settings
from django.core import checks
from django.db import DatabaseError, connection
from django_q.conf import Conf
from django_q.management.commands import qcluster

from charon.processes import task_broker, task_counts
from markets.queries import calendars


class Command(qcluster.Command):  # type: ignore[misc]  # django-q2 has no types
    requires_system_checks = [checks.Tags.security]  # as `up`

    def handle(self, *args: Any, **options: Any) -> None:
        """The cluster forks first: a thread and its locks do not survive a fork."""
        task_counts.connect()
        fill_what_is_shared()
        super().handle(*args, **options)
        if settings.ENABLE_WORKER_METRICS and Conf.CLUSTER_NAME == settings.MINER_QUEUE:
            # Here, for it loads the rules: the workers are forked without them.
            from charon.processes import worker_metrics

            worker_metrics.serve()


def fill_what_is_shared() -> None:
    """What each of the five forks would load or work out for itself: 9 MB of holidays, and 7 MB and 0.02 s of what
    Django remembers of the models since its first questions.
    """
    calendars.closing_days(calendars.POLAND)
    with suppress(DatabaseError):  # the broker waits for a database that is away
        task_broker.clock_watch.look()
    connection.close()
