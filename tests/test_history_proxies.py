"""Caddy and nginx with the shipped configurations: closed years leave without Python, the rest goes on to it."""

import gzip
import json
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

import brotli
import httpx
import pytest

from charon.site_files import written
from markets.history_files.place import remove
from tests.processes import ROOT, free_port, until
from tests.test_proxy import caddyfile

MODULE = Path("/usr/lib/nginx/modules/ngx_http_brotli_static_module.so")
LACKING = {
    "caddy": None if shutil.which("caddy") else "needs caddy (Debian: apt install caddy)",
    "nginx": None
    if shutil.which("nginx") and MODULE.exists()
    else "needs nginx with brotli (Debian: apt install nginx-light libnginx-mod-http-brotli-static)",
}
DATA = json.dumps({"rows": [["2019-01-02", "4.3016"]] * 300}).encode()
FOLDER = "api/v1/history/EUR"
NGINX = """
load_module {module};
{user}
daemon off;
pid {folder}/pid;
error_log stderr;
events {{}}
http {{
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    include {folder}/charon.conf;
}}
"""


def site(root: Path) -> str:
    """A year under both names; the one with the hash is answered."""
    folder = root / FOLDER
    folder.mkdir(parents=True)
    for path in (root, *(root / part for part in ("api", "api/v1", "api/v1/history")), folder):
        path.chmod(0o755)
    bare = folder / "2019.json"
    hashed = written.named(bare, DATA)
    written.write(hashed, written.packed(DATA))
    written.link(hashed, bare)
    written.write(folder / "2019.csv", written.packed(b"effective_date,mid\n"))
    return f"/{FOLDER}/{hashed.name}"


def nginx_files(folder: Path, root: Path, port: int, behind: int) -> Path:
    text = (ROOT / "ops/nginx.conf").read_text().replace("listen 8080", f"listen 127.0.0.1:{port}")
    text = text.replace("/var/lib/charon-history", str(root)).replace("127.0.0.1:8000", f"127.0.0.1:{behind}")
    text = text.replace("/var/log/nginx/charon.log", str(folder / "access.log"))
    (folder / "charon.conf").write_text(text)
    user = "user root;" if os.getuid() == 0 else ""  # else it gives up the right to read the folders of a test
    (folder / "nginx.conf").write_text(NGINX.format(module=MODULE, folder=folder, user=user))
    return folder / "nginx.conf"


def command(name: str, folder: Path, root: Path, port: int, behind: int) -> list[str]:
    if name == "nginx":
        return ["nginx", "-c", str(nginx_files(folder, root, port, behind)), "-p", str(folder), "-e", "stderr"]
    text = re.sub(r"reverse_proxy \S+", f"reverse_proxy 127.0.0.1:{behind}", caddyfile("ops/Caddyfile"))
    (folder / "Caddyfile").write_text(text.replace(":8080", f":{port}"))
    return ["caddy", "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")]


@contextmanager
def answering() -> Iterator[tuple[int, list[str]]]:
    """In the place of web: it remembers what it was asked."""
    heard: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", "3")
            self.end_headers()
            self.wfile.write(b"web")

        def do_OPTIONS(self) -> None:
            self.do_GET()

        def log_message(self, *_: Any) -> None:
            """Not here."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port, heard
        server.shutdown()
        thread.join()


@contextmanager
def proxy(name: str, folder: Path, outgoing: set[tuple[str, int]]) -> Iterator[tuple[httpx.Client, list[str], str]]:
    """The proxy in front of a folder of its own: a client of it, what web was asked, and the address with the hash."""
    port, root = free_port(), folder / "site"
    outgoing.add(("127.0.0.1", port))
    hashed = site(root)
    with answering() as (behind, heard), (folder / "log").open("w") as log:
        words = command(name, folder, root, port, behind)
        env = {"PATH": os.environ["PATH"], "HOME": str(folder), "HISTORY_DIR": str(root)}
        process = subprocess.Popen(words, env=env, stdout=log, stderr=log)
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
                until(lambda: is_up(client))
                heard.clear()
                yield client, heard, hashed
        finally:
            process.terminate()
            process.wait(30)


def is_up(client: httpx.Client) -> bool:
    try:
        return client.get("/metrics").status_code == 404
    except httpx.TransportError:
        return False


@pytest.fixture(params=["caddy", "nginx"])
def served(
    request: pytest.FixtureRequest, tmp_path: Path, outgoing: set[tuple[str, int]]
) -> Iterator[tuple[httpx.Client, list[str], str]]:
    if why := LACKING[request.param]:
        pytest.skip(why)
    with proxy(request.param, tmp_path, outgoing) as found:
        yield found


@pytest.mark.skipif(bool(LACKING["nginx"]), reason=str(LACKING["nginx"]))
def test_nginx_understands_its_file(tmp_path: Path) -> None:
    conf = nginx_files(tmp_path, tmp_path, free_port(), 9)
    done = subprocess.run(["nginx", "-t", "-c", conf, "-p", tmp_path, "-e", "stderr"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def raw(client: httpx.Client, path: str, **headers: str) -> tuple[httpx.Response, bytes]:
    """The answer and its bytes as they came."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    with client.stream("GET", path, headers={"Accept-Encoding": "identity"} | named) as response:
        return response, b"".join(response.iter_raw())


