"""The alerts' timetable: what does not arrive, deliveries whose time has come, the sign of life to the outside, the
canaries; once a night the old deliveries go."""

from django.conf import settings
from django_q.models import Schedule

from signals import schedule
from signals.alerts.deliver.tasks import PRUNE, WAKE
from signals.alerts.tasks import WATCH

EACH_MINUTE = "* * * * *"
ENTRIES = {
    "alerts.watchdog": (WATCH, EACH_MINUTE),
    "alerts.delivery": (WAKE, EACH_MINUTE),
    "alerts.retention": (PRUNE, "50 3 * * *"),
    # The calm hour is 7:55; see `canary`.
    "alerts.canary": ("signals.alerts.canary.send", "55 * * * *"),
}
HEARTBEAT = {"alerts.heartbeat": ("signals.alerts.heartbeat.beat", EACH_MINUTE)}
# A result every minute would push all others out of the 2,000 that are kept; a failure is kept all the same.
UNSAVED = repr({"q_options": {"save": False}})


def write() -> None:
    """Make the timetable what the code and the settings say; entries that no code knows any more go."""
    ours, entries = Schedule.objects.filter(func__startswith="signals.alerts."), dict(ENTRIES)
    if settings.HEARTBEAT_URL:
        entries |= HEARTBEAT
    ours.exclude(name__in=entries).delete()
    for name, (func, cron) in entries.items():
        entry = Schedule(
            name=name,
            func=func,
            kwargs=UNSAVED,
            schedule_type=Schedule.CRON,
            cron=cron,
            cluster=settings.BRAIN_QUEUE,
            repeats=-1,
        )
        schedule.put(entry, ours.filter(name=name))
