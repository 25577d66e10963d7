"""The engine hears: rows arrived (inside their transaction), or a job ended and what it brought may be decided."""

from collections.abc import Collection

from django.dispatch import receiver

from markets import events
from markets.models import Job
from signals import claims, tasks


@receiver(events.ingested)
def wake(job: Job | None = None, kinds: Collection[str] | None = None, **kwargs: object) -> None:  # noqa: ARG001
    """Kinds that no rule applies to wake nobody, at no cost. Without kinds: what a job of ours brought is open in this
    very transaction, what Redis told of has to be looked for.
    """
    if claims.is_news(kinds) if kinds is not None else job is not None or claims.is_open():
        tasks.enqueue_catch_up()


@receiver(events.ended)
def wake_again(**kwargs: object) -> None:  # noqa: ARG001
    if claims.is_open():
        tasks.enqueue_catch_up()
