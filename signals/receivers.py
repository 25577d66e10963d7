"""The brain hears: figures arrived (inside their transaction), or a job ended and what it brought may be decided."""

from django.dispatch import receiver

from markets import events
from markets.models import Ingest, Job
from signals import tasks


@receiver(events.ingested)
def wake(job: Job | None = None, **kwargs: object) -> None:  # noqa: ARG001
    """What a job of ours brought is announced in the same transaction; what Redis told of has to be looked for."""
    if job is not None or is_open():
        tasks.enqueue_catch_up()


@receiver(events.ended)
def wake_again(**kwargs: object) -> None:  # noqa: ARG001
    if is_open():
        tasks.enqueue_catch_up()


def is_open() -> bool:
    return Ingest.objects.filter(processed=None, tries__lt=tasks.MAX_TRIES).exists()
