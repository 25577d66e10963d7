"""The Prometheus metrics of this process at /metrics, if ENABLE_METRICS_ENDPOINT is set."""

import time
from collections.abc import Callable, Iterator

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from charon.api.addresses import API, NAMES
from markets.redis import cache_stats

REQUESTS = Counter("charon_http_requests", "Requests answered.", ["method", "view", "status"])
SECONDS = Histogram(
    "charon_http_request_seconds",
    "Time to answer a request.",
    ["view"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
# One label per method that a client may invent would fill the memory.
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class CacheCounts(Collector):
    """The totals of the response cache, read at each scrape."""

    def collect(self) -> Iterator[CounterMetricFamily]:
        family = CounterMetricFamily(
            "charon_cache_requests", "Answers that may be kept: from the cache (hit) or computed (miss).",
            labels=["kind", "result"],
        )  # fmt: skip
        for (kind, result), number in sorted(cache_stats.totals().items()):
            family.add_metric([kind, result], number)
        yield family


REGISTRY.register(CacheCounts())


def measured(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    if not settings.ENABLE_METRICS_ENDPOINT:
        raise MiddlewareNotUsed("nobody may ask for metrics")

    def middleware(request: HttpRequest) -> HttpResponseBase:
        started = time.perf_counter()
        response = get_response(request)
        view = view_of(request)
        method = request.method if request.method in METHODS else "other"
        REQUESTS.labels(method, view, str(response.status_code)).inc()
        SECONDS.labels(view).observe(time.perf_counter() - started)
        return response

    return middleware


def view_of(request: HttpRequest) -> str:
    """The operation of the API, the page's name, or `other`; never a path as the client wrote it."""
    name = request.path_info.removeprefix(API)
    if name in NAMES:
        return name
    return (request.resolver_match.view_name if request.resolver_match else "") or "other"


def page(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
    if not settings.ENABLE_METRICS_ENDPOINT:
        raise Http404("ENABLE_METRICS_ENDPOINT is off")
    return HttpResponse(generate_latest(REGISTRY), content_type=CONTENT_TYPE_LATEST)
