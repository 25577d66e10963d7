"""Which addresses are the API's, its document and its documentation without internet; test_api_laws has the rest."""

import re

import pytest
from django.contrib.staticfiles import finders
from django.test import Client

from charon.api.addresses import NAMES, canonical
from charon.api.app import api
from markets.api.schemas import Envelope
from tests.cases import walk
from tests.test_api_errors import DOCUMENTS

pytestmark = pytest.mark.django_db


@walk(
    "path",
    ["/", "/miner/", "/admin/", "/ratesx", "/xrates", "//rates", "/rates//", "/rates/x", "/static/rates", "/api/"],
)
def test_other_paths_are_left_as_they_are(path: str) -> None:
    assert canonical(path) == path


def test_errors_keep_to_their_declared_schema(client: Client) -> None:
    sent = client.get("/rates").json()
    assert Envelope.model_validate(sent).model_dump(mode="json") == sent


def test_the_schema_also_stands_at_the_root(client: Client) -> None:
    root, below = client.get("/openapi.json"), client.get("/api/v1/openapi.json")
    assert root.status_code == below.status_code == 200
    assert root.json() == below.json()
    assert "/api/v1/rates" in root.json()["paths"]


def test_openapi_lists_every_endpoint_described_with_examples_and_errors(client: Client) -> None:
    document = client.get("/api/v1/openapi.json").json()
    assert (document["info"]["title"], document["info"]["version"]) == ("Charon", api.version)
    of_one = {
        "alerts/{rule_id}",
        "alerts/events/{event_id}/acknowledge",
        "alerts/{event_id}/deliveries",
        "alerts/silences/{silence_id}",
        "assets/{symbol}",
        "overrides/{id}",
        "history/{code}/{year}.csv",
        "history/{code}/{year}.json",
        "provenance/{kind}/{id}",
        "provenance/signal/{id}",
        "signals/{id}/explain",
    }
    names = (NAMES | of_one) - DOCUMENTS - {"csv/kurs"}  # the Polish name of csv/rate
    assert set(document["paths"]) == {f"/api/v1/{name}" for name in names}
    for method, operation in ((method, found) for path in document["paths"].values() for method, found in path.items()):
        assert operation["summary"]
        assert operation["description"]
        assert {"422", "500", "503"} <= set(operation["responses"])
        assert {"200", "201", "202", "204"} & set(operation["responses"])
        is_open = method == "get" or operation["operationId"] in {"alert_preview", "tax_rates", "tax_invoice"}
        assert is_open or ("security" in operation and "401" in operation["responses"])
        for parameter in operation["parameters"]:
            assert parameter["description"]
            assert "example" in parameter
    for name, schema in document["components"]["schemas"].items():
        for field, details in schema.get("properties", {}).items():
            assert details.get("description"), f"{name}.{field}"
            shown = "example" in details or "examples" in details or "$ref" in str(details)
            assert shown, f"{name}.{field}"


@walk("path", ["/docs", "/docs/", "/redoc", "/redoc/", "/api/v1/docs", "/api/v1/docs/", "/api/v1/redoc"])
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
