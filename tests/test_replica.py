"""What all replicas share: HTTP on the wire, the command, and that nothing of the project is in them."""

import base64
import gzip
import hashlib
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import httpx
import msgspec
import pytest

from tests.replica import SERVICES, Binance, Replica, asking, run, serve
from tests.replica.asking import TODAY, fetched, first_line, said_on_the_wire

ROOT = Path(__file__).parent.parent

outgoing, replica, client = asking.outgoing, asking.replica, asking.client  # fixtures


# On the wire


def test_an_answer_carries_the_headers_of_the_service(client: httpx.Client) -> None:
    answer = client.get("cenyzlota/2024-01-02/", headers={"Accept-Encoding": "identity"})
    told = answer.headers
    assert (told["cache-control"], told["pragma"], told["expires"]) == ("no-cache", "no-cache", "-1")
    assert told["etag"] == f'"{base64.b64encode(hashlib.sha256(answer.content).digest()).decode()}"'
    assert "set-cookie" in told
    assert "content-encoding" not in told


def test_an_error_is_plain_text_without_an_etag(client: httpx.Client) -> None:
    answer = client.get("exchangerates/tables/A/2024-01-01/")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert "etag" not in answer.headers
    assert len(answer.content) == 38


def test_gzip_is_sent_when_asked(client: httpx.Client) -> None:
    path = "exchangerates/tables/A/2024-01-02/"
    plain = client.get(path, headers={"Accept-Encoding": "identity"})
    with client.stream("GET", path, headers={"Accept-Encoding": "deflate, gzip"}) as packed:
        raw = b"".join(packed.iter_raw())
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(raw) == plain.content
    assert "content-encoding" not in client.get(path, headers={"Accept-Encoding": "gzip;q=0"}).headers


def test_the_reason_phrase_is_cp1250_while_the_body_is_utf_8(client: httpx.Client, replica: Replica) -> None:
    path = "exchangerates/tables/A/2024-01-03/2024-01-02/"
    assert first_line(replica, path) == b"HTTP/1.1 400 B\xb3\xeadny zakres dat / Invalid date range"
    assert len(client.get(path).content) == 57


def test_the_other_reason_phrases_are_whole(replica: Replica) -> None:
    assert first_line(replica, "cenyzlota/2024-01-01/") == b"HTTP/1.1 404 Not Found - Brak danych"
    assert first_line(replica, "nowhere/") == b"HTTP/1.1 404 Not Found"
    assert first_line(replica, "cenyzlota/2024-01-02/") == b"HTTP/1.1 200 OK"
    assert first_line(replica, "cenyzlota/last/256/").startswith(b"HTTP/1.1 400 Przekroczony limit 255 wynik\xf3w / ")


def test_two_requests_share_a_connection(replica: Replica) -> None:
    one = b"GET /api/cenyzlota/2024-01-02 HTTP/1.1\r\nHost: replica\r\n\r\n"
    last = one.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    assert said_on_the_wire(replica, one + last).count(b"HTTP/1.1 200 OK") == 2


@pytest.mark.parametrize("noise", [b"hello\r\n\r\n", b"\x16\x03\x01\x00" * 20 + b"\r\n\r\n", b"GET"])
def test_who_does_not_speak_http_is_hung_up_on(replica: Replica, noise: bytes) -> None:
    with socket.create_connection(("127.0.0.1", httpx.URL(replica.url).port or 0), timeout=40) as line:
        line.sendall(noise)
        line.shutdown(socket.SHUT_WR)
        assert line.recv(100) == b""
    assert fetched(replica.url + "cenyzlota/").status_code == 200


def test_requests_are_remembered_in_order(client: httpx.Client, replica: Replica) -> None:
    client.get("cenyzlota/today?format=json")
    client.get("exchangerates/tables/A/")
    assert replica.requests == ["/api/cenyzlota/today?format=json", "/api/exchangerates/tables/A/"]


