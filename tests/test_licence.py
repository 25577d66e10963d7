"""One gate: what a source's terms do not allow is shown to operators only."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.test import Client, RequestFactory

from markets import store
from markets.answers import licence
from markets.answers.licence import Audience
from markets.errors import NotPublicError
from markets.models import Job, Quote, Rate, Source
from markets.records import Figure, Table
from markets.store.prices import save_bars, save_prices
from tests.market import bar, price, source
from tests.test_api_rates import JANUARY, get

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


def test_an_operator_is_who_names_the_token_or_is_signed_in_as_staff(rf: RequestFactory) -> None:
    def asked(user: Any, **headers: str) -> Audience:
        request = rf.get("/prices", headers=headers)
        request.user = user
        return licence.audience(request)

    staff, guest = User(is_staff=True), User(is_staff=False)
    assert asked(AnonymousUser()) is Audience.API
    assert asked(guest) is Audience.API
    assert asked(User(is_staff=True, is_active=False)) is Audience.API
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
    assert get(client, "/prices", asset="BTC") == get(client, "/prices/latest") == []
    assert get(client, "/prices/summary", asset="BTC")["points"] == 0
    assert get(client, "/candles", symbol="BTC", timeframe="1h") == {"items": [], "count": 0}
    assert {row["symbol"]: row["last"] for row in get(client, "/assets")} == {"BTCUSD": None, "XAUUSD": None}


def test_operators_see_it_and_others_the_next_source(client: Client, closed: Source) -> None:
    gecko = source("coingecko")
    save_prices([price("100", 1)], gecko)
    assert [row["source"] for row in get(client, "/prices/latest", asset="BTC")] == ["coingecko"]
    seen = client.get("/prices/latest", headers=TOKEN).json()
    assert [(row["asset"], row["source"]) for row in seen] == [("BTCUSD", "polygon"), ("XAUUSD", "polygon")]
    assert client.get("/prices", {"asset": "BTC"}).headers["X-Source"] == "coingecko"
    assert client.get("/prices", {"asset": "BTC"}, headers=TOKEN).headers["X-Source"] == "polygon"
    client.force_login(User.objects.create_user("operator", is_staff=True))
    assert client.get("/prices", {"asset": "BTC"}).headers["X-Source"] == "polygon"


def test_an_answer_that_depends_on_who_asks_says_so_to_caches(client: Client, closed: Source) -> None:
    for path, asked in PATHS.items():
        public, private = client.get(path, asked), client.get(path, asked, headers=TOKEN)
        assert {"Cookie", "Authorization"} <= set(public.headers["Vary"].split(", "))
        assert private.headers["Cache-Control"] == "private, no-store"


@pytest.mark.django_db(transaction=True)  # what Redis keeps goes when the choice has been committed
def test_official_rates_pass_the_same_gate(client: Client, nbp: Source, job: Job) -> None:
    store.save([Table("A", date(2024, 1, 2), [Figure("USD", mid=Decimal("3.9432"))], sha256="a" * 64)], nbp, job)
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
