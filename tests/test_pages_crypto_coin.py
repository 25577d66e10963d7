"""The page of a coin: one address, its window, the rules with reasons, every source side by side, its alerts."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from charon.pages.crypto import coin_window, figures
from markets import clock
from markets.models import Job, Source, Tick
from markets.store.prices import save_prices
from signals import explain_rows, rules
from signals.models import Signal
from tests import coin_market
from tests.alert_rows import alert_event
from tests.market import price, source
from tests.test_pages_instrument import page as text_of_page

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def noon(at: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, nbp: Source) -> None:
    at("2026-10-26 12:00")
    coin_market.register(monkeypatch)


def shown(client: Client, path: str) -> Any:
    response = client.get(path)
    assert response.status_code == 200, path
    return response.context


@pytest.mark.slow
def test_every_spelling_leads_to_one_address_and_an_unknown_one_to_its_neighbours(client: Client) -> None:
    for spelling in ("btc", "BTC/USD", "btc_usd", "BTCUSD"[:3], "bitcoin"):
        response = client.get(f"/krypto/{spelling}/?okno=7d")
        assert (response.status_code, response.headers["Location"]) == (302, "/krypto/BTCUSD/?okno=7d"), spelling
    assert client.get("/en/krypto/eth/").headers["Location"] == "/en/krypto/ETHUSD/"
    assert client.get("/ui/assets/BTC").status_code == 200
    for nonsense in ("BTCUSX", "ui", "x" * 40, "a%00b", "%3Cscript%3E", "..%2f"):
        for path in (f"/krypto/{nonsense}/", f"/ui/assets/{nonsense}"):
            response = client.get(path)
            assert response.status_code == 404, path
            assert "<script>" not in response.content.decode().partition("<main")[2]
    assert "BTCUSD" in client.get("/krypto/BTCUSX/").content.decode()


@pytest.mark.slow
def test_a_window_says_lowest_highest_and_mean_of_the_prices_it_knows(client: Client) -> None:
    gecko = source("coingecko", ["BTC"])
    save_prices([price(f"{100 + minute / 10:.2f}", minute) for minute in range(0, 121, 3)], gecko)
    window = shown(client, "/krypto/BTCUSD/?okno=1h")["window"]
    assert (window["low"], window["high"], window["mean"]) == ("100,00", "105,70", "103,00")
    assert len(window["points"].split()) == 21
    assert window["since"] is None
    day = shown(client, "/krypto/BTCUSD/")["window"]
    assert (day["high"], day["since"]) == ("112,00", clock.now() - timedelta(minutes=120)), "the day is known in part"
    assert (day["points"], day["mean"]) == ("", "")
    links = {row["name"]: row["href"] for row in shown(client, "/krypto/BTCUSD/?okno=1h&interwal=4h&x=1")["windows"]}
    assert links == {
        "1h": "/krypto/BTCUSD/?okno=1h&interwal=4h",
        "24h": "/krypto/BTCUSD/?interwal=4h",
        "7d": "/krypto/BTCUSD/?okno=7d&interwal=4h",
    }
    Tick.objects.all().delete()
    assert shown(client, "/krypto/BTCUSD/")["window"]["why"] == "W tym oknie nie ma jeszcze cen."


@pytest.mark.slow
def test_sources_stand_side_by_side_with_their_distance_in_basis_points(client: Client) -> None:
    save_prices([price("100.00", 2)], source("coingecko", ["BTC"], name="CoinGecko"))
    deribit = source("deribit", ["BTC"], polling_interval=60, name="Deribit")
    save_prices([price("100.123", 0.5, "btc_usd", bid="100.1", ask="100.2")], deribit)
    source("polygon", ["BTCUSD"], public_display=False, public_api=False, name="Massive", enabled=True)
    found = shown(client, "/krypto/BTCUSD/")["origins"]
    assert [(row["source"], row.get("away")) for row in found] == [
        ("Deribit", "odniesienie"), ("CoinGecko", "−12,3 pb"), ("Massive", None),
    ]  # fmt: skip
    assert (found[0]["bid"], found[0]["ask"], found[2]["why"]) == ("100,10", "100,20", "niepubliczna: licencja źródła")
    assert "pokazywane publicznie" in text_of_page(client, "/krypto/BTCUSD/")


def test_a_computed_double_is_not_shown_with_all_its_digits() -> None:
    texts = {"94462.8673107661": "94\u00a0462,87", "0.0000124512345": "0,00001245", "1.2345678901": "1,23457"}
    for value, text in texts.items():
        assert figures.price_text(Decimal(value), 2) == text
    published = {"15.404": "15,404", "7": "7,00", "0.00001245": "0,00001245", "1678.12345678": "1678,12345678"}
    for value, text in published.items():
        assert figures.price_text(Decimal(value), 2) == text


@pytest.mark.slow
def test_each_rule_stands_with_the_sentence_of_its_explanation_and_the_way_to_it(client: Client) -> None:
    coin_market.binance()
    found = shown(client, "/krypto/BTCUSDT/")
    assert [row["label"] for row in found["rules"]] == [rule.label for rule in rules.active()]
    turned = [row for row in found["rules"] if row["why"]]
    assert turned
    for row in turned:
        number = int(row["href"].rstrip("/").rpartition("/")[2])
        said = explain_rows.explanation(Signal.objects.select_related("instrument").get(pk=number))
        assert row["why"] == said["sentence"]["pl"]
    assert found["rating"]["sentence"].startswith("Ocena ")
    daily = text_of_page(client, "/krypto/BTCUSDT/?interwal=1d")
    assert "Brak wskaźników: brak świec dziennych." in daily


@pytest.mark.slow
def test_a_coin_in_dollars_shows_the_rules_of_its_pair_with_candles(client: Client) -> None:
    coin_market.binance()
    save_prices([price("101", 1)], source("coingecko", ["BTC"]))
    found = shown(client, "/ui/assets/btc")
    assert (found["code"], found["decided"]) == ("BTCUSD", "BTCUSDT")
    assert found["here"] == "/ui/assets/btc"
    assert found["rules"]
    assert '<link rel="canonical" href="/krypto/BTCUSD/">' in client.get("/ui/assets/btc").content.decode()


@pytest.mark.slow
def test_gold_and_the_euro_say_where_their_figures_come_from(client: Client, nbp: Source, job: Job) -> None:
    coin_market.polygon()
    assert "cena niepubliczna: licencja źródła" in text_of_page(client, "/krypto/XAUUSD/")
    coin_market.official(nbp, job)
    coin_market.ecb(job)
    gold, euro = text_of_page(client, "/krypto/XAUUSD/"), text_of_page(client, "/krypto/EURUSD/")
    assert "4055,57 USD" in gold
    assert "złoto NBP 512,34 zł/g z 26.10.2026 × 31,1034768 g / kurs USD 3,9293 zł (26/A/NBP/2026 z 26.10.2026)" in gold
    assert "2666" not in gold
    assert "1,1711 USD" in euro
    assert "kurs oficjalny, ogłaszany raz w dniu roboczym" in euro
    assert "Massive: licencja tego źródła nie pozwala" in euro


@pytest.mark.slow
def test_recent_alerts_have_time_window_and_change(client: Client) -> None:
    gecko = source("coingecko", ["BTC", "ETH"])
    save_prices([price("67321.5", 1), price("1900", 1, "ethereum")], gecko)
    assert "Brak alertów dla BTCUSD." in text_of_page(client, "/ui/assets/BTC")
    alert_event(minutes_ago=8)
    alert_event(code="ETHUSD", minutes_ago=9)
    [row] = shown(client, "/krypto/BTCUSD/")["alerts"]
    assert (row["window"], row["percent"], row["at"]) == ("1\u00a0h", "+5,24%", clock.now() - timedelta(minutes=8))
    assert "67\u00a0321,50" in row["text"]


@pytest.mark.slow
def test_the_same_prices_make_the_same_bytes_until_the_first_turns_old(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_prices([price("100", 1)], source("coingecko", ["BTC"]))
    first = client.get("/krypto/BTCUSD/")
    until = first.until  # type: ignore[attr-defined]
    monkeypatch.setattr(clock, "now", lambda: until - timedelta(seconds=1))
    assert client.get("/krypto/BTCUSD/").content == first.content
    monkeypatch.setattr(clock, "now", lambda: until + timedelta(seconds=1))
    assert "cena nieaktualna" in text_of_page(client, "/krypto/BTCUSD/")


def test_htmx_gets_the_price_and_beside_it_the_rest(client: Client) -> None:
    save_prices([price("100", 1)], source("coingecko", ["BTC"]))
    content = client.get("/krypto/BTCUSD/?okno=7d", headers={"HX-Request": "true"}).content.decode()
    assert content.lstrip().startswith('<div id="moneta" hx-get="/krypto/BTCUSD/?okno=7d"')
    assert '<div id="moneta-reszta" hx-swap-oob="true">' in content
    assert "hx-swap-oob" not in client.get("/krypto/BTCUSD/").content.decode()


def test_the_mean_is_of_even_distances() -> None:
    assert coin_window.mean((Decimal(1), Decimal(2), Decimal("2.5"))) == Decimal("1.8333333333")
