"""To ask a source now, once: a second wish while the first waits or runs adds nothing."""

from django.db import transaction

from markets.models import Job, Source
from miner import backfill
from miner.pulse import grid


def start(source: Source) -> bool:
    """Enqueue what `backfill.now` does; False when it waits or runs already. Two at once: the row's lock decides."""
    with transaction.atomic():
        Source.objects.select_for_update(no_key=True).get(pk=source.pk)
        if is_under_way(source):
            return False
        backfill.now(source)
    return True


def is_under_way(source: Source) -> bool:
    """Whether a task of its tables, prices or candles waits in the queue, or a worker is at it."""
    groups = {source.code, f"{source.code}.quotes"}
    ours = f"{source.code}.candles."
    if any(group in groups or group.startswith(ours) for group in grid.open_groups()):
        return True
    running = Job.objects.filter(source=source, status=Job.Status.RUNNING)
    return running.filter(job_type__regex=rf"^{source.code}\.[A-Za-z]+$").exclude(job_type__endswith=".check").exists()
