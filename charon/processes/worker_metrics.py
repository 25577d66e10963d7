"""What the miner's task cluster tells Prometheus, on a port of its own (ENABLE_WORKER_METRICS)."""

import logging
from collections.abc import Iterator
from datetime import datetime
from threading import Thread
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.models import Count, Min
from django_q.models import OrmQ
from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from charon import alert_metrics
from charon.processes import listen_socket
from markets import clock

logger = logging.getLogger(__name__)
# A client that sends nothing would keep the others waiting.
SECONDS = 5


class Queues(Collector):
    """The tasks that wait, read from the database: the same for every cluster. Nothing while that is away."""

    def describe(self) -> list[GaugeMetricFamily]:
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        waiting = GaugeMetricFamily("charon_queue_tasks", "Tasks that wait in the queue.", labels=["queue"])
        oldest = GaugeMetricFamily(
            "charon_queue_oldest_seconds", "For how long the first of them has been due.", labels=["queue"]
        )
        try:
            for queue, (count, age) in queues(clock.now()).items():
                waiting.add_metric([queue], count)
                oldest.add_metric([queue], age)
        except DatabaseError:
            return
        finally:
            connection.close()
        yield waiting
        yield oldest


def queues(now: datetime) -> dict[str, tuple[int, float]]:
    """By queue, also by one that is empty: how many tasks are due, and since when the first."""
    found = dict.fromkeys([settings.MINER_QUEUE, settings.BRAIN_QUEUE], (0, 0.0))
    due = OrmQ.objects.filter(key__in=found, lock__lte=now).order_by().values_list("key")
    for key, count, first in due.annotate(count=Count("pk"), first=Min("lock")):
        found[key] = (count, (now - first).total_seconds())
    return found


class Handler(WSGIRequestHandler):
    timeout = SECONDS

    def log_message(self, *_: Any) -> None:
        """Four lines a minute that say nothing."""


def server() -> WSGIServer:
    """Listens at HOST and WORKER_METRICS_PORT; raises OSError or CommandError when it cannot."""
    place = listen_socket.resolve(settings.HOST, settings.WORKER_METRICS_PORT)
    registry = CollectorRegistry()
    registry.register(Queues())
    registry.register(alert_metrics.Alerts(closes=True))

    class Server(WSGIServer):
        address_family = place.family

    return make_server(place.ip, place.port, make_wsgi_app(registry), Server, Handler)


def serve() -> None:
    """In a thread of this process. A port that is taken costs the metrics and not the work."""
    try:
        Thread(target=server().serve_forever, name="worker metrics", daemon=True).start()
    except OSError as error:
        logger.warning("No worker metrics on port %s: %s", settings.WORKER_METRICS_PORT, error.strerror)
