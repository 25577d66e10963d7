"""Benchmark of the engine on candles: one cycle of 87 series, and the first pass over their whole history.

29 symbols x 5m, 1h and 4h with every rule that there is, on SQLite and on PostgreSQL (BENCH_DATABASE_URL). CPU time of
the engine's process alone; the server's is told beside it where it can be read. Targets: one cycle on PostgreSQL under
0.4 s, the first pass at most 5 times what the computing takes. The second one is missed by far and ends nothing:
docs/performance.md says what it is spent on.
"""

import json
import os
import sys
from textwrap import dedent

from bench.measure import installation, postgres, run

BARS = int(os.environ.get("BENCH_BARS", "1500"))
CYCLES = 5
TARGET_CYCLE, TARGET_RATIO = 0.4, 5.0

# Candles of a random walk that end now, all volumes above zero.
PREPARE = """
    import django, sys
    django.setup()
    from datetime import UTC, datetime, timedelta
    import numpy as np
    from markets import timeframes
    from markets.models import Candle, Listing, Source
    from markets.store import bulk, copying
    from miner.providers.binance import Binance
    bars = int(sys.argv[1])
    source = Source.objects.get(code="binance")
    listings = list(Listing.objects.filter(source=source, ticker__in=Binance.tickers.values()))[:29]
    noise, now = np.random.default_rng(7), datetime.now(UTC)
    columns = ("instrument_id", "source_id", "timeframe", "open_time", "open", "high", "low", "close", "volume",
               "trades", "closed", "synthetic")
    for timeframe in ("5m", "1h", "4h"):
        step = timeframes.SECONDS[timeframe]
        end = int(now.timestamp()) // step * step
        for listing in listings:
            closes = np.round(100 * np.exp(np.cumsum(noise.normal(0, 0.004, bars))), 4)
            opens = np.concatenate((closes[:1], closes[:-1]))
            high, low = np.maximum(opens, closes) + 0.05, np.minimum(opens, closes) - 0.05
            rows = [
                (listing.instrument_id, source.pk, timeframe,
                 bulk.moment(datetime.fromtimestamp(end - (bars - n) * step, UTC)), f"{o:.4f}", f"{h:.4f}",
                 f"{l:.4f}", f"{c:.4f}", "12.5", 1, True, False)
                for n, (o, h, l, c) in enumerate(zip(opens, high, low, closes))
            ]
            copying.insert(Candle._meta.db_table, columns, rows)
    from django.db import connection
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    print(len(listings) * 3)
"""

FIRST = """
    import django, json, time
    django.setup()
    import resource
    from markets.models import Candle, Instrument
    from signals import engine, rules, series
    ids = Candle.objects.values_list("instrument", flat=True).distinct()
    instruments = list(Instrument.objects.filter(pk__in=ids))
    every = [(one, timeframe) for one in instruments for timeframe in ("5m", "1h", "4h")]
    active = rules.active()
    bars = series.load(*every[0])
    for rule in active:  # compiled before anything is measured
        rule.over(bars.rows[:10], rule.initial)
    began = time.process_time()
    written = sum(engine.decide(*one) for one in every)
    whole = time.process_time() - began
    alone = 0.0
    for one in every:
        rows = series.load(*one).rows
        began = time.process_time()
        for rule in active:
            if one[1] in rule.timeframes:
                rule.over(rows, rule.initial)
        alone += time.process_time() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"whole": whole, "alone": alone, "written": written, "peak": peak, "rules": len(active)}))
"""

CYCLE = """
    import django, json, os, sys, time
    django.setup()
    from datetime import timedelta
    import psutil
    from django.db import connection
    from django.db.models import Max
    from markets import timeframes
    from markets.models import Candle, OutboxEvent
    from markets.store import outbox
    from signals import compiled, rules, tasks
    from signals.models import AnalysisSnapshot
    for rule in rules.active():
        if rule.kernel is not None:
            compiled.machine_code(rule.kernel)

    def spent_by_server():
        connection.ensure_connection()
        if connection.vendor != "postgresql":
            return 0.0
        spent = psutil.Process(connection.connection.info.backend_pid).cpu_times()
        return spent.user + spent.system

    found = []
    for number in range(int(sys.argv[1]) + 1):
        rows, arrivals = [], []
        for timeframe in ("5m", "1h", "4h"):
            step = timedelta(seconds=timeframes.SECONDS[timeframe])
            newest = Candle.objects.filter(timeframe=timeframe).aggregate(it=Max("open_time"))["it"]
            for one in Candle.objects.filter(timeframe=timeframe, open_time=newest):
                one.pk, one.open_time = None, newest + step
                rows.append(one)
                kind = f"candle:{timeframe}"
                arrivals.append(outbox.Arrival(one.instrument_id, kind, one.open_time, one.open_time, 1))
        Candle.objects.bulk_create(rows)
        outbox.write(arrivals, None)
        before = spent_by_server()
        wall, began = time.perf_counter(), time.process_time()
        written = tasks.catch_up()
        cpu, wall = time.process_time() - began, time.perf_counter() - wall
        theirs = max(spent_by_server() - before, 0.0)  # the broker of the queue may have begun another connection
        left = OutboxEvent.objects.filter(consumer="engine", processed=None).count()
        assert left == 0, left
        found.append({"cpu": cpu, "wall": wall, "server": theirs, "series": len(rows), "written": written})
    # The first one imports pandas and numba, which a process does once.
    print(json.dumps({"cycles": found[1:], "states": AnalysisSnapshot.objects.count()}))
"""


def measure(name: str, **more: str) -> tuple[float, float]:
    """Prints what it measures; answers the best cycle and the ratio of the first pass."""
    with installation(DJANGO_SETTINGS_MODULE="charon.settings", **more) as environment:
        run(["-c", dedent(PREPARE), str(BARS)], environment)
        first = json.loads(run(["-c", dedent(FIRST)], environment).output)
        asked = json.loads(run(["-c", dedent(CYCLE), str(CYCLES)], environment).output)
    best = min(asked["cycles"], key=lambda one: one["cpu"])
    worst = max(one["cpu"] for one in asked["cycles"])
    ratio = first["whole"] / first["alone"]
    print(
        f"signals on {name}: {first['rules']} rules, {best['series']} series of {BARS} bars, {asked['states']} states"
    )
    print(f"  first pass  {first['whole']:6.2f} s CPU, {first['written']} rows, {first['peak']:.0f} MB")
    print(f"  computing   {first['alone']:6.2f} s CPU; the pass is {ratio:.1f} x of it")
    print(
        f"  one cycle   {best['cpu'] * 1000:6.0f} ms CPU (worst of {CYCLES}: {worst * 1000:.0f}), "
        f"{best['wall'] * 1000:.0f} ms, server {best['server'] * 1000:.0f} ms"
    )
    return best["cpu"], ratio


def main() -> None:
    measure("SQLite")
    with postgres() as url:
        cycle, ratio = measure("PostgreSQL", DATABASE_URL=url)
    if ratio > TARGET_RATIO:
        print(f"  target missed: the first pass at most {TARGET_RATIO:.0f} x computing")
    if cycle > TARGET_CYCLE:
        sys.exit(f"  target missed: a cycle under {TARGET_CYCLE} s")


if __name__ == "__main__":
    main()
