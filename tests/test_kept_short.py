"""The plainest question at the front: without Django, and still what Django answers to it."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import OperationalError

from charon import metrics
from charon.kept.shelves import Shelves
from markets.api import rates
from markets.models import Source
from markets.redis import memory_cache
from tests.front_fakes import Proto
from tests.kept_front import Site, running
from tests.test_pages_instrument import history

FIRST = "/rates?code=EUR&from=2026-10-01&to=2026-11-20&limit=366"
YEAR = FIRST.replace("EUR", "USD")
OWN = {"x-request-id", "ratelimit"}


@pytest.fixture
def site(nbp: Source, at: Callable[[str], None], monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """One that has answered such a question today."""
    at("2026-11-21 09:00")
    for code in ("USD", "EUR"):
        history(nbp, code, count=60)
    with running(monkeypatch) as one:
        assert one.get(FIRST).status == 200
        one.django.environs.clear()
        yield one


def told(proto: Proto) -> tuple[int, dict[str, str], bytes]:
    return proto.status, {name: text for name, text in proto.headers.items() if name not in OWN}, bytes(proto.body)


def forget(site: Site) -> None:
    site.front.keeper.shelves = Shelves()
    site.front.short.learned.clear()
    memory_cache.memory.forget()


@pytest.mark.parametrize(
    "path",
    [
        YEAR,
        YEAR.replace("USD", "usd"),
        YEAR.replace("366", "10000"),
        f"/api/v1{YEAR}/",
        YEAR.replace("366", "7"),  # it has a next page
        "/api/v1/rates?limit=20&to=2026-11-20&code=usd&from=2025-11-01",
    ],
)
@pytest.mark.parametrize("pairs", [[], [("accept-encoding", "gzip")], [("if-none-match", "*")], [("cookie", "a=b")]])
def test_without_django_the_answer_is_the_same(site: Site, path: str, pairs: list[tuple[str, str]]) -> None:
    path = path.removesuffix("/")
    short = told(site.get(path, *pairs))
    assert site.asked == 0
    forget(site)
    assert told(site.get(path, *pairs)) == short
    assert site.asked == 1


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (YEAR.replace("2026-10-01", "2006-10-01"), 200),  # so many years are a heavy question
        (YEAR.replace("USD", "XXX"), 404),
        (YEAR.replace("10-01", "13-01"), 422),
        (YEAR.replace("2026-10-01", "2026-12-01"), 400),
        (f"{YEAR}&table=A", 200),
    ],
)
def test_what_is_not_so_plain_is_asked_of_django(site: Site, path: str, status: int) -> None:
    assert (site.get(path).status, site.asked) == (status, 1)


def test_the_next_page_is_that_of_its_own_answer_alone(site: Site) -> None:
    forget(site)
    assert "link" in site.get(YEAR.replace("366", "7")).headers
    assert "link" not in site.get(YEAR).headers
    assert "limit=8" in site.get(YEAR.replace("366", "8")).headers["link"]
    assert site.asked == 1


def test_a_database_that_is_away_is_told_by_django_and_waited_for_once(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[object] = []

    def away(*asked: object) -> None:
        waits.append(asked)
        raise OperationalError("no database")

    monkeypatch.setattr(rates, "plain", away)
    monkeypatch.setattr(rates, "series", away)
    answer = site.get(YEAR)
    assert (answer.status, site.asked, len(waits)) == (503, 1, 1)
    assert json.loads(answer.body)["error"]["code"] == "unavailable"


def test_the_next_day_it_is_learned_anew(site: Site, at: Callable[[str], None]) -> None:
    at("2026-11-22 09:00")
    site.get(FIRST)
    assert site.asked == 1
    site.get(YEAR)
    assert site.asked == 1


def test_a_question_counts_towards_its_callers_limit(site: Site, settings: Any) -> None:
    settings.LIMIT_READS = 2
    first = site.get(YEAR)
    assert first.headers["ratelimit"].startswith('"reads";r=1;')
    assert site.get(YEAR.replace("10-01", "10-02")).headers["ratelimit"].startswith('"reads";r=0;')
    assert site.get(YEAR.replace("10-01", "10-03")).status == 429


def test_it_is_counted_and_logged_under_its_route(site: Site, settings: Any, caplog: pytest.LogCaptureFixture) -> None:
    settings.LOG_ACCESS, settings.ENABLE_METRICS_ENDPOINT = True, True
    counted = metrics.REQUESTS.labels("GET", "rates", "200")._value
    before = counted.get()
    with caplog.at_level("INFO", "charon.access"):
        answer = site.get(YEAR, ("x-request-id", "given-by-a-proxy"))
    assert counted.get() == before + 1
    assert [record.getMessage().split(" ")[:3] for record in caplog.records] == [["GET", "/api/v1/rates", "200"]]
    assert answer.headers["x-request-id"] == "given-by-a-proxy"


def test_over_https_alone_a_browser_is_told_to_come_back_over_it(site: Site, settings: Any) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    settings.SECURE_HSTS_SECONDS = 1000
    site.django.django.load_middleware()
    forwarded, found = ("x-forwarded-proto", "https"), []
    for day in (1, 2):
        path = YEAR.replace("10-01", f"10-0{day}")
        for pairs, client in (([], "127.0.0.1:1"), ([forwarded], "127.0.0.1:1"), ([forwarded], "203.0.113.9:1")):
            site.front.keeper.shelves = Shelves()
            found.append("strict-transport-security" in site.get(path, *pairs, client=client).headers)
    assert found == [False, True, False] * 2
    assert site.asked == 1  # the first over HTTPS
