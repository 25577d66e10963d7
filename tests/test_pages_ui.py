"""What is followed: the overview and its states, the settings and who may change them (S1-49..57)."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from charon.pages.crypto import figures
from markets.access import FOLLOW
from markets.models import Job, Listing, Source
from markets.store.prices import save_prices
from tests import coin_market
from tests.alert_rows import alert_event
from tests.market import price, source
from tests.test_pages_instrument import page as text_of_page

pytestmark = pytest.mark.django_db
SETTINGS = "/ui/settings"


@pytest.fixture(autouse=True)
def gecko(at: Callable[[str], None], nbp: Source) -> Source:
    at("2026-10-26 12:00")
    Listing.objects.update(tracked=False)
    return source("coingecko", ["BTC", "ETH"], name="CoinGecko")


def account(client: Client, *permissions: str, **kind: Any) -> User:
    user = User.objects.create_user("ola", password="x", **{"is_staff": True, **kind})
    for name in permissions:
        app, _dot, codename = name.partition(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    client.force_login(user)
    return user


def change(client: Client, action: str, symbol: str) -> Any:
    return client.post(SETTINGS, {"dzialanie": action, "symbol": symbol}, follow=True)


def followed() -> set[str]:
    return set(Listing.objects.filter(tracked=True).values_list("instrument__code", flat=True))


@pytest.mark.slow
def test_the_pages_of_the_seed_document_answer(client: Client) -> None:
    for path in ("/ui", "/ui/assets/BTC", "/ui/alerts", "/en/ui", "/en/ui/assets/eth", "/en/ui/alerts"):
        assert client.get(path).status_code == 200, path


def test_a_row_has_the_last_price_the_change_and_the_newest_alert(client: Client) -> None:
    save_prices([price("67321.5", 1, change="1.256"), price("1900", 1, "ethereum", change="-2")], source("coingecko"))
    alert_event(minutes_ago=80)
    alert_event(minutes_ago=8, change_pct="-7.5", direction="down", key="other")
    rows = {row["code"]: row for row in client.get("/ui").context["assets"]}
    bitcoin = rows["BTCUSD"]
    assert (bitcoin["price"]["value"], bitcoin["price"]["percent"]) == ("67\u00a0321,50", "+1,26%")
    assert (bitcoin["alert"]["percent"], bitcoin["alert"]["window"]) == ("−7,50%", "1\u00a0h")
    assert (rows["ETHUSD"]["price"]["percent"], rows["ETHUSD"]["alert"]) == ("−2,00%", None)
    content = client.get("/ui").content.decode()
    assert 'href="/ui/assets/BTCUSD">Otwórz<' in content
    assert 'data-every="15"' in content


def test_nothing_followed_is_said_in_both_languages(client: Client) -> None:
    Listing.objects.update(tracked=False)
    assert "Brak obserwowanych instrumentów" in text_of_page(client, "/ui")
    assert "<h2>" in client.get("/en/ui").content.decode()


def test_one_broken_asset_does_not_break_the_page(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    save_prices([price("67321.5", 1), price("1900", 1, "ethereum")], source("coingecko"))
    sound = figures.price_row

    def broken(quote: Any) -> Any:
        if quote.latest.code == "ETHUSD":
            raise ArithmeticError
        return sound(quote)

    monkeypatch.setattr(figures, "price_row", broken)
    rows = {row["code"]: row for row in client.get("/ui").context["assets"]}
    assert (rows["ETHUSD"]["why"], rows["ETHUSD"]["price"]) == ("n/d", None)
    assert rows["BTCUSD"]["price"]["value"] == "67\u00a0321,50"


def test_an_asset_without_a_price_is_followed_all_the_same(client: Client, nbp: Source, job: Job) -> None:
    coin_market.polygon()
    coin_market.official(nbp, job)
    rows = {row["code"]: row for row in client.get("/ui").context["assets"]}
    assert rows["BTCUSD"]["why"] == "brak danych"
    assert rows["GBPUSD"]["why"] == "cena niepubliczna: licencja źródła"
    assert rows["XAUUSD"]["price"]["value"] == "4055,57"
    assert list(rows)[:2] == ["EURUSD", "XAUUSD"], "what is urgent stands on top"


def test_settings_are_for_the_staff_alone(client: Client) -> None:
    for language in ("", "/en"):
        response = client.get(language + SETTINGS)
        assert (response.status_code, response.headers["Location"]) == (
            302, f"{language}/admin/login/?next={language}/ui/settings",
        )  # fmt: skip
        assert client.post(language + SETTINGS, {"dzialanie": "dodaj", "symbol": "SOL"}).status_code == 302
    account(client, is_staff=False)
    assert client.get(SETTINGS).status_code == 302
    assert followed() == {"BTCUSD", "ETHUSD"}


def test_an_account_without_the_permission_sees_and_changes_nothing(client: Client) -> None:
    account(client)
    content = client.get(SETTINGS).content.decode()
    assert "BTCUSD" in content
    assert 'name="symbol"' not in content
    for action in ("dodaj", "usun", "cokolwiek"):
        assert change(client, action, "SOL").status_code == 403
    assert followed() == {"BTCUSD", "ETHUSD"}


def test_an_asset_is_followed_and_left_and_a_second_click_changes_nothing(client: Client) -> None:
    account(client, *FOLLOW)
    for said in ("SOLUSD jest obserwowany od teraz", "SOLUSD jest już obserwowany"):
        response = change(client, "dodaj", "sol")
        assert said in response.content.decode()
        assert response.redirect_chain == [(SETTINGS, 302)], "a reload sends nothing again"
    assert followed() == {"BTCUSD", "ETHUSD", "SOLUSD"}
    for said in ("SOLUSD nie jest już obserwowany", "SOLUSD nie był obserwowany"):
        assert said in change(client, "usun", "SOL/USD").content.decode()
    assert followed() == {"BTCUSD", "ETHUSD"}


def test_what_cannot_be_followed_is_said_with_the_nearest_and_keeps_what_was_typed(client: Client) -> None:
    account(client, *FOLLOW)
    Source.objects.update(listed_at=None, has_listing=False)
    for symbol, status in (("", 422), ("<b>", 422), ("a" * 33, 422), ("\0", 422), ("ZZZZ9", 404), ("BTCX", 404)):
        response = change(client, "dodaj", symbol)
        assert response.status_code == status, symbol
        assert response.context["error"], symbol
    assert 'value="BTCX"' in response.content.decode()
    assert "BTCUSD" in response.context["error"]
    assert change(client, "usun", "ZZZZ9").status_code == 404


def test_a_form_of_another_site_changes_nothing(client: Client) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(account(client, *FOLLOW))
    assert strict.post(SETTINGS, {"dzialanie": "usun", "symbol": "BTC"}).status_code == 403
    assert followed() == {"BTCUSD", "ETHUSD"}


def test_default_thresholds_are_those_of_the_environment(client: Client, settings: Any) -> None:
    settings.ALERT_WINDOW_MINUTES, settings.ALERT_THRESHOLD_PCT = 30, 2.5
    account(client)
    content = text_of_page(client, SETTINGS)
    assert "Zmiana co najmniej 2,5%" in content
    assert "30 min" in content
    assert "ALERT_THRESHOLD_PCT" in content
