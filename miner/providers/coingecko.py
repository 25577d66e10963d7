"""CoinGecko API v3: what coins cost in USD, many in one call, and the last 365 days.

Keyless or with a demo key (100 calls a minute, 10,000 a month); answers come from a cache of 60 s. Coins are known by
slugs (`ripple`), not symbols; an unknown one is simply left out, and all unknown is `{}`. Errors come in three shapes,
so the HTTP status decides; a plain text `error code: 1015` is a ban. Prices are averages, written as doubles.
Documentation: https://docs.coingecko.com
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import partial
from urllib.parse import quote

import msgspec

from markets.messages import Message
from markets.records import Listed, Price
from miner.fetch import http
from miner.fetch.errors import Refused, UnknownTicker, Unreachable
from miner.fetch.parsing import SECOND, RefusedRecords, computed, count_of, decode, each, moment, only, positive, sound
from miner.providers.base import ListingSource, QuoteSource, gettext_noop

BANNED = "error code: 1015"
COINS = {
    "BTC": "bitcoin", "ETH": "ethereum", "XRP": "ripple", "BNB": "binancecoin", "SOL": "solana", "DOGE": "dogecoin",
    "ADA": "cardano", "LINK": "chainlink", "XLM": "stellar", "BCH": "bitcoin-cash", "AVAX": "avalanche-2",
    "HBAR": "hedera-hashgraph", "LTC": "litecoin", "SUI": "sui", "SHIB": "shiba-inu", "DOT": "polkadot",
    "UNI": "uniswap", "AAVE": "aave", "NEAR": "near", "ICP": "internet-computer", "ETC": "ethereum-classic",
    "APT": "aptos", "ATOM": "cosmos", "ALGO": "algorand", "VET": "vechain", "FIL": "filecoin", "ARB": "arbitrum",
    "GRT": "the-graph", "ZEC": "zcash", "TRX": "tron", "TON": "the-open-network", "XMR": "monero", "USDT": "tether",
    "USDC": "usd-coin", "DAI": "dai", "PAXG": "pax-gold",
}  # fmt: skip


class Coin(msgspec.Struct):
    """Each may be missing or null: a coin that nobody has traded for long."""

    usd: Decimal | None = None
    usd_24h_vol: Decimal | None = None
    usd_24h_change: Decimal | None = None
    last_updated_at: int | None = None


class ListedCoin(msgspec.Struct):
    """A line of `coins/list` and of `coins/markets`: several coins may share a symbol."""

    id: str
    symbol: str
    name: str


class Point(msgspec.Struct, array_like=True):
    at: int
    price: Decimal | None


class Chart(msgspec.Struct):
    prices: list[msgspec.Raw]


class CoinGecko(ListingSource, QuoteSource):
    code = "coingecko"
    name = "CoinGecko"
    url = "https://www.coingecko.com/"
    unit = "USD za 1 monetę"
    limits = "365 dni wstecz; klucz demo: 100 zapytań na minutę, 10 000 na miesiąc"
    licence = gettext_noop("Warunki API CoinGecko; wymagane podanie źródła")
    attribution = gettext_noop("Dane: CoinGecko")
    polling_interval = 300
    polling_setting = "FETCH_INTERVAL_SECONDS"
    followed_setting = "ASSETS"
    # Keyless callers of one address share an unpublished limit.
    limit = 10
    history_days = 365
    listing_cost = 2
    tickers = {f"{symbol}USD": coin for symbol, coin in COINS.items()}

    def fetch_quotes(self, tickers: Sequence[str]) -> list[Price]:
        if not tickers:
            return []
        wanted = "include_24hr_vol=true&include_24hr_change=true&include_last_updated_at=true&precision=full"
        return parse_prices(
            self.ask(f"simple/price?ids={quote(','.join(tickers))}&vs_currencies=usd&{wanted}"), tickers, self.refused
        )

    def fetch_history(self, ticker: str, start: datetime, end: datetime) -> list[Price]:
        """Daily closes for more than 90 days, hourly prices for less; at most 365 days back."""
        span = f"from={count_of(start, SECOND)}&to={count_of(end, SECOND)}"
        path = f"coins/{quote(ticker, safe='')}/market_chart/range?vs_currency=usd&{span}&precision=full"
        try:
            body = self.ask(path)
        except Refused as error:
            if error.status == 404:
                raise UnknownTicker(Message("no_coin", ticker=ticker), error.status, error.body) from None
            raise
        return [price for price in parse_chart(body, ticker, self.refused) if start <= price.observed_at <= end]

    def fetch_listing(self) -> list[Listed]:
        """Every coin whose symbol means it: the largest of its symbol, or the only one."""
        largest = self.ask("coins/markets?vs_currency=usd&order=market_cap_desc&per_page=250&page=1")
        return parse_listing(largest, self.ask("coins/list"), self.refused)

    def ask(self, path: str) -> bytes:
        self.calls += 1
        try:
            return http.get(f"{self.base_url}{path}", headers=self.headers())
        except Unreachable as error:
            if error.status == 429 and BANNED in error.body:
                raise Refused(Message("banned", said=str(error)), error.status, error.body, error.retry_after) from None
            raise

    def headers(self) -> Mapping[str, str]:
        return {"x-cg-demo-api-key": self.key} if self.key else {}


def parse_prices(body: bytes, tickers: Sequence[str], refused: RefusedRecords) -> list[Price]:
    """What was answered of what was asked for. An error with a good status has names that nobody asked for."""
    coins = decode(body, dict[str, msgspec.Raw])
    wanted = only(tickers, coins)
    found = [ticker for ticker in dict.fromkeys(tickers) if ticker in wanted]
    prices = each(found, lambda ticker: price_of(coins[ticker], ticker), refused, lambda ticker, _: ticker)
    return [price for price in prices if price]


def price_of(element: msgspec.Raw, ticker: str) -> Price | None:
    coin = decode(element, Coin)
    if not coin.usd or not coin.last_updated_at:
        return None
    at = moment(coin.last_updated_at, SECOND)
    return Price(ticker, computed(coin.usd), at, volume=coin.usd_24h_vol, change=coin.usd_24h_change)


def parse_chart(body: bytes, ticker: str, refused: RefusedRecords) -> list[Price]:
    """Ascending prices; the last one is "now" and no end of a period, unless it stands on midnight itself."""
    faults: RefusedRecords = {}
    pairs = sound(decode(body, Chart).prices, point_of, faults, 0)
    refused.update({f"{ticker} {at}": reason for at, reason in faults.items()})
    moments = sorted(pairs, key=lambda pair: pair[0])
    if moments and moments[-1][0].time() != datetime.min.time():
        moments.pop()
    return [Price(ticker, computed(price), at) for at, value in moments if (price := positive(value))]


def point_of(element: msgspec.Raw) -> tuple[datetime, Decimal | None]:
    point = decode(element, Point)
    return moment(point.at), point.price


def parse_listing(largest: bytes, every: bytes, refused: RefusedRecords) -> list[Listed]:
    """Coins by symbol: ours first, then the 250 largest, then those that share their symbol with no other coin."""
    coins, top = (
        sound(decode(body, list[msgspec.Raw]), partial(decode, shape=ListedCoin), refused, "id")
        for body in (every, largest)
    )
    known = {coin.id: coin for coin in coins}
    named = [known[slug] for slug in COINS.values() if slug in known]
    bearers = Counter(coin.symbol.upper() for coin in coins)
    alone = [coin for coin in coins if bearers[coin.symbol.upper()] == 1]
    chosen: dict[str, ListedCoin] = {}
    for coin in [*named, *top, *alone]:
        chosen.setdefault(coin.symbol.upper(), coin)
    return [Listed(coin.id, symbol, "USD", coin.name, "crypto") for symbol, coin in chosen.items()]