def test_closing_does_not_wait_for_idle_or_slow_connections() -> None:
    with httpx.Client(timeout=0.05, verify=False) as client:
        with serve(today=TODAY, script=[{"path": "gold|cenyzlota", "delay": 60}]) as replica:
            client.get(replica.url + "exchangerates/tables/A/")
            with pytest.raises(httpx.ReadTimeout):
                client.get(replica.url + "cenyzlota/")
            line = socket.create_connection(("127.0.0.1", httpx.URL(replica.url).port or 0))
            line.sendall(b"GET /api/cenyzlota/ HTTP/1.1\r\n\r\n")
            before = time.monotonic()
        assert time.monotonic() - before < 10
        line.close()


def test_a_closed_replica_gives_its_port_back() -> None:
    with serve(today=TODAY) as replica:
        port = httpx.URL(replica.url).port or 0
        with pytest.raises(OSError, match="in use"), serve(port=port):
            pass
    with serve(today=TODAY, port=port) as again:
        assert fetched(again.url + "cenyzlota/").status_code == 200


def test_latency_comes_before_every_answer() -> None:
    with serve(today=TODAY, latency=60) as replica, pytest.raises(httpx.ReadTimeout):
        fetched(replica.url + "cenyzlota/", timeout=0.05)


# The command


@pytest.mark.processes
def test_the_command_says_its_url_and_ends_cleanly_when_told(tmp_path: Path) -> None:
    script = tmp_path / "script.json"
    script.write_text('[{"at": 2, "status": 503}]', encoding="utf-8")
    command = [sys.executable, "-m", "tests.replica", "nbp", "--port", "0", "--today", "2024-01-02"]
    with subprocess.Popen([*command, "--script", str(script)], cwd=ROOT, stdout=subprocess.PIPE, text=True) as running:
        try:
            assert running.stdout is not None
            with httpx.Client(base_url=running.stdout.readline().strip(), verify=False) as client:
                assert client.get("exchangerates/tables/A/today/").json()[0]["no"] == "001/A/NBP/2024"
                assert client.get("cenyzlota/").status_code == 503
            running.send_signal(signal.SIGTERM)
            assert running.wait(timeout=40) == 0
        finally:
            running.kill()


@pytest.mark.processes
def test_the_help_explains_the_script_and_what_is_invented() -> None:
    told = subprocess.run([sys.executable, "-m", "tests.replica", "--help"], cwd=ROOT, capture_output=True, text=True)
    assert '"cut": 100 | "half"' in told.stdout
    assert "Gold is invented too" in told.stdout


@contextmanager
def command(*words: str) -> Iterator[list[str]]:
    """The lines that the command prints, one for each of its replicas, for as long as they run."""
    arguments = [sys.executable, "-m", "tests.replica", *words]
    with subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, text=True) as running:
        try:
            assert running.stdout is not None
            count = len(SERVICES) if words[0] == "all" else 1
            yield [running.stdout.readline().strip() for _ in range(count)]
            running.send_signal(signal.SIGTERM)
            assert running.wait(timeout=40) == 0
        finally:
            running.kill()


@pytest.mark.processes
def test_one_command_serves_all_of_them_at_one_moment() -> None:
    with command("all", "--now", "2026-10-28T10:07+00:00") as lines:
        urls = dict(line.split(" ") for line in lines)
        assert list(urls) == ["nbp", "ecb", "coingecko", "deribit", "binance", "polygon"]
        assert fetched(urls["nbp"] + "exchangerates/tables/A/").json()[0]["effectiveDate"] == "2026-10-26"
        assert "time='2026-10-27'" in fetched(urls["ecb"] + "eurofxref-daily.xml").text
        assert fetched(urls["coingecko"] + "ping").status_code == 200
        assert fetched(urls["deribit"] + "public/get_time").json()["result"] == 1793182020000
        assert fetched(urls["binance"] + "api/v3/time").json() == {"serverTime": 1793182020000}
        assert fetched(urls["polygon"] + "v2/aggs/ticker/C:EURUSD/prev").status_code == 401


