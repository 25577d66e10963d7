"""What Prometheus is told, and that nobody is told unless the operator says so."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from charon import metrics
from markets.models import Job, Source
from markets.redis import cache_stats
from markets.store.publish import publish
from tests.test_api_rates import JAN_2, mids

pytestmark = pytest.mark.django_db


@pytest.fixture
def counting(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    settings.ENABLE_METRICS_ENDPOINT = True
    monkeypatch.setattr(cache_stats, "counts", cache_stats.CacheStats())
    cache_stats.ANSWERS.clear()
    metrics.REQUESTS.clear()
    metrics.SECONDS.clear()
    yield
    metrics.REQUESTS.clear()
    metrics.SECONDS.clear()


def samples(client: Client) -> dict[str, float]:
    response = client.get("/metrics")
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("text/plain")
    lines = [line.rpartition(" ") for line in response.content.decode().splitlines() if line.startswith("charon_")]
    return {name: float(value) for name, _, value in lines}


def test_without_the_setting_there_is_no_such_page_and_nothing_is_counted(client: Client, nbp: Source) -> None:
    before = list(metrics.REQUESTS.collect())
    assert client.get("/metrics").status_code == 404
    client.get("/health")
    assert list(metrics.REQUESTS.collect()) == before


def test_requests_are_counted_by_method_view_and_status(client: Client, counting: None, nbp: Source) -> None:
    for path in ("/rates", "/api/v1/rates/", "/health", "/waluty/", "/nothing", "/nowhere"):
        client.get(path)
    client.post("/gold")
    told = samples(client)
    counted = {name: value for name, value in told.items() if name.startswith("charon_http_requests_total")}
    assert counted == {
        'charon_http_requests_total{method="GET",status="422",view="rates"}': 2,
        'charon_http_requests_total{method="GET",status="200",view="health"}': 1,
        'charon_http_requests_total{method="GET",status="200",view="currencies"}': 1,
        'charon_http_requests_total{method="GET",status="404",view="other"}': 2,
        'charon_http_requests_total{method="POST",status="405",view="gold"}': 1,
    }
    assert told['charon_http_request_seconds_count{view="rates"}'] == 2
    assert told['charon_http_request_seconds_sum{view="rates"}'] > 0


def test_the_cache_tells_how_often_it_had_the_answer(client: Client, counting: None, nbp: Source, job: Job) -> None:
    publish([mids(JAN_2, USD="3.9432")], nbp, job)
    for _ in range(3):
        client.get("/rates?code=USD")
    client.get("/gold")
    client.get("/rates?code=USB")
    told = samples(client)
    assert told['charon_cache_requests_total{kind="rates",result="hit"}'] == 2
    assert told['charon_cache_requests_total{kind="rates",result="miss"}'] == 1
    assert told['charon_cache_requests_total{kind="gold",result="miss"}'] == 1
    assert told['charon_http_requests_total{method="GET",status="200",view="rates"}'] == 3


def test_a_strangers_words_make_no_labels(client: Client, counting: None) -> None:
    client.generic("BREW", "/rates")
    client.get("/waluty/whatever-somebody-thinks-of/")
    text = "\n".join(samples(client))
    assert 'method="other"' in text
    assert "BREW" not in text
    assert "whatever" not in text
