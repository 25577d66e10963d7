"""Ask every operation of the API for everything that its schema allows and forbids, as callers of every kind.

Exit code 0: no check of schemathesis failed. The seed is fixed, so that two runs ask the same.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from e2e import clock
from e2e.installation import manage, web
from fuzz.seed import NOW
from tests.processes import ROOT, environment, free_port

# It has an environment of its own: among the packages of the project it would be a plug-in of every run of pytest.
PROGRAM = os.environ.get("SCHEMATHESIS", str(ROOT / ".venv" / "fuzz" / "bin" / "schemathesis"))
CONFIG = Path(__file__).with_name("schemathesis.toml")
PREFIX = "/api/v1"


@dataclass(frozen=True, slots=True)
class Pass:
    """One run of schemathesis: who asks, and below which prefix."""

    name: str
    token: str = ""
    prefix: str = PREFIX
    left_out: str = ""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("--examples", type=int, help="questions to an operation in each phase")
    parser.add_argument("--seed", type=int, default=20261028)
    parser.add_argument("--only", default="", help="only the passes whose name contains this")
    parser.add_argument("rest", nargs="*", help="further words for `schemathesis run`, after --")
    return parser.parse_args()


@contextmanager
def installation(folder: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """The address of a filled Charon that stands on the day of its seed, and a token of each scope."""
    with ExitStack() as stack:
        env = settings(folder, stack.enter_context(replicas()))
        manage("migrate", "-v0", env=env)
        seed = [sys.executable, "-m", "fuzz.seed"]
        filled = subprocess.run(seed, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True, check=True)
        stack.enter_context(ended(["-m", "e2e.manage", "qcluster"], env=env, stdout=subprocess.DEVNULL))
        url = stack.enter_context(web(env))
        yield url, dict(line.split("=", 1) for line in filled.stdout.split())


def settings(folder: Path, sources: dict[str, str]) -> dict[str, str]:
    # Callers are counted as in a real installation, and never refused.
    limits = {f"LIMIT_{kind}": "1000000000" for kind in ("READS", "WRITES", "HEAVY")}
    own = {"LOG_LEVEL": "ERROR", "WEB_WORKERS": "2", "POLYGON_API_KEY": "fuzz", "BINANCE_SYMBOLS": "BTCUSDT,ETHUSDT"}
    where = {"PORT": str(free_port()), "PYTHONPATH": str(ROOT), clock.VARIABLE: clock.starting(NOW)}
    return environment(folder, **own, **limits, **where, **sources)


@contextmanager
def replicas() -> Iterator[dict[str, str]]:
    """What the sources are asked for comes from this machine: `NBP_BASE_URL` and the like."""
    words = ["-m", "tests.replica", "all", "--env", "--now", NOW.isoformat(), "--today", NOW.date().isoformat()]
    with ended(words, stdout=subprocess.PIPE, text=True) as process:
        lines = iter(process.stdout or [])
        yield dict(line.strip().split("=", 1) for line in iter(lambda: next(lines).strip(), ""))


@contextmanager
def ended(words: list[str], **how: Any) -> "Iterator[subprocess.Popen[str]]":
    """A Python of its own until the end of the block, with its children."""
    with subprocess.Popen([sys.executable, *words], cwd=ROOT, start_new_session=True, **how) as process:
        try:
            yield process
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(10)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def schema(url: str, prefix: str) -> dict[str, Any]:
    """The description of the API at one of its spellings; it lists the addresses below /api/v1."""
    found: dict[str, Any] = httpx.get(f"{url}{prefix}/openapi.json").raise_for_status().json()
    found["paths"] = {prefix + path.removeprefix(PREFIX): row for path, row in found["paths"].items()}
    return found


def run(one: Pass, url: str, asked: argparse.Namespace, folder: Path) -> int:
    file = folder / "openapi.json"
    file.write_text(json.dumps(schema(url, one.prefix)))
    words = [
        *("--config-file", str(CONFIG), "run", str(file), "--url", url, "--seed", str(asked.seed)),
        *asked.rest,
    ]
    if asked.examples:
        words += ["--max-examples", str(asked.examples)]
    if one.left_out:
        words += ["--exclude-checks", one.left_out]
    if one.token:
        words += ["--header", f"Authorization: Bearer {one.token}"]
    print(f"== {one.name}", flush=True)
    return subprocess.run([PROGRAM, *words], cwd=folder, check=False).returncode


def main() -> int:
    asked = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # and with it all that was started
    with tempfile.TemporaryDirectory(prefix="charon-fuzz-") as name:
        folder = Path(name) / "data"
        with installation(folder) as (url, tokens):
            passes = [
                Pass("public"),
                Pass("operator", tokens["operator"]),
                Pass("reader", tokens["read"]),
                # 401 comes before everything else, also before 405.
                Pass("wrong token", "charon_wrong", left_out="unsupported_method"),
                Pass("operator at the root", tokens["operator"], ""),
            ]
            ends = {one.name: run(one, url, asked, Path(name)) for one in passes if asked.only in one.name}
    for name, code in ends.items():
        print(f"{name}: {'clean' if code == 0 else f'findings (exit {code})'}")
    return int(not ends or any(ends.values()))


if __name__ == "__main__":
    sys.exit(main())
