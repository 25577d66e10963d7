"""What the schema of the API says of answers beside their bodies: headers, 304, links; and of a window."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from markets.models import Source
from tests.operations import Operation, document, gets, operations, resolved
from tests.test_api_laws import TOKEN, ask, filled  # noqa: F401  the fixture fills an installation for every GET

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("without_redis")]

# Of HTTP itself, and what Django's SecurityMiddleware sends with everything.
GENERAL = {
    "Content-Type", "Content-Length", "Content-Encoding", "Vary", "Allow", "X-Content-Type-Options", "X-Frame-Options",
    "Referrer-Policy", "Cross-Origin-Opener-Policy",
}  # fmt: skip
FUZZ = Path(__file__).parent.parent / "fuzz" / "schemathesis.toml"


@pytest.fixture(autouse=True)
def limited(settings: Any) -> None:
    settings.LIMIT_READS = settings.LIMIT_HEAVY = settings.LIMIT_WRITES = 1000


def headers(one: Operation, status: int) -> dict[str, bool]:
    """Those that are documented, and whether they are always there."""
    known = document()["components"]["headers"]
    rows = one.described["responses"][status]["headers"]
    return {name: (known[name] if "$ref" in row else row)["required"] for name, row in rows.items()}


def check(one: Operation, answer: Any) -> None:
    """The status is documented, and every header of the answer; those that are always there are."""
    documented = headers(one, answer.status_code)
    sent = set(answer.headers) - GENERAL
    assert sent <= set(documented), (one.name, answer.status_code)
    assert {name for name, always in documented.items() if always} <= sent, (one.name, answer.status_code)


@pytest.mark.slow
def test_every_header_of_every_answer_is_documented(client: Client) -> None:
    for one in gets():
        check(one, answer := ask(client, one))
        assert answer.status_code == 200
        check(one, client.get(one.address, headers={"Authorization": "Bearer guess"}))
        check(one, client.get(one.address, {"unknown": 1}, headers=TOKEN))


def test_every_header_of_what_changes_something_is_documented(client: Client) -> None:
    def told(path: str, answer: Any) -> int:
        [one] = [one for one in operations() if (one.method, one.path) == (answer.request["REQUEST_METHOD"], path)]
        check(one, answer)
        return int(answer.status_code)

    def post(path: str, **body: Any) -> Any:
        return client.post(path, body, content_type="application/json", headers=TOKEN)

    assert told("/batch/run", post("/batch/run")) == 202
    assert told("/batch/run", post("/batch/run")) == 409
    assert told("/assets", post("/assets", symbol="PEPE")) == 202
    assert told("/assets", post("/assets", symbol="BTC", aliases=["BITCOIN-CORE"])) == 409
    assert told("/assets/{symbol}", client.delete("/assets/BTC", headers=TOKEN)) == 204
    assert told("/assets", post("/assets", symbol="BTC")) == 201
    assert told("/sources", post("/sources", code="nbp")) == 409
    assert told("/sources", client.post("/sources")) == 401


@pytest.mark.slow
def test_an_answer_that_is_not_modified_is_documented_where_there_is_one(client: Client) -> None:
    for one in gets():
        tag = ask(client, one).get("ETag")
        assert (304 in one.described["responses"]) is bool(tag), one.name
        if tag:
            again = ask(client, one, headers={"If-None-Match": tag})
            assert again.status_code == 304
            check(one, again)


def test_a_refusal_beyond_the_limit_has_the_documented_headers(client: Client, settings: Any) -> None:
    settings.LIMIT_READS = 1
    [one] = [one for one in gets() if one.path == "/sources"]
    answers = [client.get(one.address) for _ in range(3)]
    assert answers[-1].status_code == 429
    check(one, answers[-1])


def test_the_503_of_health_is_a_health_or_an_error(client: Client) -> None:
    Source.objects.update(enabled=True)
    [one] = [one for one in gets() if one.path == "/health"]
    answer = client.get("/health", {"strict": 1})
    assert answer.status_code == 503
    check(one, answer)
    shapes = one.described["responses"][503]["content"]["application/json"]["schema"]["anyOf"]
    assert {"status", "error"} <= {name for shape in shapes for name in resolved(shape)["properties"]}


def test_every_link_leads_to_an_operation_and_takes_a_field_of_the_answer() -> None:
    known = {one.described["operationId"]: one for one in operations()}
    found = 0
    for one in operations():
        for response in one.described["responses"].values():
            for link in response.get("links", {}).values():
                found += 1
                names = {row["name"] for row in known[link["operationId"]].described["parameters"]}
                assert set(link["parameters"]) <= names
                fields = resolved(response["content"]["application/json"]["schema"])["properties"]
                assert {place.removeprefix("$response.body#/") for place in link["parameters"].values()} <= set(fields)
    assert found == 3


@pytest.mark.parametrize("path", ["/prices", "/prices/summary"])
def test_a_window_of_another_shape_than_the_documented_one_is_refused(client: Client, path: str) -> None:
    [one] = [one for one in gets() if one.path == path]
    pattern = one.parameters["window"]["schema"]["pattern"]
    for text in ("30m", "24h", "7d", "007d", "", "7", "d", "7w", "7 d", "-7d", "7.5h", "1234567m", "7D", "٧d"):
        status = client.get(path, {"asset": "BTC", "window": text}).status_code
        assert (status == 200) is bool(re.search(pattern, text)), text


def test_the_exceptions_of_the_fuzzing_are_of_operations_that_there_are() -> None:
    known = {row["operationId"] for methods in document()["paths"].values() for row in methods.values()}
    rows = tomllib.loads(FUZZ.read_text())["operations"]
    asked = [row["include-operation-id"] for row in rows]
    assert {name for names in asked for name in ([names] if isinstance(names, str) else names)} <= known
