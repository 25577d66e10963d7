"""What kinds of bodies are taken and given: 415 and 406 say which there are."""

from typing import Any

import pytest
from django.test import Client

from markets.models import Source
from tests.cases import walk
from tests.test_api_errors import error

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("without_redis")]

TOKEN = {"Authorization": "Bearer let-me-in-please"}


@pytest.fixture(autouse=True)
def token(settings: Any) -> None:
    settings.API_TOKEN = "let-me-in-please"


@walk("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "json"])
def test_a_body_of_another_type_is_refused_and_the_answer_says_which_are_taken(client: Client, kind: str) -> None:
    answer = client.generic("POST", "/sources", b'{"code": "ecb"}', content_type=kind, headers=TOKEN)
    assert error(answer, 415)["detail"] == {"types": ["application/json"]}
    assert answer.headers["Accept"] == "application/json"


@walk("kind", ["application/json", "application/json; charset=utf-8", "application/vnd.x+json", ""])
def test_json_is_taken_under_each_of_its_names_and_under_none(client: Client, nbp: Source, kind: str) -> None:
    answer = client.generic("POST", "/sources", b'{"code": "nbp"}', content_type=kind, headers=TOKEN)
    assert answer.status_code == 409


@walk(
    ("accept", "status"),
    [
        ("application/json", 200), ("*/*", 200), ("application/*", 200), ("text/html, */*;q=0.8", 200),
        ("", 200), (" ", 200),
        ("application/xml", 406), ("text/html", 406), ("image/*", 406),
    ],
)  # fmt: skip
def test_a_client_that_takes_no_json_is_told_so_also_by_a_kept_answer(
    client: Client, nbp: Source, accept: str, status: int
) -> None:
    client.get("/sources")
    client.get("/currencies")
    for path in ("/sources", "/currencies"):
        assert client.get(path, headers={"Accept": accept}).status_code == status
