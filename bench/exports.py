"""An export of a million rows while others ask: its memory, its time, and how long `/health` takes meanwhile.

A server is started as `up` does, with one worker, on SQLite; with BENCH_DATABASE_URL in the environment on a scratch
database of that PostgreSQL. It has a million candles of one instrument, and streams them in each format named in
EXPORT_FORMATS (csv, ndjson and xlsx). Limits: 100 MB above idle, and 0.2 s for `/health` in the 99th of 100 answers.
EXPORT_ROWS sets another number of rows.
"""

import http.client
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import psutil

from bench.cached import web
from bench.measure import installation, postgres, pss_mb, run

ROWS = int(os.environ.get("EXPORT_ROWS", "1_000_000"))
FORMATS = os.environ.get("EXPORT_FORMATS", "csv,ndjson,xlsx").split(",")
LIMIT_MB, LIMIT_SECONDS = 100, 0.2
PIECE = 1 << 16

FILL = """
import sys, django
django.setup()
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from markets.models import Candle, Instrument, Source
source, bitcoin = Source.objects.get(code="binance"), Instrument.objects.get(code="BTCUSDT")
first, step, count = datetime(2015, 1, 1, tzinfo=UTC), timedelta(minutes=5), int(sys.argv[1])
for done in range(0, count, 20_000):
    Candle.objects.bulk_create(
        Candle(instrument=bitcoin, source=source, timeframe="5m", open_time=first + number * step,
               open=Decimal("67102.1"), high=Decimal("67480"), low=Decimal("66990.5"), close=Decimal("67321.5"),
               volume=Decimal("1.204"), trades=3, closed=True, synthetic=False)
        for number in range(done, min(done + 20_000, count))
    )
"""


@contextmanager
def database() -> Iterator[dict[str, str]]:
    if "BENCH_DATABASE_URL" not in os.environ:
        yield {}
        return
    with postgres() as url:
        yield {"DATABASE_URL": url}


@contextmanager
def server() -> Iterator[tuple[str, psutil.Process]]:
    """Its address, and its process."""
    with (
        database() as where,
        installation(WEB_WORKERS="1", DJANGO_SETTINGS_MODULE="charon.settings", **where) as environment,
    ):
        run(["-c", FILL, str(ROWS)], environment)
        with web(environment) as base:
            [process] = [
                one for one in psutil.Process().children() if "granian" in " ".join(one.cmdline()) or one.children()
            ]
            for _ in range(20):  # the first answer opens the connection to the database
                ask(base)
            yield base, process


def caller(base: str) -> http.client.HTTPConnection:
    parts = urlsplit(base)
    return http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=600)


def ask(base: str) -> float:
    """How long a new client waits for `/health`."""
    started, one = time.perf_counter(), caller(base)
    one.request("GET", "/health")
    if (status := one.getresponse().status) != 200:
        sys.exit(f"  /health answers {status}")
    one.close()
    return time.perf_counter() - started


def taken(base: str, name: str, told: dict[str, int]) -> None:
    """Read the whole file as it comes."""
    one = caller(base)
    one.request("GET", f"/candles?symbol=BTCUSDT&timeframe=5m&source=binance&format={name}")
    answer = one.getresponse()
    told["status"] = answer.status
    while piece := answer.read(PIECE):
        told["bytes"] = told.get("bytes", 0) + len(piece)
        told["lines"] = told.get("lines", 0) + piece.count(b"\n")
    one.close()


def measure(base: str, process: psutil.Process, name: str) -> bool:
    idle, told = pss_mb(process), dict[str, int]()
    started = time.monotonic()
    reader = threading.Thread(target=taken, args=(base, name, told))
    reader.start()
    waits, peak = [], 0.0
    while reader.is_alive():
        waits.append(ask(base))
        peak = max(peak, pss_mb(process))
        time.sleep(0.05)
    seconds = time.monotonic() - started
    waits.sort()
    slow, above = waits[int(len(waits) * 0.99) - 1], peak - idle
    whole = told["status"] == 200 and (name == "xlsx" or told.get("lines", 0) >= ROWS)
    print(
        f"  {name:7} {told.get('bytes', 0) / 1e6:6.0f} MB in {seconds:5.1f} s; {above:5.1f} MB above {idle:.0f}; "
        f"/health median {waits[len(waits) // 2] * 1000:3.0f} ms, 99 of 100 within {slow * 1000:.0f} ms, "
        f"worst {waits[-1] * 1000:.0f} ms{'' if whole else '; NOT WHOLE'}",
        flush=True,
    )
    return whole and above <= LIMIT_MB and slow <= LIMIT_SECONDS


def main() -> None:
    with server() as (base, process):
        print(f"{ROWS:,} rows of /candles from one worker, and how long /health takes meanwhile")
        missed = [name for name in FORMATS if not measure(base, process, name)]
    if missed:
        sys.exit(f"  target missed: {', '.join(missed)}")


if __name__ == "__main__":
    main()
