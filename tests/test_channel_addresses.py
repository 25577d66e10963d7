"""Where the sender of channels may go: public addresses that were looked up once, over TLS that is verified."""

import ipaddress
import socket
import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from charon.setting_values import hosts
from charon.variables import NotUnderstood
from markets.network import allowed_urls, timed
from markets.network.allowed_urls import Fault
from signals.alerts.channels import http
from tests import receivers
from tests.receivers import SECRET, URL, Receiver, failure, fresh_transport

start = receivers.start  # a fixture
Start = Callable[..., Receiver]
PUBLIC, OTHER, INNER = "9.9.9.9", "149.112.112.112", "127.0.0.1"


@pytest.fixture(autouse=True)
def as_the_environment_says() -> Iterator[None]:
    with fresh_transport():
        yield


class Way(httpx.BaseTransport):
    """In the place of the network: what it is asked, and how it answers each address."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, Any]] = []
        self.answers: dict[str, Exception] = {}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append((request.url.host, request.headers["Host"], request.extensions.get("sni_hostname")))
        if error := self.answers.get(request.url.host):
            raise error
        return httpx.Response(200, content=b"ok")


@pytest.fixture
def way(monkeypatch: pytest.MonkeyPatch) -> Way:
    found = Way()
    monkeypatch.setattr(timed, "transport", lambda **_: found)
    return found


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


def test_a_name_is_looked_up_once_and_what_was_checked_is_connected_to(
    way: Way, resolves: Callable[..., list[str]]
) -> None:
    names = resolves([PUBLIC], [INNER])
    assert http.post(URL, b"{}", {}) == 200
    assert names == ["hooks.bank.example"], "a second look-up may be answered otherwise (DNS rebinding)"
    assert way.asked == [(PUBLIC, "hooks.bank.example", "hooks.bank.example")]


@pytest.mark.parametrize(
    "found", [[INNER], [PUBLIC, INNER], ["169.254.169.254"], ["224.0.0.1"], ["64:ff9b::a00:1"], ["2002:a00:1::"],
              ["192.0.0.8"], ["::ffff:10.0.0.1"]],
)  # fmt: skip
def test_a_name_that_leads_inside_is_refused_before_anything_is_connected(
    way: Way, resolves: Callable[..., list[str]], found: list[str]
) -> None:
    resolves(found)
    error = failure(URL)
    assert str(error) == "the address leads to an address inside a network, not a public one"
    assert (way.asked, error.final) == ([], False)


@pytest.mark.parametrize("address", ["224.0.0.1", "64:ff9b::a00:1", "2002:a00:1::", "192.0.0.8"])
def test_what_python_calls_global_and_is_not_is_no_public_address(address: str) -> None:
    assert not allowed_urls.is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "url", ["http://hooks.bank.example/", "https://127.0.0.1/", "https://[::1]/", "https://2130706433/",
            "https://hooks.bank.example:8080/", "https://redis/", "https://me:hidden@hooks.bank.example/"],
)  # fmt: skip
def test_what_is_written_as_no_public_https_address_is_refused(way: Way, url: str) -> None:
    assert str(failure(url)).startswith("the address ")
    assert way.asked == []
    assert http.fault_of(url) is not None


def test_a_query_is_allowed_and_a_login_is_not(settings: Any) -> None:
    settings.CHANNEL_ALLOWED_HOSTS = ("10.0.0.5",)
    assert http.fault_of(URL) is None
    assert http.fault_of("http://me:hidden@10.0.0.5/") is Fault.LOGIN
    assert http.fault_of("https://[") is Fault.NO_ADDRESS


def test_each_public_address_of_the_name_is_tried(way: Way, resolves: Callable[..., list[str]]) -> None:
    resolves([PUBLIC, OTHER])
    way.answers = {PUBLIC: httpx.ConnectError("refused")}
    assert http.post(URL, b"{}", {}) == 200
    assert [host for host, *_ in way.asked] == [PUBLIC, OTHER]


def test_only_the_hosts_of_the_setting_may_be_inside_and_at_the_named_port_alone(start: Start, settings: Any) -> None:
    one = start(allowed=False)
    assert "inside a network" in str(failure(f"https://127.0.0.1:{one.port}".replace(f":{one.port}", "")))
    settings.CHANNEL_ALLOWED_HOSTS = (f"127.0.0.1:{one.port + 1}",)
    failure(one.url)
    assert one.requests == []
    settings.CHANNEL_ALLOWED_HOSTS = ("127.0.0.1",)
    assert http.post(one.url, b"{}", {}) == 200


def test_the_port_that_is_not_written_counts(settings: Any) -> None:
    settings.CHANNEL_ALLOWED_HOSTS = ("receiver.lan:80", "[::1]:443")
    given = ["http://receiver.lan/", "https://[::1]/", "https://receiver.lan/", "http://[::1]/"]
    assert [http.fault_of(url) for url in given] == [None, None, Fault.INNER_NAME, Fault.SCHEME]


@pytest.mark.parametrize("text", ["http://10.0.0.5", "10.0.0.0/8", "receiver.lan:0", "a:99999", "*", "a b", "::1"])
def test_what_names_no_host_stops_the_start(text: str) -> None:
    with pytest.raises(NotUnderstood, match="CHANNEL_ALLOWED_HOSTS: "):
        hosts("CHANNEL_ALLOWED_HOSTS", [text])


def test_hosts_are_compared_in_small_letters() -> None:
    assert hosts("X", [" Receiver.LAN:8080", "[::1]:9", "", "10.0.0.5"]) == ("receiver.lan:8080", "[::1]:9", "10.0.0.5")


# TLS


def certificate(folder: Path, name: str) -> tuple[ssl.SSLContext, Path]:
    """A server's context with a certificate that it signed itself, and the file of that certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file, secret = folder / "certificate.pem", folder / "key.pem"
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    secret.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, secret)
    return context, file


