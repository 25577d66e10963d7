"""One envelope for every error, and nothing that a caller writes is our fault."""

import re
from typing import Any

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from charon.api.addresses import NAMES
from markets.instruments import create
from markets.models import Instrument
from tests.cases import walk
from tests.log_lines import logged

pytestmark = pytest.mark.django_db

# Pages and the document that describe the API; they are no operations of it.
DOCUMENTS = {"docs", "redoc", "openapi.json"}
# What is only POSTed to has tests of its own.
POSTED = {"alerts/preview", "batch/run", "gaps/heal", "tax-rate/invoice"}
OPERATIONS = sorted(NAMES - DOCUMENTS - POSTED)  # those that GET answers
MARKET = ("asset", "symbol", "timeframe", "window")
# For operators alone: they have tests of their own.
CLOSED = {"redis/log", "alerts/channels", "alerts/silences"}


def error(response: Any, status: int) -> dict[str, Any]:
    """The error of a response, after a look at all that every error has."""
    assert response.status_code == status, response.content
    assert response.headers["Content-Type"] == "application/json; charset=utf-8"
    assert response.headers["Content-Length"] == str(len(response.content))
    assert "Content-Language" not in response.headers
    assert response.headers["Cache-Control"] == "no-store"
    [(name, body)] = response.json().items()
    assert name == "error"
    assert list(body) == ["code", "message", "detail", "id"]
    assert body["id"] == response.headers["X-Request-ID"]
    assert body["message"]
    return dict(body)


def currencies(*codes: str) -> None:
    create.find_or_create(set(codes), Instrument.Kind.CURRENCY)


@walk(
    "path",
    ["/api/v1/nothing", "/api/v1/nothing/", "/api/v1/", "/api/v1", "/api/v2/rates", "/api/x", "/rates/USD",
     "/stats", "/stats/nothing/", "/health/x/"],
)  # fmt: skip
def test_an_unknown_address_of_the_api_is_404_in_the_envelope(client: Client, path: str) -> None:
    assert error(client.get(path), 404)["code"] == "not_found"
    assert error(client.post(path), 404)["code"] == "not_found"


def test_an_unknown_page_is_no_matter_of_the_api(client: Client) -> None:
    response = client.get("/nothing")
    assert response.status_code == 404
    assert response.headers["Content-Type"].startswith("text/html")
    assert response.headers["Cache-Control"] == "no-store"


@walk(("wrong", "nearest"), [("USB", "USD"), ("usd1", "USD"), ("EURO", "EUR"), ("PLN/USD", "USD"), ("CHG", "CHF")])
def test_an_unknown_code_comes_back_with_its_neighbours(client: Client, wrong: str, nearest: str) -> None:
    currencies("AUD", "CHF", "EUR", "JPY", "RUB", "USD")
    fault = error(client.get("/rates", {"code": wrong}), 404)
    assert fault["code"] == "unknown_code"
    assert fault["detail"]["nearest"][0] == nearest
    assert "JPY" not in fault["detail"]["nearest"]


def test_a_code_like_no_other_has_no_neighbours(client: Client) -> None:
    currencies("USD")
    assert error(client.get("/rates", {"code": "???"}), 404)["detail"] == {"nearest": []}


@walk("path", ["/rates?code=USD", "/gold?", "/jobs?"])
def test_an_unknown_source_is_404_with_the_nearest(client: Client, nbp: Any, path: str) -> None:
    currencies("USD")
    fault = error(client.get(f"{path}&source=nbb"), 404)
    assert fault["detail"] == {"nearest": ["nbp"]}


@pytest.mark.parametrize("path", ["/rates?code=USD&", "/gold?"])
def test_a_period_that_ends_before_it_begins_means_nothing(client: Client, path: str) -> None:
    currencies("USD")
    fault = error(client.get(f"{path}from=2024-02-01&to=2024-01-31"), 400)
    assert fault["message"] == "from (2024-02-01) is later than to (2024-01-31)"
    assert fault["detail"] == {"from": "2024-02-01", "to": "2024-01-31"}
    assert error(client.get(f"{path}from=9999-12-31"), 400)["code"] == "bad_request"


@walk(
    ("day", "message"),
    [
        ("2024-02-30", "there is no such day; write YYYY-MM-DD, for example 2024-01-31"),
        ("0000-01-01", "there is no such day; write YYYY-MM-DD, for example 2024-01-31"),
        ("31.01.2024", "is not a date; write YYYY-MM-DD, for example 2024-01-31"),
        ("1700000000", "is not a date; write YYYY-MM-DD, for example 2024-01-31"),
        ("2024-01-31T00:00:00", "is not a date; write YYYY-MM-DD, for example 2024-01-31"),
        ("٢٠٢٤-01-31", "is not a date; write YYYY-MM-DD, for example 2024-01-31"),
        ("", "is not a date; write YYYY-MM-DD, for example 2024-01-31"),
    ],
)
def test_a_wrong_date_is_explained_with_an_example(client: Client, day: str, message: str) -> None:
    for name in ("from", "to"):
        fault = error(client.get("/gold", {name: day}), 422)
        assert fault["detail"] == [{"field": name, "value": day, "message": message}]


