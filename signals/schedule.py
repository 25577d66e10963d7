"""The brain's timetable: a watchdog once an hour, for a wake-up task that was lost and for changed parameters."""

from django.conf import settings
from django.db import transaction
from django_q.models import Schedule

from markets import clock
from signals.tasks import CATCH_UP

NAME = "brain.watchdog"


def write() -> None:
    """Make the timetable what the code says; entries of an earlier release that no code knows any more go."""
    entry = Schedule(
        name=NAME,
        func=CATCH_UP,
        schedule_type=Schedule.CRON,
        cron="7 * * * *",
        cluster=settings.BRAIN_QUEUE,
        repeats=-1,
    )
    entry.clean_fields()
    entry.next_run = entry.calculate_next_run(clock.now())
    with transaction.atomic():
        ours = Schedule.objects.filter(func__startswith="signals.").order_by("pk")
        right = ours.filter(name=NAME, func=CATCH_UP, cron=entry.cron, cluster=entry.cluster).first()
        ours.exclude(pk=right.pk if right else None).delete()
        if right is None:
            entry.save()
