"""Addresses that a row names: each connection goes to a public address that was checked just before."""

import socket
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from markets.models import Job, Listing, Source
from miner import backfill, sources
from miner.fetch import guarded, http
from miner.fetch.errors import Refused, Unreachable
from miner.providers import PROVIDERS
from tests import synced
from tests.markets_fake import FakeMarket
from tests.test_sources_api import INSIDE

URL = "https://api.bank.example/rates?key=hidden"
PUBLIC, OTHER, INNER = "9.9.9.9", "149.112.112.112", "127.0.0.1"


class Way(httpx.BaseTransport):
    """In the place of the network: what it is asked, and how it answers each address."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, Any]] = []
        self.answers: dict[str, Exception] = {}
        self.proxy: Way | None = None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append((request.url.host, request.headers["Host"], request.extensions.get("sni_hostname")))
        if error := self.answers.get(request.url.host):
            raise error
        return httpx.Response(200, content=b"[]")


@pytest.fixture
def way(monkeypatch: pytest.MonkeyPatch) -> Iterator[Way]:
    """The network of a process that has read a row with this address."""
    found, found_proxy = Way(), Way()
    found.proxy = found_proxy
    monkeypatch.setattr(guarded, "origins", set())
    guarded.add("https://api.bank.example/")
    monkeypatch.setattr(httpx, "HTTPTransport", lambda **how: found_proxy if "proxy" in how else found)
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    http.new_client.cache_clear()
    yield found
    http.new_client.cache_clear()


@pytest.fixture
def resolves(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """`resolves([...], [...])`: what the name leads to, one look-up after the other; returns the names looked up."""

    def script(*turns: list[str]) -> list[str]:
        left, names = list(turns), []

        def look_up(host: str, port: int, **_: Any) -> Any:
            names.append(host)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in left.pop(0)]

        monkeypatch.setattr(socket, "getaddrinfo", look_up)
        return names

    return script


def failure(url: str = URL) -> str:
    with pytest.raises((Refused, Unreachable)) as caught:
        http.get(url)
    return f"{type(caught.value).__name__}: {caught.value}"


def test_the_connection_goes_to_the_address_that_was_checked_and_tls_asks_for_the_name(
    way: Way, resolves: Callable[..., list[str]]
) -> None:
    names = resolves([PUBLIC], [INNER])
    assert http.get(URL) == b"[]"
    assert names == ["api.bank.example"], "a second look-up may be answered otherwise"
    assert way.asked == [(PUBLIC, "api.bank.example", "api.bank.example")]


@pytest.mark.parametrize(
    "found", [[INNER], [PUBLIC, INNER], ["169.254.169.254"], ["64:ff9b::a00:1"], ["::ffff:10.0.0.1"]]
)
def test_a_name_that_leads_inside_is_refused_before_anything_is_connected(
    way: Way, resolves: Callable[..., list[str]], found: list[str]
) -> None:
    resolves(found)
    assert "inside a network" in failure()
    assert way.asked == []


def test_each_address_of_the_name_is_tried(way: Way, resolves: Callable[..., list[str]]) -> None:
    resolves([PUBLIC, OTHER])
    way.answers = {PUBLIC: httpx.ConnectError("refused")}
    assert http.get(URL) == b"[]"
    assert [host for host, *_ in way.asked] == [PUBLIC, OTHER]


def test_no_word_tells_an_open_port_from_a_closed_one(way: Way, resolves: Callable[..., list[str]]) -> None:
    said = set()
    for error in (
        httpx.ConnectError("[Errno 111] Connection refused"), httpx.ConnectTimeout("timed out"),
        httpx.ConnectError("[SSL: WRONG_VERSION_NUMBER]"), httpx.RemoteProtocolError("illegal status line: SSH-2.0"),
        httpx.ReadTimeout("timed out"), httpx.ReadError("[Errno 104] Connection reset by peer"),
    ):  # fmt: skip
        resolves([PUBLIC])
        way.answers = {PUBLIC: error}
        said.add(failure())
    assert len(said) == 1, said


def test_a_name_that_cannot_be_looked_up_says_no_more(way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fails)
    assert "Name or service" not in failure()


@pytest.mark.slow
@pytest.mark.parametrize(
    "base_url",
    [*INSIDE, "http://api.bank.example/", "https://me:hidden@api.bank.example/", "https://api.bank.example:22/"],
)
def test_an_address_that_stands_in_a_row_already_is_refused_when_it_is_asked(way: Way, base_url: str) -> None:
    guarded.add(base_url)
    failure(base_url.rstrip("/") + "/rates")
    assert way.asked == []


def test_a_proxy_is_not_asked_for_an_inner_address_either(way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    http.new_client.cache_clear()
    guarded.add("https://10.0.0.1/")
    assert "inside a network" in failure("https://10.0.0.1/rates")
    assert http.get(URL) == b"[]"
    assert way.proxy is not None
    assert way.proxy.asked == [("api.bank.example", "api.bank.example", None)], "the proxy looks the name up"


def test_what_the_environment_names_is_trusted(way: Way) -> None:
    assert http.get("http://127.0.0.1:8080/rates") == b"[]"
    assert way.asked == [("127.0.0.1", "127.0.0.1:8080", None)]


def test_only_the_address_of_a_row_is_guarded(monkeypatch: pytest.MonkeyPatch, nbp: Source, settings: Any) -> None:
    monkeypatch.setattr(guarded, "origins", set())
    settings.NBP_BASE_URL = "http://127.0.0.1:9/api/"
    sources.provider_of(nbp)
    assert guarded.origins == set()
    nbp.base_url = "https://API.Bank.example/v2"
    sources.provider_of(nbp)
    assert guarded.has(httpx.URL("https://api.bank.example/v2/exchangerates/"))


def test_a_provider_of_another_package_has_an_address_in_the_environment(
    monkeypatch: pytest.MonkeyPatch, nbp: Source
) -> None:
    monkeypatch.setitem(PROVIDERS, "fake", FakeMarket)
    monkeypatch.setenv("FAKE_BASE_URL", "http://127.0.0.1:9/v2")
    row = Source(code="fake")
    assert sources.provider_of(row).base_url == "http://127.0.0.1:9/v2/"


def test_the_test_of_a_connection_looks_the_name_up_in_its_job(
    way: Way, resolves: Callable[..., list[str]], nbp: Source
) -> None:
    Source.objects.filter(pk=nbp.pk).update(base_url="https://api.bank.example/")
    names = resolves([INNER])
    assert backfill.check("nbp") == Job.Status.FAILED
    assert names == ["api.bank.example"]
    newest = Job.objects.get()
    assert (newest.status, newest.reason) == ("failed", "refused")
    assert "inside a network" in newest.error
    assert "bank" not in newest.error


# The admin


@pytest.fixture
def operator(client: Client, db: None) -> Client:
    client.force_login(User.objects.create_superuser("operator"))
    return client


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch, db: None) -> None:
    synced.sync()
    monkeypatch.setitem(PROVIDERS, "fake", FakeMarket)


ADD = "/admin/markets/source/add/"


def test_the_admin_adds_a_provider_as_the_api_does(operator: Client, installed: None) -> None:
    assert '<option value="fake">' in operator.get(ADD).content.decode()
    form = {"code": "fake", "enabled": "on", "polling_interval": "", "base_url": "https://api.fake.example/"}
    assert operator.post(ADD, form).status_code == 302
    row = Source.objects.get(code="fake")
    assert (row.enabled, row.polling_interval, row.base_url) == (True, 30, "https://api.fake.example/")
    assert row.name == FakeMarket.name
    assert Listing.objects.filter(source=row).count() == len(FakeMarket.tickers)


@pytest.mark.parametrize("code", ["nbp", "kraken", ""])
def test_the_admin_adds_nothing_that_is_there_or_not_installed(operator: Client, installed: None, code: str) -> None:
    assert operator.post(ADD, {"code": code, "enabled": "on"}).status_code == 200
    assert Source.objects.count() == len(PROVIDERS) - 1


def test_the_admin_adds_no_provider_without_the_permission(client: Client, installed: None) -> None:
    client.force_login(User.objects.create_user("reader", is_staff=True))
    assert client.get(ADD).status_code == 403


@pytest.mark.parametrize("base_url", [url for url in INSIDE if "%25" not in url][::4])
def test_the_admin_refuses_what_the_api_refuses(operator: Client, nbp: Source, base_url: str) -> None:
    form = {"enabled": "on", "polling_interval": "1800", "base_url": base_url}
    page = operator.post(reverse("admin:markets_source_change", args=[nbp.pk]), form)
    assert page.status_code == 200
    assert Source.objects.get(pk=nbp.pk).base_url == ""


def test_the_admin_says_in_polish_why_an_address_is_refused(operator: Client, nbp: Source) -> None:
    form = {"enabled": "on", "polling_interval": "1800", "base_url": "https://10.0.0.1/"}
    page = operator.post(reverse("admin:markets_source_change", args=[nbp.pk]), form).content.decode()
    assert "To adres w sieci wewnętrznej, a nie publiczny" in page
