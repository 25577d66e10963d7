"""A secret in an address is told by nothing, and every error has one line in the log with its id, method and route."""

import json
import logging
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, unquote

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.test import Client

from charon.api.sse import Live
from charon.api.sse_hub import Hub
from charon.request_log import masked
from markets.models import Job, Source
from markets.queries import overview, prices
from tests.log_lines import Log, logged
from tests.operations import operations
from tests.own_redis import imitated
from tests.test_docs import read

pytestmark = pytest.mark.django_db

SECRET = "pk-live-Zx81-Qw77"
USERINFO = f"https://reader:{SECRET}@rates.example/"
QUERIES = [
    f"token={SECRET}", f"api_key={SECRET}", f"apiKey={SECRET}&code=USD", f"code=USD&access_token={SECRET}",
    f"Token={SECRET}", f"to%6Ben={SECRET}", f"key={SECRET}", f"password={SECRET}", f"asset=token%3D{SECRET}",
    f"code={quote(USERINFO, safe='')}", f"x={USERINFO}", f"symbol=token={SECRET}&timeframe=1h",
]  # fmt: skip
PAGES = [
    "/",
    "/waluty/",
    "/waluty/USD/",
    "/zloto/",
    "/sygnaly/",
    "/alerty/",
    "/miner/",
    "/status/",
    "/metrics",
    "/docs",
    "/redoc",
]
OTHERS = [
    "/nothing", "/nothing/", "/waluty", "/static/nothing.css", "/admin/", "/admin/login/", "/admin/markets/source/",
    "/api/v1/nothing", "/api/v1/stream", "/sse", "/openapi.json", "/api/v1/openapi.json",
]  # fmt: skip
OPERATORS = [
    "/admin/",
    "/alerty/",
    "/admin/markets/source/",
    "/admin/markets/job/",
    "/status/",
    "/miner/",
    "/admin/logout/",
]
TOKEN = {"Authorization": "Bearer only-for-this-test"}


@pytest.fixture(params=["text", "json"])
def log(request: pytest.FixtureRequest) -> Iterator[Log]:
    with logged(request.param) as one:
        yield one


