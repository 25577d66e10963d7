"""Benchmark of closed years as files: CPU of the server a request, by nginx and Caddy as shipped and from Python.

One year of the euro, as a client gets it that takes br and gzip: from nginx with ops/nginx.conf, from Caddy with
ops/Caddyfile, and the answer to the same question that web has ready (/rates); beside them a plain file of that size
from the same nginx. Interleaved rounds; the CPU is that of all processes of the server.

Targets: nginx at most 1.1 times its plain file and 8 times cheaper than the ready answer, Caddy at most 7 times nginx,
twenty years of one currency at most 22 kB as files (br).
"""

import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil

from bench.cached import answers, web
from bench.measure import ROOT, installation, run
from bench.start import free_port

YEAR = "/api/v1/history/EUR/2019.json"
READY = "/api/v1/rates?code=EUR&from=2019-01-01&to=2019-12-31&limit=366"
ROUNDS, SECONDS, CLIENTS = 21, 1, 8
TAKES = "Accept-Encoding: gzip, br"
PLAIN, READY_TIMES, CADDY, WIRE = 1.1, 8, 7, 22_000
MODULE = "/usr/lib/nginx/modules/ngx_http_brotli_static_module.so"
EXPORT = """
import sys, pathlib, django
django.setup()
from charon.site_files import making
from miner.slices import Slice
making.make(pathlib.Path(sys.argv[1]), Slice(), only={"EUR"})
"""
NGINX = """
load_module {module};
user root;
daemon off;
worker_processes 1;
pid {folder}/pid;
error_log {folder}/error.log;
events {{}}
http {{
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    access_log {folder}/plain.log;
    server {{ listen 127.0.0.1:{plain}; root {folder}/plain; }}
    include {folder}/charon.conf;
}}
"""


@contextmanager
def serving(command: list[str], base: str, **environment: str) -> Iterator[psutil.Process]:
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            while not answers_anything(base):
                if process.poll() is not None:
                    sys.exit(f"  {command[0]} ended with {process.returncode}")
            yield psutil.Process(process.pid)
        finally:
            process.terminate()


def answers_anything(base: str) -> bool:
    done = subprocess.run(["curl", "-s", "-o", "/dev/null", base], capture_output=True)
    return done.returncode == 0


def cpu(server: psutil.Process) -> float:
    times = [one.cpu_times() for one in [server, *server.children(recursive=True)]]
    return sum(one.user + one.system for one in times)


def microseconds(server: psutil.Process, url: str) -> float:
    """CPU a request of one round."""
    before = cpu(server)
    command = ["wrk", "-t1", f"-c{CLIENTS}", f"-d{SECONDS}s", "-H", TAKES, url]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = re.search(r"(\d+) requests in", output)
    if not found or "Non-2xx" in output:
        sys.exit(f"  wrk: {output}")
    return (cpu(server) - before) * 1e6 / int(found[1])


def size_of(url: str) -> int:
    command = ["curl", "-s", "-H", TAKES, "-o", "/dev/null", "-w", "%{size_download}", url]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def nginx_files(folder: Path, site: Path, port: int, plain: int, size: int) -> Path:
    text = (ROOT / "ops/nginx.conf").read_text().replace("listen 8080", f"listen 127.0.0.1:{port}")
    text = text.replace("/var/lib/charon-history", str(site)).replace("/var/log/nginx/charon.log", f"{folder}/own.log")
    (folder / "charon.conf").write_text(text)
    (folder / "plain").mkdir()
    (folder / "plain/file.bin").write_bytes(b"x" * size)
    (folder / "nginx.conf").write_text(NGINX.format(module=MODULE, folder=folder, plain=plain))
    return folder / "nginx.conf"


def caddyfile(folder: Path, port: int) -> Path:
    (folder / "Caddyfile").write_text((ROOT / "ops/Caddyfile").read_text().replace(":8080", f":{port}"))
    return folder / "Caddyfile"


def measure(folder: Path, site: Path, environment: dict[str, str]) -> dict[str, list[float]]:
    size = (site / YEAR[1:]).with_name("2019.json.br").stat().st_size
    own, plain, caddy = free_port(), free_port(), free_port()
    env = {"PATH": "/usr/sbin:/usr/bin:/bin", "HOME": str(folder), "HISTORY_DIR": str(site)}
    nginx = ["nginx", "-c", str(nginx_files(folder, site, own, plain, size)), "-p", str(folder), "-e", "stderr"]
    other = ["caddy", "run", "--adapter", "caddyfile", "--config", str(caddyfile(folder, caddy))]
    with ExitStack() as stack:
        base = stack.enter_context(web(environment))
        assert answers(base)
        [python] = [one for one in psutil.Process().children() if "python" in one.name() or "granian" in one.name()]
        first = stack.enter_context(serving(nginx, f"http://127.0.0.1:{own}/metrics", **env))
        second = stack.enter_context(serving(other, f"http://127.0.0.1:{caddy}/metrics", **env))
        asked = {
            "nginx": (first, f"http://127.0.0.1:{own}{YEAR}"),
            "plain": (first, f"http://127.0.0.1:{plain}/file.bin"),
            "caddy": (second, f"http://127.0.0.1:{caddy}{YEAR}"),
            "ready": (python, base + READY),
        }
        print("  bytes:", ", ".join(f"{name} {size_of(url):,}" for name, (_, url) in asked.items()))
        found: dict[str, list[float]] = {name: [] for name in asked}
        for _ in range(ROUNDS + 1):
            for name, (server, url) in asked.items():
                found[name].append(microseconds(server, url))
    return {name: rounds[1:] for name, rounds in found.items()}  # the first round warms up


def wire(site: Path) -> int:
    years = [site / YEAR[1:].replace("2019.json", f"{year}.json.br") for year in range(2006, 2026)]
    return sum(path.stat().st_size for path in years)


def main() -> None:
    if missing := [name for name in ("nginx", "caddy", "wrk", "curl") if not shutil.which(name)]:
        sys.exit(f"  needs {', '.join(missing)}")
    with installation() as environment, tempfile.TemporaryDirectory(prefix="charon-bench-") as place:
        folder = Path(place)
        run(["manage.py", "mine", "nbp_archive", "--json"], environment)
        run(["-c", EXPORT, str(folder / "site")], environment | {"DJANGO_SETTINGS_MODULE": "charon.settings"})
        print(f"one year of the euro: CPU of the server a request, median of {ROUNDS} rounds of {SECONDS} s")
        found = measure(folder, folder / "site", environment)
        twenty = wire(folder / "site")
    middle = {name: statistics.median(rounds) for name, rounds in found.items()}
    for name, rounds in found.items():
        print(f"  {name:6} {middle[name]:7.1f} µs  ({min(rounds):.1f} to {max(rounds):.1f})")

    def ratio(one: str, other: str) -> float:
        return statistics.median(a / b for a, b in zip(found[one], found[other], strict=True))

    results = [
        ("nginx / its plain file", ratio("nginx", "plain"), PLAIN, True),
        ("ready answer / nginx", ratio("ready", "nginx"), READY_TIMES, False),
        ("Caddy / nginx", ratio("caddy", "nginx"), CADDY, True),
        ("twenty years of EUR as files, br, kB", twenty / 1000, WIRE / 1000, True),
    ]
    missed = []
    for name, value, target, is_most in results:
        print(f"  {name}: {value:.2f} (at {'most' if is_most else 'least'} {target:g})")
        if (value > target) if is_most else (value < target):
            missed.append(name)
    if missed:
        sys.exit(f"  target missed: {'; '.join(missed)}")


if __name__ == "__main__":
    main()
