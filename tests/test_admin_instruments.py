"""Operators add instruments and say where they are listed; codes and aliases stay unambiguous."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from markets.instruments.find import find
from markets.models import Alias, Instrument, Listing, Source

INSTRUMENT = {
    "base": "pepe", "quote": "usdt", "kind": "crypto", "unit": "1", "scale": "8", "name_pl": "Pepe", "name_en": "Pepe",
}  # fmt: skip


@pytest.fixture
def operator(client: Client, nbp: Source) -> Client:
    client.force_login(User.objects.create_superuser("operator"))
    return client


def add(client: Client, model: str, **fields: Any) -> Any:
    return client.post(reverse(f"admin:markets_{model}_add"), fields)


def test_an_instrument_is_added_with_its_code_and_its_spellings(operator: Client) -> None:
    assert operator.get(reverse("admin:markets_instrument_add")).status_code == 200
    assert add(operator, "instrument", **INSTRUMENT).status_code == 302
    row = find("pepe/usdt")
    assert row is not None
    assert (row.code, row.base, row.quote, row.kind, row.scale) == ("PEPEUSDT", "PEPE", "USDT", "crypto", 8)
    page = operator.get(reverse("admin:markets_instrument_change", args=[row.pk])).content.decode()
    assert "PEPE/USDT" in page


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"base": "btc", "quote": "usd"}, "BTCUSD oznacza już coś innego"),
        ({"base": "xbt", "quote": "usdt"}, "XBTUSDT oznacza już coś innego"),
        ({"base": "chf", "quote": "pln"}, "CHFPLN oznacza już coś innego"),
        ({"base": "pe pe"}, "Tylko litery A–Z i cyfry"),
        ({"base": "pepe/"}, "Tylko litery A–Z i cyfry"),
        ({"base": "usdt"}, "Baza i waluta notowania nie tworzą kodu"),
        ({"base": "ABCDEFGHIJKL", "quote": "ABCDEFGHIJKM"}, "Baza i waluta notowania nie tworzą kodu"),
        ({"kind": "fiat"}, "fiat"),
        ({"name_pl": ""}, "To pole jest wymagane."),
    ],
)
def test_what_makes_no_instrument_is_told(operator: Client, fields: dict[str, str], words: str) -> None:
    before = Instrument.objects.count()
    response = add(operator, "instrument", **INSTRUMENT | fields)
    assert (response.status_code, words in response.content.decode()) == (200, True)
    assert Instrument.objects.count() == before


def listing(source: str, instrument: str, ticker: str) -> dict[str, Any]:
    return {
        "source": Source.objects.get(code=source).pk, "instrument": Instrument.objects.get(code=instrument).pk,
        "ticker": ticker, "priority": 2, "tracked": "on",
    }  # fmt: skip


def test_a_listing_is_added_and_followed(operator: Client) -> None:
    add(operator, "instrument", **INSTRUMENT)
    assert add(operator, "listing", **listing("binance", "PEPEUSDT", "PEPEUSDT")).status_code == 302
    row = Listing.objects.get(ticker="PEPEUSDT")
    assert (row.instrument.code, row.source.code, row.priority, row.tracked) == ("PEPEUSDT", "binance", 2, True)


@pytest.mark.parametrize(
    ("source", "instrument", "ticker"),
    [("nbp", "BTCUSDT", "BTC"), ("binance", "BTCUSDT", "OTHER"), ("coingecko", "BTCUSDT", "bitcoin"),
     ("deribit", "SOLUSD", ""), ("deribit", "SOLUSD", "s" * 61)],
)  # fmt: skip
def test_a_listing_that_cannot_be_is_refused(operator: Client, source: str, instrument: str, ticker: str) -> None:
    before = Listing.objects.count()
    assert add(operator, "listing", **listing(source, instrument, ticker)).status_code == 200
    assert Listing.objects.count() == before


def test_an_alias_is_not_the_code_of_another_instrument(operator: Client) -> None:
    sol = Instrument.objects.get(code="SOLUSD")
    response = add(operator, "alias", name="ethusd", instrument=sol.pk)
    assert "ETHUSD jest kodem instrumentu" in response.content.decode()
    assert not Alias.objects.filter(name="ETHUSD").exists()


@pytest.mark.parametrize("model", ["instrument", "listing", "alias"])
def test_whoever_may_only_look_adds_nothing(client: Client, nbp: Source, model: str) -> None:
    looker = User.objects.create_user("looker", is_staff=True)
    looker.user_permissions.add(*Permission.objects.filter(codename__startswith="view_"))
    client.force_login(looker)
    assert client.get(reverse(f"admin:markets_{model}_changelist")).status_code == 200
    assert client.get(reverse(f"admin:markets_{model}_add")).status_code == 403
    assert add(client, model, **INSTRUMENT).status_code == 403