@pytest.fixture
def redis(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    settings.API_TOKEN = "only-for-this-test"
    settings.ENABLE_METRICS_ENDPOINT = True
    with imitated(settings, monkeypatch) as one:
        yield one


def told(response: Any) -> str:
    return f"{response.status_code} {dict(response.items())} {response.content.decode(errors='replace')}"


@pytest.mark.slow
def test_a_secret_in_the_address_stands_nowhere(client: Client, nbp: Source, redis: Any, log: Log) -> None:
    addresses = [one.address for one in operations()] + PAGES + OTHERS
    for number, address in enumerate(addresses):
        for query in QUERIES if number % 5 == 0 else QUERIES[number % 4 :: 4]:
            for answer in (client.get(f"{address}?{query}"), client.post(f"{address}?{query}")):
                assert SECRET not in told(answer), (address, query)
    assert SECRET not in log.stream.getvalue()
    assert SECRET not in str(redis.xrange("redis:message_log"))
    assert SECRET not in str([list(model.objects.values()) for model in (Job, Source)])
    assert SECRET not in told(client.get("/redis/log", headers=TOKEN))


def test_a_secret_in_the_path_or_the_host_stands_nowhere(client: Client, nbp: Source, redis: Any, log: Log) -> None:
    for path in (
        f"/waluty/{USERINFO}",
        f"/waluty/token={SECRET}/",
        f"/assets/api_key={SECRET}",
        f"/nothing/{USERINFO}",
    ):
        for answer in (client.get(path), client.delete(path, headers=TOKEN)):
            assert SECRET not in told(answer), path
    answer = client.get("/rates?code=USD", HTTP_HOST=f"reader:{SECRET}@rates.example")
    assert (answer.status_code, SECRET in told(answer)) == (400, False)
    assert SECRET not in log.stream.getvalue()


@pytest.mark.slow
def test_a_token_of_ours_stands_nowhere_whatever_it_is_called(
    client: Client, nbp: Source, redis: Any, log: Log, settings: Any
) -> None:
    """Pasted into the wrong field, or into the path; a revoked one as well, for it is not looked up."""
    client_token = "charon_" + "Ab3_-x9Q" * 5
    for secret in (client_token, settings.API_TOKEN):
        hidden = f"{secret[:9]}%{ord(secret[9]):x}{secret[10:]}"
        for address in (
            *(f"{one.address}?code={secret}&asset={secret}" for one in operations()),
            f"/rates?code=USD&from={secret}", f"/jobs?source={secret}&type={secret}", f"/?zakres={secret}",
            f"/miner/?typ={secret}", f"/waluty/{secret}", f"/waluty/{secret}/", f"/assets/{secret}",
            f"/sygnaly/?instrument={secret}&regula={secret}", f"/alerty/?instrument={secret}&zapisano={secret}",
            f"/alerty/podglad/?instrument={secret}&okno={secret}&prog={secret}&rodzaj={secret}",
            f"/nothing/{secret}", f"/admin/login/?next=/{secret}", f"/admin/{secret}", f"/rates?code={hidden}",
        ):  # fmt: skip
            for answer in (client.get(address), client.delete(address, headers=TOKEN)):
                assert secret not in told(answer), address
        assert secret not in log.stream.getvalue() + str(redis.xrange("redis:message_log"))


@pytest.mark.slow
def test_a_signed_in_operators_pages_do_not_repeat_it(client: Client, nbp: Source, redis: Any, log: Log) -> None:
    client.force_login(User.objects.create_superuser("operator"))
    for address in (
        "/admin/",
        "/admin/markets/source/",
        "/admin/markets/job/",
        "/status/",
        "/miner/",
        "/alerty/",
        "/admin/logout/",
    ):
        for query in QUERIES:
            assert SECRET not in told(client.get(f"{address}?{query}", follow=True)), (address, query)
    assert SECRET not in log.stream.getvalue()


@pytest.mark.parametrize("address", ["/prices?asset=BTC&token=", "/?token="])
def test_a_fault_of_ours_has_its_traceback_and_no_secret(
    client: Client, nbp: Source, redis: Any, log: Log, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError(f"GET {USERINFO}?token={SECRET} has failed")

    monkeypatch.setattr(overview, "board", broken)
    monkeypatch.setattr(prices, "find_asset", broken)
    client.raise_request_exception = False
    answer = client.get(address.replace("&token=", "") if address.startswith("/prices") else address + SECRET)
    assert (answer.status_code, SECRET in told(answer)) == (500, False)
    number = answer.headers["X-Request-ID"]
    assert log.lines(number, "GET /", " 500")
    assert "RuntimeError" in log.stream.getvalue()
    assert SECRET not in log.stream.getvalue() + str(redis.xrange("redis:message_log"))


def test_every_error_has_one_line_with_its_id_method_route_and_status(
    client: Client, nbp: Source, redis: Any, log: Log
) -> None:
    asked = {
        ("GET", "/rates?bogus=1"): (422, "/api/v1/rates"),
        ("GET", "/rates?code=USB"): (404, "/api/v1/rates"),
        ("GET", "/prices?asset=BTC&window=never"): (400, "/api/v1/prices"),
        ("POST", "/batch/run"): (401, "/api/v1/batch/run"),
        ("POST", "/rates"): (405, "/api/v1/rates"),
        ("GET", "/nothing?a=b"): (404, "/?"),
        ("GET", "/api/v1/nothing"): (404, "/?"),
        ("GET", "/waluty/XYQ/"): (404, "/waluty/<path:code>/"),
        ("GET", "/api/v1/stream"): (503, "/api/v1/stream"),
    }
    for (method, address), (status, route) in asked.items():
        answer = client.generic(method, address)
        number = answer.headers["X-Request-ID"]
        assert answer.status_code == status, (address, answer.content)
        assert number in answer.content.decode() or status == 404, "whoever reports it can name it"
        [line] = log.lines(number)
        assert f"{method} {route} {status}" in line
        assert address.partition("?")[2] not in line or "?" not in address
    assert client.get("/health").status_code == 200
    assert len(log.lines()) == len(asked), "Django's own lines, which name the path, are left out"


def test_live_logs_its_errors_the_same_way(redis: Any, log: Log) -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def nothing() -> Any:
        return {"type": "http.disconnect"}

    query = f"token={SECRET}".encode()
    scope = {
        "type": "http",
        "path": "/nothing",
        "method": "GET",
        "query_string": query,
        "headers": [(b"host", b"localhost")],
    }
    async_to_sync(Live(Hub()).answer)(scope, nothing, send)
    number = json.loads(sent[1]["body"])["error"]["id"]
    assert log.lines(number, "GET of live 404")
    assert SECRET not in log.stream.getvalue() + str(sent)


def test_no_key_of_the_operator_stands_in_the_log(log: Log, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever quotes it: a line, its arguments, an error and what it came from, in a URL, a header or bare."""
    settings.COINGECKO_API_KEY, settings.SENTRY_DSN = "CG-planted-1", "https://planted-2@sentry.example/1"
    monkeypatch.setitem(settings.DATABASES["default"], "PASSWORD", "planted/3+x")
    settings.REDIS_URL = "redis://:planted%2F4@127.0.0.1:1/0"
    planted = {
        "CG-planted-1", "https://planted-2@sentry.example/1", "planted/3+x", "planted%2F3%2Bx", "planted/4",
        settings.REDIS_URL, "Bearer planted-5-of-a-client", "Authorization: Bearer planted-6", "x-api-key: planted-7",
        "https://api.example/rates?apiKey=planted-8&a=b", "postgres://me:planted-9@host/db",
        "https://hooks.slack.com/services/T0/B0/planted-10", "https://api.telegram.org/bot1:planted-11/sendMessage",
        "https://discord.com/api/webhooks/1/planted-12", "{'password': 'planted-13'}",
    }  # fmt: skip
    for secret in planted:
        try:
            try:
                raise ValueError(f"GET {secret}")
            except ValueError as error:
                raise RuntimeError(secret) from error
        except RuntimeError:
            told = {"cause": secret, "details": {"of": [secret]}}
            logging.getLogger("anybody").exception("%s has failed: %s", secret, {"of": secret}, extra=told)
    assert len(log.lines(" has failed: ")) == len(planted)
    assert "planted-" not in log.stream.getvalue()
    assert "planted/" not in log.stream.getvalue() + unquote(log.stream.getvalue())


def test_the_development_server_logs_no_query(log: Log) -> None:
    logging.getLogger("django.server").info('"%s" %s %s', f"GET /rates?token={SECRET}&code=USD HTTP/1.1", 422, 100)
    [line] = log.lines("GET /rates")
    assert "?" not in line.partition("GET")[2]
    assert SECRET not in line


@pytest.mark.parametrize("name", ["docker/Caddyfile", "ops/Caddyfile"])
def test_the_proxy_logs_no_query_and_no_referer(name: str) -> None:
    """Both kinds of its lines; tests/test_proxy.py asks Caddy itself."""
    text = re.sub(r"#.*", "", read(name))
    logs = len(re.findall(r"^\s*log\b", text, re.MULTILINE))
    assert logs == 2
    assert text.count('request>uri regexp "\\?.*" ""') == logs
    assert len(re.findall(r"request>headers(>Referer)? delete", text)) == logs


@pytest.mark.parametrize(
    ("query", "left"),
    [
        ("code=USD%2FPLN&limit=5", "code=USD%2FPLN&limit=5"),
        ("asset=btc_usd&window=24h", "asset=btc_usd&window=24h"),
        ("code=USD&token=abc", "code=USD&token=***"),
        ("q=https%3A%2F%2Fa%3Ab%40host%2Fx", "q=https%3A//***%40host/x"),
        ("key", "key"),
        ("", ""),
    ],
)
def test_a_query_without_a_secret_stays_as_it_came(query: str, left: str) -> None:
    assert re.sub("%2F", "/", masked(query)) == re.sub("%2F", "/", left)
