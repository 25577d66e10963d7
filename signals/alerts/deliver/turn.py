"""Whose turn it is to send: one task at a time, by a lease that is renewed while it works."""

from datetime import timedelta
from uuid import uuid4

from django.db.models import Q

from markets import clock
from signals.alerts.deliver.models import Sending

# A task that was killed holds up all alerts for so long.
LEASE = timedelta(seconds=15)


class Turn:
    def __init__(self) -> None:
        self.holder = uuid4().hex

    def take(self) -> bool:
        """Also renews it; False while another task has it. One beyond its own length is of a wrong clock."""
        now = clock.now()
        Sending.objects.get_or_create(pk=1)
        is_free = Q(lease_until=None) | Q(lease_until__lte=now) | Q(lease_until__gt=now + LEASE + clock.SKEW)
        mine = Sending.objects.filter(is_free | Q(holder=self.holder), pk=1)
        return bool(mine.update(holder=self.holder, lease_until=now + LEASE))

    def give_back(self) -> None:
        Sending.objects.filter(pk=1, holder=self.holder).update(holder="", lease_until=None)
