"""A provider of another package is treated like a built-in one with the same declarations, wherever Charon looks."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from decimal import Decimal
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from markets import clock
from markets.models import Listing, Quote, Source
from markets.records import CRITICAL, HIGH, Listed, Price
from markets.store import listed_assets
from markets.store.prices import save_prices
from miner import providers, sources, tasks
from miner.batch import queue as batch_queue
from miner.batch import rotation
from miner.batch import run as batch_run
from miner.collect import listing
from miner.fetch.call_window import Allowance
from miner.providers.base import ListingSource, QuoteSource
from miner.pulse import polls
from miner.queries import upcoming
from tests.test_api_rates import get

pytestmark = pytest.mark.django_db
TOKEN = {"Authorization": "Bearer let-me-in"}
ROOT = Path(providers.__file__).parent.parent.parent
TICKERS = {"XPDUSD": "C:XPDUSD", "NOKSEK": "C:NOKSEK", "FROGUSD": "X:FROGUSD"}


class Ours(ListingSource, QuoteSource):
    """Every declaration that there is, each other than its default."""

    code = "ours"
    name = "Example"
    url = "https://example.example/"
    unit = "USD za 1 monetę"
    limits = "5 zapytań na minutę"
    licence = "CC BY 4.0"
    attribution = "Dane: Example"
    other_names = ("formerly",)
    polling_interval = 300
    polling_setting = "BATCH_INTERVAL_MINUTES"
    followed_setting = "NAMED_FIRST"
    limit = 5
    window_seconds = 60
    reserve = 2
    connections = 3
    rotating = True
    needs_key = True
    public_api = False
    tickers = TICKERS
    priorities = {"XPDUSD": CRITICAL, "NOKSEK": HIGH}

    def fetch_quotes(self, tickers: Sequence[str]) -> list[Price]:
        return [Price(ticker, Decimal("1.25"), clock.now()) for ticker in tickers]

    def fetch_listing(self) -> list[Listed]:
        return [Listed("X:TOADUSD", "TOAD", "USD", "Toad", "crypto")]


class Theirs(Ours):
    code = "theirs"
    other_names = ("once",)


@pytest.fixture(autouse=True)
def noon(at: Callable[[str], None], settings: Any) -> None:
    at("2026-10-26 12:00")
    settings.API_TOKEN = "let-me-in"


@pytest.fixture(params=[Ours, Theirs], ids=["built in", "of another package"])
def row(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, settings: Any) -> Source:
    """Its source after a start. One line registers it: in the map, or an entry point."""
    kind = request.param
    point = EntryPoint("theirs", f"{__name__}:Theirs", "charon.providers")
    monkeypatch.setattr(providers, "entry_points", lambda group: [point] if group == point.group else [])
    found = {"ours": Ours} if kind is Ours else providers.installed()
    assert found == {kind.code: kind}
    monkeypatch.setitem(providers.PROVIDERS, kind.code, kind)
    settings.NAMED_FIRST = ["x:frogusd", "XPD/USD", "nok-sek"]
    if kind is Ours:
        settings.OURS_API_KEY = "secret"
    else:
        monkeypatch.setenv("THEIRS_API_KEY", "secret")
    call_command("sync")
    Source.objects.exclude(code=kind.code).update(enabled=False)
    return Source.objects.get(code=kind.code)


def seen(text: object, row: Source) -> str:
    """With the name of either put away."""
    return str(text).replace(row.code, "CODE")


def test_its_source_says_what_it_declares(row: Source, settings: Any) -> None:
    kind = providers.PROVIDERS[row.code]
    assert all(getattr(row, name) == getattr(kind, name) for name in sources.FACTS)
    assert (row.enabled, row.available, row.has_listing, row.rotating) == (True, True, True, True)
    assert row.other_names == list(kind.other_names)
    assert row.polling_interval == settings.BATCH_INTERVAL_MINUTES * 60
    assert (row.public_display, row.public_api) == (True, False)
    assert sources.allowance_of(row) == Allowance(5, 60, 2)
    assert (sources.connections_of(row), sources.key_of(row.code)) == (3, "secret")


def test_its_listings_carry_ticker_priority_and_what_is_followed(row: Source, settings: Any) -> None:
    listed = row.listings.order_by("priority").values_list("instrument__code", "ticker", "priority", "tracked")
    assert list(listed) == [
        ("XPDUSD", "C:XPDUSD", 1, True), ("NOKSEK", "C:NOKSEK", 2, True), ("FROGUSD", "X:FROGUSD", 3, True),
    ]  # fmt: skip
    kinds = dict(row.listings.values_list("instrument__code", "instrument__kind"))
    assert kinds == {"XPDUSD": "metal", "NOKSEK": "pair", "FROGUSD": "crypto"}
    row.listings.all().delete()
    settings.NAMED_FIRST = ["FROG"]
    sources.sync()
    assert [one.ticker for one in row.listings.filter(tracked=True)] == ["X:FROGUSD"]


def test_its_instruments_take_turns_and_pulse_does_not_poll_them(row: Source) -> None:
    assert [seen(poll.name, row) for poll in polls.wanted_polls()] == ["batch.queue"]
    assert rotation.batched() == [row]
    assert rotation.enqueue_secondary() == 2
    assert [item.listing.ticker for item in batch_queue.dequeue(2)] == ["C:NOKSEK", "X:FROGUSD"]


@pytest.mark.slow
def test_its_critical_instrument_is_in_the_priority_batch(row: Source, client: Client) -> None:
    result = batch_run.run()
    assert result is not None
    assert (result.priority_updated, result.priority_failed) == (["XPDUSD"], [])
    status = get(client, "/batch/status")
    assert status["priority_assets"][-1:] == ["XPDUSD"]
    assert status["api_calls_remaining"] == 4


@pytest.mark.slow
@pytest.mark.parametrize(("ticker", "minutes", "stale"), [
    ("C:XPDUSD", 10, False), ("C:XPDUSD", 20, True), ("X:FROGUSD", 20, False), ("X:FROGUSD", 80, True),
])  # fmt: skip
def test_what_takes_turns_is_stale_later(row: Source, client: Client, ticker: str, minutes: int, stale: bool) -> None:
    save_prices([Price(ticker, Decimal("1.25"), clock.now() - timedelta(minutes=minutes))], row)
    response = client.get("/prices/latest", {"asset": ticker}, headers=TOKEN)
    assert [(price["source"], price["stale"]) for price in response.json()["items"]] == [(row.code, stale)]


@pytest.mark.slow
def test_its_prices_answer_under_each_of_its_names(row: Source, client: Client) -> None:
    tasks.quotes(row.code)
    assert Quote.objects.filter(source=row).count() == 3
    for name in (row.code, *row.other_names, row.other_names[0].upper()):
        response = client.get("/prices", {"asset": "FROG", "source": name}, headers=TOKEN)
        assert (response.headers["X-Source"], response.json()[0]["price"]) == (row.code, "1.25")
        assert client.get("/prices", {"asset": "FROG", "source": name}).status_code == 403, "not for the public API"
    assert client.post("/sources", {"code": row.other_names[0]}, content_type="application/json", headers=TOKEN).json()[
        "error"
    ]["detail"] == {"code": row.code}


@pytest.mark.slow
def test_the_list_of_sources_shows_it(row: Source, client: Client) -> None:
    [item] = [item for item in get(client, "/sources")["items"] if item["code"] == row.code]
    assert (item["needs_key"], item["has_key"], item["cadence_seconds"]) == (True, True, 300)
    assert (item["name"], item["attribution"], item["public_api"]) == ("Example", "Dane: Example", False)


@pytest.mark.slow
def test_what_it_lists_can_be_followed(row: Source, client: Client) -> None:
    assert listing.due() == [row]
    assert tasks.refresh_listing(row.code) == "success"
    asked = client.post("/assets", {"symbol": "TOAD"}, content_type="application/json", headers=TOKEN)
    assert (asked.status_code, asked.json()["name"], asked.json()["sources"]) == (201, "Toad", [row.code])
    assert Listing.objects.get(ticker="X:TOADUSD").tracked
    assert listed_assets.keep(row, []).removed == 1


@pytest.mark.slow
def test_its_timetable_is_that_of_a_market(row: Source) -> None:
    names = {seen(entry["name"], row) for entry in upcoming()}
    assert not [name for name in names if name.startswith("CODE")], "a market without tables has no schedule"


@pytest.mark.slow
def test_nothing_outside_the_providers_knows_one_by_name() -> None:
    """Examples of the API's documentation, the settings of the built-in ones with their other names, the list of which
    sources are compared, and the demo, which drives their replicas, may.
    """
    markets = {code for code, kind in providers.PROVIDERS.items() if not kind.series} | {"massive"}
    named = []
    for package in ("markets", "charon", "signals"):
        for path in (ROOT / package).rglob("*.py"):
            if path.name in {"settings.py", "variables.py", "pairs.py", "demo.py"} or "migrations" in path.parts:
                continue
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                if "example" not in line and any(code in line.lower() for code in markets):
                    named.append(f"{path.name}:{number}: {line.strip()}")
    assert named == []
