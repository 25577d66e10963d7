"""Charon and what it is compared with, each started in a process of its own, two workers each, on one database."""

import getpass
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.error import HTTPError, URLError

import psutil

from bench.cached import redis, started
from bench.load import serving
from bench.measure import ROOT
from bench.peers.asking import Server
from bench.start import free_port

OURS, OURS_REDIS = "Charon", "Charon with Redis"
OBJECTS, COLUMNS = "FastAPI + SQLAlchemy", "FastAPI + SQLAlchemy, columns"
ASYNCPG, BOLT = "FastAPI + asyncpg + orjson", "django-bolt + asyncpg"
CONSTANT, DICTIONARY = "granian WSGI, constant bytes", "granian WSGI, a dictionary of bytes"
NGINX, SHIPPED = "nginx, a file", "nginx, a file, with ops/nginx.conf"

# The Python of .venv/peers, which `make bench-peers` makes.
PYTHON = os.environ.get("PEERS_PYTHON", str(ROOT / ".venv" / "peers" / "bin" / "python"))
UVICORN = ["--workers", "2", "--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning"]
APPLICATIONS = {
    OBJECTS: "bench.peers.fastapi_sqlalchemy:app",
    COLUMNS: "bench.peers.fastapi_columns:app",
    ASYNCPG: "bench.peers.fastapi_asyncpg:app",
}
GRANIAN = ["--interface", "wsgi", "--workers", "2", "--blocking-threads", "1", "--http", "1", "--log-level", "error"]
READY = {CONSTANT: "bench.peers.ready_bytes:constant", DICTIONARY: "bench.peers.ready_bytes:dictionary"}
BOLT_SETTINGS = "bench.peers.django_bolt_settings"
BOLT_OPTIONS = ["runbolt", "--no-admin", "--host", "127.0.0.1", "--processes", "2"]
START_SECONDS = 30

NGINX_CONF = """
{modules}
user {user};
worker_processes 2;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
    sendfile on;
    tcp_nopush on;
    default_type "application/json; charset=utf-8";
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {site}
}}
"""
# As fast as a file is sent: no log, and the file stays open.
PLAIN = """server {{
    listen 127.0.0.1:{port}; root {files}; access_log off; keepalive_requests 1000000; open_file_cache max=100;
}}"""
SHIPPED_CONF = ROOT / "ops" / "nginx.conf"
BROTLI = Path("/usr/lib/nginx/modules/ngx_http_brotli_static_module.so")


class NotHere(Exception):
    """What a contender needs is not installed; in words."""


def has(module: str) -> bool:
    if not Path(PYTHON).exists():
        return False
    return subprocess.run([PYTHON, "-c", f"import {module}"], capture_output=True, check=False).returncode == 0


def speaks(base: str) -> bool:
    try:
        with urllib.request.urlopen(base, timeout=2):
            return True
    except HTTPError:
        return True
    except (URLError, OSError):
        return False


@contextmanager
def process(name: str, command: list[str], port: int, environment: Mapping[str, str]) -> Iterator[Server]:
    known = {one.pid for one in psutil.Process().children()}
    with started(command, {**os.environ, **environment, "PYTHONPATH": str(ROOT)}):
        base, deadline = f"http://127.0.0.1:{port}", time.monotonic() + START_SECONDS
        while not speaks(base):
            if time.monotonic() > deadline:
                sys.exit(f"  {name} does not answer")
            time.sleep(0.1)
        yield Server(name, base, next(one for one in psutil.Process().children() if one.pid not in known))


@contextmanager
def ours(name: str, environment: dict[str, str]) -> Iterator[Server]:
    with serving(environment) as (base, server):
        yield Server(name, base.rstrip("/"), server)


@contextmanager
def with_redis(environment: dict[str, str]) -> Iterator[Server]:
    with redis() as url:
        if not url:
            raise NotHere("redis-server is not installed")
        with ours(OURS_REDIS, environment | {"REDIS_URL": url}) as server:
            yield server


@contextmanager
def peer(name: str, environment: dict[str, str]) -> Iterator[Server]:
    """One of the environment of the peers, over PostgreSQL."""
    module = "django_bolt" if name == BOLT else "uvicorn"
    if not has(module):
        raise NotHere(f"{module} is not installed for {PYTHON} (make bench-peers installs it)")
    if not environment.get("DATABASE_URL"):
        raise NotHere("the peers ask PostgreSQL, and this installation is on SQLite")
    port = free_port()
    more = {"PEER_DATABASE_URL": environment["DATABASE_URL"]}
    if name == BOLT:
        command = [PYTHON, "-m", "django", *BOLT_OPTIONS, "--port", str(port)]
        more["DJANGO_SETTINGS_MODULE"] = BOLT_SETTINGS
    else:
        command = [PYTHON, "-m", "uvicorn", *UVICORN, "--port", str(port), APPLICATIONS[name]]
    with process(name, command, port, more) as server:
        yield server


@contextmanager
def ready(name: str, files: Path) -> Iterator[Server]:
    port = free_port()
    command = [sys.executable, "-m", "granian", *GRANIAN, "--port", str(port), READY[name]]
    with process(name, command, port, {"BYTES": str(files)}) as server:
        yield server


@contextmanager
def nginx(name: str, files: Path) -> Iterator[Server]:
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if not program:
        raise NotHere("nginx is not installed (Debian: apt install nginx-light)")
    port, folder = free_port(), files.parent / ("nginx" if name == NGINX else "nginx-shipped")
    folder.mkdir(exist_ok=True)
    site = PLAIN.format(port=port, files=files) if name == NGINX else shipped(port, folder, files)
    modules = f"load_module {BROTLI};" if BROTLI.exists() else ""
    conf = NGINX_CONF.format(user=getpass.getuser(), folder=folder, site=site, modules=modules)
    (folder / "nginx.conf").write_text(conf)
    command = [program, "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(folder / "nginx.conf")]
    with process(name, command, port, {}) as server:
        yield server


def shipped(port: int, folder: Path, files: Path) -> str:
    """Charon's own configuration with its log and its files elsewhere; raises NotHere."""
    if not SHIPPED_CONF.exists():
        raise NotHere("there is no ops/nginx.conf")
    text = SHIPPED_CONF.read_text().replace("/var/log/nginx", str(folder))
    if not BROTLI.exists():
        text = text.replace("brotli_static on;", "")
    text = re.sub(r"listen 8080;", f"listen 127.0.0.1:{port};", text)
    return re.sub(r"root [^;]*;", f"root {files};", text)


def start(stack: ExitStack, name: str, environment: dict[str, str], files: Path) -> Server:
    """Any of them; raises NotHere. It ends with the stack."""
    if name == OURS:
        return stack.enter_context(ours(name, environment))
    if name == OURS_REDIS:
        return stack.enter_context(with_redis(environment))
    if name in READY:
        return stack.enter_context(ready(name, files))
    if name in {NGINX, SHIPPED}:
        return stack.enter_context(nginx(name, files))
    return stack.enter_context(peer(name, environment))
