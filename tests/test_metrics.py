"""What Prometheus is told, and that nobody is told unless the operator says so."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from prometheus_client import REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from charon import metrics, price_metrics, status_metrics
from charon.metric_families import Collected
from charon.processes import worker_metrics
from markets import api_tokens
from markets.models import ApiToken, Job, Source
from markets.records import RateRecord
from markets.redis import cache_stats
from markets.store.prices import save_prices
from markets.store.publish import publish
from tests.cases import walk
from tests.market import price, source
from tests.scrapes import documented, labels_of, own
from tests.test_api_rates import JAN_2, mids
from tests.test_pages_instrument import save, table

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


# Who may read them


def test_without_the_setting_there_is_no_such_page_and_nothing_is_counted(client: Client, nbp: Source) -> None:
    before = list(metrics.REQUESTS.collect())
    assert client.get("/metrics").status_code == 404
    client.get("/health")
    assert list(metrics.REQUESTS.collect()) == before


@pytest.mark.slow
@walk(
    "peer, headers, status",
    [
        ("127.0.0.1", {}, 200),
        ("::1", {}, 200),
        ("172.18.0.7", {}, 200),  # a container of the compose network
        ("::ffff:10.0.0.4", {}, 200),
        ("203.0.113.7", {}, 404),
        ("2001:db8::7", {}, 404),
        ("", {}, 404),
        ("127.0.0.1", {"X-Forwarded-For": "203.0.113.7"}, 404),
        ("127.0.0.1", {"X-Forwarded-For": "10.0.0.9"}, 200),
        ("127.0.0.1", {"X-Forwarded-For": "127.0.0.1, 203.0.113.7"}, 404),
        ("203.0.113.7", {"X-Forwarded-For": "127.0.0.1"}, 404),
        ("127.0.0.1", {"X-Real-IP": "203.0.113.7"}, 404),
        ("127.0.0.1", {"Forwarded": "for=203.0.113.7"}, 404),
        ("127.0.0.1", {"X-Forwarded-For": "1" * 10_000}, 404),
        ("203.0.113.7", {"Authorization": "Bearer the-operators-own-token"}, 200),
        ("203.0.113.7", {"Authorization": "Bearer something-else"}, 404),
        ("127.0.0.1", {"Authorization": "Bearer something-else"}, 404),
    ],
)  # fmt: skip
def test_only_networks_inside_and_operators_are_told(
    peer: str, headers: dict[str, str], status: int, counting: None, settings: Any
) -> None:
    settings.API_TOKEN = "the-operators-own-token"
    assert Client(REMOTE_ADDR=peer).get("/metrics", headers=headers).status_code == status


@walk("scope, status", [("read", 404), ("write", 404), ("operator", 200)])
def test_a_client_token_needs_an_operators_scope(scope: str, status: int, counting: None) -> None:
    row, token = api_tokens.create("prometheus", [scope])
    stranger = Client(REMOTE_ADDR="203.0.113.7", headers={"Authorization": f"Bearer {token}"})
    assert stranger.get("/metrics").status_code == status
    assert (ApiToken.objects.get(pk=row.pk).last_used_at is not None) == (status == 200)
    ApiToken.objects.update(revoked_at=row.created_at)
    assert stranger.get("/metrics").status_code == 404


def test_without_networks_the_token_alone_opens(counting: None, settings: Any) -> None:
    settings.METRICS_ALLOWED_NETWORKS = ()
    settings.API_TOKEN = "the-operators-own-token"
    assert Client().get("/metrics").status_code == 404
    assert Client().get("/metrics", headers={"Authorization": f"Bearer {settings.API_TOKEN}"}).status_code == 200


# What is counted in the processes of the web


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


# What is read from the database


def values(*parts: Any) -> dict[str, float]:
    registry = CollectorRegistry()
    registry.register(Collected(*parts))
    lines = [line.rpartition(" ") for line in generate_latest(registry).decode().splitlines()]
    return {name: float(value) for name, _, value in lines if not name.startswith("#")}


def test_both_answers_can_be_read_by_the_official_parser(client: Client, counting: None, nbp: Source) -> None:
    client.get("/health")
    worker = generate_latest(worker_metrics.registry(closes=False)).decode()
    for text in (client.get("/metrics").content.decode(), worker):
        families = list(text_string_to_metric_families(text))
        assert len(families) > 20
        assert all(family.documentation for family in families)
        names = [(one.name, tuple(sorted(one.labels.items()))) for family in families for one in family.samples]
        assert len(names) == len(set(names)), "no sample twice"


def test_every_metric_is_in_the_table_of_the_docs_with_its_kind_its_labels_and_its_target() -> None:
    web = {family.name: ("api", family) for family in own(REGISTRY)}
    worker = {family.name: ("worker", family) for family in own(worker_metrics.registry(closes=False))}
    found = {
        name: (family.type, labels_of(family), "both" if name in web and name in worker else target)
        for name, (target, family) in (web | worker).items()
    }
    assert found == documented()


def test_a_scrape_costs_few_statements(nbp: Source, django_assert_max_num_queries: Any) -> None:
    with django_assert_max_num_queries(20):
        list(metrics.installation.collect())
    with django_assert_max_num_queries(16):
        list(worker_metrics.registry(closes=False).collect())


def test_a_database_that_is_away_is_told_and_the_target_stays_up(
    monkeypatch: pytest.MonkeyPatch, client: Client, counting: None
) -> None:
    def away(_: object) -> Iterator[Metric]:
        raise OperationalError
        yield

    monkeypatch.setattr(metrics.installation, "parts", (status_metrics.read, away))
    told = samples(client)
    assert told["charon_database_up"] == 0
    assert "charon_ok" not in told


def test_missed_publications_are_counted_by_the_calendar_of_the_table(nbp: Source, at: Any) -> None:
    at("2026-11-20 13:00")  # a Friday
    Source.objects.exclude(pk=nbp.pk).update(enabled=False)
    save(nbp, [table(date(2026, 11, 12), RateRecord("USD", mid=Decimal("3.9")))])
    told = values(status_metrics.read)
    labels = '{series="nbp.A",source="nbp"}'
    assert told[f"charon_publications_missed{labels}"] == 6, "12 to 20 November without the weekend"
    assert told[f"charon_series_behind{labels}"] == 1
    assert told[f"charon_newest_data_age_seconds{labels}"] == 8.5 * 86_400
    Source.objects.update(enabled=False)
    assert f"charon_series_behind{labels}" not in values(status_metrics.read), "of what is off nothing is missing"


def test_prices_of_a_source_that_is_not_public_are_no_metric(nbp: Source, at: Any) -> None:
    at("2026-10-26 12:00")
    gecko = source("coingecko", ["BTC"], public_api=True)
    save_prices([price("60000.5", 1)], gecko)
    labels = '{instrument="BTCUSD",source="coingecko"}'
    told = values(price_metrics.read)
    assert (told[f"charon_price{labels}"], told[f"charon_price_age_seconds{labels}"]) == (60000.5, 60)
    Source.objects.filter(pk=gecko.pk).update(public_api=False)
    assert not any("BTCUSD" in name for name in values(price_metrics.read))