@walk(
    ("query", "finding"),
    [
        ("", {"field": "code", "message": "is required"}),
        ("code=", {"field": "code", "value": "", "message": "must not be empty"}),
        ("code=" + "x" * 33, {"field": "code", "value": "x" * 33, "message": "must not be longer than 32 characters"}),
        (
            "code=USD&table=D",
            {"field": "table", "value": "D", "message": "must be one of 'A', 'B', 'C' or 'eurofxref'"},
        ),
        ("code=USD&limit=0", {"field": "limit", "value": "0", "message": "must be at least 1"}),
        ("code=USD&limit=10001", {"field": "limit", "value": "10001", "message": "must be at most 10000"}),
        ("code=USD&limit=x", {"field": "limit", "value": "x", "message": "is not a whole number"}),
        ("code=US%00D", {"field": "code", "value": "US\0D", "message": "contains a NUL character"}),
        ("code=USD&code=EUR", {"field": "code", "value": "USD, EUR", "message": "may be given once"}),
        ("code=USD&frm=2024-01-01", {"field": "frm", "message": "is not a parameter here; did you mean from?"}),
    ],
)  # fmt: skip
def test_a_wrong_parameter_is_named_in_plain_words(client: Client, query: str, finding: dict[str, str]) -> None:
    assert error(client.get(f"/rates?{query}"), 422)["detail"] == [finding]


def test_all_wrong_parameters_are_named_at_once(client: Client) -> None:
    fault = error(client.get("/rates?from=x&to=y&limit=z"), 422)
    assert fault["message"] == "Wrong parameters: code, from, to, limit"


def test_a_fault_of_ours_is_500_with_an_id_and_without_internals(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise RuntimeError("apiKey=hunter2")

    monkeypatch.setattr("charon.api.health.health", broken)
    with logged("text") as log:
        response = client.get("/health")
    fault = error(response, 500)
    assert (fault["code"], fault["detail"]) == ("internal_error", None)
    assert b"hunter2" not in response.content
    assert log.lines(fault["id"], "/health")


def test_a_forbidden_post_to_the_documentation_is_in_the_envelope() -> None:
    assert error(Client(enforce_csrf_checks=True).post("/docs"), 403)["code"] == "forbidden"


def test_a_wrong_host_is_400_in_the_envelope(client: Client) -> None:
    assert error(client.get("/health", headers={"host": "evil.example"}), 400)["code"] == "bad_request"


def test_too_many_parameters_are_400_in_the_envelope(client: Client) -> None:
    query = "&".join(f"p{number}=1" for number in range(1100))
    assert error(client.get(f"/health?{query}"), 400)["code"] == "bad_request"


@pytest.mark.slow
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(OPERATIONS),
    asked=st.dictionaries(
        st.sampled_from(["code", "from", "to", "table", "source", "limit", "offset", "type", "status", *MARKET]),
        st.text(max_size=40)
        | st.dates().map(str)
        | st.integers().map(str)
        | st.sampled_from(["USD", "A", "nbp", "1h"]),
    ),
)
def test_nothing_that_can_be_asked_is_a_fault_of_ours(client: Client, name: str, asked: dict[str, str]) -> None:
    if not Instrument.objects.exists():
        currencies("USD")
    response = client.get(f"/{name}", {key: value.encode("utf-8", "replace") for key, value in asked.items()})
    refusals = {400, 404, 422} | ({401} if name in CLOSED else set())
    assert response.status_code in {200, *refusals}, response.content
    if response.status_code != 200:
        error(response, response.status_code)


@pytest.mark.parametrize("given_id", ["0123abcd", "4f6c1a52-b9e8-4c0f-8d5a-7f0e3c2b1a09"])
def test_a_harmless_request_id_is_kept(client: Client, given_id: str) -> None:
    response = client.get("/rates", headers={"x-request-id": given_id})
    assert error(response, 422)["id"] == given_id


@walk("given_id", ["", "short", "x" * 65, "bad id with spaces", "<script>alert(1)</script>", "ąąąąąąąą"])
def test_any_other_request_id_is_replaced(client: Client, given_id: str) -> None:
    ids = [error(client.get("/rates", headers={"x-request-id": given_id}), 422)["id"] for _ in range(2)]
    assert all(re.fullmatch("[0-9a-f]{32}", one) for one in ids)
    assert ids[0] != ids[1]
