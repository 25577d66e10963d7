"""Metrics that are read when Prometheus asks: from the database, so that every process says the same."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime

from django.db import Error, connection
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from markets import clock

Part = Callable[[datetime], Iterable[Metric]]
# The values of the labels, then that of the sample.
Sample = tuple[Sequence[str], float]


def gauge(name: str, text: str, labels: Sequence[str], samples: Iterable[Sample]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=labels)
    for values, value in samples:
        family.add_metric(values, value)
    return family


def single(name: str, text: str, value: float | None) -> GaugeMetricFamily:
    """Without labels; without a sample where the value is not known."""
    return gauge(name, text, [], [] if value is None else [([], value)])


def counter(name: str, text: str, labels: Sequence[str], samples: Iterable[Sample]) -> CounterMetricFamily:
    family = CounterMetricFamily(name, text, labels=labels)
    for values, value in samples:
        family.add_metric(values, value)
    return family


def age(moment: datetime | None, now: datetime) -> float:
    """Seconds since then; 0 where there is nothing."""
    return (now - moment).total_seconds() if moment else 0.0


class Collected(Collector):
    """The parts one after another, and what reading them cost; without the database the first family alone.

    `closes`: for a thread of its own, whose connection nobody else ends.
    """

    def __init__(self, *parts: Part, closes: bool = False) -> None:
        self.parts, self.closes = parts, closes

    def describe(self) -> list[Metric]:
        """Registering asks for the names, and there may be no database yet."""
        return []

    def collect(self) -> Iterator[Metric]:
        started, found = time.perf_counter(), list[Metric]()
        try:
            latency = ping()
            for part in self.parts:
                found += part(clock.now())
        except Error:
            yield single("charon_database_up", "1 while this process reaches the database.", 0)
            return
        finally:
            if self.closes:
                connection.close()
        yield single("charon_database_up", "1 while this process reaches the database.", 1)
        yield single("charon_database_ping_seconds", "Time of a statement that reads no table.", latency)
        yield from found
        seconds = time.perf_counter() - started
        yield single("charon_scrape_seconds", "Time to read what this answer says from the database.", seconds)


def ping() -> float:
    started = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.fetchone()
    return time.perf_counter() - started
