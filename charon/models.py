"""What the processes of all machines count together."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class TaskCount(models.Model):
    """How often one task of the queues ended so since the installation began, and how long that took.

    Of all clusters of all machines, for the metrics of the worker. `buckets`: runs by the first limit of
    `charon.processes.task_counts.LIMITS` that they kept; the last entry is of those beyond all limits.
    """

    class Result(models.TextChoices):
        SUCCESS = "success", _("udane")
        FAILURE = "failure", _("nieudane")

    task = models.CharField(max_length=120)
    result = models.CharField(max_length=8, choices=Result)
    count = models.PositiveBigIntegerField(default=0)
    seconds = models.FloatField(default=0)
    buckets = models.JSONField(default=list)

    class Meta:
        # Nobody sees it but Prometheus.
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["task", "result"], name="one_count_a_task_and_result")]

    def __str__(self) -> str:
        return f"{self.task} {self.result}: {self.count}"


class ScopeNumber(models.Model):
    """How often the tables of one scope were written, on SQLite; PostgreSQL has sequences (charon.kept.watched)."""

    name = models.CharField(max_length=16)
    number = models.PositiveBigIntegerField(default=1)

    class Meta:
        # Nobody sees it but the web workers.
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.name}: {self.number}"
