"""Benchmark of the preview of an alert rule: 105,120 five-minute candles, a year of them, through the whole request.

Limit: 0.2 s of CPU time a request, SQLite's work included and PostgreSQL's not, median of nine. Beside it the machine
itself over the same candles, which have been read already; both must find as many events.
Also what the first preview adds to the memory of a web worker, which loads numpy with it.
"""

import json
import sys
from textwrap import dedent

from bench.measure import installation, postgres, run

LIMIT = 0.2

PREPARE = """
    import django
    django.setup()
    from datetime import timedelta
    from decimal import Decimal
    from random import Random
    from markets import clock
    from markets.models import Candle, Instrument, Listing, Quote, Source
    from markets.timeframes import start_of
    from miner import sources
    sources.sync()
    source = Source.objects.get(code="binance")
    instrument = Listing.objects.filter(source=source).select_related("instrument").first().instrument
    chance, value, end, rows = Random(1), 60000.0, start_of(clock.now(), 300), []
    for place in range(105_120, 0, -1):
        value *= 1 + chance.gauss(0, 0.001)
        price = Decimal(f"{value:.2f}")
        rows.append(Candle(
            instrument=instrument, source=source, timeframe="5m", open_time=end - timedelta(minutes=5 * place),
            open=price, high=price, low=price, close=price, volume=1, closed=True, synthetic=False, partial=False,
        ))
    Candle.objects.bulk_create(rows, batch_size=5000)
    Quote.objects.create(instrument=instrument, source=source, observed_at=clock.now(), price=price, scale=2)
    print(instrument.code)
"""

MEASURE = """
    import django
    django.setup()
    import json, psutil, statistics, sys, time
    from django.test import Client
    client, memory = Client(headers={"Host": "127.0.0.1"}), psutil.Process()
    client.get("/api/v1/alerts")
    before = memory.memory_info().rss
    asked = {"asset": sys.argv[1], "window_minutes": 60, "threshold_pct": "0.8", "cooldown_minutes": 60}
    times, wall = [], []
    for _ in range(10):
        started, from_ = time.process_time(), time.perf_counter()
        told = client.post("/api/v1/alerts/preview", asked, content_type="application/json").json()
        times.append(time.process_time() - started)
        wall.append(time.perf_counter() - from_)
    added = memory.memory_info().rss - before
    from datetime import UTC, datetime, timedelta
    from decimal import Decimal
    from markets import clock
    from markets.models import Candle
    from signals.alerts.machine import Standing, Watch, advance
    from signals.alerts.windows import Window
    since = clock.now() - timedelta(days=365)
    rows = Candle.objects.filter(timeframe="5m", open_time__gte=since).order_by("open_time")
    rows = list(rows.values_list("open_time", "close"))
    started = time.process_time()
    watch = Watch("move", "both", Decimal("0.8"), cooldown=timedelta(hours=1))
    window, standing, events = Window(timedelta(hours=1)), Standing(), 0
    for moment, price in rows:
        standing, happened = advance(watch, standing, window.add(moment, price))
        events += happened.fires
    machine = time.process_time() - started
    print(json.dumps({"cpu": statistics.median(times[1:]), "wall": statistics.median(wall[1:]), "first": wall[0],
                      "machine": machine, "added_mb": added / 1e6, "times": told["times"], "events": events,
                      "observations": told["observations"], "weekly": told["weekly_threshold_pct"]}))
"""


def measured(name: str, environment: dict[str, str]) -> float:
    code = run(["-c", dedent(PREPARE)], environment).output.split()[-1]
    found = json.loads(run(["-c", dedent(MEASURE), code], environment).output.splitlines()[-1])
    print(
        f"  {name:11} {found['cpu']:.3f} s CPU a request ({found['wall']:.3f} in all, the first {found['first']:.3f}), "
        f"the machine alone {found['machine']:.3f} s"
    )
    print(
        f"              {found['observations']} candles, {found['times']} events (machine: {found['events']}), once a "
        f"week at {found['weekly']} %; {found['added_mb']:.0f} MB more"
    )
    if found["times"] != found["events"]:
        sys.exit("  the preview and the machine disagree")
    return float(found["cpu"])


def main() -> None:
    print("alert preview: 105,120 five-minute candles")
    with installation(DJANGO_SETTINGS_MODULE="charon.settings") as environment:
        slowest = measured("SQLite", environment)
    with (
        postgres() as url,
        installation(DJANGO_SETTINGS_MODULE="charon.settings", DATABASE_URL=url) as environment,
    ):
        slowest = max(slowest, measured("PostgreSQL", environment))
    if slowest > LIMIT:
        sys.exit(f"  target missed: a request under {LIMIT} s of CPU")


if __name__ == "__main__":
    main()
