"""Each provider is complete: wired, played by a replica, recorded answer by answer, a source, a row in the docs.

What each service is known to say stands in one table here, with what our client makes of it.
"""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple

import pytest
import respx

from markets.models import Source
from miner import providers, sources
from miner.fetch import errors as fetch_errors
from miner.fetch.errors import Blocked, NoKey, NoPlan, Refused, UnknownTicker, Unreachable, Unreadable
from miner.providers import PROVIDERS
from miner.providers.base import Provider
from miner.providers.binance import Binance
from miner.providers.coingecko import CoinGecko
from miner.providers.deribit import Deribit
from miner.providers.ecb import ECB
from miner.providers.nbp import NBP
from miner.providers.polygon import Polygon
from tests.bodies import RECORDED, recorded
from tests.cases import walk
from tests.replica import SERVICES
from tests.test_docs import blocks, names, read, section, table

FOLDER = Path(providers.__file__).parent
MODULES = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem not in {"__init__", "base"})
# Read from a package of this installation: nobody is asked, so there is nothing to play and nothing to record.
EMBEDDED = {"nbp_archive"}
ASKED = [code for code in MODULES if code not in EMBEDDED]

BASE = "https://service.example/"
DAY, NOON = date(2024, 6, 28), datetime(2024, 6, 28, 12, tzinfo=UTC)
ASK: dict[str, Callable[[], Any]] = {
    "nbp": lambda: NBP(BASE).fetch_rates(DAY, DAY, "A"),
    "ecb": lambda: ECB(BASE).fetch_rates(DAY, DAY),
    "coingecko": lambda: CoinGecko(BASE).fetch_quotes(["bitcoin"]),
    "coingecko history": lambda: CoinGecko(BASE).fetch_history("bitcoin", NOON, NOON),
    "deribit": lambda: Deribit(BASE).fetch_quotes(["btc_usd"]),
    "deribit history": lambda: Deribit(BASE).fetch_history("btc_usd", NOON, NOON),
    "binance": lambda: Binance(BASE).fetch_candles("BTCUSDT", "1h"),
    "polygon": lambda: Polygon(BASE, "key").fetch_quotes(["C:EURUSD"]),
}

# What is recorded of each endpoint that a client uses, and of others of the same service for the replica's sake.
ENDPOINTS: dict[str, dict[str, str]] = {
    "nbp": {
        "tables A and B": "tables_A.json",
        "tables C, with the day of trading": "tables_C.json",
        "gold": "cenyzlota.json",
        "one currency, which we do not ask for": "rates_A_EUR.json",
    },
    "ecb": {
        "the newest day, indented and padded": "eurofxref-daily.xml",
        "90 days, compact and without last zeros": "eurofxref-hist-90d.xml",
        "everything, the one file of the zip": "eurofxref-hist.csv",
        "the newest day as CSV, which we do not ask for": "eurofxref.csv",
    },
    "coingecko": {
        "simple/price": "simple_price.json",
        "simple/price of coins that are all unknown": "simple_price_unknown.json",
        "market_chart, also in a range": "market_chart_daily.json",
    },
    "deribit": {"get_index_price": "get_index_price.json", "get_index_chart_data": "get_index_chart_data.json"},
    "binance": {"klines": "klines.json", "ticker/24hr": "ticker_24hr.json", "exchangeInfo": "exchangeInfo.json"},
    "polygon": {
        "snapshots of forex": "forex_tickers.json",
        "snapshots of crypto": "crypto_tickers.json",
        "the close of the day before": "prev.json",
    },
}


class Fault(NamedTuple):
    """One way to say no. `means`: the error of ours, or what is answered where it is no error (`[]`).

    `body` is a recorded file, or the bytes themselves where nobody has recorded more than the status or the code.
    """

    asked: str
    case: str
    status: int
    body: str | bytes
    means: type[fetch_errors.ProviderError] | list[Any]


def deribit(code: int, status: int, means: type[fetch_errors.ProviderError]) -> Fault:
    body = b'{"jsonrpc":"2.0","error":{"code":%d,"message":"as documented"},"testnet":false}' % code
    return Fault("deribit", f"code {code}", status, body, means)


