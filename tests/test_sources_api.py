"""POST /sources registers an installed provider, and every source answers to each of its names."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django_q.models import Schedule

from markets.api.schemas import Envelope
from markets.models import Listing, Source
from markets.store.prices import save_prices
from miner import sources
from miner.providers import PROVIDERS
from miner.providers.ecb import ECB
from miner.schemas import SourceItem
from tests import synced
from tests.cases import walk
from tests.market import price, source
from tests.markets_fake import FakeMarket
from tests.test_api_rates import get

pytestmark = pytest.mark.django_db
TOKEN = {"Authorization": "Bearer let-me-in"}


@pytest.fixture(autouse=True)
def token(settings: Any) -> None:
    settings.API_TOKEN = "let-me-in"


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A package that was installed after the last start wrote its sources."""
    synced.sync()
    monkeypatch.setitem(PROVIDERS, "fake", FakeMarket)


def register(client: Client, body: Any, **headers: str) -> Any:
    return client.post("/sources", body, content_type="application/json", headers=TOKEN | headers)


def fault(response: Any, status: int, code: str) -> dict[str, Any]:
    assert response.status_code == status, response.content
    Envelope.model_validate(response.json())
    error: dict[str, Any] = response.json()["error"]
    assert error["code"] == code
    return error


def test_a_provider_that_was_installed_since_gets_its_source(client: Client, installed: None) -> None:
    response = register(client, {"code": "fake", "cadence": 45, "base_url": "https://api.fake.example/v2"})
    assert response.status_code == 201
    shown = response.json()
    assert shown in get(client, "/sources")["items"]
    assert (shown["code"], shown["enabled"], shown["cadence_seconds"]) == ("fake", True, 45)
    assert SourceItem.model_validate(shown).model_dump(mode="json") == shown
    row = Source.objects.get(code="fake")
    assert row.base_url == "https://api.fake.example/v2"
    assert "fake.example/v2" not in str(shown), "the address stays with the operators"
    assert set(Listing.objects.filter(source=row).values_list("ticker", flat=True)) == set(FakeMarket.tickers.values())


def test_what_nobody_chose_is_as_the_provider_begins(client: Client, installed: None) -> None:
    assert register(client, {"code": "fake", "enabled": False}).json()["cadence_seconds"] == FakeMarket.polling_interval
    assert not Source.objects.get(code="fake").enabled


def test_its_timetable_stands_at_once(client: Client, nbp: Source) -> None:
    Source.objects.filter(code="ecb").delete()
    Schedule.objects.filter(name__startswith="ecb").delete()
    assert register(client, {"code": "ecb", "cadence": 7200}).status_code == 201
    beat = Schedule.objects.get(name="ecb")
    assert (beat.func, beat.minutes) == ("miner.tasks.mine", 120)
    assert Schedule.objects.filter(name__startswith=f"ecb.{ECB.series[0].table}.window").exists()


def test_one_that_is_off_has_no_timetable(client: Client, nbp: Source) -> None:
    Source.objects.filter(code="ecb").delete()
    Schedule.objects.filter(name__startswith="ecb").delete()
    register(client, {"code": "ecb", "enabled": False})
    assert not Schedule.objects.filter(name__startswith="ecb").exists()


def test_an_archive_finds_the_source_again_that_it_stands_in_for(client: Client, nbp: Source) -> None:
    nbp.delete()
    assert Source.objects.get(code="nbp_archive").fallback_for is None
    register(client, {"code": "nbp"})
    assert Source.objects.get(code="nbp_archive").fallback_for == Source.objects.get(code="nbp")
    Source.objects.get(code="nbp_archive").delete()
    assert register(client, {"code": "nbp_archive"}).json()["stands_in_for"] == "nbp"


@walk("code", ["polygon", "Polygon", "massive", "MASSIVE"])
def test_one_that_is_there_already_is_a_conflict_and_stays_as_it_was(client: Client, nbp: Source, code: str) -> None:
    error = fault(register(client, {"code": code, "cadence": 999}), 409, "conflict")
    assert error["detail"] == {"code": "polygon"}
    assert Source.objects.get(code="polygon").polling_interval != 999


