"""What the miner's task cluster tells Prometheus, on a port of its own (ENABLE_WORKER_METRICS).

Everything is read from the database: whichever process of whichever machine did the work, it is counted there.
"""

import logging
from threading import Thread
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from django.conf import settings
from prometheus_client import CollectorRegistry, make_wsgi_app

from charon import task_metrics, work_metrics
from charon.metric_families import Collected
from charon.processes import listen_socket

logger = logging.getLogger(__name__)
# A client that sends nothing would keep the others waiting.
SECONDS = 5


class Handler(WSGIRequestHandler):
    timeout = SECONDS

    def log_message(self, *_: Any) -> None:
        """Four lines a minute that say nothing."""


def registry(*, closes: bool = True) -> CollectorRegistry:
    found = CollectorRegistry()
    found.register(Collected(task_metrics.read, work_metrics.read, closes=closes))
    return found


def server() -> WSGIServer:
    """Listens at HOST and WORKER_METRICS_PORT; raises OSError or CommandError when it cannot."""
    place = listen_socket.resolve(settings.HOST, settings.WORKER_METRICS_PORT)

    class Server(WSGIServer):
        address_family = place.family

    return make_server(place.ip, place.port, make_wsgi_app(registry()), Server, Handler)


def serve() -> None:
    """In a thread of this process. A port that is taken costs the metrics and not the work."""
    try:
        Thread(target=server().serve_forever, name="worker metrics", daemon=True).start()
    except OSError as error:
        logger.warning("No worker metrics on port %s: %s", settings.WORKER_METRICS_PORT, error.strerror)
