"""What is asked for: each kind of work with those that do it, and the address where each has the answer."""

from dataclasses import dataclass

from bench.peers.asking import NEW
from bench.peers.servers import (
    ASYNCPG,
    BOLT,
    COLUMNS,
    CONSTANT,
    DICTIONARY,
    NGINX,
    OBJECTS,
    OURS,
    OURS_REDIS,
    SHIPPED,
)

YEAR = "/rates?code=USD&from=2025-01-01&to=2025-12-31"
TWENTY = "/rates?code=USD&from=2006-01-01&to=2025-12-31"
CLOSED = "/api/v1/history/USD/2025.json"
# Charon answers 100 rows where nobody says how many; the peers know no limit and ignore it.
WHOLE = "&limit=10000"
DASHBOARD, INSTRUMENT, MAX = "/", "/waluty/EUR/", "/waluty/EUR/?zakres=Max"
# Of nobody: an answer that is kept for everybody is not for whoever brings one.
COOKIE = "sessionid=0123456789abcdefghijklmnopqrstuv"


@dataclass(frozen=True, slots=True)
class Way:
    """One contender's way to the answer. `says` tells two ways of one contender apart."""

    server: str
    address: str
    cookie: str = ""
    says: str = ""

    @property
    def name(self) -> str:
        return f"{self.server}, {self.says}" if self.says else self.server


@dataclass(frozen=True, slots=True)
class Work:
    key: str
    title: str
    ways: tuple[Way, ...]
    # Where a second has room for few of them: what is begun and not finished counts for nothing.
    connections: tuple[int, ...] = ()


def ready(name: str) -> tuple[Way, ...]:
    return (
        Way(DICTIONARY, f"/{name}?code=USD&of={name}"),
        Way(NGINX, f"/{name}.json"),
    )


def api_of(size: int, row: float) -> str:
    """The address of an answer of about as many bytes, which are kept."""
    return f"/rates?code=USD&from=1990-01-01&to=2025-12-31&limit={max(1, round(size / row))}"


def works(sizes: dict[str, int], row: float) -> list[Work]:
    """`sizes` of the dashboard and the instrument page in bytes, `row` of a row of `/rates`."""
    dashboard, instrument = api_of(sizes[DASHBOARD], row), api_of(sizes[INSTRUMENT], row)
    return [
        Work(
            "cold",
            "`/rates`, one year, every question new",
            tuple(Way(name, NEW) for name in (OURS, OBJECTS, COLUMNS, ASYNCPG, BOLT)),
        ),
        Work(
            "cached",
            "`/rates`, one year, asked again; the peers keep nothing",
            (
                *(Way(name, YEAR + WHOLE) for name in (OURS, OURS_REDIS, OBJECTS, COLUMNS, ASYNCPG)),
                Way(CONSTANT, "/"),
                *ready("year"),
            ),
        ),
        Work(
            "twenty",
            "`/rates`, twenty years, asked again",
            (*(Way(name, TWENTY + WHOLE) for name in (OURS, OURS_REDIS, OBJECTS, COLUMNS, ASYNCPG)), *ready("twenty")),
        ),
        Work(
            "file",
            "A closed year as a file, the same bytes at both addresses, beside the ready answer",
            (Way(OURS, YEAR + WHOLE), Way(NGINX, "/year.json"), Way(SHIPPED, CLOSED)),
        ),
        Work(
            "pages",
            "Pages, asked again, beside an answer of the API of that size, asked again",
            (
                Way(OURS, DASHBOARD, says="dashboard"),
                Way(OURS, dashboard, says="`/rates` as large as the dashboard"),
                Way(OURS, INSTRUMENT, says="instrument page"),
                Way(OURS, instrument, says="`/rates` as large as the instrument page"),
            ),
        ),
        Work(
            "uncached",
            "Pages that are made anew (the caller brings a session)",
            (
                Way(OURS, DASHBOARD, COOKIE, "dashboard"),
                Way(OURS, INSTRUMENT, COOKIE, "instrument page, 1R"),
                Way(OURS, MAX, COOKIE, "instrument page, Max"),
            ),
            (4,),
        ),
    ]
