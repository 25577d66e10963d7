"""Every service that there is a replica of, and the two ways to start one."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import TypeVar

from tests.replica.binance import Binance
from tests.replica.coingecko import CoinGecko
from tests.replica.deribit import Deribit
from tests.replica.ecb import ECB
from tests.replica.nbp import NBP
from tests.replica.polygon import Polygon
from tests.replica.server import ScriptEntries, Server
from tests.replica.service import Service
from tests.replica.tables import Letter

SERVICES: dict[str, type[Service]] = {
    service.name: service for service in (NBP, ECB, CoinGecko, Deribit, Binance, Polygon)
}
Played = TypeVar("Played", bound=Service)


class Replica(Server[NBP]):
    """The NBP's, with what its bank does at hand."""

    @property
    def today(self) -> date:
        return self.service.today_at(self.now())

    def set_today(self, today: date | None) -> None:
        self.service.today = today

    def withhold(self, letter: Letter, day: date) -> None:
        self.service.bank.withhold(letter, day)

    def publish(self, letter: Letter, day: date) -> None:
        self.service.bank.publish(letter, day)

    def correct(self, letter: Letter, day: date, code: str, figure: str) -> None:
        self.service.bank.correct(letter, day, code, figure)


@contextmanager
def serve(
    *, today: date | None = None, latency: float = 0.0, script: ScriptEntries = (), port: int = 0
) -> Iterator[Replica]:
    """The NBP on this machine for as long as the block lasts; without `today` the real date in Warsaw holds."""
    with Replica(NBP(today), latency=latency, script=script, port=port) as replica:
        yield replica


@contextmanager
def run(
    service: Played,
    *,
    now: datetime | None = None,
    latency: float = 0.0,
    script: ScriptEntries = (),
    port: int = 0,
) -> Iterator[Server[Played]]:
    """Any service on this machine for as long as the block lasts; without `now` time passes as it really does."""
    with Server(service, now=now, latency=latency, script=script, port=port) as server:
        yield server
