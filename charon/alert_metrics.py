"""Alerts that fired and that last, the cost of their evaluation and what became of their messages, of all processes."""

from collections.abc import Iterator
from datetime import datetime

from django.db.models import Count
from prometheus_client.core import SummaryMetricFamily
from prometheus_client.metrics_core import Metric

from charon.metric_families import age, counter, gauge, single
from signals.alerts.models import AlertEvent, AlertPass, Kind, Sending


def read(now: datetime) -> Iterator[Metric]:
    """Three statements."""
    row = AlertPass.objects.first() or AlertPass()
    sending = Sending.objects.first() or Sending()
    fired = [([kind], count) for kind, count in sorted(row.fired.items())]
    yield counter("alerts", "Alerts that fired.", ["kind"], fired)
    seconds = SummaryMetricFamily("alert_compute_seconds", "Time of a pass over the rules.")
    seconds.add_metric([], count_value=row.passes, sum_value=row.seconds)
    yield seconds
    since = age(row.ended_at, now) if row.ended_at else None
    yield single("charon_alert_pass_age_seconds", "Since the last pass over all rules.", since)
    sent = [(name.rsplit(" ", 1), count) for name, count in sorted(sending.counts.items())]
    yield counter("alert_deliveries", "Deliveries by what became of a try.", ["channel_kind", "state"], sent)
    lasting = AlertEvent.objects.filter(state=AlertEvent.State.OPEN).order_by().values_list("kind")
    counts = dict(lasting.annotate(count=Count("pk")))
    samples = [([kind], float(counts.get(kind, 0))) for kind in sorted(Kind.values)]
    yield gauge("charon_alerts_open", "Alerts that last and that nobody has acknowledged.", ["kind"], samples)
