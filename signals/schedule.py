"""The brain's timetable: a watchdog once an hour, for a wake-up task that was lost and for changed parameters."""

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django_q.models import Schedule

from markets import clock
from signals.tasks import CATCH_UP

NAME = "brain.watchdog"


def write() -> None:
    """Make the timetable what the code says; entries of an earlier release that no code knows any more go.

    The alerts and the record of outcomes keep timetables of their own.
    """
    ours = Schedule.objects.filter(func__startswith="signals.")
    ours = ours.exclude(func__startswith="signals.alerts.").exclude(func__startswith="signals.outcomes.")
    put(
        Schedule(
            name=NAME,
            func=CATCH_UP,
            schedule_type=Schedule.CRON,
            cron="7 * * * *",
            cluster=settings.BRAIN_QUEUE,
            repeats=-1,
        ),
        ours,
    )


def put(entry: Schedule, ours: QuerySet[Schedule]) -> None:
    """The one entry of these; one that is right already keeps its next run."""
    entry.clean_fields()
    entry.next_run = clock.next_of(entry.cron, clock.now())
    same = {name: getattr(entry, name) for name in ("name", "func", "schedule_type", "cron", "kwargs", "cluster")}
    with transaction.atomic():
        right = ours.filter(**same).order_by("pk").first()
        ours.exclude(pk=right.pk if right else None).delete()
        if right is None:
            # save() would plan it anew, by the clock of the machine.
            Schedule.objects.bulk_create([entry])
