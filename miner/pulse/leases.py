"""Who alone may do something, and until when: one row a name, taken by one statement."""

from datetime import timedelta

from django.db.models import Q

from markets import clock
from miner.models import Lease


def hold(name: str, holder: str, length: timedelta) -> bool:
    """Take the lease, or keep it; False while another holds it.

    One that lies further ahead than its own length was written before a clock was set back, and is void.
    """
    now = clock.now()
    Lease.objects.get_or_create(name=name)
    over = Q(until=None) | Q(until__lt=now) | Q(until__gt=now + length)
    free = Lease.objects.filter(over | Q(holder=holder), name=name)
    return bool(free.update(holder=holder, until=now + length))


def release(name: str, holder: str) -> None:
    Lease.objects.filter(name=name, holder=holder).update(until=None, holder="")
