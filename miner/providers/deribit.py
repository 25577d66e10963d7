"""Deribit API v2, public methods: price indices such as `btc_usd`, one call each, and their history.

The answer has no time of its own but `usOut` of its envelope, in microseconds. Errors are JSON-RPC objects under HTTP
200, 400 or 503: some codes say "later", the others "never", whatever the status. The limit for callers without a key
is not published; a few calls a second are no trouble. Documentation: https://docs.deribit.com
"""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from urllib.parse import urlencode

import msgspec

from markets.messages import Message
from markets.network.body_text import text_of
from markets.network.said import said
from markets.records import HIGH, Listed, Price
from miner.fetch import http
from miner.fetch.errors import Refused, UnknownTicker, Unreachable, Unreadable
from miner.fetch.parsing import MICROSECOND, RefusedRecords, computed, decode, each, moment, positive, sound
from miner.providers.base import ListingSource, QuoteSource, gettext_noop

# Too many requests, and too many at once.
TOO_MANY = {10028, 10066}
# Those, and try again, settlement, maintenance (11051), internal error, unavailable, timed out.
LATER = {*TOO_MANY, 10040, 10041, 10047, 11051, 11094, 13028, 13888}
INVALID_PARAMS = -32602
CODE = re.compile(r'"code"\s*:\s*(-?\d{1,9})\b')
RANGES = {
    "1h": timedelta(hours=1), "1d": timedelta(days=1), "2d": timedelta(days=2), "1m": timedelta(days=28),
    "1y": timedelta(days=365), "all": timedelta.max,
}  # fmt: skip


class Envelope(msgspec.Struct):
    result: msgspec.Raw
    usOut: int  # noqa: N815  the key of the wire


class Index(msgspec.Struct):
    index_price: Decimal | None = None


class Deribit(ListingSource, QuoteSource):
    code = "deribit"
    name = "Deribit"
    url = "https://www.deribit.com/"
    unit = "USD za 1 monetę (indeks)"
    limits = "kilka zapytań na sekundę, jedno na indeks"
    licence = gettext_noop("Publiczne API Deribit; wymagane podanie źródła")
    attribution = gettext_noop("Dane: Deribit")
    polling_interval = 60
    polling_setting = "FETCH_INTERVAL"
    followed_setting = "DERIBIT_INDEXES"
    limit = 120
    tickers = {"BTCUSD": "btc_usd", "ETHUSD": "eth_usd"}
    priorities = {"BTCUSD": HIGH, "ETHUSD": HIGH}

    def fetch_quotes(self, tickers: Sequence[str]) -> list[Price]:
        prices = each(dict.fromkeys(tickers), self.quote, self.refused, lambda ticker, _: ticker)
        return [price for price in prices if price]

    def cost(self, tickers: Sequence[str]) -> int:
        return len(set(tickers))

    def quote(self, ticker: str) -> Price | None:
        try:
            answer = self.ask("get_index_price", index_name=ticker)
        except UnknownTicker:
            return None
        price = positive(decode(answer.result, Index).index_price)
        return Price(ticker, computed(price), moment(answer.usOut, MICROSECOND)) if price else None

    def fetch_history(self, ticker: str, start: datetime, end: datetime) -> list[Price]:
        """Average prices of the shortest range that reaches back to `start`, counted from the answer's own time."""
        prices: list[Price] = []
        for name, length in RANGES.items():
            if length >= end - start:
                answer = self.ask("get_index_chart_data", index_name=ticker, range=name)
                prices = parse_chart(answer.result, ticker, self.refused)
                if moment(answer.usOut, MICROSECOND) - start <= length:
                    break
        return [price for price in prices if start <= price.observed_at <= end]

    def fetch_listing(self) -> list[Listed]:
        """Every index that there is."""
        return parse_names(self.ask("get_index_price_names").result, self.refused)

    def ask(self, method: str, **params: str) -> Envelope:
        place = f"public/{method}"
        try:
            url = f"{self.base_url}{place}{'?' * bool(params)}{urlencode(params)}"
            body = http.get(url, read_seconds=self.read_seconds)
        except Refused as error:
            raise fault(place, error.body, error.status) or error from None
        if wrong := fault(place, text_of(body), 200):
            raise wrong
        return decode(body, Envelope)


def fault(place: str, text: str, status: int) -> Unreachable | Refused | None:
    """What an error object in the answer means; None for an answer without one."""
    if '"error"' not in text:
        return None
    found = CODE.search(text)
    if not found:
        raise Unreadable(Message("error_without_code", place=place))
    code, words = int(found[1]), said(text.encode()).removesuffix(f"({found[1]})").strip()
    known = Message("error_code", place=place, number=str(code))
    message = Message("error_said", place=place, number=str(code), said=words) if words else known
    if code in LATER:
        # The status that it should have come under: 429 is not asked again in the same run, and both give a rest.
        return Unreachable(message, status=429 if code in TOO_MANY else 503, body=text[:300])
    unknown = code == INVALID_PARAMS and '"index_name"' in text
    return (UnknownTicker if unknown else Refused)(message, status, text[:300])


class Point(msgspec.Struct, array_like=True):
    at: int
    price: Decimal | None


def parse_chart(body: msgspec.Raw, ticker: str, refused: RefusedRecords) -> list[Price]:
    faults: RefusedRecords = {}
    pairs = sound(decode(body, list[msgspec.Raw]), point_of, faults, 0)
    refused.update({f"{ticker} {at}": reason for at, reason in faults.items()})
    ascending = sorted(pairs, key=lambda pair: pair[0])
    return [Price(ticker, computed(price), at) for at, value in ascending if (price := positive(value))]


def point_of(element: msgspec.Raw) -> tuple[datetime, Decimal | None]:
    point = decode(element, Point)
    return moment(point.at), point.price


class IndexName(msgspec.Struct):
    name: str


def parse_names(body: msgspec.Raw, refused: RefusedRecords) -> list[Listed]:
    """`btc_usd` as text, or in an object: the documentation shows one and describes the other."""
    rows = sound(decode(body, list[msgspec.Raw]), name_of, refused, "name")
    pairs = [(name, *name.upper().split("_")) for name in rows if name.count("_") == 1]
    return [Listed(name, base, quote, kind="crypto") for name, base, quote in pairs]


def name_of(element: msgspec.Raw) -> str:
    return decode(element, str) if bytes(element).startswith(b'"') else decode(element, IndexName).name
