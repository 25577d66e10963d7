"""CORS: pages of the origins of ALLOWED_ORIGINS may read the API, at all its addresses and there alone."""

from typing import Any

import pytest
from django.test import Client

from charon.api import limits
from charon.api.addresses import API, NAMES
from markets.models import Source
from tests.cases import walk
from tests.operations import operations
from tests.test_access import start
from tests.test_api_errors import error

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("without_redis")]

OURS, OTHER = "https://rates.example.org", "https://evil.example"
EXPOSED = {"ETag", "X-Total-Count", "X-Request-ID", "RateLimit", "RateLimit-Policy", "Retry-After"}


@pytest.fixture
def allowed(settings: Any) -> Client:
    """The middleware is loaded with a client's first request."""
    settings.CORS_ALLOWED_ORIGINS = [OURS, "http://localhost:5173"]
    return Client()


def preflight(client: Client, path: str, origin: str = OURS, method: str = "POST") -> Any:
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "content-type",
    }
    return client.options(path, headers=headers)


def words(response: Any, name: str) -> set[str]:
    return {word.strip() for word in response.get(name, "").split(",")} - {""}


@pytest.mark.slow
@walk("name", sorted(NAMES))
def test_every_spelling_of_an_address_answers_an_allowed_origin(allowed: Client, nbp: Source, name: str) -> None:
    for path in (f"/{name}", f"/{name}/", f"/api/{name}", f"{API}{name}/"):
        before = preflight(allowed, path)
        assert before.status_code == 200
        assert "Content-Type" not in before.headers
        assert before.headers["Access-Control-Allow-Origin"] == OURS
        methods = {one.method for one in operations()}
        assert words(before, "Access-Control-Allow-Methods") >= methods
        assert {"authorization", "content-type", "if-none-match"} <= words(before, "Access-Control-Allow-Headers")
        assert int(before.headers["Access-Control-Max-Age"]) > 0
        answer = allowed.get(path, headers={"Origin": OURS})
        assert answer.headers["Access-Control-Allow-Origin"] == OURS
        assert words(answer, "Access-Control-Expose-Headers") >= EXPOSED
        assert "Access-Control-Allow-Credentials" not in {**before.headers, **answer.headers}
        assert "origin" in {word.lower() for word in words(answer, "Vary")}


@walk("path", ["/currencies", "/jobs", "/api/none", "/assets/BTC"])
@walk("origin", [OTHER, "null", "https://rates.example.org.evil.example", "http://rates.example.org"])
def test_another_origin_is_told_nothing(allowed: Client, nbp: Source, path: str, origin: str) -> None:
    for answer in (preflight(allowed, path, origin), allowed.get(path, headers={"Origin": origin})):
        assert not [name for name in answer.headers if name.startswith("Access-Control-Allow-Origin")]
        assert "origin" in {word.lower() for word in words(answer, "Vary")}


@walk("path", ["/", "/status/", "/admin/login/", "/waluty/"])
def test_pages_are_for_no_other_origin(allowed: Client, nbp: Source, path: str) -> None:
    for answer in (preflight(allowed, path), allowed.get(path, headers={"Origin": OURS})):
        assert not [name for name in answer.headers if name.startswith("Access-Control")]
        assert "origin" not in {word.lower() for word in words(answer, "Vary")}


def test_a_kept_answer_gets_the_origin_of_each_request(allowed: Client, nbp: Source) -> None:
    answers = [
        allowed.get("/currencies", headers={"Origin": origin} if origin else {})
        for origin in ("", OURS, "http://localhost:5173", OTHER, "")
    ]
    told = [answer.get("Access-Control-Allow-Origin", "") for answer in answers]
    assert told == ["", OURS, "http://localhost:5173", "", ""]
    assert {answer.headers["Vary"].lower() for answer in answers} == {"accept, accept-encoding, origin"}
    assert len({answer.headers["ETag"] for answer in answers}) == 1


def test_a_304_and_every_error_can_be_read(allowed: Client, nbp: Source, settings: Any) -> None:
    settings.LIMIT_READS = 100
    limits.counts.forget()
    tag = allowed.get("/currencies").headers["ETag"]
    answers = {
        304: allowed.get("/currencies", headers={"Origin": OURS, "If-None-Match": tag}),
        401: allowed.get("/currencies", headers={"Origin": OURS, "Authorization": "Bearer wrong"}),
        404: allowed.get("/api/none", headers={"Origin": OURS}),
        422: allowed.get("/jobs?limit=x", headers={"Origin": OURS}),
    }
    settings.LIMIT_READS = 1
    answers[429] = allowed.get("/jobs", headers={"Origin": OURS})
    for status, answer in answers.items():
        assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (status, OURS)


def test_a_star_allows_every_origin_still_without_cookies(settings: Any, nbp: Source) -> None:
    settings.CORS_ALLOW_ALL_ORIGINS = True
    answer = Client().get("/currencies", headers={"Origin": OTHER})
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in answer.headers


def test_without_allowed_origins_nothing_is_said_of_them(client: Client, nbp: Source) -> None:
    answer = client.get("/currencies", headers={"Origin": OURS})
    assert answer.headers["Vary"] == "Accept, Accept-Encoding"
    assert not [name for name in answer.headers if name.startswith("Access-Control")]
    assert preflight(client, "/currencies").status_code == 204


@walk(
    ("path", "methods"),
    [("/currencies", "GET, HEAD, OPTIONS"), ("/assets/", "GET, HEAD, OPTIONS, POST"),
     ("/api/batch/run", "OPTIONS, POST"),
     ("/api/v1/assets/BTC", "DELETE, OPTIONS")],
)  # fmt: skip
def test_options_answers_what_may_be_done(client: Client, path: str, methods: str) -> None:
    answer = client.options(path)
    assert (answer.status_code, answer.headers["Allow"], answer.content) == (204, methods, b"")
    assert "Content-Type" not in answer.headers


def test_options_of_an_unknown_address_is_404(client: Client) -> None:
    error(client.options("/api/none"), 404)


@pytest.mark.processes
@pytest.mark.parametrize(
    "value",
    ["rates.example.org", "https://rates.example.org/path", "null", "ftp://x", "https://", "https://a b", "https://x:port",
     "https://user@rates.example.org", "https://ok.example,evil"],
)  # fmt: skip
@pytest.mark.parametrize("name", ["ALLOWED_ORIGINS", "CSRF_TRUSTED_ORIGINS"])
def test_an_origin_that_is_none_stops_the_start_with_one_line(name: str, value: str, tmp_path: Any) -> None:
    told = start(tmp_path, **{name: value})
    assert (told.returncode, told.stderr.strip().count("\n")) == (1, 0), told.stderr
    assert f"{name}: " in told.stderr


@pytest.mark.processes
def test_origins_are_taken_as_people_write_them(tmp_path: Any) -> None:
    told = start(tmp_path, ALLOWED_ORIGINS="https://rates.example.org/, http://localhost:5173,http://[::1]:3000")
    assert told.returncode == 0, told.stderr
    assert "['https://rates.example.org', 'http://localhost:5173', 'http://[::1]:3000']" in told.stdout
