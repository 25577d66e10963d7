"""The clock: the only place that reads the current time, so that tests can set it."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.utils import timezone

WARSAW = ZoneInfo("Europe/Warsaw")


def now() -> datetime:
    """The current time, aware, in UTC."""
    return timezone.now()


def today() -> date:
    """The current day in Poland, as the NBP counts days."""
    return now().astimezone(WARSAW).date()
