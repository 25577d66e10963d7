"""Variables of the environment that say how to connect: understood, or named and never quoted; mining alone stops."""

import base64
import logging
import os
import socket
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
from django.core.management import call_command
from django.test import Client

from markets.models import Job, Problem, Source
from markets.network import environment
from markets.network.proxy_address import exceptions_of, proxy_of
from miner.collect import backoff, one_table
from miner.fetch import http
from miner.fetch.errors import Misconfigured, ProviderError, Refused, Unreachable
from miner.models import Spent

SECRET = "s3cr#t/p@ss"
PROXY = "http://127.0.0.1:3128"


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.lower().endswith("_proxy") or name.startswith("SSL"):
            monkeypatch.delenv(name)
    http.new_client.cache_clear()


def routes() -> environment.Routes:
    return environment.transport(lambda _: False)


def is_direct(url: str) -> bool:
    way = routes()
    return way.route(httpx.URL(url)) is way.direct


def fault_of(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> Misconfigured:
    monkeypatch.setenv(name, value)
    with pytest.raises(Misconfigured) as caught:
        http.new_client()
    return caught.value


@pytest.mark.parametrize(
    ("value", "url", "login"),
    [
        ("http://proxy.example:3128", "http://proxy.example:3128", None),
        ("proxy.example:3128", "http://proxy.example:3128", None),
        (" 'http://proxy.example:3128/' ", "http://proxy.example:3128", None),
        ("HTTP://Proxy_1:3128", "http://proxy_1:3128", None),
        ("http://proxy.example", "http://proxy.example", None),
        ("https://proxy.example:8443", "https://proxy.example:8443", None),
        ("http://[::1]:3128", "http://[::1]:3128", None),
        ("[2001:db8::1]:3128", "http://[2001:db8::1]:3128", None),
        ("http://żółw.example:3128", "http://xn--w-uga1v8h.example:3128", None),
        ("socks://127.0.0.1:7890", "socks5://127.0.0.1:7890", None),
        ("socks5h://proxy.example", "socks5h://proxy.example:1080", None),
        (f"http://me:{SECRET}@proxy.example:3128", "http://proxy.example:3128", ("me", SECRET)),
        ("me:p%40%23ss@proxy.example:3128", "http://proxy.example:3128", ("me", "p@#ss")),
        ("http://me@proxy.example:3128", "http://proxy.example:3128", ("me", "")),
    ],
)
def test_an_address_of_a_proxy_is_understood(value: str, url: str, login: tuple[str, str] | None) -> None:
    proxy = proxy_of(value)
    assert (str(proxy.url), proxy.auth) == (url, login)


BROKEN = [
    "http://proxy.example:hidden", "http://proxy.example:99999", "http://proxy.example:0", "http://proxy.example:-1",
    "http://[::1", "http://::1:3128", "http://[hidden]:3128", "hidden://proxy.example:3128", "http://", "://", ":3128",
    "http://hid den:3128", "http://proxy.example:3128?hidden", "http://proxy..hidden:3128", "http://-hidden:3128",
    f"http://{'hidden' * 20}:3128", "http://me:hidden@", "http://me:hidden@:3128", "http://me:hidden\n@proxy:3128",
    "http://me:hidden\udcff@proxy:3128", "http://hidden\udcff:3128", "http:hidden", "http://proxy:３１２８", "@", "[]",
    "http://proxy.example:3128,http://hidden:3128", "socks4://hidden:1080", "http://proxy.example:3128/hidden",
]  # fmt: skip


@pytest.mark.parametrize("value", BROKEN)
@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "http_proxy"])
def test_an_address_that_is_none_is_named_and_never_quoted(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    error = fault_of(monkeypatch, name, value)
    assert error.variable == name
    assert not any(word in f"{error!r}{error}{vars(error)}" for word in ("hidden", "me:", "proxy.example", "99999"))
    assert error.__cause__ is None


def test_a_broken_variable_that_no_request_needs_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", PROXY)
    monkeypatch.setenv("http_proxy", PROXY)
    monkeypatch.setenv("ALL_PROXY", "hidden://")
    assert not is_direct("https://bank.example/")


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
def test_a_proxy_is_used_whatever_the_case_of_its_name(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, PROXY)
    assert (is_direct("https://bank.example/"), is_direct("http://bank.example/")) == (False, "HTTPS" in name.upper())


@pytest.mark.parametrize("value", ["", " "])
def test_an_empty_variable_is_none(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("HTTPS_PROXY", value)
    monkeypatch.setenv("NO_PROXY", "[")
    assert is_direct("https://bank.example/")


def test_everything_may_be_asked_without_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "hidden://")
    monkeypatch.setenv("NO_PROXY", "localhost, *")
    assert is_direct("https://bank.example/")


@pytest.mark.parametrize(
    ("value", "direct", "through"),
    [
        ("localhost,[::1]", ["localhost", "[::1]"], ["bank.example", "127.0.0.1"]),
        ("::1 , 10.0.0.0/8", ["[::1]", "10.9.9.9"], ["11.0.0.1", "[::2]"]),
        (".example", ["bank.example"], ["bankexample"]),
        ("*.bank.example bank.test", ["api.bank.example", "bank.test", "a.bank.test"], ["notbank.test"]),
        ("BANK.example.", ["bank.EXAMPLE"], ["bank.example.org"]),
        ("http://bank.example/", ["bank.example"], ["other.example"]),
        ("[fe80::1]:8443;127.0.0.1", ["[fe80::1]:8443", "127.0.0.1"], ["[fe80::1]"]),
        ("bank.example:8443", ["bank.example:8443"], ["bank.example", "bank.example:80"]),
        ("'localhost,127.0.0.1'", ["localhost", "127.0.0.1"], ["bank.example"]),
        ("żółw.example", ["xn--w-uga1v8h.example"], ["bank.example"]),
    ],
)
def test_who_is_asked_without_a_proxy(value: str, direct: list[str], through: list[str]) -> None:
    but = exceptions_of(value)
    urls = {host: httpx.URL(f"https://{host}/") for host in direct + through}
    assert {host for host, url in urls.items() if but.has(url.raw_host.decode(), url.port)} == set(direct)


@pytest.mark.parametrize(
    "value", ["[::1", "hid[den", "bank.example:hidden", "a..hidden", "10.0.0.0/hidden", "\udcff", "<>"]
)
def test_an_exception_that_is_none_is_named_and_never_quoted(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("HTTPS_PROXY", PROXY)
    error = fault_of(monkeypatch, "NO_PROXY", value)
    assert (error.variable, "hidden" in str(error)) == ("NO_PROXY", False)


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE"])
@pytest.mark.parametrize("value", ["/nowhere/hidden", "/proc/hidden/x", "hidden\udcff/ż", " ", "/dev/null/hidden"])
def test_a_file_that_cannot_be_read_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, value: str
) -> None:
    monkeypatch.chdir(tmp_path)
    if name == "SSLKEYLOGFILE" and value == " ":
        pytest.skip("a file of this name can be written")
    error = fault_of(monkeypatch, name, value)
    assert (error.variable, "hidden" in str(error)) == (name, False)


def test_a_file_without_a_certificate_and_an_empty_folder_are_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    assert fault_of(monkeypatch, "SSL_CERT_DIR", str(tmp_path / "empty")).variable == "SSL_CERT_DIR"
    (tmp_path / "no.pem").write_text("no certificate")
    assert fault_of(monkeypatch, "SSL_CERT_FILE", str(tmp_path / "no.pem")).variable == "SSL_CERT_FILE"


@pytest.mark.slow
@pytest.mark.django_db
def test_the_start_tells_once_and_the_next_start_closes(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, client: Client
) -> None:
    monkeypatch.setenv("ALL_PROXY", f"http://me:{SECRET}@proxy.example:hidden")
    with caplog.at_level(logging.INFO):
        call_command("sync", skip_checks=True)
        call_command("sync", skip_checks=True)
    lines = [record.getMessage() for record in caplog.records if "ALL_PROXY" in record.getMessage()]
    assert lines == ["Problem: proxy ALL_PROXY: its port is not a number from 1 to 65535"]
    assert SECRET not in caplog.text
    row = Problem.objects.get(kind="proxy")
    assert (row.subject, row.closed_at, client.get("/api/v1/health").status_code) == ("ALL_PROXY", None, 200)
    monkeypatch.delenv("ALL_PROXY")
    http.new_client.cache_clear()
    call_command("sync", skip_checks=True)
    row.refresh_from_db()
    assert row.closed_at is not None


@pytest.mark.django_db
def test_mining_says_what_stops_it_and_the_source_gets_no_rest(nbp: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"hidden://me:{SECRET}@proxy.example")
    run = one_table.run_of_task(nbp, Job.Trigger.SCHEDULE)
    assert one_table.mine_one(run, run.provider.series[0]) == Job.Status.FAILED
    row = Job.objects.latest("pk")
    assert (row.reason, row.error, row.get_reason_display()) == (
        "environment",
        "Misconfigured: HTTPS_PROXY: not an address of an HTTP or SOCKS5 proxy",
        "niezrozumiała zmienna środowiska",
    )
    backoff.back_off(nbp, fault_of(monkeypatch, "HTTPS_PROXY", "hidden://proxy.example"))  # as after a poll
    assert not Spent.objects.filter(source=nbp, blocked_until__isnull=False).exists()


class FakeProxy:
    """A proxy that answers every request the same, and keeps what it was sent."""

    def __init__(self, answer: bytes) -> None:
        self.server, self.asked = socket.create_server(("127.0.0.1", 0)), bytearray()
        self.port: int = self.server.getsockname()[1]
        self.thread = Thread(target=self.serve, args=(answer,), daemon=True)
        self.thread.start()

    def serve(self, answer: bytes) -> None:
        while True:
            try:
                connection, _ = self.server.accept()
            except OSError:
                return
            with connection:
                self.asked += connection.recv(65536)
                connection.sendall(answer)


def asked_through(port: int, monkeypatch: pytest.MonkeyPatch, url: str, outgoing: set[Any]) -> ProviderError:
    outgoing.add(("127.0.0.1", port))
    monkeypatch.setenv("ALL_PROXY", f"http://me:{SECRET}@127.0.0.1:{port}")
    with pytest.raises(ProviderError) as caught:
        http.get(url)
    http.client().close()
    return caught.value


@pytest.mark.parametrize("url", ["http://bank.example/a", "https://bank.example/a"])
def test_a_password_of_a_proxy_stands_in_no_error(
    monkeypatch: pytest.MonkeyPatch, outgoing: set[Any], url: str
) -> None:
    login = base64.b64encode(f"me:{SECRET}".encode())
    proxy = FakeProxy(b"HTTP/1.1 407 me:" + SECRET.encode() + b"\r\nContent-Length: 0\r\n\r\n")
    error = asked_through(proxy.port, monkeypatch, url, outgoing)
    proxy.server.close()
    assert login in proxy.asked
    assert "407" in str(error)
    assert not any(word in f"{error!r}{error}{vars(error)}" for word in (SECRET, login.decode(), "127.0.0.1"))


@pytest.mark.parametrize("url", ["http://bank.example/a", "https://bank.example/a"])
def test_a_proxy_that_is_not_there_is_no_reason_to_connect_directly(
    monkeypatch: pytest.MonkeyPatch, outgoing: set[Any], url: str
) -> None:
    with socket.socket() as nobody_listens:
        nobody_listens.bind(("127.0.0.1", 0))
        error = asked_through(nobody_listens.getsockname()[1], monkeypatch, url, outgoing)
    assert isinstance(error, Unreachable)
    assert SECRET not in f"{error!r}{error}"


def test_a_proxy_that_nobody_knows_stands_in_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*args: object, **kwargs: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    monkeypatch.setenv("HTTPS_PROXY", f"http://me:{SECRET}@proxy.example:3128")
    with pytest.raises(Unreachable) as caught:
        http.get("https://bank.example/a")
    assert str(caught.value) == "GET /a: ConnectError: [Errno -2] Name or service not known"


# httpcore 1.0 leaves the connection to a SOCKS proxy that refuses to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_socks_proxy_is_spoken_to_as_one(monkeypatch: pytest.MonkeyPatch, outgoing: set[Any]) -> None:
    proxy = FakeProxy(b"\x05\xff")
    outgoing.add(("127.0.0.1", proxy.port))
    monkeypatch.setenv("ALL_PROXY", f"socks://127.0.0.1:{proxy.port}")
    with pytest.raises(Unreachable, match="the proxy refused"):
        http.get("https://bank.example/a")
    proxy.server.close()
    assert proxy.asked.startswith(b"\x05")


def test_a_socks_proxy_without_its_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "find_spec", lambda _: None)
    assert (
        fault_of(monkeypatch, "ALL_PROXY", "socks://127.0.0.1:7890").fault == "a SOCKS proxy needs the package socksio"
    )


@pytest.mark.parametrize("error", [UnicodeError("label empty or too long: hidden"), OverflowError("hidden")])
def test_an_address_that_no_resolver_takes_is_refused(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def none(*args: object, **kwargs: object) -> None:
        raise error

    monkeypatch.setattr(socket, "getaddrinfo", none)
    with pytest.raises(Refused) as caught:
        http.get("http://a..b:99999/")
    assert "hidden" not in str(caught.value)
