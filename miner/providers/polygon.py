"""Polygon.io, since 2025 Massive: forex, metals and crypto with bid and ask, many tickers in one call; a key is needed.

`C:EURUSD`, `C:XAUUSD`, `X:BTCUSD`. The last price of forex is the bid, that of crypto the last trade; their own times
count, `updated` may lie in the future. Snapshots are emptied at midnight in New York, so a missing ticker is no fault.
A free key gets 403 for snapshots and 5 calls a minute: then the close of the day before, one call a ticker. No
Retry-After with 429; the window is a minute. Documentation: https://massive.com/docs
"""

import logging
import time
from collections.abc import Sequence
from decimal import Decimal
from functools import partial
from typing import ClassVar
from urllib.parse import quote

import msgspec

from markets.messages import Message
from markets.records import CRITICAL, HIGH, Price
from miner.fetch import http
from miner.fetch.errors import NoKey, NoPlan, Refused, Unreachable, Unreadable
from miner.fetch.parsing import RefusedRecords, decode, each, moment, only, positive, sound
from miner.providers.base import QuoteSource, gettext_noop

logger = logging.getLogger(__name__)

MARKETS = {"C:": "forex", "X:": "crypto"}
WINDOW_SECONDS = 60
# How long a plan is taken for one without snapshots: a better one may have been bought since.
DAY_SECONDS = 24 * 3600
# A page that is not there is answered in plain text; only this is about the ticker.
NOT_FOUND = ('"status":"NOT_FOUND"', '"status":"NotFound"')
NOT_AUTHORIZED = '"status":"NOT_AUTHORIZED"'
GOOD = {"OK", "DELAYED"}


class DayBar(msgspec.Struct):
    """A day, or as much of it as there is: zeros and absence both mean nothing."""

    o: Decimal | None = None
    h: Decimal | None = None
    l: Decimal | None = None  # noqa: E741  the key of the wire
    c: Decimal | None = None
    v: Decimal | None = None
    t: int | None = None


class LastQuote(msgspec.Struct):
    a: Decimal | None = None
    b: Decimal | None = None
    t: int | None = None


class LastTrade(msgspec.Struct):
    p: Decimal | None = None
    t: int | None = None


class Ticker(msgspec.Struct):
    ticker: str
    day: DayBar | None = None
    lastQuote: LastQuote | None = None  # noqa: N815
    lastTrade: LastTrade | None = None  # noqa: N815


class Snapshot(msgspec.Struct):
    status: str
    tickers: list[msgspec.Raw] | None = None


class Previous(msgspec.Struct):
    status: str
    results: list[msgspec.Raw] | None = None


