"""The brain hears: figures arrived (inside their transaction), or a job ended and what it brought may be decided."""

from django.dispatch import receiver

from markets import events
from markets.models import Ingest
from signals import tasks


@receiver(events.ingested)
def wake(**kwargs: object) -> None:  # noqa: ARG001
    """Its announcements stand in the same transaction: nobody needs to look."""
    tasks.ring()


@receiver(events.ended)
def wake_again(**kwargs: object) -> None:  # noqa: ARG001
    if Ingest.objects.filter(processed=None, tries__lt=tasks.MAX_TRIES).exists():
        tasks.ring()
