"""One gate: what a source's terms do not allow is shown to operators only."""

import re
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.test import Client, RequestFactory

from charon.api import fast_path
from markets import licence
from markets.errors import NotPublicError
from markets.licence import Audience
from markets.models import Job, Quote, Rate, Source
from markets.records import RateRecord, Table
from markets.redis import response_cache
from markets.store.prices import save_bars, save_prices
from markets.store.publish import publish
from signals import tasks
from tests.market import bar, price, source
from tests.test_api_rates import JANUARY, get, gold_of, mids
from tests.test_engine import wave

pytestmark = pytest.mark.django_db
TOKEN = {"Authorization": "Bearer let-me-in"}
PATHS = {
    "/prices": {"asset": "BTC"},
    "/prices/summary": {"asset": "BTC"},
    "/prices/latest": {"asset": "BTC"},
    "/candles": {"symbol": "BTC", "timeframe": "1h"},
}


@pytest.fixture(autouse=True)
def noon(at: Callable[[str], None], settings: Any) -> None:
    at("2026-10-26 12:00")
    settings.API_TOKEN = "let-me-in"


@pytest.fixture
def closed(db: None) -> Source:
    """Polygon, whose terms forbid showing its figures to others."""
    row = source("polygon", ["BTCUSD", "XAUUSD"], public_display=False, public_api=False)
    save_prices([price("200", 1, "X:BTCUSD"), price("2650.5", 1, "C:XAUUSD")], row)
    save_bars([bar("2026-10-26 10:00", ticker="X:BTCUSD")], row)
    return row


@pytest.mark.parametrize(
    ("display", "api", "page_may", "api_may"),
    [(True, True, True, True), (True, False, True, False), (False, True, False, True), (False, False, False, False)],
)
def test_pages_and_the_api_each_have_their_choice_and_operators_see_everything(
    db: None, display: bool, api: bool, page_may: bool, api_may: bool
) -> None:
    row = source("coingecko", public_display=display, public_api=api)
    for audience, expected in ((Audience.PAGE, page_may), (Audience.API, api_may), (Audience.OPERATOR, True)):
        assert licence.may(row, audience) is expected
        assert Source.objects.filter(licence.shown_to(audience, "")).exists() is expected
        save_prices([price("100", 1)], row)
        assert Quote.objects.filter(licence.shown_to(audience)).exists() is expected
        if not expected:
            with pytest.raises(NotPublicError, match="coingecko are not shown"):
                licence.refuse(row, audience)


def test_an_operator_is_who_names_the_token_or_may_see_the_tables(rf: RequestFactory) -> None:
    def asked(user: Any, **headers: str) -> Audience:
        request = rf.get("/prices", headers=headers)
        request.user = user
        return licence.audience(request)

    staff, guest = User(is_staff=True, is_superuser=True), User(is_staff=False)
    assert asked(AnonymousUser()) is Audience.API
    assert asked(guest) is Audience.API
    assert asked(User(is_staff=True, is_superuser=True, is_active=False)) is Audience.API
    assert asked(staff) is Audience.OPERATOR
    assert asked(AnonymousUser(), **TOKEN) is Audience.OPERATOR
    assert asked(staff, Authorization="Bearer wrong") is Audience.API, "who names a token is judged by it alone"


