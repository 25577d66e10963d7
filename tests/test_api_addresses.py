"""Every endpoint at all its addresses, the documentation without internet, and answers that keep their schemas."""

import re

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from ninja import Schema

from charon.api.addresses import NAMES, canonical
from charon.api.app import api
from charon.api.health import Health
from markets.api.price_schemas import PriceSummary
from markets.api.schemas import CurrencyPage, Envelope, GoldPage, RatePage
from markets.models import Job, Source
from markets.store.publish import publish
from miner.schemas import JobPage, MinerStats, SourcePage, UpcomingPage
from tests.test_api_errors import CLOSED, DOCUMENTS, NEEDED
from tests.test_api_rates import JAN_2, JAN_3, gold_of, mids, table_c

pytestmark = pytest.mark.django_db

SCHEMAS: dict[str, type[Schema]] = {
    "health": Health,
    "sources": SourcePage,
    "currencies": CurrencyPage,
    "rates?code=USD&from=2024-01-01": RatePage,
    "rates?code=USD&from=2024-01-01&table=C": RatePage,
    "gold?from=2024-01-01": GoldPage,
    "prices/summary?asset=USD&window=1h": PriceSummary,
    "jobs": JobPage,
    "stats/miner": MinerStats,
    "stats/upcoming": UpcomingPage,
}


@pytest.fixture
def full(nbp: Source, job: Job) -> None:
    publish([mids(JAN_2, USD="3.9909", AUD="2.6410"), mids(JAN_3, USD="3.9432")], nbp, job)
    publish([table_c(JAN_3, "USD", "3.9010", "3.9800")], nbp, job)
    publish([gold_of(JAN_3, "262.10")], nbp, job)
    Job.objects.create(job_type="nbp.A", source=nbp, status="failed", started_at=job.started_at, notes=["refused: x"],
                       finished_at=job.started_at, reached=JAN_3, error="Unreachable")  # fmt: skip


@pytest.mark.parametrize("path", SCHEMAS)
def test_every_endpoint_answers_alike_at_the_root_and_below_the_prefix_with_and_without_a_slash(
    client: Client, full: None, path: str
) -> None:
    name, _, query = path.partition("?")
    spellings = [f"/{name}", f"/{name}/", f"/api/v1/{name}", f"/api/v1/{name}/"]
    answers = [client.get(f"{spelling}?{query}") for spelling in spellings]
    assert [answer.status_code for answer in answers] == [200] * 4
    assert len({answer.content for answer in answers}) == 1
    assert answers[0].headers["Content-Type"] == "application/json; charset=utf-8"


@pytest.mark.parametrize("name", sorted(NAMES - CLOSED - {"batch/run"}))
def test_head_is_answered_like_get_without_a_body(client: Client, full: None, name: str) -> None:
    response = client.head(f"/{name}/", NEEDED.get(name, {}))
    assert (response.status_code, response.content) == (200, b"")


@pytest.mark.parametrize(
    "path",
    ["/", "/miner/", "/admin/", "/ratesx", "/xrates", "//rates", "/rates//", "/rates/x", "/static/rates", "/api/"],
)
def test_other_paths_are_left_as_they_are(path: str) -> None:
    assert canonical(path) == path


@pytest.mark.parametrize(("path", "schema"), SCHEMAS.items())
def test_answers_keep_to_their_declared_schemas(client: Client, full: None, path: str, schema: type[Schema]) -> None:
    """Rows bypass the schemas; what a schema reads and writes again must be what was sent, field by field."""
    sent = client.get(f"/{path}").json()
    assert sent.get("items", [1]), "an empty list shows nothing"
    assert schema.model_validate(sent).model_dump(mode="json") == sent


def test_errors_keep_to_their_declared_schema(client: Client) -> None:
    sent = client.get("/rates").json()
    assert Envelope.model_validate(sent).model_dump(mode="json") == sent


def test_openapi_lists_every_endpoint_described_with_examples_and_errors(client: Client) -> None:
    document = client.get("/api/v1/openapi.json").json()
    assert (document["info"]["title"], document["info"]["version"]) == ("Charon", api.version)
    names = (NAMES | {"assets/{symbol}"}) - DOCUMENTS
    assert set(document["paths"]) == {f"/api/v1/{name}" for name in names}
    for method, operation in ((method, found) for path in document["paths"].values() for method, found in path.items()):
        assert operation["summary"]
        assert operation["description"]
        assert {"422", "500", "503"} <= set(operation["responses"])
        assert {"200", "201", "202", "204"} & set(operation["responses"])
        assert method == "get" or ("security" in operation and "401" in operation["responses"])
        for parameter in operation["parameters"]:
            assert parameter["description"]
            assert "example" in parameter
    for name, schema in document["components"]["schemas"].items():
        for field, details in schema.get("properties", {}).items():
            assert details.get("description"), f"{name}.{field}"
            shown = "example" in details or "examples" in details or "$ref" in str(details)
            assert shown, f"{name}.{field}"


@pytest.mark.parametrize(
    "path", ["/docs", "/docs/", "/redoc", "/redoc/", "/api/v1/docs", "/api/v1/docs/", "/api/v1/redoc"]
)
def test_the_documentation_needs_no_other_host(client: Client, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 200
    page = response.content.decode()
    assert not re.search(r"https?://|['\"]//", page)
    assert "/api/v1/openapi.json" in page
    assert "redoc" in path or '"validatorUrl": null' in page, "Swagger would show the document to its validator"
    assets = re.findall(r"/static/([^\"']+)", page)
    assert assets
    assert all(finders.find(asset) for asset in assets)
    policy = response.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'self'")
    assert "http" not in policy


def test_a_page_differs_by_htmx_and_language_and_an_answer_of_the_api_does_not(client: Client) -> None:
    assert "HX-Request" in client.get("/docs").headers["Vary"]
    answer = client.get("/health")
    assert "HX-Request" not in answer.headers.get("Vary", "")
    assert "Content-Language" not in answer.headers
