"""Benchmark of the triggers that tell kept answers of a write (charon.kept.watched), on PostgreSQL.

The same writes with and without the trigger of their table, in turns: one row, 33 rows, 100,000 by COPY, a thousand
statements of one transaction, and one row as Django writes it. Processor time of a statement, the server's and this
process's; commits do not wait for the disk. And what a second writer of a scope waits for a first one that is open: it
fails after 2 s. Limit: one row as Django writes it takes at most 1.1 times the processor time, of both together.
"""

import json
import statistics
import sys
from textwrap import dedent

from bench.measure import installation, postgres, run

ROUNDS = 7
# Of one row as Django writes it, its own processor time and the server's.
TARGET = 1.1

MEASURE = """
    import django, json, sys, time
    django.setup()
    from datetime import UTC, datetime, timedelta
    from itertools import product
    import psutil
    from django.db import connection, connections, transaction
    from django.db.models import F
    from markets import clock
    from markets.models import Candle, Instrument, Job, Source
    connection.ensure_connection()
    raw = connection.connection
    raw.execute("SET synchronous_commit = off")
    server = psutil.Process(raw.info.backend_pid)
    job, source = Job.objects.create(job_type="bench", status="success", started_at=clock.now()), Source.objects.first()
    instruments = list(Instrument.objects.values_list("pk", flat=True)[:33])
    start = datetime(2000, 1, 1, tzinfo=UTC)
    names = "instrument_id, source_id, timeframe, open_time, open, high, low, close, volume, trades, closed, synthetic"
    body = "".join(
        f"{instruments[0]}\\t{source.pk}\\t5m\\t{start + n * timedelta(minutes=5)}\\t1\\t1\\t1\\t1\\t1\\t1\\tt\\tf\\n"
        for n in range(100_000)
    )
    quotes = '''INSERT INTO markets_quote (instrument_id, source_id, "table", observed_at, price, scale, end_of_day)
        SELECT unnest(%s::bigint[]), %s, '', now(), 4.5, 4, false
        ON CONFLICT (instrument_id, source_id) DO UPDATE SET observed_at = excluded.observed_at'''

    def row():
        raw.execute("UPDATE markets_job SET requests = requests + 1 WHERE id = %s", [job.pk])

    def by_django():
        Job.objects.filter(pk=job.pk).update(requests=F("requests") + 1)

    def day():
        raw.execute(quotes, [instruments, source.pk])

    def copied():
        with raw.transaction(force_rollback=True), raw.cursor().copy(f"COPY markets_candle ({names}) FROM STDIN") as it:
            it.write(body)

    def together():
        with raw.transaction():
            for _ in range(1_000):
                row()

    def seconds(work, times):
        before, own, began = server.cpu_times(), time.process_time(), time.perf_counter()
        for _ in range(times):
            work()
        after = server.cpu_times()
        theirs = after.user + after.system - before.user - before.system
        return [one / times for one in (theirs, time.process_time() - own, time.perf_counter() - began)]

    ways = {
        "one row": (row, 3_000, "markets_job"), "one row by Django": (by_django, 1_500, "markets_job"),
        "33 rows": (day, 1_000, "markets_quote"), "100,000 rows": (copied, 1, "markets_candle"),
        "1,000 rows, one transaction": (together, 3, "markets_job"),
    }
    found = {name: {"with": [], "without": []} for name in ways}
    for number, (name, (work, times, table)) in product(range(int(sys.argv[1])), ways.items()):
        for state in ("ENABLE", "DISABLE") if number % 2 else ("DISABLE", "ENABLE"):
            raw.execute(f"ALTER TABLE {table} {state} TRIGGER kept_{table}")
            raw.execute(f"VACUUM {table}")
            work()
            found[name]["with" if state == "ENABLE" else "without"].append(seconds(work, times))
        raw.execute(f"ALTER TABLE {table} ENABLE TRIGGER kept_{table}")

    second = Job.objects.create(job_type="second", status="success", started_at=clock.now())
    other = connections.create_connection("default")
    with other.cursor() as cursor, transaction.atomic():
        cursor.execute("SET lock_timeout = '2s'")
        row()
        began = time.perf_counter()
        cursor.execute("UPDATE markets_job SET requests = 1 WHERE id = %s", [second.pk])
        waited = time.perf_counter() - began
    other.close()
    print(json.dumps({"found": found, "waited": waited}))
"""


def main() -> None:
    with postgres() as url, installation(DJANGO_SETTINGS_MODULE="charon.settings", DATABASE_URL=url) as environment:
        answer = json.loads(run(["-c", dedent(MEASURE), str(ROUNDS)], environment).output)
    ratios = {}
    for name, ways in answer["found"].items():
        (bare, own_bare, _), (theirs, own, _) = (
            [statistics.median(column) * 1e6 for column in zip(*ways[way], strict=True)] for way in ("without", "with")
        )
        ratios[name] = (theirs + own) / (bare + own_bare)
        server = f"server {bare:.1f} us, with the trigger {theirs:.1f}"
        print(f"  {name:28} {server}; own {own_bare:.1f} us; {ratios[name]:.2f} x in all")
    print(f"  a second writer waited {answer['waited'] * 1000:.1f} ms for an open one")
    if ratios["one row by Django"] > TARGET:
        sys.exit(f"  target missed: at most {TARGET} x")


if __name__ == "__main__":
    main()
