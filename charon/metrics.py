"""The Prometheus metrics of all workers at /metrics, if ENABLE_METRICS_ENDPOINT is set."""

import os
import time
from collections import Counter as Counts
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.db import DatabaseError
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
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from charon import alert_metrics, detection
from charon.api import health
from charon.api.addresses import API, NAMES
from markets import clock, problems
from markets.licence import Audience
from markets.queries.compare import readings
from markets.queries.source_state import SourceState, State
from miner import source_states

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


class States(Collector):
    """How the sources are and what is wrong, as `/health` says it; nothing while the database is away."""

    def describe(self) -> list[GaugeMetricFamily]:
        """Registering asks for the names, and there may be no database yet."""
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        now = clock.now()
        try:
            states = source_states.states(now)
            rows = health.problem_rows(detection.found(now, states))
            apart = readings.newest(Audience.API)
        except DatabaseError:
            return
        yield state_gauge(states)
        yield age_gauge(states, now)
        family = GaugeMetricFamily("charon_problems_open", "Open problems by their kind.", labels=["kind"])
        counts = Counts(row["kind"] for row in rows)
        for kind in sorted(problems.KINDS):
            family.add_metric([kind], counts[kind])
        yield family
        yield apart_gauge(apart)


def state_gauge(states: list[SourceState]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(
        "charon_source_state", "1 for the state that the source is in.", labels=["source", "state"]
    )
    for one in states:
        for state in State:
            family.add_metric([one.source.code, state], float(one.state == state))
    return family


def apart_gauge(apart: Mapping[str, Decimal]) -> GaugeMetricFamily:
    """Only of pairs that the public may see: with the figure of one source the difference tells that of the other."""
    words = "How much higher the first source of a pair is, in basis points of the second."
    family = GaugeMetricFamily("charon_cross_source_bps", words, labels=["pair"])
    for pair, bps in apart.items():
        family.add_metric([pair], float(bps))
    return family


def age_gauge(states: list[SourceState], now: datetime) -> GaugeMetricFamily:
    """Of a table by the begin of its day in UTC; negative where the clock went wrong."""
    family = GaugeMetricFamily(
        "charon_newest_data_age_seconds", "Age of the newest table, or of what the newest answered poll brought.",
        labels=["source", "series"],
    )  # fmt: skip
    for one in states:
        for series in one.series:
            newest = series.facts.figures_at
            if newest is not None:
                moment = newest if isinstance(newest, datetime) else datetime.combine(newest, datetime.min.time(), UTC)
                family.add_metric([one.source.code, series.facts.name], (now - moment).total_seconds())
    return family


REGISTRY.register(States())
REGISTRY.register(alert_metrics.Alerts())


def registry() -> CollectorRegistry:
    """What all workers have counted, where there are several (charon.serving); else this process.

    The states are read from the database and are the same in each of them. What prometheus_client tells of a process by
    itself (memory, files) would be that of one worker by chance, and is left out.
    """
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return REGISTRY
    together = CollectorRegistry()
    MultiProcessCollector(together)  # type: ignore[no-untyped-call]  # it registers itself
    together.register(States())
    together.register(alert_metrics.Alerts())
    return together


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
    return HttpResponse(generate_latest(registry()), content_type=CONTENT_TYPE_LATEST)