def test_an_unknown_provider_is_answered_with_those_that_are_installed(client: Client, db: None) -> None:
    error = fault(register(client, {"code": "kraken"}), 404, "unknown_code")
    assert error["detail"] == {"installed": sorted(PROVIDERS)}
    assert not Source.objects.exists()


def test_only_operators_register_sources(client: Client, installed: None) -> None:
    response = client.post("/sources", {"code": "fake"}, content_type="application/json")
    fault(response, 401, "unauthorized")
    fault(register(client, {"code": "fake"}, Authorization="Bearer guess"), 401, "unauthorized")
    client.force_login(User.objects.create_user("reader"))
    response = client.post("/sources", {"code": "fake"}, content_type="application/json")
    fault(response, 403, "forbidden")
    assert not Source.objects.filter(code="fake").exists()


@walk(
    "body",
    [
        {}, {"code": ""}, {"code": None}, {"code": 7}, {"code": "x" * 33}, ["fake"],
        {"code": "fake", "enabled": "yes"}, {"code": "fake", "enabled": 1}, {"code": "fake", "enabled": None},
        {"code": "fake", "cadence": "60"}, {"code": "fake", "cadence": 4}, {"code": "fake", "cadence": 60.5},
        {"code": "fake", "cadence": 10**9}, {"code": "fake", "cadence": True},
        {"code": "fake", "base_url": None}, {"code": "fake", "base_url": "https://bank.example/" + "a" * 200},
        {"code": "fake", "api_key": "secret"},
    ],
)  # fmt: skip
def test_a_body_of_other_types_is_refused(client: Client, installed: None, body: Any) -> None:
    fault(register(client, body), 422, "invalid_parameters")
    assert not Source.objects.filter(code="fake").exists()


def test_a_whole_number_may_be_written_with_a_point(client: Client, installed: None) -> None:
    """JSON has one kind of number, and other languages than ours write 45 so."""
    assert register(client, {"code": "fake", "cadence": 45.0}).status_code == 201
    assert Source.objects.get(code="fake").polling_interval == 45


INSIDE = [
    "https://localhost/", "https://localhost:8443/", "https://LOCALHOST./", "https://db.localhost/",
    "https://printer.local/", "https://vault.internal/", "https://metadata.google.internal/", "https://nas.lan/",
    "https://intranet/", "https://redis/", "https://postgres./", "https://router.home.arpa/",
    "https://127.0.0.1/", "https://127.1/", "https://127.0.0.1./", "https://2130706433/", "https://0x7f000001/",
    "https://0x7f.0.0.1/", "https://0177.0.0.1/", "https://017700000001/", "https://0/", "https://0.0.0.0/",
    "https://10.1.2.3/", "https://10.1/", "https://172.16.0.1/", "https://192.168.1.1/", "https://192.168.257/",
    "https://169.254.169.254/", "https://100.64.0.1/", "https://192.0.2.1/", "https://198.18.0.1/",
    "https://224.0.0.1/", "https://255.255.255.255/", "https://[::1]/", "https://[::]/", "https://[fe80::1]/",
    "https://[fe80::1%25eth0]/", "https://[fd00::1]/", "https://[ff02::1]/", "https://[2001:db8::1]/",
    "https://[::ffff:127.0.0.1]/", "https://[::ffff:7f00:1]/", "https://[::ffff:10.0.0.1]/", "https://[::127.0.0.1]/",
    "https://192.0.0.192/", "https://192.88.99.1/", "https://168.63.129.16/", "https://100.100.100.200/",
    "https://[fd00:ec2::254]/", "https://[3fff::1]/", "https://[64:ff9b:1::1]/",
    "https://[2002:7f00:1::]/", "https://[64:ff9b::7f00:1]/", "https://[64:ff9b::10.0.0.1]/",
]  # fmt: skip
WRONG = [
    "http://api.bank.example/", "ftp://api.bank.example/", "api.bank.example", "//api.bank.example/", "https://",
    "https:///path", "https:api.bank.example", "https://user:password@api.bank.example/",
    "https://key@api.bank.example/", "https://@api.bank.example/", "https://api.bank.example@127.0.0.1/",
    "https://api.bank.example:22/", "https://api.bank.example:80/", "https://api.bank.example:0/",
    "https://api.bank.example:99999/", "https://api.bank.example:x/", "https://api.bank.example/?key=1",
    "https://api.bank.example/#x", "https://api bank.example/", "https://api.bank.example\\@127.0.0.1/",
    "https://api.bank.example/\0", "https://api.bank.example/\r\nHost: x", " https://api.bank.example/",
    "https://１２７.0.0.1/", "https://bank。example/", "https://%31%32%37.0.0.1/", "https://api..bank.example/",
    "https://-bank.example/", "https://1.2.3.4.5/", "https://bank.0x7f/", "https://[::1/", "https://[bank.example]/",
    "https://" + "a" * 64 + ".example/",
]  # fmt: skip


