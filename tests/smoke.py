"""Asks a fresh installation whether it works: rows appear, the API answers, pages draw, signals follow.

python -m tests.smoke http://127.0.0.1:8000 [--seconds 600] [--stream]

Needs nothing but Python: the installation may run in containers (docker-compose.e2e.yml) or beside it (`make up`). It
mines the replica of the NBP or the NBP itself. Ends with 0 when all is so, with 1 and the reason otherwise.
"""

import argparse
import json
import re
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPException
from typing import Any

PAUSE = 2.0
LONGEST_ANSWER = 20.0
PAGES = (
    "/",
    "/zloto/",
    "/sygnaly/",
    "/kurs-podatkowy/",
    "/krypto/",
    "/alerty/",
    "/miner/",
    "/status/",
    "/admin/login/",
    "/en/",
)
# The proxies of the environment lead elsewhere.
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class NotSoError(Exception):
    """What is not as it should be."""


def fetch(url: str, status: int = 200, kind: str = "") -> str:
    """The body of an answer with this status and a content type that begins so. A picture is no text, and may be."""
    try:
        with DIRECT.open(url, timeout=LONGEST_ANSWER) as answer:
            body: str = answer.read().decode(errors="replace")
            found, told = answer.status, answer.headers.get("content-type", "")
    except urllib.error.HTTPError as error:
        found, told, body = error.code, error.headers.get("content-type", ""), ""
    except (OSError, HTTPException) as error:
        raise NotSoError(f"{url}: {error}") from None
    if found != status or not told.startswith(kind):
        raise NotSoError(f"{url}: {found} {told}, not {status} {kind}".rstrip())
    return body


def newest(url: str) -> dict[str, Any]:
    """The first row of a list of the API."""
    items = json.loads(fetch(url, kind="application/json"))["items"]
    if not items:
        raise NotSoError(f"{url}: no rows")
    return dict(items[0])


def serves(base: str) -> None:
    if (found := json.loads(fetch(f"{base}/health"))["status"]) != "ok":
        raise NotSoError(f"{base}/health: {found}")


def rows_appear(base: str) -> None:
    """A successful run of the miner's has written rows; the embedded archive alone would not do."""
    if not (job := newest(f"{base}/jobs?type=nbp.A&status=success&limit=1"))["rows_written"]:
        raise NotSoError(f"{base}/jobs: job {job['id']} wrote no rows")


def api_answers(base: str) -> None:
    rate = newest(f"{base}/rates?code=USD&limit=1")
    if not re.fullmatch(r"\d+\.\d{4}", str(rate["mid"])):
        raise NotSoError(f"{base}/rates: the mid of USD is {rate['mid']!r}")
    newest(f"{base}/gold?limit=1")
    fetch(f"{base}/api/v1/openapi.json", kind="application/json")


def signals_follow(base: str) -> None:
    if (found := newest(f"{base}/signals?code=USD&limit=1")["signal"]) not in {"BUY", "HOLD", "SELL"}:
        raise NotSoError(f"{base}/signals: {found}")


def pages_draw(base: str) -> None:
    """Each page has its main part, what it loads is there, and a currency's page shows the rate of the API."""
    pages = [fetch(base + path, kind="text/html") for path in PAGES]
    shown = str(newest(f"{base}/rates?code=USD&limit=1")["mid"]).replace(".", ",")
    pages.append(fetch(f"{base}/waluty/USD/", kind="text/html"))
    if shown not in pages[-1]:
        raise NotSoError(f"{base}/waluty/USD/ does not show {shown}")
    for path in sorted({path for page in pages for path in re.findall(r'(?:src|href)="(/static/[^"?#]+)', page)}):
        fetch(base + path)


def nothing_leaks(base: str) -> None:
    fetch(f"{base}/metrics", status=404)


def stream_opens(base: str) -> None:
    url = f"{base}/api/v1/stream"
    try:
        with DIRECT.open(url, timeout=LONGEST_ANSWER) as answer:
            told, first = answer.headers.get("content-type", ""), answer.readline()
    except (OSError, HTTPException) as error:
        raise NotSoError(f"{url}: {error}") from None
    if not told.startswith("text/event-stream") or not first:
        raise NotSoError(f"{url}: {told}")


STEPS: tuple[Callable[[str], None], ...] = (
    serves, rows_appear, api_answers, signals_follow, pages_draw, nothing_leaks
)  # fmt: skip


def wait_for(step: Callable[[str], None], base: str, deadline: float) -> None:
    """Ask again until the step holds or the time is over; then its last fault is raised."""
    while True:
        try:
            return step(base)
        except NotSoError:
            if time.monotonic() > deadline:
                raise
            time.sleep(PAUSE)


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.smoke")
    parser.add_argument("base", help="http://127.0.0.1:8000")
    parser.add_argument("--seconds", type=float, default=600.0, help="for everything together")
    parser.add_argument("--stream", action="store_true", help="where there is Redis: the stream of events opens too")
    asked = parser.parse_args(words)
    begun = time.monotonic()
    for step in (*STEPS, stream_opens) if asked.stream else STEPS:
        try:
            wait_for(step, asked.base.rstrip("/"), begun + asked.seconds)
        except NotSoError as fault:
            sys.stderr.write(f"{step.__name__}: {fault}\n")
            return 1
        sys.stdout.write(f"{time.monotonic() - begun:6.1f} s  {step.__name__}\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
