"""The only reader of the clock: everything else takes `now` or `today` as an argument or asks here."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.utils import timezone

WARSAW = ZoneInfo("Europe/Warsaw")


def now() -> datetime:
    """This moment, aware, in UTC."""
    return timezone.now()


def today() -> date:
    """The day that NBP and people in Poland call today."""
    return now().astimezone(WARSAW).date()
