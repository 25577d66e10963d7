"""What the markets list: names, spellings, tickers."""

import pytest

from markets.instruments import create, names
from markets.instruments.find import find
from markets.models import Alias, Instrument, Listing, Source
from markets.records import Listed
from miner import sources
from miner.providers import PROVIDERS
from miner.providers.binance import Binance
from miner.providers.coingecko import CoinGecko
from miner.providers.deribit import Deribit
from tests.cases import walk
from tests.market import source

pytestmark = pytest.mark.django_db


@walk(
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
    row = create.market(code)
    assert (row.base, row.quote, row.kind, row.unit, row.scale) == (base, quote, kind, unit, scale)
    assert (row.name_pl, row.name_en) == (pl, en)


@pytest.mark.slow
@walk(
    ("text", "code"),
    [("xbt", "BTCUSD"), ("XBT/USDT", "BTCUSDT"),
     ("BTC", "BTCUSD"), ("btc/usd", "BTCUSD"), ("btc_usd", "BTCUSD"), ("X:BTCUSD", "BTCUSD"), ("bitcoin", "BTCUSD"),
     ("BTC/USDT", "BTCUSDT"), ("btcusdt", "BTCUSDT"), ("eur/usd", "EURUSD"), ("C:EURUSD", "EURUSD"),
     ("xau_usd", "XAUUSD"), ("C:XAUUSD", "XAUUSD"), ("X:ETHUSDT", "ETHUSDT")],
)  # fmt: skip
def test_every_spelling_leads_to_one_instrument(text: str, code: str) -> None:
    for name in ("coingecko", "binance", "polygon", "deribit"):
        source(name)
    found = find(text)
    assert found is not None
    assert found.code == code


def test_no_spelling_means_two_things() -> None:
    codes = {entry.code for provider in PROVIDERS.values() for entry in sources.entries(provider)}
    found = [alias.name for code in codes for alias in create.spellings(create.market(code))]
    assert len(codes) > 70
    assert len(found) == len(set(found))
    assert not codes & set(found)
    assert all(len(name) <= names.MAX_NAME for name in found)


def test_gold_in_dollars_is_not_the_gold_of_the_nbp() -> None:
    source("polygon")
    create.find_or_create({"XAU"}, "metal")
    ounce, gram = find("XAUUSD"), find("gold")
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
    assert create.list_at(row, sources.entries(PROVIDERS["polygon"])) == []
    changed = Listing.objects.get(ticker="X:BTC-USD")
    assert (changed.tracked, changed.priority) == (False, 4)


def test_a_provider_of_other_people_brings_tickers_of_its_own() -> None:
    row = Source.objects.create(code="kraken", name="Kraken")
    entries = [Listed("XXBTZUSD", "BTC", "USD"), Listed("NOKSEK", "NOK", "SEK")]
    assert create.list_at(row, entries) == ["BTCUSD", "NOKSEK"]
    assert dict(row.listings.values_list("ticker", "instrument__code")) == {"XXBTZUSD": "BTCUSD", "NOKSEK": "NOKSEK"}
    assert Instrument.objects.get(code="NOKSEK").kind == "pair"
    assert Alias.objects.get(name="NOK/SEK").instrument.code == "NOKSEK"
    assert set(row.listings.values_list("tracked", flat=True)) == {True}


def test_binance_lists_29_symbols_and_coingecko_about_thirty_coins() -> None:
    assert len(Binance.tickers) == 29
    assert 30 <= len(CoinGecko.tickers) <= 40
    assert list(Deribit.tickers.values()) == ["btc_usd", "eth_usd"]


def test_every_coin_that_is_followed_from_the_start_has_a_name() -> None:
    followed = {names.split(code)[0] for code in (*Binance.tickers, *CoinGecko.tickers, *Deribit.tickers)}
    assert followed == set(names.COINS)


def test_what_a_source_calls_a_coin_finds_it_and_never_takes_an_official_name() -> None:
    source("coingecko")
    assert find("avalanche-2") == find("AVAX")
    row = Source.objects.create(code="kraken", name="Kraken")
    create.list_at(row, [Listed("gold", "GLD", "USD"), Listed("EUR", "EURX", "USD"), Listed("btc", "BTT", "USD")])
    assert (find("gold"), find("EUR"), find("btc")) == (None, None, find("BTCUSD"))


@walk(
    ("entry", "told"),
    [
        (Listed("pepe", "PEPE", "USD", "Pepe", "crypto"), ("crypto", "1", 2, "Pepe", "Pepe")),
        (Listed("PEPEUSDT", "PEPE", "USDT"), ("crypto", "1", 2, "PEPE (USDT)", "PEPE (USDT)")),
        (Listed("bitcoin", "BTC", "USD", "Bitcoin of theirs", "crypto"), ("crypto", "1", 2, "Bitcoin", "Bitcoin")),
        (Listed("ETHBTC", "ETH", "BTC"), ("crypto", "1", 8, "Ethereum (BTC)", "Ethereum (BTC)")),
        (Listed("C:XPTUSD", "XPT", "USD", kind="metal"), ("metal", "oz", 2, "platyna (USD)", "platinum (USD)")),
        (Listed("C:CHFJPY", "CHF", "JPY"), ("pair", "1", 3, "frank szwajcarski (JPY)", "Swiss Franc (JPY)")),
    ],
)
def test_an_instrument_is_made_of_what_the_listing_says(entry: Listed, told: tuple[object, ...]) -> None:
    row = create.priced(entry)
    assert (row.kind, row.unit, row.scale, row.name_pl, row.name_en) == told
