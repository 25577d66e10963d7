"""Whether a channel works: what failed one after another, told to the register of problems."""

from datetime import datetime, timedelta

from markets import clock, problems
from markets.messages import Message
from signals.alerts.channels.channel import Failed
from signals.alerts.deliver.models import Attempt, Channel
from signals.alerts.deliver.steps import CANARY

PROBLEM = "channel_broken"
MOST = 3
# So long three failed tries must lie apart, unless each gave up its message: a receiver may start anew.
LEAST = timedelta(minutes=10)


def note(pk: int, step: str, started_at: datetime, failed: Failed | None, *, dead: bool) -> bool:
    """A try in its own transaction; answers whether the channel counted as broken before it, or does now."""
    channel = Channel.objects.select_for_update(no_key=True).get(pk=pk)
    was_broken, before = channel.broken_since is not None, health_of(channel)
    if failed is None:
        channel.failures, channel.failing_since, channel.broken_since = 0, None, None
    else:
        now = clock.now()
        channel.failing_since = channel.failing_since or started_at
        channel.failures += dead or step == CANARY
        if failed.gone or channel.failures >= MOST or fails_for_long(channel, channel.failing_since, now):
            channel.broken_since = channel.broken_since or now
    if health_of(channel) != before:
        channel.save(update_fields=["failures", "failing_since", "broken_since"])
    return was_broken or channel.broken_since is not None


def health_of(channel: Channel) -> tuple[int, datetime | None, datetime | None]:
    return channel.failures, channel.failing_since, channel.broken_since


def fails_for_long(channel: Channel, since: datetime, now: datetime) -> bool:
    """A channel that was away for an hour is broken long before its messages are given up."""
    if now - since < LEAST:
        return False
    return Attempt.objects.filter(delivery__channel=channel, started_at__gte=since, ok=False).count() >= MOST


def report() -> None:
    """Exactly these channels are broken now. Outside the transaction of the outcome."""
    broken = Channel.objects.exclude(broken_since=None)
    problems.settle(PROBLEM, {channel.name: Message.of(last_error(channel)) for channel in broken})


def last_error(channel: Channel) -> str:
    failed = Attempt.objects.filter(delivery__channel=channel, ok=False).order_by("-started_at", "-pk")
    return failed.values_list("error", flat=True).first() or ""
