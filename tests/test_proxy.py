"""Both files for Caddy, tried with the packaged one: what it logs, and what it hands on of a proxy in front of it."""

import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from charon.api.client_address import client_address
from tests.processes import ROOT, free_port, until
from tests.test_compose import GIVEN, environment, interpolated

FILES = ("docker/Caddyfile", "ops/Caddyfile")
SECRET = "a-token-in-an-address"
CLIENT = "198.51.100.7"
needs_caddy = pytest.mark.skipif(not shutil.which("caddy"), reason="needs caddy (Debian: apt install caddy)")


def caddyfile(name: str) -> str:
    """As Debian's 2.6.2 understands it: the image's 2.10 has one option more."""
    return (ROOT / name).read_text().replace("\tpersist_config off\n", "")


def rules(name: str) -> str:
    """Without comments, the addresses behind it, the options of the image, and whom it believes."""
    text = re.sub(r"#.*", "", (ROOT / name).read_text())
    text = re.sub(r"reverse_proxy \S+:", "reverse_proxy :", text)
    text = re.sub(r"\s*(auto_https|persist_config) off|\s*trusted_proxies \S+", "", text)
    return re.sub(r"\s+", " ", text).strip()


def env(folder: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(folder)}


@contextmanager
def running(folder: Path, config: str) -> Iterator[Path]:
    """A Caddy, and the file that it logs into."""
    (folder / "Caddyfile").write_text(config)
    command = ["caddy", "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, env=env(folder), stdout=log, stderr=log)
    try:
        yield folder / "log"
    finally:
        process.terminate()
        process.wait(30)


def answers(url: str) -> bool:
    try:
        return bool(httpx.get(f"{url}/metrics").status_code)
    except httpx.TransportError:
        return False


@pytest.fixture
def behind(outgoing: set[tuple[str, int]]) -> Iterator[tuple[int, list[dict[str, str]]]]:
    """The port of a server that remembers the headers of each request."""
    heard: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append({name.lower(): value for name, value in self.headers.items()})
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Not here."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port, heard
        server.shutdown()
        thread.join()


def test_both_files_say_the_same() -> None:
    assert rules("docker/Caddyfile") == rules("ops/Caddyfile")


@needs_caddy
@pytest.mark.parametrize("name", FILES)
def test_the_packaged_caddy_understands_both(tmp_path: Path, name: str) -> None:
    (tmp_path / "Caddyfile").write_text(caddyfile(name))
    command = ["caddy", "validate", "--adapter", "caddyfile", "--config", str(tmp_path / "Caddyfile")]
    done = subprocess.run(command, env=env(tmp_path), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@needs_caddy
@pytest.mark.processes
@pytest.mark.parametrize("name", FILES)
def test_no_secret_of_an_address_stands_in_a_log(tmp_path: Path, outgoing: set[tuple[str, int]], name: str) -> None:
    """Nothing answers behind it: its line about the request, and its own error."""
    port = free_port()
    outgoing.add(("127.0.0.1", port))
    text = re.sub(r"reverse_proxy \S+", "reverse_proxy 127.0.0.1:9", caddyfile(name)).replace(":8080", f":{port}")
    with running(tmp_path, text.replace("lb_try_duration 5s", "")) as log:
        until(lambda: answers(f"http://127.0.0.1:{port}"))
        for path in ("/rates", "/sse"):
            headers = {"Referer": f"http://x/?{SECRET}", "Authorization": f"Bearer {SECRET}", "Cookie": f"a={SECRET}"}
            assert httpx.get(f"http://127.0.0.1:{port}{path}?token={SECRET}", headers=headers).status_code == 502
        until(lambda: log.read_text().count('"uri":"/sse"') == 2)
        assert SECRET not in log.read_text()


def handed_on(tmp_path: Path, port: int, behind: int, config: str) -> None:
    text = re.sub(r"reverse_proxy \S+", f"reverse_proxy 127.0.0.1:{behind}", config).replace(":8080", f":{port}")
    headers = {"X-Forwarded-For": CLIENT, "X-Forwarded-Proto": "https"}
    with running(tmp_path, text):
        until(lambda: answers(f"http://127.0.0.1:{port}"))
        assert httpx.get(f"http://127.0.0.1:{port}/rates", headers=headers).status_code == 200


@needs_caddy
@pytest.mark.processes
@pytest.mark.parametrize("name", FILES)
def test_what_a_stranger_says_of_itself_is_not_handed_on(
    tmp_path: Path, outgoing: set[tuple[str, int]], behind: tuple[int, list[dict[str, str]]], name: str
) -> None:
    port = free_port()
    outgoing.add(("127.0.0.1", port))
    handed_on(tmp_path, port, behind[0], caddyfile(name))
    (heard,) = behind[1]
    assert (heard["x-forwarded-for"], heard["x-forwarded-proto"]) == ("127.0.0.1", "http")


@needs_caddy
@pytest.mark.processes
def test_of_a_proxy_before_the_containers_client_and_https_are_handed_on(
    tmp_path: Path, outgoing: set[tuple[str, int]], behind: tuple[int, list[dict[str, str]]]
) -> None:
    """It comes from Docker's network; here from this machine."""
    port = free_port()
    outgoing.add(("127.0.0.1", port))
    config = caddyfile("docker/Caddyfile")
    assert config.count("trusted_proxies 172.16.0.0/12\n") == config.count("reverse_proxy") == 2
    handed_on(tmp_path, port, behind[0], config.replace("172.16.0.0/12", "127.0.0.0/8"))
    (heard,) = behind[1]
    assert (heard["x-forwarded-for"], heard["x-forwarded-proto"]) == (f"{CLIENT}, 127.0.0.1", "https")


# Who is counted behind it


@pytest.mark.parametrize("name", ["web", "live"])
@pytest.mark.parametrize(
    ("forwarded", "counted"),
    [
        (CLIENT, CLIENT),
        (f"{CLIENT}, 172.18.0.1", CLIENT),  # through a proxy of the machine
        (f"6.6.6.6, {CLIENT}", CLIENT),
        ("6.6.6.6, 192.168.1.5, 172.18.0.1", "192.168.1.5"),
        ("172.18.0.1", "172.18.0.1"),  # this machine itself
    ],
)
def test_containers_count_clients_and_not_their_proxy(name: str, forwarded: str, counted: str) -> None:
    proxies = tuple(interpolated(environment(name)["TRUSTED_PROXIES"], GIVEN).split(","))
    assert client_address("172.18.0.5", forwarded, proxies) == counted
    assert client_address("203.0.113.9", forwarded, proxies) == "203.0.113.9"


def test_the_operator_may_name_other_proxies() -> None:
    assert interpolated(environment("web")["TRUSTED_PROXIES"], GIVEN | {"TRUSTED_PROXIES": "10.0.0.1"}) == "10.0.0.1"