@pytest.mark.parametrize("path", PATHS)
def test_a_source_that_was_asked_for_is_refused_and_not_empty(client: Client, closed: Source, path: str) -> None:
    refused = client.get(path, PATHS[path] | {"source": "polygon"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "not_public")
    shown = client.get(path, PATHS[path] | {"source": "polygon"}, headers=TOKEN)
    assert shown.status_code == 200
    assert "20" in shown.content.decode()


def test_lists_leave_out_what_may_not_be_shown(client: Client, closed: Source) -> None:
    assert get(client, "/prices", asset="BTC") == get(client, "/prices/latest")["items"] == []
    assert get(client, "/prices/summary", asset="BTC")["points"] == 0
    assert get(client, "/candles", symbol="BTC", timeframe="1h") == {"items": [], "count": 0}
    assert {row["symbol"]: row["last"] for row in get(client, "/assets")} == {"BTCUSD": None, "XAUUSD": None}


def test_operators_see_it_and_others_the_next_source(client: Client, closed: Source) -> None:
    gecko = source("coingecko")
    save_prices([price("100", 1)], gecko)
    assert [row["source"] for row in get(client, "/prices/latest", asset="BTC")["items"]] == ["coingecko"]
    seen = client.get("/prices/latest", headers=TOKEN).json()["items"]
    assert [(row["asset"], row["source"]) for row in seen] == [("BTCUSD", "polygon"), ("XAUUSD", "polygon")]
    assert client.get("/prices", {"asset": "BTC"}).headers["X-Source"] == "coingecko"
    assert client.get("/prices", {"asset": "BTC"}, headers=TOKEN).headers["X-Source"] == "polygon"
    client.force_login(User.objects.create_superuser("operator"))
    assert client.get("/prices", {"asset": "BTC"}).headers["X-Source"] == "polygon"


def test_an_answer_that_depends_on_who_asks_says_so_to_caches(client: Client, closed: Source) -> None:
    for path, asked in PATHS.items():
        public, private = client.get(path, asked), client.get(path, asked, headers=TOKEN)
        assert {"Cookie", "Authorization"} <= set(public.headers["Vary"].split(", "))
        assert private.headers["Cache-Control"] == "private, no-store"


@pytest.mark.django_db(transaction=True)  # what Redis keeps goes when the choice has been committed
def test_official_rates_pass_the_same_gate(client: Client, nbp: Source, job: Job) -> None:
    publish([Table("A", date(2024, 1, 2), [RateRecord("USD", mid=Decimal("3.9432"))], sha256="a" * 64)], nbp, job)
    nbp.public_display = False
    nbp.save()
    assert get(client, "/rates", code="USD", **JANUARY)["count"] == 1, "the API has a choice of its own"
    assert not Rate.objects.all().publishable().exists()
    nbp.public_display, nbp.public_api = True, False
    nbp.save()
    assert get(client, "/rates", code="USD", **JANUARY)["count"] == 0
    assert client.get("/rates", {"code": "USD", "source": "nbp"}).status_code == 403
    assert get(client, "/currencies")["items"][0]["value"] is None
    assert Rate.objects.all().publishable().exists()


def test_what_shows_figures_asks_the_gate_and_not_the_choices_themselves() -> None:
    shows = [
        path for room in ("charon", "markets", "signals") for path in sorted((settings.BASE_DIR / room).rglob("*.py"))
    ]
    keeps = {"licence.py", "admin.py", "sources.py"}  # the gate; where operators choose; the columns
    keeps |= {
        "freshness.py",
        "freshness_facts.py",
        "drawn.py",
    }  # columns of rows that `may` is asked of
    past = [
        path.name
        for path in shows
        if path.name not in keeps
        and "migrations" not in path.parts
        and re.search(r"public_(api|display)", path.read_text())
    ]
    assert past == []


@pytest.fixture
def kept_to_ourselves(nbp: Source, job: Job) -> None:
    """Figures of the NBP and decisions made of them, which operators do not let out over the API."""
    closes = wave(400, start=date(2026, 10, 26) - timedelta(days=399))
    publish([mids(day, USD=str(value)) for day, value in closes], nbp, job)
    publish([gold_of(closes[-1][0], "262.18")], nbp, job)
    Job.objects.update(status=Job.Status.SUCCESS, lease_until=None)
    tasks.catch_up()
    Source.objects.filter(pk=nbp.pk).update(public_api=False)


# What an operator finds in an answer, and nobody else.
CACHED = {
    "/rates?code=USD": '"mid"',
    "/gold": '"262.18"',
    "/currencies": '"table":"A"',
    "/signals?code=USD": '"macd"',
    "/signals": '"macd"',
    "/signals/current": '"turned"',
}


def sign_in(client: Client, name: str, staff: bool) -> Client:
    client.force_login(User.objects.create_user(name, is_staff=staff, is_superuser=staff))
    return client


@pytest.mark.slow
@pytest.mark.parametrize("path", CACHED)
def test_operators_see_everything_of_what_is_kept_for_others(
    client: Client, kept_to_ourselves: None, path: str
) -> None:
    """Before the public has asked and after it, when the words of the question are known already."""
    staff, figure = sign_in(Client(), "operator", staff=True), CACHED[path]
    for _ in range(2):
        for seen in (client.get(path, headers=TOKEN), staff.get(path)):
            assert seen.status_code == 200
            assert figure in seen.content.decode()
            assert seen.headers["Cache-Control"] == "private, no-store"
            assert {"Cookie", "Authorization"} <= set(seen.headers["Vary"].split(", "))
            assert "ETag" not in seen.headers
        public = client.get(path)
        assert public.status_code == 200
        assert figure not in public.content.decode()
        assert public.headers["Cache-Control"].startswith("public")


@pytest.mark.slow
@pytest.mark.parametrize("path", CACHED)
def test_an_operators_answer_is_kept_nowhere(
    client: Client, kept_to_ourselves: None, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: Any) -> Any:
        raise AssertionError("an operator's question reached the cache that the public reads")

    monkeypatch.setattr(response_cache, "answer", refused)
    monkeypatch.setattr(response_cache, "look", refused)
    assert client.get(path, headers=TOKEN).status_code == 200
    assert not fast_path.asked.page[1]


@pytest.mark.parametrize("path", CACHED)
def test_whoever_only_claims_to_be_an_operator_is_refused_by_header_and_the_public_by_cookie(
    client: Client, kept_to_ourselves: None, path: str
) -> None:
    guest, right = sign_in(Client(), "guest", staff=False), client.get(path)
    for _ in range(2):
        for answer in (
            client.get(path, headers={"Cookie": "sessionid=made-up"}),
            guest.get(path),
        ):
            assert (answer.status_code, answer.content) == (200, right.content)
            assert answer.headers["ETag"] == right.headers["ETag"]
        for header in ("Bearer wrong", ""):
            assert client.get(path, headers={"Authorization": header}).status_code == 401


@pytest.mark.slow
def test_an_official_source_that_is_asked_for_is_refused_to_others_only(
    client: Client, kept_to_ourselves: None
) -> None:
    for path in ("/rates?code=USD&source=nbp", "/gold?source=nbp"):
        for _ in range(2):
            assert client.get(path).status_code == 403
            shown = client.get(path, headers=TOKEN)
            assert (shown.status_code, shown.json()["items"][0]["source"]) == (200, "nbp")


def test_the_public_pays_nothing_for_operators(
    client: Client, kept_to_ourselves: None, without_redis: None, django_assert_num_queries: Any
) -> None:
    """A browser with cookies of ours that name nobody goes the short way too."""
    client.get("/rates?code=USD")
    for headers in ({}, {"Cookie": "csrftoken=abc; django_language=en"}):
        with django_assert_num_queries(1) as queries:
            assert client.get("/rates?code=USD", headers=headers).status_code == 200
        assert "markets_generation" in queries[0]["sql"]