@pytest.mark.processes
def test_a_year_leaves_in_the_encoding_that_is_taken_and_python_hears_nothing(
    served: tuple[httpx.Client, list[str], str],
) -> None:
    client, heard, hashed = served
    for path, caching in ((f"/{FOLDER}/2019.json", "no-cache"), (hashed, "public, max-age=31536000, immutable")):
        tags = set()
        for taken, unpacked in (("gzip, br", brotli.decompress), ("gzip", gzip.decompress), ("identity", bytes)):
            response, body = raw(client, path, Accept_Encoding=taken)
            assert (response.status_code, unpacked(body)) == (200, DATA)
            assert response.headers.get("Content-Encoding", "identity") in taken
            assert response.headers["Content-Type"] == "application/json; charset=utf-8"
            assert response.headers.get_list("Cache-Control") == [caching]
            vary = {word.strip() for word in ",".join(response.headers.get_list("Vary")).split(",")}
            assert vary == {"Accept-Encoding", "Origin"}
            again, _ = raw(client, path, Accept_Encoding=taken, If_None_Match=response.headers["ETag"])
            assert (again.status_code, again.headers["Cache-Control"]) == (304, caching)
            tags.add(response.headers["ETag"])
        assert len(tags) == 3, "other bytes have another tag"
    assert raw(client, f"/{FOLDER}/2019.csv")[0].headers["Content-Type"] == "text/csv; charset=utf-8"
    assert heard == []


@pytest.mark.processes
def test_what_is_no_file_and_what_another_origin_asks_goes_on_to_web(
    served: tuple[httpx.Client, list[str], str],
) -> None:
    client, heard, _ = served
    years = [f"/{FOLDER}/2018.json", "/api/v1/history/index.json", "/api/v1/history/USD/2019.csv"]
    for path in (*years, "/api/v1/rates?code=EUR"):
        assert raw(client, path)[1] == b"web"
    assert raw(client, f"/{FOLDER}/2019.json", Origin="https://example.org")[1] == b"web"
    assert heard == [*years, "/api/v1/rates?code=EUR", f"/{FOLDER}/2019.json"]
    preflight = client.options(f"/{FOLDER}/2019.json", headers={"Origin": "https://example.org"})
    assert (preflight.status_code, preflight.content) == (200, b"web")
    for path in (f"/{FOLDER}", f"/{FOLDER}/", "/api/v1/history/", "/.swap"):
        assert raw(client, path)[1] == b"web", "nothing else of the folder is sent"


@pytest.mark.processes
def test_a_file_that_is_taken_away_is_asked_of_web_at_once(
    served: tuple[httpx.Client, list[str], str], tmp_path: Path
) -> None:
    client, heard, _ = served
    assert raw(client, f"/{FOLDER}/2019.json", Accept_Encoding="br")[0].headers["Content-Encoding"] == "br"
    remove(tmp_path / "site" / FOLDER / "2019.json")
    for encoding in ("br", "gzip", "identity"):
        assert raw(client, f"/{FOLDER}/2019.json", Accept_Encoding=encoding)[1] == b"web"
    assert heard == [f"/{FOLDER}/2019.json"] * 3
