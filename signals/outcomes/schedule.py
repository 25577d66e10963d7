"""The record's timetable: once a night, when yesterday's rates and candles are in and nobody waits for the brain."""

from django.conf import settings
from django_q.models import Schedule

from signals import schedule
from signals.outcomes.models import Family
from signals.outcomes.tasks import RECOMPUTE

# Europe/Warsaw; behind the night's cleaning (3:40) and the listings (4:10). Half an hour apart: two at once would hold
# both workers of a small installation, and a family whose worker is killed is tried three times in 15 minutes.
NIGHT = {Family.OFFICIAL: "30 4 * * *", Family.CANDLES: "0 5 * * *"}


def write() -> None:
    """Entries that no code knows any more go."""
    ours = Schedule.objects.filter(func__startswith="signals.outcomes.")
    names = {family: f"outcomes.nightly.{family.value}" for family in NIGHT}
    ours.exclude(name__in=names.values()).delete()
    for family, cron in NIGHT.items():
        entry = Schedule(
            name=names[family],
            func=RECOMPUTE,
            kwargs=repr({"family": family.value}),
            schedule_type=Schedule.CRON,
            cron=cron,
            cluster=settings.BRAIN_QUEUE,
            repeats=-1,
        )
        schedule.put(entry, ours.filter(name=names[family]))
