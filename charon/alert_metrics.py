"""How many alerts there were, what their evaluation costs, what became of their messages, for Prometheus: of all
processes, from the database."""

from collections.abc import Iterator

from django.db import DatabaseError, connection
from prometheus_client.core import CounterMetricFamily, SummaryMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from signals.alerts.models import AlertPass, Sending


class Alerts(Collector):
    """Nothing while the database is away. `closes`: for a thread of its own, whose connection nobody else ends."""

    def __init__(self, *, closes: bool = False) -> None:
        self.closes = closes

    def describe(self) -> list[Metric]:
        """Registering asks for the names, and there may be no database yet."""
        return []

    def collect(self) -> Iterator[Metric]:
        try:
            row = AlertPass.objects.first() or AlertPass()
            sending = Sending.objects.first() or Sending()
        except DatabaseError:
            return
        finally:
            if self.closes:
                connection.close()
        fired = CounterMetricFamily("alerts", "Alerts that fired.", labels=["kind"])
        for kind, count in sorted(row.fired.items()):
            fired.add_metric([kind], count)
        yield fired
        seconds = SummaryMetricFamily("alert_compute_seconds", "Time of a pass over the rules.")
        seconds.add_metric([], count_value=row.passes, sum_value=row.seconds)
        yield seconds
        deliveries = CounterMetricFamily(
            "alert_deliveries", "Deliveries by what became of a try.", labels=["channel_kind", "state"]
        )
        for name, count in sorted(sending.counts.items()):
            deliveries.add_metric(name.rsplit(" ", 1), count)
        yield deliveries
