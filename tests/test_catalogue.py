"""What the markets list: names, spellings, tickers."""

import pytest

from markets.instruments import catalogue
from markets.models import Alias, Instrument, Listing, Source
from miner.providers import PROVIDERS
from tests.market import source

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("code", "base", "quote", "kind", "unit", "scale", "pl", "en"),
    [
        ("BTCUSD", "BTC", "USD", "crypto", "1", 2, "Bitcoin", "Bitcoin"),
        ("BTCUSDT", "BTC", "USDT", "crypto", "1", 2, "Bitcoin (USDT)", "Bitcoin (USDT)"),
        ("USDTUSD", "USDT", "USD", "crypto", "1", 2, "Tether", "Tether"),
        ("EURUSD", "EUR", "USD", "pair", "1", 5, "euro (USD)", "Euro (USD)"),
        ("USDJPY", "USD", "JPY", "pair", "1", 3, "dolar amerykański (JPY)", "US Dollar (JPY)"),
        ("XAUUSD", "XAU", "USD", "metal", "oz", 2, "złoto (USD)", "gold (USD)"),
    ],
)
def test_an_instrument_of_a_market_is_told_by_its_code(
    code: str, base: str, quote: str, kind: str, unit: str, scale: int, pl: str, en: str
) -> None:
    row = catalogue.market(code)
    assert (row.base, row.quote, row.kind, row.unit, row.scale) == (base, quote, kind, unit, scale)
    assert (row.name_pl, row.name_en) == (pl, en)


@pytest.mark.parametrize(
    ("text", "code"),
    [("xbt", "BTCUSD"), ("XBT/USDT", "BTCUSDT"),
     ("BTC", "BTCUSD"), ("btc/usd", "BTCUSD"), ("btc_usd", "BTCUSD"), ("X:BTCUSD", "BTCUSD"), ("bitcoin", "BTCUSD"),
     ("BTC/USDT", "BTCUSDT"), ("btcusdt", "BTCUSDT"), ("eur/usd", "EURUSD"), ("C:EURUSD", "EURUSD"),
     ("xau_usd", "XAUUSD"), ("C:XAUUSD", "XAUUSD"), ("X:ETHUSDT", "ETHUSDT")],
)  # fmt: skip
def test_every_spelling_leads_to_one_instrument(text: str, code: str) -> None:
    for name in ("coingecko", "binance", "polygon", "deribit"):
        source(name)
    found = catalogue.find(text)
    assert found is not None
    assert found.code == code
    assert catalogue.market_names()[text.upper()] == code


def test_no_spelling_means_two_things() -> None:
    codes = {entry.code for entries in catalogue.LISTED.values() for entry in entries}
    names = [name for code in codes for name in catalogue.names_of(catalogue.market(code))]
    assert len(names) == len(set(names))
    assert not codes & set(names)
    assert all(len(name) <= 32 for name in names)


def test_gold_in_dollars_is_not_the_gold_of_the_nbp() -> None:
    source("polygon")
    catalogue.find_or_create({"XAU"}, "metal")
    ounce, gram = catalogue.find("XAUUSD"), catalogue.find("gold")
    assert ounce is not None
    assert gram is not None
    assert (ounce.code, ounce.unit, gram.code, gram.unit) == ("XAUUSD", "oz", "XAU", "g")


def test_a_source_gets_its_listings_once_and_operators_choices_stay() -> None:
    row = source("polygon", ["BTC", "eur/usd"])
    listed = {listing.ticker: listing for listing in row.listings.select_related("instrument")}
    assert len(listed) == 9
    assert listed["C:EURUSD"].instrument.code == "EURUSD"
    assert {ticker for ticker, listing in listed.items() if listing.tracked} == {"X:BTCUSD", "C:EURUSD"}
    assert {ticker for ticker, listing in listed.items() if listing.priority == Listing.Priority.CRITICAL} == {
        "C:XAUUSD", "C:EURUSD", "X:BTCUSD",
    }  # fmt: skip
    Listing.objects.filter(ticker="X:BTCUSD").update(tracked=False, priority=4, ticker="X:BTC-USD")
    assert catalogue.list_at(row) == []
    changed = Listing.objects.get(ticker="X:BTC-USD")
    assert (changed.tracked, changed.priority) == (False, 4)


def test_a_provider_of_other_people_brings_tickers_of_its_own() -> None:
    row = Source.objects.create(code="kraken", name="Kraken")
    assert catalogue.list_at(row, {"BTCUSD": "XXBTZUSD", "NOKSEK": "NOKSEK"}) == ["BTCUSD", "NOKSEK"]
    assert dict(row.listings.values_list("ticker", "instrument__code")) == {"XXBTZUSD": "BTCUSD", "NOKSEK": "NOKSEK"}
    assert Instrument.objects.get(code="NOKSEK").kind == "pair"
    assert Alias.objects.get(name="NOK/SEK").instrument.code == "NOKSEK"
    assert set(row.listings.values_list("tracked", flat=True)) == {True}


def test_binance_lists_29_symbols_and_coingecko_about_thirty_coins() -> None:
    assert len(catalogue.LISTED["binance"]) == 29
    assert 30 <= len(catalogue.LISTED["coingecko"]) <= 40
    assert [entry.ticker for entry in catalogue.LISTED["deribit"]] == ["btc_usd", "eth_usd"]


def test_who_takes_turns_is_known_here_as_well() -> None:
    assert {code for code, provider in PROVIDERS.items() if provider.rotating} == catalogue.TAKE_TURNS
