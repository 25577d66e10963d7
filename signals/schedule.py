"""The brain's timetable: a watchdog once an hour, for a bell that was lost and for parameters that changed."""

from django.conf import settings
from django.db import transaction
from django_q.models import Schedule

from markets import clock
from signals.tasks import CATCH_UP

NAME = "brain.watchdog"


def write() -> None:
    entry = Schedule(
        name=NAME,
        func=CATCH_UP,
        schedule_type=Schedule.CRON,
        cron="7 * * * *",
        cluster=settings.BRAIN_QUEUE,
        repeats=-1,
    )
    with transaction.atomic():
        right = Schedule.objects.filter(name=NAME, func=CATCH_UP, cron=entry.cron, cluster=entry.cluster)
        if not right.exists():
            Schedule.objects.filter(name=NAME).delete()
            entry.next_run = entry.calculate_next_run(clock.now())
            entry.save()
