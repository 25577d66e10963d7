"""`manage.py demo` as the walks use it: on ports and a folder of its own, without Redis, awaited until it has rates."""

import contextlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx

from e2e.browser import Visitor
from e2e.installation import Installation
from tests import processes
from tests.processes import MANAGE, Up, free_port

OPERATOR = "demo"
# The whole archive is read in the background; a machine that others use too may need minutes for it.
SECONDS = 900.0
# What a visitor must find before the walks begin: a month of the archive, decisions, candles with a price.
THERE = {
    "/waluty/EUR/?rok=2025&miesiac=3": "/A/NBP/2025",
    "/tabele/A/2025-03-14/": "051/A/NBP/2025",
    "/sygnaly/": 'class="whole"',
    "/krypto/BTCUSDT/": 'id="wykres-kursu"',
    "/krypto/": 'class="spark"',
}


@dataclass(frozen=True, slots=True)
class Demo(Installation):
    password: str
    receiver: str

    def manage(self, *words: str) -> None:
        """Under the real clock, unlike the archive's installation."""
        done = processes.manage(*words, env=self.env)
        assert done.returncode == 0, done.stdout + done.stderr

    def sign_in(self, visitor: Visitor, start: str, then: str) -> None:
        """As the operator of the demo; `start` is "" or "/en"."""
        page = visitor.page
        visitor.open(f"{start}/admin/login/?next={start}{then}")
        page.locator("#id_username").fill(OPERATOR)
        page.locator("#id_password").fill(self.password)
        page.locator("[type=submit]").click()
        page.wait_for_url(re.compile(re.escape(f"{start}{then}")))


def found(url: str, path: str, pattern: str) -> str:
    """The first group of a pattern on a page."""
    there = re.search(pattern, httpx.get(url + path, timeout=20).text)
    assert there, path
    return there[1]


def has(url: str, path: str, words: str) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return words in httpx.get(url + path, timeout=20).text
    return False


def ready(up: Up) -> None:
    """Wait for what THERE names."""
    up.ready()
    for one in THERE.items():
        processes.until(partial(has, up.url, *one), SECONDS)


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Demo]:
    """A demo until the end of the block; DEMO_URL, DEMO_PASSWORD, DEMO_RECEIVER and DEMO_DATA name one that runs."""
    if given := os.environ.get("DEMO_URL"):
        env = processes.environment(Path(os.environ["DEMO_DATA"]), REDIS_ENABLED="0")
        yield Demo(given, env, os.environ["DEMO_PASSWORD"], os.environ["DEMO_RECEIVER"])
        return
    own = {"REDIS_ENABLED": "0", "WORKER_METRICS_PORT": str(free_port()), "LOG_LEVEL": "WARNING"}
    up = Up(folder, [*MANAGE, "demo"], **own)
    try:
        ready(up)
        password = re.search(rf"{OPERATOR}, \S+ (\S+) \(", up.said())
        receiver = re.search(r"(http://127\.0\.0\.1:\d+/) ", up.said())
        assert password, up.said()
        assert receiver, up.said()
        yield Demo(up.url, up.env, password[1], receiver[1])
    finally:
        up.end()
