"""What an installation lives in: the replicas of all providers, the time, and the news that come while it runs."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from tests.replica import NBP, SERVICES, Server
from tests.replica.tables import Letter

# A Monday evening: everything of the day is out, and the figures of the replica end there.
BEGINS = datetime(2026, 10, 26, 18, 30, tzinfo=ZoneInfo("Europe/Warsaw")).astimezone(UTC)
# Days that the bank publishes while the installation runs, and the one before them, of which it corrects a figure.
LATE = (date(2026, 10, 23), date(2026, 10, 26))
CORRECTED = date(2026, 10, 22)
LETTERS: tuple[Letter, ...] = ("A", "C", "gold")
CORRECTIONS: tuple[tuple[Letter, str, str], ...] = (("A", "USD", "3.9999"), ("gold", "XAU", "512.34"))


class Moved(Server):
    """A replica on the world's true clock, whatever the installation's own says."""

    ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@dataclass
class World:
    folder: Path
    servers: dict[str, Server]
    ahead: timedelta = field(default_factory=lambda: BEGINS - datetime.now(UTC))

    def __post_init__(self) -> None:
        for server in self.servers.values():
            server.ahead = self.ahead  # type: ignore[attr-defined]
        self.set_clock()
        for day in LATE:
            for letter in LETTERS:
                self.bank.withhold(letter, day)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    @property
    def bank(self) -> NBP:
        service = self.servers["nbp"].service
        assert isinstance(service, NBP)
        return service

    @property
    def clock(self) -> Path:
        return self.folder / "clock"

    def set_clock(self, wrong: timedelta = timedelta()) -> None:
        """What the installation takes for the time; the replicas keep the true one."""
        new = self.clock.with_suffix(".new")
        new.write_text(str((self.ahead + wrong).total_seconds()))
        new.replace(self.clock)

    def set_disk_full(self, *, full: bool) -> None:
        switch = self.clock.with_name("disk_full")
        if full:
            switch.touch()
        else:
            switch.unlink(missing_ok=True)

    def correct(self) -> None:
        for letter, code, figure in CORRECTIONS:
            self.bank.correct(letter, CORRECTED, code, figure)

    def publish(self, day: date) -> None:
        for letter in LETTERS:
            self.bank.publish(letter, day)

    def env(self, **chosen: str) -> dict[str, str]:
        urls = {f"{name.upper()}_BASE_URL": server.url for name, server in self.servers.items()}
        return urls | {
            "DJANGO_SETTINGS_MODULE": "tests.chaos.settings",
            "CHAOS_CLOCK": str(self.clock),
            "REFRESH_SECONDS": "60",
            "BINANCE_SYMBOLS": "BTCUSDT,ETHUSDT",
            "POLYGON_API_KEY": "demo",
            "POLYGON_CALLS_PER_MINUTE": "1000",
            **chosen,
        }


@contextmanager
def open_world(folder: Path) -> Iterator[World]:
    folder.mkdir(parents=True)
    with ExitStack() as stack:
        yield World(folder, {name: stack.enter_context(Moved(service())) for name, service in SERVICES.items()})
