"""What wakes the evaluation: prices and rates that arrived, in the transaction that wrote them."""

from collections.abc import Collection

from django.dispatch import receiver

from markets import events
from markets.models import Job
from signals.alerts import news, tasks


@receiver(events.ingested)
def wake(job: Job | None = None, kinds: Collection[str] | None = None, **kwargs: object) -> None:  # noqa: ARG001
    """Candles wake nobody: rules are about prices. Where the kinds are not told, the rows are asked for."""
    if not news.KINDS.isdisjoint(kinds) if kinds is not None else news.is_open():
        tasks.enqueue_evaluation()
