"""Benchmark of the candle collector: first cycle and refresh from a replica with 80 ms latency.

The candles of Binance.US go into an empty SQLite. 29 symbols x 3 timeframes x 1,000 candles, fetched and stored,
against bare httpx and json of the same 87 requests over as many connections. Then the newest two candles of all 87
series in one cycle, counted in statements, BEGIN and COMMIT among them. Targets: at most 1.5 times the bare loop (the
best round of each, for the replica itself takes a core), at most 20 statements.
"""

import json
import sys

from bench.measure import ROOT, installation, replica, run

LATENCY = 0.08
ROUNDS = 3

BARE = """
import json, sys, time, httpx
from concurrent.futures import ThreadPoolExecutor
from miner.providers.binance import Binance

base, asked = sys.argv[1], [(ticker, timeframe) for timeframe in Binance.timeframes for ticker in Binance.tickers]
with httpx.Client() as client, ThreadPoolExecutor(4) as pool:
    def work(series):
        ticker, timeframe = series
        params = {"symbol": ticker, "interval": timeframe, "limit": "1000"}
        return len(json.loads(client.get(f"{base}api/v3/klines", params=params).content))
    started = time.perf_counter()
    rows = sum(pool.map(work, asked))
print(json.dumps({"seconds": time.perf_counter() - started, "requests": len(asked), "rows": rows}))
"""

FULL = """
import json, time, django
django.setup()
from django.db import connection
from django.test.utils import CaptureQueriesContext
from markets.models import Source
from miner.collect import candles
from miner.fetch import http

http.client()
source, started = Source.objects.get(code="binance"), time.perf_counter()
cycles = [candles.refresh(source, timeframe) for timeframe in candles.timeframes_of(source)]
seconds = time.perf_counter() - started
with CaptureQueriesContext(connection) as asked:
    again = candles.refresh_all(source, list(candles.timeframes_of(source))).values()
print(json.dumps({
    "seconds": seconds, "requests": sum(cycle.requests for cycle in cycles),
    "rows": sum(cycle.written for cycle in cycles), "statements": len(asked),
    "series": sum(cycle.bars for cycle in again) / 2,
}))
"""


def main() -> None:
    best, most = {"bare": float("inf"), "full": float("inf")}, 0
    with replica(LATENCY, "binance") as url:
        for number in range(1, ROUNDS + 1):
            bare = json.loads(run(["-c", BARE, url], {"PYTHONPATH": str(ROOT)}).output)
            django = {"PYTHONPATH": str(ROOT), "DJANGO_SETTINGS_MODULE": "charon.settings"}
            with installation(BINANCE_BASE_URL=url, **django) as environment:
                whole = run(["-c", FULL], environment)
            full = json.loads(whole.output)
            print(f"candles, round {number}: {full['requests']} requests, {LATENCY * 1000:.0f} ms latency")
            print(f"  bare httpx + json    {bare['seconds']:6.2f} s, {bare['rows']} candles")
            print(f"  fetch and store      {full['seconds']:6.2f} s, {full['rows']} candles, {whole.peak_mb:.0f} MB")
            print(f"  next cycle of {full['series']:.0f} series: {full['statements']} statements")
            best = {"bare": min(best["bare"], bare["seconds"]), "full": min(best["full"], full["seconds"])}
            most = max(most, full["statements"])
    ratio = best["full"] / best["bare"]
    print(f"  best of {ROUNDS} rounds: {ratio:.2f} x bare")
    if ratio > 1.5 or most > 20:
        sys.exit("  target missed: at most 1.5 x bare, at most 20 statements")


if __name__ == "__main__":
    main()