def binance(code: int, status: int, means: type[fetch_errors.ProviderError]) -> Fault:
    return Fault("binance", f"code {code}", status, b'{"code":%d,"msg":"as documented"}' % code, means)


FAULTS = [
    Fault("nbp", "nothing was published, or the code is of another table", 404, "404_nothing_published.txt", []),
    Fault("nbp", "no such route", 404, "404_no_such_route.txt", Refused),
    Fault("nbp", "a day of the future, or days in the wrong order", 400, "400_date_range.txt", Refused),
    Fault("nbp", "more than 93 days of tables", 400, "400_93_days.txt", Refused),
    Fault("nbp", "more than 367 days of gold or of one currency", 400, "400_367_days.txt", Refused),
    Fault("nbp", "more than 67 tables A or C", 400, "400_67_results.txt", Refused),
    Fault("nbp", "more than 14 tables B", 400, "400_14_results.txt", Refused),
    Fault("nbp", "more than 255 figures", 400, "400_255_results.txt", Refused),
    Fault("nbp", "no such table", 400, "400_table_letter.txt", Refused),
    Fault("nbp", "its trouble", 503, b"", Unreachable),
    Fault("ecb", "no error is documented; a page that is gone", 404, b"<html>", Refused),
    Fault("ecb", "its trouble", 503, b"<html>", Unreachable),
    Fault("coingecko", "too many calls", 429, "429_rate_limit.json", Unreachable),
    Fault("coingecko", "banned by the guard at its door, in plain text", 429, "429_banned.txt", Refused),
    Fault("coingecko history", "more than 365 days back", 401, "401_time_range.json", Refused),
    Fault("coingecko history", "a coin that it does not list", 404, "404_coin_not_found.json", UnknownTicker),
    Fault("coingecko", "an unsupported quote", 400, "400_vs_currency.json", Refused),
    Fault("coingecko", "a parameter is missing", 422, "422_missing_parameter.json", Refused),
    *(
        Fault("coingecko", f"key or plan, code {code}", status, b'{"status":{"error_code":%d}}' % code, Refused)
        for code, status in ((10002, 401), (10005, 401), (10010, 400), (10011, 400))
    ),
    Fault("coingecko", "an error with a good status", 200, b'{"error":"as some clients have met"}', Unreadable),
    Fault("deribit", "wrong parameters", 400, "400_invalid_params.json", Refused),
    Fault("deribit", "an index that it does not list", 400, "400_unknown_index.json", []),
    Fault("deribit history", "an index that it does not list", 400, "400_unknown_index.json", UnknownTicker),
    Fault("deribit", "too many requests", 429, "429_too_many_requests.json", Unreachable),
    Fault("deribit", "maintenance", 503, "503_maintenance.json", Unreachable),
    *(
        deribit(code, status, Unreachable)
        for code in (10028, 10040, 10041, 10047, 10066, 11051, 11094, 13028, 13888)
        for status in (200, 400)
    ),
    *(deribit(code, 400, Refused) for code in (-32601, 10020, 11029, 11050)),
    Fault("binance", "an unknown symbol", 400, "400_invalid_symbol.json", UnknownTicker),
    Fault("binance", "an unknown interval", 400, "400_invalid_interval.json", Refused),
    *(binance(code, 400, Refused) for code in (-1100, -1102, -1104, -1105, -1127, -1128, -1130)),
    Fault("binance", "too much weight", 429, "429_weight.json", Unreachable),
    Fault("binance", "banned for going on", 418, "418_banned.json", Refused),
    Fault("binance", "its firewall", 403, b"<html>", Refused),
    Fault("binance", "not in this country", 451, b"", Blocked),
    *(binance(code, 503, Unreachable) for code in (-1000, -1001, -1006, -1007, -1008)),
    Fault("polygon", "no key", 401, "401_no_key.json", Refused),
    Fault("polygon", "a wrong key", 401, "401_unknown_key.json", Refused),
    Fault("polygon", "the plan is too small, also for closes", 403, "403_plan.json", NoPlan),
    Fault("polygon", "an unknown ticker", 404, "404_ticker.json", []),
    Fault("polygon", "an unknown ticker, as in 2020", 404, "404_ticker_2020.json", []),
    Fault("polygon", "nothing is known of it", 404, "404_data.json", []),
    Fault("polygon", "no such page", 404, "404_page.txt", Refused),
    Fault("polygon", "a ticker of the wrong form", 400, "400_ticker_format.json", Refused),
    Fault("polygon", "too many calls", 429, "429_requests.json", Unreachable),
    Fault("polygon", "too many calls, without a word", 429, b"", Unreachable),
]