@pytest.mark.slow
@walk("base_url", [*INSIDE, *WRONG])
def test_an_address_that_is_not_public_is_refused(client: Client, installed: None, base_url: str) -> None:
    error = fault(register(client, {"code": "fake", "base_url": base_url}), 400, "bad_request")
    assert error["message"].startswith("base_url: ")
    assert error["detail"] == {"field": "base_url"}
    assert "password" not in error["message"].replace("or a password", "")
    assert not Source.objects.filter(code="fake").exists()


@walk("base_url", INSIDE)
def test_an_inner_address_is_called_one(client: Client, installed: None, base_url: str) -> None:
    message = register(client, {"code": "fake", "base_url": base_url}).json()["error"]["message"]
    assert "inside a network" in message


@pytest.mark.slow
@walk(
    "base_url",
    [
        "", "https://api.bank.example", "https://api.bank.example:8443/v2/", "https://API.Bank.example./",
        "https://xn--bcher-kva.example/", "https://localhost.bank.example/", "https://9.9.9.9/",
        "https://[2606:4700::1111]/", "https://[::ffff:9.9.9.9]/", "https://10.bank.example/",
    ],
)  # fmt: skip
def test_a_public_address_is_taken(client: Client, installed: None, base_url: str) -> None:
    assert register(client, {"code": "fake", "base_url": base_url}).status_code == 201
    assert Source.objects.get(code="fake").base_url == base_url


def test_a_source_says_whether_it_needs_a_key_and_never_which(client: Client, nbp: Source, settings: Any) -> None:
    settings.COINGECKO_API_KEY = "CG-very-secret"
    answer = get(client, "/sources")
    told = {item["code"]: (item["needs_key"], item["has_key"], item["public_api"]) for item in answer["items"]}
    assert (told["coingecko"], told["polygon"], told["nbp"]) == (
        (False, True, True), (True, False, False), (False, False, True),
    )  # fmt: skip
    assert "very-secret" not in str(answer)


def test_a_source_that_no_code_knows_any_more_needs_no_key(client: Client, nbp: Source) -> None:
    Source.objects.create(code="gone", name="Gone", available=False)
    told = {item["code"]: (item["needs_key"], item["has_key"]) for item in get(client, "/sources")["items"]}
    assert told["gone"] == (False, False)


@walk("name", ["massive", "Massive", "polygon"])
def test_a_source_is_found_by_its_other_name(client: Client, at: Callable[[str], None], name: str) -> None:
    at("2026-10-26 12:00")
    row = source("polygon", ["BTC"])
    save_prices([price("100", 1, ticker="X:BTCUSD")], row)
    assert [item["source"] for item in get(client, "/prices/latest", source=name)["items"]] == ["polygon"]
    assert get(client, "/jobs", source=name)["count"] == 0


def test_the_other_name_may_limit_the_sources(settings: Any, db: None) -> None:
    settings.SOURCES, settings.POLYGON_API_KEY = ["massive"], "key"
    sources.sync()
    assert list(Source.objects.filter(enabled=True).values_list("code", flat=True)) == ["polygon"]


def test_the_other_name_registers_it(client: Client, nbp: Source) -> None:
    Source.objects.filter(code="polygon").delete()
    response = register(client, {"code": "massive"})
    assert (response.status_code, response.json()["code"]) == (201, "polygon")
