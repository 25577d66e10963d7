"""What a provider is: facts as class attributes and one or more small capabilities.

A provider does I/O in `fetch_*` through `miner.http` and parses in pure functions. It knows no tables, no clock, no
settings, and it does not retry.
"""

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import date, time
from typing import ClassVar

from markets.records import Table

WEEKDAYS = (0, 1, 2, 3, 4)


@dataclass(frozen=True, slots=True)
class Hours:
    """When a table is published: local time of the publisher (Europe/Warsaw), ISO weekdays of cron (1 is Monday)."""

    start: time
    end: time
    weekdays: str = "1-5"


@dataclass(frozen=True, slots=True)
class Series:
    """One table that a source publishes.

    `first` and `known_until`: its history as this release knows it. `window`: days that one request may cover, both
    ends counted. `weekdays`: the days it can appear on (Monday is 0). `longest_pause`: days between two neighbouring
    publications that still are natural. `silence`: that many weekdays without one cannot be, inside the history.
    `reread`: days up to the newest publication that each request for the next one covers as well. `last`: the end of a
    history that does not grow.
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
    stands_in_for: ClassVar[str] = ""
    # False: mined at each start only, for a source that changes with Charon's own packages.
    scheduled: ClassVar[bool] = True
    series: ClassVar[tuple[Series, ...]]

    def __init__(self, base_url: str = "") -> None:
        self.base_url = base_url
        # What may stand in rows that people see: without a user name and a password.
        self.public_url = re.sub(r"://[^/@]*@", "://", base_url)


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