@pytest.fixture(autouse=True)
def plans_are_forgotten() -> Iterator[None]:
    """A process remembers a key whose plan is too small."""
    yield
    Polygon.end_of_day.clear()


def provider_of(code: str) -> type[Provider]:
    return PROVIDERS[code]


@pytest.mark.parametrize("code", MODULES)
def test_each_file_is_wired_under_its_own_name(code: str) -> None:
    assert PROVIDERS[code].code == code
    assert PROVIDERS[code].__module__ == f"miner.providers.{code}"


@pytest.mark.parametrize("code", ASKED)
def test_each_is_played_by_a_replica(code: str) -> None:
    assert SERVICES[code].name == code
    assert (Path(__file__).parent / "replica" / f"{code}.py").is_file()


def test_no_replica_plays_a_service_that_nobody_asks() -> None:
    assert sorted(SERVICES) == ASKED
    assert all(PROVIDERS[code].fallback_for for code in EMBEDDED), "an archive is a stand-in"


@pytest.mark.parametrize("code", ASKED)
def test_each_recorded_body_is_named_and_each_named_one_is_recorded(code: str) -> None:
    files = {path.name for path in (RECORDED / code).iterdir()}
    faults = {fault.body for fault in FAULTS if fault.asked.split()[0] == code and isinstance(fault.body, str)}
    assert files == {*ENDPOINTS[code].values(), *faults}


@pytest.mark.parametrize("code", ASKED)
def test_each_recorded_body_is_read_by_the_tests_of_its_provider(code: str) -> None:
    text = (Path(__file__).parent / f"test_{code}.py").read_text(encoding="utf-8")
    unread = [path.name for path in (RECORDED / code).iterdir() if path.name not in text]
    assert unread == []


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.asked}: {fault.status} {fault.case}")
def test_each_way_to_say_no_is_understood(fault: Fault) -> None:
    body = recorded(fault.asked.split()[0], fault.body) if isinstance(fault.body, str) else fault.body
    with respx.mock as web:
        web.get(url__startswith=BASE).respond(fault.status, content=body)
        if isinstance(fault.means, list):
            assert ASK[fault.asked]() == fault.means
            return
        with pytest.raises(fetch_errors.ProviderError) as caught:
            ASK[fault.asked]()
    assert type(caught.value) is fault.means


def test_a_key_that_is_missing_asks_nobody() -> None:
    with pytest.raises(NoKey):
        Polygon(BASE).fetch_quotes(["C:EURUSD"])


def test_every_error_of_ours_is_met_by_some_service() -> None:
    """ExpectedData and FiguresRefused are found by the collectors: in empty days, and in what the store refused."""
    met = {fault.means for fault in FAULTS if not isinstance(fault.means, list)} | {NoKey}
    kinds = {kind for kind in vars(fetch_errors).values() if isinstance(kind, type) and issubclass(kind, Exception)}
    ours = {fetch_errors.ExpectedData, fetch_errors.FiguresRefused, fetch_errors.Misconfigured}
    assert kinds - met == {fetch_errors.ProviderError, *ours}


@pytest.mark.django_db
@walk("code", MODULES)
def test_each_has_a_source(code: str, nbp: Source) -> None:
    row = Source.objects.get(code=code)
    assert (row.name, row.available) == (provider_of(code).name, True)


@pytest.mark.parametrize("code", MODULES)
def test_each_has_a_row_in_the_docs(code: str) -> None:
    rows = table(section("docs/adding-a-provider.md", "## Providers there are"))
    assert f"`miner/providers/{code}.py`" in {row[0].strip("`"): row[1] for row in rows}[code]


@pytest.mark.parametrize("code", ASKED)
def test_the_address_of_each_is_a_setting_that_is_documented(code: str) -> None:
    name = f"{code.upper()}_BASE_URL"
    assert name in names(table(section("docs/configuration.md", "## Variables")))
    assert re.search(rf"^# {name}=https://", read(".env.example"), re.MULTILINE)


