"""`manage.py qcluster`: the task cluster of django-q2; the miner's also tells Prometheus how it is."""

from typing import Any

from django.conf import settings
from django.core import checks
from django_q.conf import Conf
from django_q.management.commands import qcluster

from charon.processes import task_counts
from markets.queries import calendars


class Command(qcluster.Command):  # type: ignore[misc]  # django-q2 has no types
    requires_system_checks = [checks.Tags.security]  # as `up`

    def handle(self, *args: Any, **options: Any) -> None:
        """The cluster forks first: a thread and its locks do not survive a fork."""
        task_counts.connect()
        calendars.closing_days(calendars.POLAND)  # 9 MB, which the workers share
        super().handle(*args, **options)
        if settings.ENABLE_WORKER_METRICS and Conf.CLUSTER_NAME == settings.MINER_QUEUE:
            # Here, for it loads the rules: the workers are forked without them.
            from charon.processes import worker_metrics

            worker_metrics.serve()
