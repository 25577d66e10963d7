"""`/metrics` for Prometheus: what the web workers count, and the state of the installation. Only for operators."""

import os
import time
from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

from charon import alert_metrics, price_metrics, status_metrics
from charon.api.addresses import API, NAMES
from charon.api.client_address import MAX_FORWARDED, is_proxy
from charon.metric_families import Collected
from markets import access, api_tokens

# When each series began: several workers together have no such series, and one process alone needs none.
disable_created_metrics()  # type: ignore[no-untyped-call]
REQUESTS = Counter("charon_http_requests", "Requests answered.", ["method", "view", "status"])
SECONDS = Histogram(
    "charon_http_request_seconds",
    "Time to answer a request.",
    ["view"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
# One label per method that a client may invent would fill the memory.
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# By which a proxy says for whom it asks.
FORWARDING = ("HTTP_X_FORWARDED_FOR", "HTTP_X_REAL_IP", "HTTP_FORWARDED")

installation = Collected(status_metrics.read, price_metrics.read, alert_metrics.read)
REGISTRY.register(installation)


def registry() -> CollectorRegistry:
    """What all workers have counted, where there are several (charon.serving); else this process.

    The state is read from the database and is the same in each of them. What prometheus_client tells of a process by
    itself (memory, files) would be that of one worker by chance, and is left out.
    """
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return REGISTRY
    together = CollectorRegistry()
    MultiProcessCollector(together)  # type: ignore[no-untyped-call]  # it registers itself
    together.register(installation)
    return together


def measured(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    if not settings.ENABLE_METRICS_ENDPOINT:
        raise MiddlewareNotUsed("nobody may ask for metrics")

    def middleware(request: HttpRequest) -> HttpResponseBase:
        started = time.perf_counter()
        response = get_response(request)
        count(str(request.method), view_of(request), response.status_code, time.perf_counter() - started)
        return response

    return middleware


def count(method: str, view: str, status: int, seconds: float) -> None:
    REQUESTS.labels(method if method in METHODS else "other", view, str(status)).inc()
    SECONDS.labels(view).observe(seconds)


def view_of(request: HttpRequest) -> str:
    """The operation of the API, the page's name, or `other`; never a path as the client wrote it."""
    name = request.path_info.removeprefix(API)
    if name in NAMES:
        return name
    return (request.resolver_match.view_name if request.resolver_match else "") or "other"


def page(request: HttpRequest) -> HttpResponse:
    if not settings.ENABLE_METRICS_ENDPOINT or not may_read(request):
        raise Http404("no metrics for this caller")
    return HttpResponse(generate_latest(registry()), content_type=CONTENT_TYPE_LATEST)


def may_read(request: HttpRequest) -> bool:
    """A request from the networks of METRICS_ALLOWED_NETWORKS, or of an operator: their token or their session."""
    if "HTTP_AUTHORIZATION" not in request.META and is_inside(request):
        return True
    caller = access.caller_of(request)
    if not access.may(request, *access.READ_LOG):
        return False
    if caller and caller.row:
        api_tokens.note_use(caller.row)
    return True


def is_inside(request: HttpRequest) -> bool:
    """Whether it comes from those networks and was not forwarded for somebody elsewhere.

    What a stranger writes into these headers can only close the door: every address in them must lie inside.
    """
    given = [request.META.get("REMOTE_ADDR", "")]
    given += [request.META[name][-MAX_FORWARDED:] for name in FORWARDING if name in request.META]
    hops = ",".join(given).split(",")
    return all(is_proxy(hop, settings.METRICS_ALLOWED_NETWORKS) for hop in hops)