@pytest.mark.django_db
@walk("code", ASKED)
def test_each_is_asked_at_the_address_of_its_setting(code: str, nbp: Source, settings: Any) -> None:
    setattr(settings, f"{code.upper()}_BASE_URL", BASE)
    assert sources.provider_of(Source.objects.get(code=code)).base_url == BASE


@pytest.mark.parametrize("code", [code for code in ASKED if PROVIDERS[code].needs_key])
def test_the_key_of_each_that_needs_one_is_a_setting_that_is_documented(code: str) -> None:
    assert f"{code.upper()}_API_KEY" in names(table(section("docs/configuration.md", "## Variables")))


# A package of other people


BTC, DOGE = (f'{{"symbol":"{symbol}","usd":67012.50,"at":"2026-10-26T12:00:00Z"}}' for symbol in ("btc", "doge"))
COINS = f"[{BTC},{DOGE}]".encode()
# What the house does with it, in a process of its own: nothing of the package is known to this one.
STORY = """
import django, json, sys
django.setup()
from django.core.management import call_command
from django.test import Client
from markets.models import Quote, Source
from miner.providers import PROVIDERS
call_command("migrate", verbosity=0)
call_command("sync")
sys.path.append(PACKAGES)  # the package is installed while Charon runs
body = {"code": "examplecoins", "base_url": "https://api.coins.example/"}
headers = {"Authorization": "Bearer let-me-in-please"}
answer = Client().post("/sources", body, content_type="application/json", headers=headers)
Source.objects.filter(code="examplecoins").update(base_url="")  # that of the environment, which is trusted
call_command("mine", "examplecoins")
quote = Quote.objects.get()
print(json.dumps([PROVIDERS["examplecoins"].__module__, answer.status_code, quote.instrument.code, str(quote.price)]))
"""


def smallest() -> str:
    """The provider of the docs that is named the smallest."""
    text = section("docs/adding-a-provider.md", "## The smallest one, and its package")
    return str(re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)[0])


def install(folder: Path) -> None:
    """What a package manager leaves behind: the module, and beside it what it says of itself."""
    toml = blocks("docs/adding-a-provider.md", "toml")[0]
    name, value = re.search(r'^(\w+) = "(examplecoins:\w+)"$', toml, re.MULTILINE).groups()  # type: ignore[union-attr]
    assert '[project.entry-points."charon.providers"]' in toml
    info = folder / "examplecoins-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: examplecoins\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(f"[charon.providers]\n{name} = {value}\n", encoding="utf-8")
    (folder / "examplecoins.py").write_text(smallest(), encoding="utf-8")


@contextmanager
def coins() -> Iterator[tuple[str, list[str]]]:
    """The market of the example, on this machine."""
    asked: list[str] = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(COINS)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/", asked
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("page", blocks("docs/adding-a-provider.md", "python"), ids=["tables", "prices"])
def test_an_example_of_the_docs_is_short(page: str) -> None:
    assert len(page.splitlines()) < 60


@pytest.mark.processes
def test_the_smallest_provider_works_from_a_package_of_its_own(tmp_path: Path) -> None:
    install(tmp_path)
    with coins() as (address, asked):
        environment = {
            "PATH": os.environ["PATH"], "EXAMPLECOINS_BASE_URL": address, "DJANGO_SETTINGS_MODULE": "charon.settings",
            "ENV_FILE": os.devnull, "DATA_DIR": str(tmp_path / "data"), "API_TOKEN": "let-me-in-please",
            "LOG_LEVEL": "ERROR",
            "ALLOWED_HOSTS": "testserver",
        }  # fmt: skip
        (tmp_path / "data").mkdir()
        story = STORY.replace("PACKAGES", repr(str(tmp_path)))
        done = subprocess.run(
            [sys.executable, "-c", story],
            env=environment,
            cwd=FOLDER.parent.parent,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
    assert done.returncode == 0, done.stderr
    said = done.stdout.splitlines()
    assert said[-1] == '["examplecoins", 201, "BTCUSD", "67012.5000000000"]'
    assert said[0] == "quotes: success, 1 rows, 1 requests"
    assert asked == ["/prices?symbols=btc,eth"]
