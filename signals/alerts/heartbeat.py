"""The sign of life to a watchman outside (HEARTBEAT_URL), who wakes an operator when it stays away or says `/fail`.

The convention is that of Healthchecks (healthchecks.io/docs/http_api): a POST to the address says that all is well, one
to the address with `/fail` says what is not, in its body. Prices and rates do not enter: a weekend is no fault.
"""

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from markets import clock, events
from signals.alerts.channels import http
from signals.alerts.channels.channel import Failed
from signals.alerts.models import AlertPass, Delivery

logger = logging.getLogger(__name__)

# Pulse renews its sign every 5 s, the evaluation of everything ends once a minute, a delivery is tried when it is due.
PULSE, EVALUATION, DELIVERY = timedelta(seconds=90), timedelta(minutes=2), timedelta(minutes=5)
SECONDS = 10.0
HEADERS = {"Content-Type": "text/plain; charset=utf-8"}


def beat() -> None:
    """The task. A watchman that cannot be reached is a line in the log and no failed task."""
    if not settings.HEARTBEAT_URL:
        return
    reasons = list(faults(clock.now()))
    address = settings.HEARTBEAT_URL + ("/fail" if reasons else "")
    body = "\n".join(reasons).encode()
    try:
        http.post(address, body, HEADERS, secrets=[settings.HEARTBEAT_URL], trusted=True, seconds=SECONDS)
    except Failed as error:
        logger.warning("The heartbeat was not taken: %s", error, extra={"cause": "heartbeat"})


def faults(now: datetime) -> Iterator[str]:
    """Why an alert may not arrive."""
    if not is_younger(pulse_seen(), PULSE, now):
        yield _("Proces pulse nie daje znaku życia od ponad 90 sekund.")
    if not is_younger(AlertPass.objects.values_list("ended_at", flat=True).first(), EVALUATION, now):
        yield _("Alerty nie były oceniane od ponad 2 minut.")
    if Delivery.objects.filter(state__in=Delivery.OPEN, due_at__lt=now - DELIVERY).exists():
        yield _("Wiadomość o alercie czeka na wysłanie ponad 5 minut po terminie.")


def pulse_seen() -> datetime | None:
    """As those know it who keep pulse's sign; the newest."""
    answers: list[tuple[Any, Any]] = events.pulse_asked.send(sender=AlertPass)
    return max((at for _receiver, at in answers if at), default=None)


def is_younger(moment: datetime | None, most: timedelta, now: datetime) -> bool:
    """A moment that has not come, beyond what clocks differ, is of a clock that went wrong, and tells nothing."""
    return moment is not None and -clock.SKEW <= now - moment < most
