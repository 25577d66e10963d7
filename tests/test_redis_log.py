"""GET /redis/log: the message log, for operators alone."""

from collections.abc import Iterator
from typing import Any

import fakeredis
import pytest
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.test import Client, RequestFactory

from charon.api import message_log
from charon.api.message_log import LogPage
from markets.access import READ_LOG
from markets.api.operator import Operator
from markets.errors import ForbiddenError
from markets.redis import client as redis_client
from markets.redis import pubsub
from markets.redis.pubsub import Entry
from tests.own_redis import imitated

pytestmark = pytest.mark.django_db

TOKEN = "correct-horse-battery"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def redis(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[fakeredis.FakeRedis]:
    with imitated(settings, monkeypatch) as client:
        yield client


@pytest.fixture(autouse=True)
def token(settings: Any) -> None:
    settings.API_TOKEN = TOKEN


def written(count: int = 1) -> None:
    """`count` lines of the brain, numbered, each beside one of the miner."""
    for number in range(count):
        pubsub.note(
            Entry("signal", "signals.updated", "ta-service", f"signal {number}", 100),
            Entry("publish", "rates.ingested", "market-data", f"rates {number}", 90),
        )


def get(client: Client, query: str = "", **headers: str) -> dict[str, Any]:
    response = client.get(f"/api/redis/log{query}", headers=headers or BEARER)
    assert response.status_code == 200, response.content
    answer: dict[str, Any] = response.json()
    return answer


def refused(client: Client, status: int, **headers: str) -> str:
    response = client.get("/api/redis/log", headers=headers)
    assert response.status_code == status
    assert response.headers["Cache-Control"] == "no-store"
    return str(response.json()["error"]["code"])


def test_the_brains_rows_are_found_by_type_and_source(client: Client, redis: fakeredis.FakeRedis, at: Any) -> None:
    at("2026-11-20 12:00")
    written(3)
    answer = get(client, "?type=signal&source=ta-service")
    assert answer["items"][0] == {
        "id": answer["items"][0]["id"],
        "type": "signal",
        "channel": "signals.updated",
        "source": "ta-service",
        "summary": "signal 2",
        "payload_size": 100,
        "timestamp": "2026-11-20T11:00:00Z",
    }
    assert [item["summary"] for item in answer["items"]] == ["signal 2", "signal 1", "signal 0"]
    assert (answer["count"], answer["available"]) == (3, True)
    assert LogPage.model_validate(answer).model_dump(mode="json") == answer


@pytest.mark.parametrize(
    "path", ["/redis/log", "/redis/log/", "/api/redis/log", "/api/redis/log/", "/api/v1/redis/log"]
)
def test_it_answers_at_all_its_addresses_and_is_kept_nowhere(
    client: Client, redis: fakeredis.FakeRedis, path: str
) -> None:
    written()
    response = client.get(path, headers=BEARER)
    assert (response.status_code, response.json()["count"]) == (200, 2)
    assert response.headers["Cache-Control"] == "private, no-store"
    head = client.head(path, headers=BEARER)
    assert (head.status_code, head.content) == (200, b"")


def test_the_newest_come_first_as_many_as_were_asked_for(client: Client, redis: fakeredis.FakeRedis) -> None:
    written(80)
    assert get(client)["count"] == 100
    assert [item["summary"] for item in get(client, "?limit=3")["items"]] == ["rates 79", "signal 79", "rates 78"]


def test_a_filter_reads_on_until_it_has_found_enough(
    client: Client, redis: fakeredis.FakeRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(message_log, "CHUNK", 7)
    written(1)
    for _ in range(30):
        pubsub.note(Entry("cache_write", "cache", "dashboard", "", 1))
    assert [item["summary"] for item in get(client, "?type=signal")["items"]] == ["signal 0"]
    assert len(get(client, "?source=dashboard&limit=20")["items"]) == 20
    assert get(client, "?source=dashboard&limit=1000")["count"] == 30
    assert get(client, "?type=trade&source=trader-bot") == {"items": [], "count": 0, "available": True}


@pytest.mark.parametrize(
    ("query", "field"),
    [("limit=0", "limit"), ("limit=1001", "limit"), ("limit=x", "limit"), ("type=sig", "type"),
     ("source=nbp", "source"), ("offset=1", "offset")],
)  # fmt: skip
def test_what_cannot_be_asked_is_refused(client: Client, redis: fakeredis.FakeRedis, query: str, field: str) -> None:
    response = client.get(f"/api/redis/log?{query}", headers=BEARER)
    assert response.status_code == 422
    assert [fault["field"] for fault in response.json()["error"]["detail"]] == [field]


def test_without_redis_nothing_is_known_and_that_is_said(client: Client, settings: Any) -> None:
    settings.REDIS_URL = ""
    assert get(client) == {"items": [], "count": 0, "available": False}


def test_with_redis_away_the_answer_is_the_same(
    client: Client, redis: fakeredis.FakeRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(_alias: str) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(redis_client, "get_redis_connection", gone)
    assert get(client) == {"items": [], "count": 0, "available": False}


def test_what_others_wrote_there_breaks_nothing(client: Client, redis: fakeredis.FakeRedis) -> None:
    redis.xadd("redis:message_log", {b"type": b"\xff", b"payload_size": b"many", b"timestamp": b"yesterday"})
    redis.xadd("redis:message_log", {"timestamp": "2026-11-20T11:00:00"})
    for item in get(client)["items"]:
        assert (item["payload_size"], item["timestamp"], item["summary"]) == (0, None, "")


@pytest.mark.parametrize(
    ("field", "rubbish"),
    [("payload_size", "9" * 5000), ("payload_size", "9" * 4000), ("timestamp", "9999-12-31T23:59:59+00:00"),
     ("timestamp", "0001-01-01T00:00:00+14:00")],
)  # fmt: skip
def test_numbers_and_days_beyond_all_measure_break_nothing(
    client: Client, redis: fakeredis.FakeRedis, field: str, rubbish: str
) -> None:
    written()
    redis.xadd("redis:message_log", {"type": "publish", field: rubbish})
    newest = get(client)["items"][0]
    assert (newest["payload_size"], newest["timestamp"]) == (0, None)
    client.force_login(User.objects.create_superuser("operator"))
    assert client.get("/status/").status_code == 200


def test_a_key_of_somebody_else_in_its_place_is_no_log(client: Client, redis: fakeredis.FakeRedis) -> None:
    redis.set("redis:message_log", "garbage")
    assert get(client)["available"] is False


# Who may


def test_a_stranger_is_asked_who_he_is(client: Client, redis: fakeredis.FakeRedis) -> None:
    assert refused(client, 401) == "unauthorized"
    assert client.get("/api/redis/log").headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "header",
    ["Bearer wrong", "Bearer ", "Bearer", TOKEN, f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer \u017c\xf3\u0142w", " "],
)
def test_a_wrong_token_opens_nothing(client: Client, redis: fakeredis.FakeRedis, header: str) -> None:
    assert refused(client, 401, Authorization=header) == "unauthorized"


@pytest.mark.parametrize("header", ["Bearer ", "Bearer", f"Bearer {TOKEN}"])
def test_without_a_token_in_the_settings_none_is_right(
    client: Client, redis: fakeredis.FakeRedis, settings: Any, header: str
) -> None:
    settings.API_TOKEN = ""
    assert refused(client, 401, Authorization=header) == "unauthorized"


def test_staff_may_and_other_accounts_may_not(client: Client, redis: fakeredis.FakeRedis) -> None:
    user = User.objects.create_user("visitor")
    client.force_login(user)
    assert refused(client, 403) == "forbidden"
    User.objects.filter(pk=user.pk).update(is_staff=True, is_superuser=True)
    assert client.get("/api/redis/log").status_code == 200
    assert refused(client, 401, Authorization="Bearer wrong") == "unauthorized"
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert refused(client, 401) == "unauthorized"


def asks(method: str, **headers: str) -> HttpRequest:
    request = RequestFactory().generic(method, "/api/v1/x", headers=headers)
    request.user = User(username="operator", is_staff=True, is_superuser=True)
    return request


def test_a_change_by_session_needs_the_csrf_token_and_one_by_token_does_not() -> None:
    operator = Operator(*READ_LOG)
    assert operator(asks("GET")).username == "operator"
    with pytest.raises(ForbiddenError, match="CSRF"):
        operator(asks("POST"))
    assert operator(asks("POST", Authorization=f"Bearer {TOKEN}")).name == "API_TOKEN"
    request = asks("POST")
    request.META["HTTP_X_CSRFTOKEN"] = get_token(request)
    request.COOKIES["csrftoken"] = request.META["CSRF_COOKIE"]
    assert operator(request).username == "operator"


def test_the_documentation_tells_how_to_be_let_in(client: Client) -> None:
    document = client.get("/api/v1/openapi.json").json()
    assert document["paths"]["/api/v1/redis/log"]["get"]["security"] == [{"Operator": []}]
    assert document["components"]["securitySchemes"]["Operator"]["scheme"] == "bearer"
    assert {"401", "403"} <= set(document["paths"]["/api/v1/redis/log"]["get"]["responses"])


# Errors of the API stand in it


def test_a_fault_of_the_api_stands_in_the_log_with_its_number_and_without_secrets(
    client: Client, redis: fakeredis.FakeRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise RuntimeError("password=s3cret")

    monkeypatch.setattr("charon.api.health.health", broken)
    assert client.get("/health", headers={"X-Request-ID": "abcd-1234"}).status_code == 500
    (line,) = get(client, "?type=error&source=dashboard")["items"]
    assert (line["channel"], line["summary"]) == ("/api/v1/health", "abcd-1234: RuntimeError('password=***')")
