"""Benchmark of the alerts: one pass over 10,000 rules of 200 instruments, each with a new price; CPU time.

Limit: 0.3 s of the process that evaluates, on SQLite and on PostgreSQL (whose own work is not counted), median of nine
passes. Beside it the first pass of a new process, which reads the windows anew, and one in which all rules fire that
look upwards.
"""

import json
import sys
from textwrap import dedent

from bench.measure import installation, postgres, run

LIMIT = 0.3

PREPARE = """
    import django
    django.setup()
    from datetime import timedelta
    from decimal import Decimal
    from markets import clock
    from markets.models import Instrument, Listing, Source
    from markets.records import Price
    from markets.store.prices import save_prices
    from signals.alerts.models import AlertDefaults, AlertNumber, AlertRule
    source = Source.objects.get(code="deribit")
    Source.objects.filter(pk=source.pk).update(polling_interval=30, public_api=True)
    AlertDefaults.objects.create(window_minutes=60, threshold_pct=5, enabled=False, changed_at=clock.now())
    made = Instrument.objects.bulk_create(
        [
            Instrument(code=f"C{n}USD", base=f"C{n}", quote="USD", kind="crypto", name_pl="x", name_en="x")
            for n in range(200)
        ]
    )
    Listing.objects.bulk_create([Listing(instrument=one, source=source, ticker=one.code) for one in made])
    numbers = AlertNumber.objects.bulk_create([AlertNumber() for _ in range(10_000)])
    rules = [
        AlertRule(
            id=number.pk, instrument=made[place % 200], window_minutes=(5, 15, 30, 60)[place // 200 % 4],
            threshold_pct=Decimal(5) + Decimal(place) / 1000, direction=("up", "down", "both")[place // 200 % 3],
            created_at=clock.now(),
        )
        for place, number in enumerate(numbers)
    ]
    AlertRule.objects.bulk_create(rules)
    now = clock.now()
    for step in range(120, 0, -1):
        moment = now - timedelta(seconds=30 * step)
        save_prices([Price(one.code, Decimal(100) + step % 3, moment) for one in made], source)
"""

MEASURE = """
    import django
    django.setup()
    import json, statistics, time
    from decimal import Decimal
    from markets import clock
    from markets.models import Listing, Source
    from markets.records import Price
    from markets.store.prices import save_prices
    from signals.alerts import tasks
    from signals.alerts.models import AlertState
    source = Source.objects.get(code="deribit")
    codes = list(Listing.objects.filter(source=source, ticker__startswith="C").values_list("ticker", flat=True))

    def one_pass(value):
        save_prices([Price(code, Decimal(value), clock.now()) for code in codes if code[1].isdigit()], source)
        started = time.process_time()
        events = tasks.evaluate_news()
        return time.process_time() - started, events

    first, _ = one_pass(100)
    warm = [one_pass(100 + number % 3)[0] for number in range(9)]
    fires, events = one_pass(200)
    states = AlertState.objects.count()
    print(json.dumps({"first": first, "warm": statistics.median(warm), "worst": max(warm), "fires": fires,
                      "events": events, "states": states}))
"""


def measured(name: str, environment: dict[str, str]) -> float:
    """In the first process those that look upwards fire once; the second works with the states that it has left."""
    run(["-c", dedent(PREPARE)], environment)
    before, found = (json.loads(run(["-c", dedent(MEASURE)], environment).output) for _ in range(2))
    print(
        f"  {name:11} {found['warm']:.3f} s a pass (worst {found['worst']:.3f}), {found['first']:.3f} s the first of a"
    )
    print(f"              process, {before['fires']:.3f} s with {before['events']} events; {found['states']} states")
    return float(found["warm"])


def main() -> None:
    print("alerts: 10,000 rules over 200 instruments, CPU time")
    with installation(DJANGO_SETTINGS_MODULE="charon.settings") as environment:
        slowest = measured("SQLite", environment)
    with (
        postgres() as url,
        installation(DJANGO_SETTINGS_MODULE="charon.settings", DATABASE_URL=url) as environment,
    ):
        slowest = max(slowest, measured("PostgreSQL", environment))
    if slowest > LIMIT:
        sys.exit(f"  target missed: a pass under {LIMIT} s of CPU")


if __name__ == "__main__":
    main()