class Polygon(QuoteSource):
    code = "polygon"
    name = gettext_noop("Massive (dawniej Polygon.io)")
    url = "https://massive.com/"
    unit = "waluta notowania za 1 jednostkę bazy"
    limits = "plan darmowy: 5 zapytań na minutę, tylko kursy zamknięcia"
    licence = gettext_noop("Warunki Massive: tylko na własny użytek, bez udostępniania")
    attribution = gettext_noop("Dane: Massive (Polygon.io)")
    other_names = ("massive",)
    polling_interval = 300
    polling_setting = "BATCH_INTERVAL_MINUTES"
    limit = 5
    # A batch of the critical instruments takes two calls, one a market.
    reserve = 2
    rotating = True
    needs_key = True
    public_display = False
    public_api = False
    tickers = {
        "XAUUSD": "C:XAUUSD", "EURUSD": "C:EURUSD", "BTCUSD": "X:BTCUSD", "ETHUSDT": "X:ETHUSDT", "GBPUSD": "C:GBPUSD",
        "USDJPY": "C:USDJPY", "XAGUSD": "C:XAGUSD", "AUDUSD": "C:AUDUSD", "USDCAD": "C:USDCAD",
    }  # fmt: skip
    priorities = {
        "XAUUSD": CRITICAL, "EURUSD": CRITICAL, "BTCUSD": CRITICAL, "ETHUSDT": HIGH, "GBPUSD": HIGH, "USDJPY": HIGH,
    }  # fmt: skip
    # Addresses and keys whose plan has no snapshots, and the moment (of the monotonic clock) at which that showed.
    # Of the class: a provider lives for one question.
    end_of_day: ClassVar[dict[tuple[str, str], float]] = {}

    def fetch_quotes(self, tickers: Sequence[str]) -> list[Price]:
        known = [ticker for ticker in dict.fromkeys(tickers) if ticker[:2] in MARKETS]
        if not self.is_end_of_day():
            try:
                return [price for market in MARKETS.items() for price in self.snapshots(*market, known)]
            except NoPlan:
                self.end_of_day[self.base_url, self.key] = time.monotonic()
                logger.warning(
                    "The plan of %s has no snapshots: closes of the day before are asked for, snapshots again in a day",
                    self.code,
                )
        closes = each(known, self.previous, self.refused, lambda ticker, _: ticker)
        return [price for price in closes if price]

    def is_end_of_day(self) -> bool:
        """Whether the plan showed within a day that it sells nothing but closes."""
        showed = self.end_of_day.get((self.base_url, self.key))
        return showed is not None and time.monotonic() - showed < DAY_SECONDS

    def cost(self, tickers: Sequence[str]) -> int:
        known = {ticker for ticker in tickers if ticker[:2] in MARKETS}
        return len(known) if self.is_end_of_day() else len({ticker[:2] for ticker in known})

    def snapshots(self, prefix: str, market: str, tickers: Sequence[str]) -> list[Price]:
        wanted = [ticker for ticker in tickers if ticker.startswith(prefix)]
        if not wanted:
            return []
        names = quote(",".join(wanted), safe=":,")
        body = self.ask(f"v2/snapshot/locale/global/markets/{market}/tickers?tickers={names}")
        return [] if body is None else parse_snapshots(body, wanted, self.refused)

    def previous(self, ticker: str) -> Price | None:
        body = self.ask(f"v2/aggs/ticker/{quote(ticker, safe=':')}/prev")
        return None if body is None else parse_previous(body, ticker)

    def ask(self, path: str) -> bytes | None:
        """The body, or None where there is nothing of what was asked for."""
        if not self.key:
            raise NoKey(Message("no_key", source=self.code))
        self.calls += 1
        try:
            return http.get(f"{self.base_url}{path}", headers={"Authorization": f"Bearer {self.key}"})
        except Unreachable as error:
            if error.status == 429 and error.retry_after is None:
                error.retry_after = WINDOW_SECONDS
            raise
        except Refused as error:
            if error.status == 401:
                words = Message("key_refused", said=str(error), variable="POLYGON_API_KEY")
                raise Refused(words, error.status, error.body, error.retry_after, NoKey.reason) from None
            said = error.body.replace(" ", "")
            if error.status == 404 and any(text in said for text in NOT_FOUND):
                return None
            if error.status == 403 and NOT_AUTHORIZED in said:
                raise NoPlan(Message("no_plan", said=str(error)), error.status, error.body) from None
            raise


def parse_snapshots(body: bytes, asked: Sequence[str], refused: RefusedRecords) -> list[Price]:
    answer = decode(body, Snapshot)
    if answer.status not in GOOD:
        raise Unreadable(Message("snapshot_status", status=answer.status[:40]))
    found = sound(answer.tickers or [], partial(decode, shape=Ticker), refused, "ticker")
    wanted = only(asked, {ticker.ticker for ticker in found})
    prices = each([one for one in found if one.ticker in wanted], price_of, refused, lambda one, _: one.ticker)
    return [price for price in prices if price]


def price_of(ticker: Ticker) -> Price | None:
    """None for a ticker that nothing is known of yet, as after midnight in New York."""
    last, trade, day = ticker.lastQuote or LastQuote(), ticker.lastTrade or LastTrade(), ticker.day or DayBar()
    forex = ticker.ticker.startswith("C:")
    price, at = (positive(last.b), last.t) if forex else (positive(trade.p), trade.t)
    if price is None or not at:
        return None
    return Price(
        ticker=ticker.ticker,
        price=price,
        observed_at=moment(at),
        bid=positive(last.b),
        ask=positive(last.a),
        open=positive(day.o),
        high=positive(day.h),
        low=positive(day.l),
        close=positive(day.c),
        volume=positive(day.v),
    )


def parse_previous(body: bytes, ticker: str) -> Price | None:
    """The close of the day before; there is none on a ticker's first day."""
    answer = decode(body, Previous)
    if answer.status not in GOOD:
        raise Unreadable(Message("close_status", status=answer.status[:40]))
    bar = decode(answer.results[-1], DayBar) if answer.results else DayBar()
    close = positive(bar.c)
    if close is None or not bar.t:
        return None
    days = {"open": positive(bar.o), "high": positive(bar.h), "low": positive(bar.l), "close": close}
    days["volume"] = positive(bar.v)
    return Price(ticker, close, moment(bar.t), **days, end_of_day=True)
