"""Assets beyond those that Charon knows by itself: what the sources list, cached, and the job that asks them."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from django.test import Client
from django_q.models import OrmQ
from django_q.signing import SignedPackage

from markets import clock
from markets.api.asset_schemas import AssetItem, PendingAsset
from markets.api.schemas import Envelope
from markets.instruments.find import find
from markets.jobs import runs
from markets.models import Alias, Instrument, Job, ListedAsset, Listing, Source
from markets.records import Listed
from markets.store import listed_assets
from miner import backfill, tasks
from miner.collect import listing
from miner.fetch import http
from tests.cases import walk
from tests.replica import SERVICES, Server, run
from tests.test_api_rates import get
from tests.test_assets_api import TOKEN, add

pytestmark = pytest.mark.django_db
LISTING_SOURCES = ["binance", "coingecko", "deribit"]
PEPE = Listed("pepe", "PEPE", "USD", "Pepe", "crypto")


@pytest.fixture(autouse=True)
def noon(at: Callable[[str], None], settings: Any) -> None:
    at("2026-10-26 12:00")
    settings.API_TOKEN = "let-me-in"


@pytest.fixture
def known(nbp: Source) -> Source:
    """Every source has said what it lists; CoinGecko and Binance list Pepe."""
    for code in LISTING_SOURCES:
        listed_assets.keep(Source.objects.get(code=code), [])
    listed_assets.keep(Source.objects.get(code="binance"), [Listed("PEPEUSDT", "PEPE", "USDT")])
    gecko = Source.objects.get(code="coingecko")
    listed_assets.keep(gecko, [PEPE, Listed("wif", "WIF", "USD", "dogwifhat", "crypto")])
    return gecko


@pytest.fixture
def services(outgoing: set[tuple[str, int]], settings: Any, nbp: Source) -> Iterator[dict[str, Server[Any]]]:
    with ExitStack() as open_services:
        servers = {}
        for code in LISTING_SOURCES:
            server = servers[code] = open_services.enter_context(run(SERVICES[code]()))
            outgoing.add(("127.0.0.1", server.port))
            setattr(settings, f"{code.upper()}_BASE_URL", server.url)
        yield servers
    http.client().close()


def waiting() -> list[tuple[str, tuple[Any, ...], dict[str, Any]]]:
    packages = [SignedPackage.loads(row.payload) for row in OrmQ.objects.order_by("pk")]
    return [(task["func"], tuple(task["args"]), task["kwargs"]) for task in packages]


def work() -> None:
    """What a worker does with everything that waits for the look-up of an asset."""
    for func, args, more in waiting():
        assert func == "miner.backfill.look_up"
        backfill.look_up(*args, **more)
    OrmQ.objects.all().delete()


def fault(response: Any, status: int) -> dict[str, Any]:
    assert response.status_code == status, response.content
    Envelope.model_validate(response.json())
    error: dict[str, Any] = response.json()["error"]
    return error


def test_what_a_source_lists_is_followed_at_once_as_the_source_calls_it(client: Client, known: Source) -> None:
    response = add(client, {"symbol": "PEPE"})
    assert response.status_code == 201
    asset = response.json()
    AssetItem.model_validate(asset)
    assert (asset["symbol"], asset["name"], asset["sources"]) == ("PEPEUSD", "Pepe", ["coingecko"])
    assert {"PEPE", "PEPE/USD", "PEPE_USD"} <= set(asset["aliases"])
    row = Instrument.objects.get(code="PEPEUSD")
    assert (row.kind, row.base, row.quote, row.unit, row.scale) == ("crypto", "PEPE", "USD", "1", 2)
    assert Listing.objects.get(instrument=row).ticker == "pepe"
    assert "PEPEUSD" in {row["symbol"] for row in get(client, "/assets")}
    assert waiting() == []
    assert fault(add(client, {"symbol": "pepe/usd"}), 409)["detail"] == {"symbol": "PEPEUSD"}


@walk("spelling", ["PEPEUSDT", "pepe/usdt", "PEPE-USDT", "X:PEPEUSDT"])
def test_a_pair_is_meant_by_every_spelling_of_it(client: Client, known: Source, spelling: str) -> None:
    response = add(client, {"symbol": spelling})
    assert (response.json()["symbol"], response.json()["sources"]) == ("PEPEUSDT", ["binance"])
    assert response.json()["name"] == "PEPE (USDT)"


def test_every_source_that_lists_it_is_asked_for_it(client: Client, known: Source) -> None:
    listed_assets.keep(Source.objects.get(code="deribit"), [Listed("pepe_usd", "PEPE", "USD", kind="crypto")])
    assert add(client, {"symbol": "PEPE"}).json()["sources"] == ["coingecko", "deribit"]


def test_a_symbol_without_a_price_in_dollars_means_the_next_usual_quote(client: Client, known: Source) -> None:
    Source.objects.filter(code="coingecko").update(enabled=False)
    assert add(client, {"symbol": "PEPE"}).json()["symbol"] == "PEPEUSDT"


def test_a_source_that_is_off_lists_nothing(client: Client, known: Source) -> None:
    Source.objects.filter(code="coingecko").update(enabled=False)
    assert fault(add(client, {"symbol": "WIF"}), 404)["code"] == "unknown_code"


def test_what_no_source_lists_is_unknown_with_its_neighbours(client: Client, known: Source) -> None:
    error = fault(add(client, {"symbol": "PEPPE"}), 404)
    assert error["detail"] == {"nearest": ["PEPEUSD", "PEPEUSDT"]}
    assert waiting() == []


def test_a_name_and_aliases_are_stored(client: Client, known: Source) -> None:
    body = {"symbol": "PEPE", "name": "Żaba Pepe", "aliases": ["zaba", "FROG/USD", "pepe"]}
    asset = add(client, body).json()
    assert asset["name"] == "Żaba Pepe"
    assert {"ZABA", "FROG/USD", "PEPE"} <= set(asset["aliases"])
    assert find("Zaba") == Instrument.objects.get(name_pl="Żaba Pepe", name_en="Żaba Pepe")
    assert add(client, {"symbol": "BTCUSDT", "name": "Bitcoin"}).status_code == 409, "followed already"
    assert find("BTCUSDT").name_en == "Bitcoin (USDT)"  # type: ignore[union-attr]


@pytest.mark.slow
@walk(("alias", "holder"), [("eth", "ETHUSD"), ("WIFUSD", "WIFUSD"), ("eur", "EUR"), ("Gold", "GOLD")])
def test_an_alias_that_means_something_else_is_refused_and_nothing_is_written(
    client: Client, known: Source, alias: str, holder: str
) -> None:
    add(client, {"symbol": "WIF"})
    error = fault(add(client, {"symbol": "PEPE", "name": "Pepe", "aliases": ["FROG", alias]}), 409)
    assert error["detail"] == {"alias": alias, "symbol": holder}
    assert find("PEPEUSD") is None
    assert not Alias.objects.filter(name="FROG").exists()


@walk(
    "more",
    [
        {"name": ""}, {"name": "   "}, {"name": "a\nb"}, {"name": "x" * 121}, {"name": 7}, {"aliases": "FROG"},
        {"aliases": ["F"]}, {"aliases": ["FR OG"]}, {"aliases": ["F\0G"]}, {"aliases": ["A" * 33]},
        {"aliases": [f"FROG{number}" for number in range(21)]}, {"alias": ["FROG"]},
    ],
)  # fmt: skip
def test_a_body_of_another_form_is_refused(client: Client, known: Source, more: dict[str, Any]) -> None:
    assert fault(add(client, {"symbol": "PEPE"} | more), 422)["code"] == "invalid_parameters"
    assert find("PEPE") is None


def test_a_line_that_means_an_official_rate_is_refused(client: Client, known: Source) -> None:
    listed_assets.keep(known, [Listed("C:CHFPLN", "CHF", "PLN", kind="pair")])
    assert fault(add(client, {"symbol": "C:CHFPLN"}), 409)["code"] == "conflict"
    assert find("CHFPLN") is None


@pytest.mark.slow
def test_what_is_not_known_yet_is_looked_up_by_a_job(client: Client, services: dict[str, Server[Any]]) -> None:
    response = add(client, {"symbol": "WIF", "name": "Hat", "aliases": ["HAT"]})
    assert response.status_code == 202
    pending = response.json()
    assert PendingAsset.model_validate(pending).model_dump(mode="json") == pending
    assert response.headers["Location"] == pending["see"] == "/api/v1/jobs?type=assets.WIF"
    assert [(job["id"], job["status"]) for job in client.get(pending["see"]).json()["items"]] == [
        (pending["job"], "running")
    ]
    assert all(server.requests == [] for server in services.values()), "the request asked nobody"
    work()
    [job] = client.get(pending["see"]).json()["items"]
    assert (job["id"], job["status"], job["error"]) == (pending["job"], "success", "")
    row = find("HAT")
    assert row is not None
    assert (row.code, row.name_en, row.kind) == ("WIFUSD", "Hat", "crypto")
    followed = set(Listing.objects.filter(instrument=row, tracked=True).values_list("source__code", "ticker"))
    assert followed == {("coingecko", "dogwifcoin"), ("binance", "WIFUSD")}
    assert set(Job.objects.filter(job_type__endswith=".listing").values_list("job_type", "status")) == {
        (f"{code}.listing", "success") for code in LISTING_SOURCES
    }


@pytest.mark.slow
def test_two_who_ask_for_the_same_wait_for_one_job(client: Client, services: dict[str, Server[Any]]) -> None:
    first, second = (add(client, {"symbol": spelling}) for spelling in ("wif", "WIF"))
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json()["job"] == second.json()["job"]
    assert len(waiting()) == 1
    assert add(client, {"symbol": "BONK"}).json()["job"] != first.json()["job"]
    work()
    assert {"WIFUSD", "BONKUSD"} <= {row["symbol"] for row in get(client, "/assets", limit=200)}


def test_a_second_wish_for_a_symbol_that_is_being_looked_up_is_not_lost_in_silence(
    client: Client, services: dict[str, Server[Any]]
) -> None:
    first = add(client, {"symbol": "WIF"}).json()
    error = fault(add(client, {"symbol": "WIF", "name": "Hat", "aliases": ["HAT"]}), 409)
    assert (error["code"], error["detail"]) == ("conflict", {"job": first["job"]})
    assert len(waiting()) == 1


def test_symbols_that_look_alike_without_their_marks_are_looked_up_apart(
    client: Client, services: dict[str, Server[Any]]
) -> None:
    spellings = ["WIF", "W.I-F", "A" * 30, "A" * 31]
    jobs = [add(client, {"symbol": spelling}).json() for spelling in spellings]
    assert len({job["job"] for job in jobs}) == len(spellings)
    assert all(client.get(job["see"]).json()["count"] == 1 for job in jobs)


@pytest.mark.slow
def test_a_look_up_that_finds_nothing_fails_with_the_reason(client: Client, services: dict[str, Server[Any]]) -> None:
    see = add(client, {"symbol": "NOSUCH"}).json()["see"]
    work()
    [job] = client.get(see).json()["items"]
    assert (job["status"], job["reason"]) == ("failed", "refused")
    assert "no source lists NOSUCH" in job["error"]
    assert fault(add(client, {"symbol": "NOSUCH"}), 404)["code"] == "unknown_code", "now it is known"


@pytest.mark.slow
def test_a_source_that_does_not_answer_is_named_and_the_others_are_asked(
    client: Client, services: dict[str, Server[Any]]
) -> None:
    services["binance"].set_script([{"status": 503}])
    see = add(client, {"symbol": "NOSUCH"}).json()["see"]
    add(client, {"symbol": "WIF"})
    work()
    [job] = client.get(see).json()["items"]
    assert "binance did not say: GET /api/v3/exchangeInfo: HTTP 503" in job["error"]
    assert find("WIFUSD") is not None
    assert add(client, {"symbol": "NOSUCH"}).status_code == 202, "as long as one has not said, the answer is not no"


@pytest.mark.slow
def test_an_alias_that_was_taken_meanwhile_is_refused_in_the_job(
    client: Client, services: dict[str, Server[Any]]
) -> None:
    see = add(client, {"symbol": "WIF", "aliases": ["HAT"]}).json()["see"]
    Alias.objects.create(name="HAT", instrument=Instrument.objects.get(code="ETHUSD"))
    work()
    [job] = client.get(see).json()["items"]
    assert (job["status"], "The alias HAT means ETHUSD already" in job["error"]) == ("failed", True)
    assert find("WIF") is None


def test_a_source_that_hangs_keeps_no_request_waiting(client: Client, services: dict[str, Server[Any]]) -> None:
    for server in services.values():
        server.set_script([{"delay": 30}])
    started = time.monotonic()
    assert add(client, {"symbol": "WIF"}).status_code == 202
    assert client.get("/health").status_code in {200, 503}
    assert time.monotonic() - started < 1, "two answers of a process that waits for nobody"
    assert all(server.requests == [] for server in services.values())


@pytest.mark.slow
def test_a_listing_is_asked_for_once_a_day(nbp: Source, services: dict[str, Server[Any]], at: Any) -> None:
    assert tasks.refresh_listings() == 3
    assert [(func, args) for func, args, _ in waiting()] == [
        ("miner.tasks.refresh_listing", (code,)) for code in LISTING_SOURCES
    ]
    assert [tasks.refresh_listing(code) for code in LISTING_SOURCES] == ["success"] * 3
    assert (tasks.refresh_listings(), listing.due()) == (0, [])
    asked = {code: len(server.requests) for code, server in services.items()}
    assert asked == {"binance": 1, "coingecko": 2, "deribit": 1}
    requests = dict(Job.objects.values_list("job_type", "requests"))
    assert requests == {"binance.listing": 1, "coingecko.listing": 2, "deribit.listing": 1}
    at("2026-10-27 12:00")
    assert tasks.refresh_listings() == 3


def test_a_start_asks_what_the_sources_list(nbp: Source) -> None:
    tasks.start()
    assert [args for func, args, _ in waiting() if func == "miner.tasks.refresh_listing"] == [
        (code,) for code in LISTING_SOURCES
    ]


def test_a_listing_that_fails_is_a_job_that_failed(nbp: Source, services: dict[str, Server[Any]]) -> None:
    services["deribit"].set_script([{"fault": "maintenance"}])
    assert tasks.refresh_listing("deribit") == "failed"
    job = Job.objects.get(job_type="deribit.listing")
    assert (job.status, job.reason) == ("failed", "unreachable")
    assert Source.objects.get(code="deribit").listed_at is None
    Source.objects.filter(code="deribit").update(enabled=False)
    assert tasks.refresh_listing("deribit") == "off"
    with runs.job("binance.listing"):
        assert tasks.refresh_listing("binance") == "busy"


def test_a_listing_is_kept_by_its_differences(known: Source, at: Any) -> None:
    before = dict(ListedAsset.objects.filter(source=known).values_list("ticker", "pk"))
    at("2026-10-27 12:00")
    bonk = Listed("bonk", "BONK", "USD", "Bonk", "crypto")
    kept = listed_assets.keep(known, [PEPE, bonk, Listed("bonk-two", "BONK", "USD", "Bonk Two", "crypto")])
    assert (kept.written, kept.removed, kept.left_out) == (1, 1, ["bonk-two"])
    after = dict(ListedAsset.objects.filter(source=known).values_list("ticker", "pk"))
    assert (set(after), after["pepe"]) == ({"pepe", "bonk"}, before["pepe"])
    known.refresh_from_db()
    assert known.listed_at == clock.now()


@walk(
    "entry",
    [
        Listed("euro-coin", "EUR", "USD", "Euro Coin", "crypto"), Listed("goldcoin", "XAU", "USD", kind="crypto"),
        Listed("long", "A" * 13, "USD"), Listed("usd", "USD", "USD"), Listed("odd", "O-D", "USD"),
        Listed("", "OK", "USD"), Listed("empty", "", "USD"), Listed("small", "ok", "USD"),
        Listed("two words", "OK", "USD"),
    ],
)  # fmt: skip
def test_a_line_that_no_code_of_ours_can_mean_is_left_out(known: Source, entry: Listed) -> None:
    assert listed_assets.keep(known, [entry, PEPE]).left_out == [entry.ticker]
    assert [row.ticker for row in known.listed.all()] == ["pepe"]


def test_only_operators_are_told_what_is_not_followed(client: Client, nbp: Source) -> None:
    response = client.post("/assets", {"symbol": "WIF"}, content_type="application/json")
    assert (response.status_code, Job.objects.exists(), waiting()) == (401, False, [])
    assert TOKEN["Authorization"]
