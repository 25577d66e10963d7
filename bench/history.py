"""Benchmark of the candle queries: 100,000 beside 10 million rows of PostgreSQL (BENCH_DATABASE_URL).

29 symbols x 3 timeframes, series without gaps that end now, in a scratch database. The queries: the newest candle of
every series of a timeframe (the start of a cycle), the newest 500 of one symbol, one day of one symbol, and the newest
200 of all symbols (the market keys in Redis). The baseline is the same query at 100,000 rows of the same run, median
of 30. Target: at most twice its time. BENCH_CANDLES sets another number of rows; 10 million take minutes and 3 GB.
"""

import json
import os
import sys

from bench.measure import ROOT, installation, postgres, run

MOST = int(os.environ.get("BENCH_CANDLES", "10_000_000"))
TARGET = 2.0

SCRIPT = """
import json, statistics, sys, time, django
django.setup()
from datetime import timedelta
from django.db import connection
from markets import clock
from markets.models import Candle, Instrument, Source
from markets.queries.candles import Stretch, candles
from markets.redis import market_keys
from miner.collect import candles as cycle, prices

source = Source.objects.get(code="binance")
codes = {row.instrument_id: row.instrument.code for row in prices.followed(source)}
bitcoin = Instrument.objects.get(code="BTCUSDT")
day = Stretch("5m", clock.now() - timedelta(days=1), None, 1000)

# Checking the foreign keys of ten million rows is not part of this benchmark.
FILL = '''
INSERT INTO markets_candle
    (instrument_id, source_id, timeframe, open_time, open, high, low, close, volume, trades, closed, synthetic)
SELECT i, %s, %s, to_timestamp(floor(extract(epoch FROM now()) / %s) * %s) - n * make_interval(secs => %s),
       100 + n %% 7, 108, 99, 100 + n %% 5, 1.5, 3, n > 0, false
FROM generate_series(%s::bigint, %s::bigint) n, unnest(%s::bigint[]) i ORDER BY n DESC
'''

def grow(first, last):
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica; SET statement_timeout = 0")
        for timeframe, seconds in cycle.timeframes_of(source).items():
            cursor.execute(FILL, [source.pk, timeframe, seconds, seconds, seconds, first, last, list(codes)])
        cursor.execute("SET session_replication_role = DEFAULT")
        cursor.execute("VACUUM ANALYZE markets_candle")

QUESTIONS = {
    "newest of every series": lambda: cycle.plan(source, ["5m"], None, 1000),
    "newest 500 of one": lambda: candles(bitcoin, source, Stretch("5m", None, None, 500)),
    "one day of one": lambda: candles(bitcoin, source, day),
    "newest 200 of all": lambda: market_keys.newest(source, "5m", codes),
}

def milliseconds(ask):
    times = []
    for _ in range(30):
        started = time.perf_counter()
        found = ask()
        times.append((time.perf_counter() - started) * 1000)
    assert found
    return statistics.median(times)

done, found = 0, {}
for size in map(int, sys.argv[1:]):
    each = size // (len(codes) * 3)
    grow(done, each - 1)
    done = each
    found[Candle.objects.count()] = {name: milliseconds(ask) for name, ask in QUESTIONS.items()}
print(json.dumps(found))
"""


def main() -> None:
    with postgres() as url:
        django = {"PYTHONPATH": str(ROOT), "DJANGO_SETTINGS_MODULE": "charon.settings", "DATABASE_URL": url}
        with installation(**django) as environment:
            found = json.loads(run(["-c", SCRIPT, "100000", str(MOST)], environment).output)
    (few, before), (many, after) = found.items()
    print(f"candles in PostgreSQL: {few} rows and {many} rows")
    worst = 0.0
    for name, milliseconds in before.items():
        ratio = after[name] / milliseconds
        worst = max(worst, ratio)
        print(f"  {name:24} {milliseconds:7.2f} ms  {after[name]:7.2f} ms  {ratio:.2f} x (at most {TARGET:.0f})")
    if worst > TARGET:
        sys.exit("  target missed")


if __name__ == "__main__":
    main()