def test_tls_is_verified_for_the_name(
    start: Start, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, settings: Any, resolves: Callable[..., list[str]]
) -> None:
    context, file = certificate(tmp_path, "receiver.example")
    one = start(context=context)
    settings.CHANNEL_ALLOWED_HOSTS = ("receiver.example", "other.example")
    resolve = socket.getaddrinfo
    names = {"receiver.example", "other.example"}
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, *a, **k: resolve("127.0.0.1" if host in names else host, *a, **k)
    )
    untrusted = failure(f"https://receiver.example:{one.port}/")
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    http.new_transport.cache_clear()
    assert http.post(f"https://receiver.example:{one.port}/", b"{}", {}) == 200
    wrong_name = failure(f"https://other.example:{one.port}/")
    assert str(untrusted) == str(wrong_name) == "the certificate of the receiver is not trusted"
    assert "example" not in str(wrong_name)


def test_a_receiver_without_tls_is_told_from_one_that_is_away(start: Start, outgoing: set[tuple[str, int]]) -> None:
    one = start()
    assert str(failure(one.url.replace("http", "https"))) == "no TLS connection to the receiver"
    one.stop()
    assert str(failure(one.url)) == "no connection to the receiver"


@pytest.mark.parametrize(
    ("cause", "text"),
    [
        (httpx.ConnectTimeout("x"), "no whole answer within 15 s"), (httpx.ReadTimeout("x"), "no whole answer"),
        (httpx.ConnectError(SECRET), "no connection to the receiver"),
        (httpx.ReadError(SECRET), "the connection broke off"),
    ],
)  # fmt: skip
def test_a_public_receiver_is_spoken_of_alike(
    way: Way, resolves: Callable[..., list[str]], cause: Exception, text: str
) -> None:
    resolves([PUBLIC])
    way.answers = {PUBLIC: cause}
    assert str(failure(URL)).startswith(text)
