"""What our registries say, what the documentation has of it, and which metrics a query of Prometheus names."""

import re
from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.metrics_core import Metric

from charon import metrics
from charon.processes import worker_metrics
from markets.redis import cache_stats
from tests.test_docs import section, table

OURS = ("charon_", "alert")
SUFFIXES = {
    "counter": ("_total",),
    "histogram": ("_bucket", "_sum", "_count"),
    "summary": ("", "_sum", "_count"),
    "gauge": ("",),
}
COUNTED: tuple[MetricWrapperBase, ...] = (metrics.REQUESTS, metrics.SECONDS, cache_stats.ANSWERS)
# Of Prometheus itself: every target has them.
OF_PROMETHEUS = {"up": {"job", "instance"}}
KEYWORDS = {"and", "or", "unless", "bool", "offset", "by", "without", "on", "ignoring", "group_left", "group_right"}
GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
MATCHERS = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)\s*\"")


def own(registry: CollectorRegistry) -> list[Metric]:
    return [family for family in registry.collect() if family.name.startswith(OURS)]


def labels_of(family: Metric) -> tuple[str, ...]:
    """Of a family that is made when asked, and of one that counts in the process, whose family does not know them."""
    counted = {one._name: one._labelnames for one in COUNTED}
    return tuple(counted.get(family.name) or getattr(family, "_labelnames", None) or ())


def documented() -> dict[str, tuple[str, tuple[str, ...], str]]:
    """By the family's name: kind, labels and target, as docs/metrics.md has them."""
    rows = table(section("docs/metrics.md", "## Metrics"))
    return {
        cells[0].strip("`").removesuffix("_total"): (cells[1], tuple(re.findall(r"`(\w+)`", cells[2])), cells[3])
        for cells in rows
    }


def scraped() -> dict[str, set[str]]:
    """The labels of every series that a scrape of both targets can have, by the series' name."""
    registries = (metrics.registry(), worker_metrics.registry(closes=False))
    text = "".join(generate_latest(registry).decode() for registry in registries)
    kinds = dict(re.findall(r"^# TYPE (\S+) (\w+)$", text, re.MULTILINE))
    labels = {family.name: set(labels_of(family)) for registry in registries for family in own(registry)}
    found = dict(OF_PROMETHEUS)
    for name, kind in kinds.items():
        family = name.removesuffix("_total")
        if family in labels:
            bound = {"le"} if kind == "histogram" else set()
            found |= {family + end: labels[family] | bound | {"job", "instance"} for end in SUFFIXES[kind]}
    return found


def metrics_of(query: str) -> set[str]:
    plain = GROUPING.sub(" ", re.sub(r"\{[^}]*\}|\[[^\]]*\]|\"[^\"]*\"", " ", query))
    return set(re.findall(r"\b[a-zA-Z_:][\w:]*\b(?!\s*\()", plain)) - KEYWORDS


def labels_in(query: str) -> set[str]:
    grouped = {name.strip() for names in GROUPING.findall(query) for name in names.split(",")}
    return (grouped | set(MATCHERS.findall(query))) - {""}


def unknown(queries: Iterable[str], series: dict[str, set[str]]) -> Iterator[str]:
    """What is asked for and is not there: a metric, or a label that none of the metrics of its query has."""
    for query in queries:
        names = metrics_of(query)
        yield from (f"{name} in {query}" for name in names - series.keys())
        known = set[str]().union(*(series.get(name, set()) for name in names))
        yield from (f"label {label} in {query}" for label in labels_in(query) - known)
        if not names:
            yield f"no metric in {query}"
