"""The quiet hours of a channel: times of the clock in Poland, which may pass midnight."""

from datetime import UTC, datetime, timedelta

from markets.clock import WARSAW
from signals.alerts.deliver.models import Channel

DAY = timedelta(days=1)


def ends(channel: Channel, moment: datetime) -> datetime | None:
    """When the quiet hours end that this moment lies in; None outside of them.

    Compared in UTC, where no hour is missing or comes twice; of two moments with the same time of the clock, and of
    two readings of one that is missing, the later one ends it.
    """
    start, end = channel.quiet_from, channel.quiet_until
    if start is None or end is None or start == end:
        return None
    today = moment.astimezone(WARSAW).date()
    for day in (today - DAY, today):
        last = day if start < end else day + DAY
        begins = datetime.combine(day, start, WARSAW).astimezone(UTC)
        finish = max(datetime.combine(last, end.replace(fold=fold), WARSAW).astimezone(UTC) for fold in (0, 1))
        if begins <= moment < finish:
            return finish
    return None