@pytest.mark.processes
def test_addresses_may_be_printed_for_a_shell_and_ports_follow_each_other() -> None:
    port = free_ports(len(SERVICES))
    with command("all", "--env", "--port", str(port)) as lines:
        assert lines == [
            f"NBP_BASE_URL=http://127.0.0.1:{port}/api/",
            f"ECB_BASE_URL=http://127.0.0.1:{port + 1}/stats/eurofxref/",
            f"COINGECKO_BASE_URL=http://127.0.0.1:{port + 2}/api/v3/",
            f"DERIBIT_BASE_URL=http://127.0.0.1:{port + 3}/api/v2/",
            f"BINANCE_BASE_URL=http://127.0.0.1:{port + 4}/",
            f"POLYGON_BASE_URL=http://127.0.0.1:{port + 5}/",
        ]


@pytest.mark.processes
def test_one_of_them_prints_its_address_alone() -> None:
    with command("deribit") as lines:
        assert fetched(f"{lines[0]}public/get_index_price?index_name=btc_usd").status_code == 200


def free_ports(count: int) -> int:
    """The first of so many neighbours that nobody uses."""
    for first in range(21_000, 31_000, 50):
        with ExitStack() as stack, suppress(OSError):
            for port in range(first, first + count):
                stack.enter_context(socket.create_server(("127.0.0.1", port)))
            return first
    raise RuntimeError("no neighbouring ports are free")


# All services alike

ASKED = {
    "nbp": "cenyzlota/2024-01-02/",
    "ecb": "eurofxref-daily.xml",
    "coingecko": "simple/price?ids=bitcoin&vs_currencies=usd",
    "deribit": "public/get_index_price?index_name=btc_usd",
    "binance": "api/v3/ticker/price?symbol=BTCUSDT",
    "polygon": "v2/aggs/ticker/C:EURUSD/prev?apiKey=good",
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SERVICES)
def test_every_service_knows_every_fault(name: str) -> None:
    faults: list[dict[str, object]] = [
        {"at": 1, "status": 429, "headers": {"Retry-After": "7"}},
        {"at": 2, "rubbish": "html"},
        {"at": 3, "replace": [":", "#"]},
        {"at": 4, "cut": "half"},
        {"at": 5, "drop": True},
        {"at": 6, "delay": 60},
        {"at": 7, "rubbish": "truncated-json"},
    ]
    with run(SERVICES[name](), script=faults) as server, httpx.Client(base_url=server.url, verify=False) as client:
        limited, rubbish, replaced = (client.get(ASKED[name]) for _ in range(3))
        assert (limited.status_code, limited.headers["retry-after"]) == (429, "7")
        assert (rubbish.status_code, rubbish.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert "#" in replaced.text
        assert ":" not in replaced.text
        for error, seconds in (
            (httpx.RemoteProtocolError, 5.0),
            (httpx.RemoteProtocolError, 5.0),
            (httpx.ReadTimeout, 0.1),
        ):
            with pytest.raises(error):
                client.get(ASKED[name], timeout=seconds)
        truncated = client.get(ASKED[name])
        assert 0 < len(truncated.content) < 0.6 * len(client.get(ASKED[name]).content)
        assert len(server.requests) == 8


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_zips_its_texts(name: str) -> None:
    with run(SERVICES[name]()) as server:
        answer = httpx.get(server.url + ASKED[name], headers={"Accept-Encoding": "gzip"}, verify=False)
        assert (answer.status_code, answer.headers["content-encoding"]) == (200, "gzip")


@pytest.mark.parametrize(
    "entry",
    [
        {"fault": "earthquake"},
        {"tell": ["explode"]},
        {"tell": ["delist"]},
        {"tell": ["delist", 7]},
        {"withhold": ["A", "2024-01-02"]},
    ],
)
def test_what_a_service_does_not_know_is_refused_when_the_script_is_set(entry: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError), run(Binance(), script=[entry]):
        pass


# No code shared with what it tests


def test_the_replica_imports_nothing_of_the_project() -> None:
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "tests" / "replica").glob("*.py")]
    assert len(sources) >= 5
    assert not re.search(r"^\s*(?:from|import) (?:charon|markets|miner|signals)\b", "\n".join(sources), re.MULTILINE)
