"""The clock: the only place that reads the current time, so that tests can set it."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from croniter import croniter  # type: ignore[import-untyped]

WARSAW = ZoneInfo("Europe/Warsaw")
# Clocks of several machines differ by less; a moment that lies further ahead is of a clock that went wrong.
SKEW = timedelta(seconds=60)


def now() -> datetime:
    """The current time, aware, in UTC. Django's asks a setting first, which takes longer than all the rest of it."""
    return datetime.now(UTC)


def today() -> date:
    """The current day in Poland, as the NBP counts days."""
    return now().astimezone(WARSAW).date()


def next_of(cron: str, after: datetime) -> datetime:
    """The first moment of a cron line later than this one; cron speaks Polish time.

    `Schedule.calculate_next_run` of the queue asks the machine's clock for it, whatever moment it is given.
    """
    moment: datetime = croniter(cron, after.astimezone(WARSAW)).get_next(datetime)
    return moment
