"""What a provider is: facts as class attributes and one or more small capabilities.

A provider does I/O in `fetch_*` through `miner.fetch.http` and parses in pure functions. It knows no tables, no clock
and no settings, and it does not retry.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import ClassVar

from markets.records import Bar, Listed, Price, Table
from miner.fetch import http
from miner.fetch.parsing import RefusedRecords

WEEKDAYS = (0, 1, 2, 3, 4)


def gettext_noop(text: str) -> str:
    """Marks a text for the catalogue. Django's own asks for settings, and providers know no Django."""
    return text


@dataclass(frozen=True, slots=True)
class Hours:
    """When a table is published: Europe/Warsaw (Frankfurt's is the same), ISO weekdays of cron (1 is Monday)."""

    start: time
    end: time
    weekdays: str = "1-5"


@dataclass(frozen=True, slots=True)
class TableSeries:
    """One table that a source publishes.

    `first` and `known_until`: its history as this release knows it. `window`: days that one request may cover, both
    ends counted. `weekdays`: the days it can appear on (Monday is 0). `longest_pause`: days between two neighbouring
    publications that still are natural. `silence`: that many weekdays without one cannot be, inside the history.
    `reread`: days up to the newest publication that each request for the next one covers as well. `last`: the end of a
    history that does not grow. `closed`: whose holidays it keeps, a country or a market of the package `holidays`.
    """

    table: str
    kind: str
    first: date
    known_until: date
    window: int
    hours: Hours | None = None
    weekdays: tuple[int, ...] = WEEKDAYS
    longest_pause: int = 7
    silence: int = 5
    reread: int = 0
    last: date | None = None
    closed: str = "PL"


class Provider(ABC):
    """Facts that `sync` writes into the Source row."""

    code: ClassVar[str]
    name: ClassVar[str]
    url: ClassVar[str]
    unit: ClassVar[str]
    limits: ClassVar[str] = ""
    licence: ClassVar[str] = ""
    attribution: ClassVar[str] = ""
    edition: ClassVar[str] = ""
    fallback_for: ClassVar[str] = ""
    # False: mined at each start only, for a source that changes with Charon's own packages.
    scheduled: ClassVar[bool] = True
    # What it was called before, or is called elsewhere, in small letters.
    other_names: ClassVar[tuple[str, ...]] = ()
    # Seconds between two questions that a new row begins with; 0 takes REFRESH_SECONDS.
    polling_interval: ClassVar[int] = 0
    # The setting that says so instead, where operators have one; one that ends in _MINUTES counts minutes.
    polling_setting: ClassVar[str] = ""
    # Calls, or weight, that the provider allows in a window of so many seconds; 0 means that it names no limit.
    limit: ClassVar[int] = 0
    window_seconds: ClassVar[int] = 60
    # Of them, kept for critical instruments.
    reserve: ClassVar[int] = 0
    # So few calls that the instruments beside the critical ones take turns in the priority queue.
    rotating: ClassVar[bool] = False
    # Requests that may be under way at once.
    connections: ClassVar[int] = 1
    needs_key: ClassVar[bool] = False
    # Days that `fetch_history` reaches back; 0 means that no limit is known.
    history_days: ClassVar[int] = 0
    # What its terms allow: shown on public pages, and answered by the public API.
    public_display: ClassVar[bool] = True
    public_api: ClassVar[bool] = True
    series: ClassVar[tuple[TableSeries, ...]] = ()
    # What it prices: codes of instruments, each with the provider's own ticker.
    tickers: ClassVar[Mapping[str, str]] = {}
    # How urgent it is to know some of them, by code: CRITICAL, HIGH or LOW of `markets.records`; the others are MEDIUM.
    priorities: ClassVar[Mapping[str, int]] = {}
    # The setting that names those that are followed from the start; without one, or when it is empty, all are.
    followed_setting: ClassVar[str] = ""

    def __init__(self, base_url: str = "", key: str = "") -> None:
        self.base_url = base_url
        self.key = key
        # How long a byte of an answer is waited for.
        self.read_seconds: float = http.READ_SECONDS
        # Weight used in the running window, and allowed in one, where the provider says so in its answers.
        self.used: int | None = None
        self.allowed: int | None = None
        # Records of its answers that could not be read: what each is about (a ticker, a ticker and a moment, or a place
        # in a list), and why. Whoever asked takes them (`take_refused`) and names them in the job.
        self.refused: RefusedRecords = {}
        # Calls that were made, where they can be more than `cost` says beforehand.
        self.calls = 0
        # What may stand in rows that people see: without a user name and a password.
        self.public_url = re.sub(r"://[^/@]*@", "://", base_url)

    def take_refused(self) -> RefusedRecords:
        """What was refused since it was last asked for this; safe beside threads that go on refusing."""
        return {about: self.refused.pop(about) for about in list(self.refused)}


class RateSource(Provider):
    """Publishes tables of rates."""

    @abstractmethod
    def fetch_rates(self, start: date, end: date, table: str = "A") -> list[Table]:
        """The tables with an effective date from `start` to `end`, both inclusive, ascending; [] for none published."""


class GoldSource(Provider):
    """Publishes a price of gold."""

    @abstractmethod
    def fetch_gold(self, start: date, end: date) -> list[Table]:
        """One table of one figure (`XAU`) a day, from `start` to `end`, both inclusive, ascending; [] for none."""


class QuoteSource(Provider):
    """Says what things cost now."""

    @abstractmethod
    def fetch_quotes(self, tickers: Sequence[str]) -> list[Price]:
        """The newest price of each ticker, in as few calls as the API allows; what it does not know is left out."""

    def cost(self, tickers: Sequence[str]) -> int:  # noqa: ARG002
        """Calls, or weight, that `fetch_quotes` of these takes from the budget."""
        return 1

    def fetch_history(self, ticker: str, start: datetime, end: datetime) -> list[Price]:  # noqa: ARG002
        """Prices from `start` to `end`, both inclusive, ascending; [] where the API has no history."""
        return []


class CandleSource(Provider):
    """Publishes candles."""

    # Seconds of each timeframe that Charon asks for.
    timeframes: ClassVar[dict[str, int]] = {"5m": 300, "1h": 3600, "4h": 14400}

    @abstractmethod
    def fetch_candles(self, ticker: str, timeframe: str, start: datetime | None = None, limit: int = 1000) -> list[Bar]:
        """The newest `limit` candles, or the first `limit` from `start` on; ascending, the last one may be open."""

    @abstractmethod
    def fetch_tickers(self) -> set[str]:
        """Every ticker that is traded at the moment."""


class ListingSource(Provider):
    """Says what can be followed there beyond `tickers`. A job asks it once a day."""

    # Calls, or weight, that `fetch_listing` takes from the budget.
    listing_cost: ClassVar[int] = 1

    @abstractmethod
    def fetch_listing(self) -> list[Listed]:
        """Everything that it prices at the moment; of several lines of one code the first one counts."""
