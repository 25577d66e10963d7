"""The admin changes a source: its schedules follow at once. A listing has no history yet: a task is enqueued."""

from datetime import date

from django.db.models.signals import post_save
from django.dispatch import receiver

from markets.models import Job, Source
from miner import backfill, schedule
from miner.collect.prices import history_wanted


@receiver(post_save, sender=Source)
def follow(sender: type[Source], instance: Source, **kwargs: object) -> None:  # noqa: ARG001
    schedule.write(instance)


@receiver(history_wanted)
def enqueue_history(source: Source, tickers: list[str], start: date, end: date, **kwargs: object) -> None:  # noqa: ARG001
    backfill.again("prices", source, tickers, start, end, trigger=Job.Trigger.SCHEDULE)
