"""The admin changes a source: its schedules follow at once."""

from django.db.models.signals import post_save
from django.dispatch import receiver

from markets.models import Source
from miner import schedule


@receiver(post_save, sender=Source)
def follow(sender: type[Source], instance: Source, **kwargs: object) -> None:  # noqa: ARG001
    schedule.write(instance)
