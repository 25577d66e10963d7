"""Benchmark of the signal engine: the whole archive, one new day, and MACD alone beside TA-Lib.

It runs on SQLite. Targets: the first run, reading and writing included, under 20 s; one new day for all instruments
under 1 s; MACD at most 3 times TA-Lib over the same arrays in the same run.
"""

import json
import sys
from textwrap import dedent

from bench.measure import installation, run

FIRST = """
    import django, json, time
    django.setup()
    from signals.tasks import catch_up
    started = time.perf_counter()
    rows = catch_up()
    print(json.dumps({"rows": rows, "seconds": time.perf_counter() - started}))
"""

NEW_DAY = """
    import django, json, time
    django.setup()
    from datetime import timedelta
    from django.db.models import Max
    from markets.jobs import runs
    from markets.models import Rate, Source
    from markets.records import RateRecord, Table
    from markets.store.publish import publish
    from signals import engine
    from signals.tasks import catch_up
    nbp = Source.objects.get(code="nbp")
    newest = Rate.objects.filter(table="A").aggregate(day=Max("effective_date"))["day"]
    last = Rate.objects.filter(table="A", effective_date=newest).select_related("instrument")
    rates = [RateRecord(rate.instrument.code, mid=rate.published("mid")) for rate in last]
    with runs.job("nbp.A", nbp) as job:
        publish([Table("A", newest + timedelta(days=1), rates, "x", None, "https://x/", "0" * 64)], nbp, job)
    started = time.perf_counter()
    rows = catch_up()
    print(json.dumps({"rows": rows, "seconds": time.perf_counter() - started}))
"""

ARITHMETIC = """
    import django, json, time
    django.setup()
    import talib
    from markets.models import Instrument
    from signals import compiled, series
    from signals.rules.macd_cross import MacdCross
    rule = MacdCross(12, 26, 9)
    loaded = [series.load(one) for one in Instrument.objects.all()]
    arrays = [(one.rows, one.closes.copy()) for one in loaded if len(one) > 40]
    ways = {
        "ours": lambda bars, closes: compiled.evaluate(rule.kernel, bars, [0], rule.parameters, rule.initial, 6),
        "talib": lambda bars, closes: talib.MACD(closes, 12, 26, 9),
    }
    best = dict.fromkeys(ways, 1e9)
    for _ in range(15):
        for name, way in ways.items():
            started = time.perf_counter()
            for both in arrays:
                way(*both)
            best[name] = min(best[name], time.perf_counter() - started)
    print(json.dumps({"series": len(arrays), "bars": sum(closes.size for _, closes in arrays), **best}))
"""


def main() -> None:
    with installation(DJANGO_SETTINGS_MODULE="charon.settings") as environment:
        run(["manage.py", "mine", "nbp_archive", "--json"], environment)

        def ask(script: str) -> dict[str, float]:
            answer: dict[str, float] = json.loads(run(["-c", dedent(script)], environment).output)
            return answer

        first, day, arithmetic = ask(FIRST), ask(NEW_DAY), ask(ARITHMETIC)
    ratio = arithmetic["ours"] / arithmetic["talib"]
    print(f"engine: {arithmetic['series']} series, {arithmetic['bars']} bars")
    print(f"  first run    {first['seconds']:6.2f} s, {first['rows']} rows")
    print(f"  one new day  {day['seconds']:6.2f} s, {day['rows']} rows")
    print(f"  MACD alone   {arithmetic['ours'] * 1000:6.2f} ms, {ratio:.2f} x TA-Lib")
    if first["seconds"] > 20 or day["seconds"] > 1 or ratio > 3:
        sys.exit("  target missed: first run under 20 s, one day under 1 s, MACD at most 3 x TA-Lib")


if __name__ == "__main__":
    main()
