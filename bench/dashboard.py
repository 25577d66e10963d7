"""Benchmark of the dashboard: server time beside the same page written with N+1 queries.

Apart from the line about freshness both show the same: tiles with 30 days, the table of all currencies with change,
52-week range and signal, retired codes, the newest crossings. Target: at most 0.4 of the obvious page's time, same run.
"""

import json
import sys
from textwrap import dedent

from bench.measure import installation, run

SCRIPT = """
    import json, statistics, time
    import django
    django.setup()
    from django.db import connection
    from django.test import RequestFactory
    from django.test.utils import CaptureQueriesContext
    from django_htmx.middleware import HtmxMiddleware
    from bench._obvious import obvious
    from charon.pages.dashboard import dashboard_page

    request = RequestFactory().get("/")
    views = {"ours": HtmxMiddleware(dashboard_page), "obvious": HtmxMiddleware(obvious)}
    measured = {}
    for name, view in views.items():
        with CaptureQueriesContext(connection) as queries:
            body = view(request).content.decode()
        measured[name] = {"queries": len(queries), "bytes": len(body), "rows": body.count("<tr>"), "times": []}
    for _ in range(9):
        for name, view in views.items():
            started = time.perf_counter()
            view(request)
            measured[name]["times"].append(time.perf_counter() - started)
    print(json.dumps(measured))
"""


def main() -> None:
    with installation(DJANGO_SETTINGS_MODULE="charon.settings") as environment:
        run(["manage.py", "mine", "nbp_archive", "--json"], environment)
        run(["-c", "import django; django.setup(); from signals.tasks import catch_up; catch_up()"], environment)
        measured = json.loads(run(["-c", dedent(SCRIPT)], environment).output)
    medians = {name: sorted(view["times"])[len(view["times"]) // 2] for name, view in measured.items()}
    ratio = medians["ours"] / medians["obvious"]
    print("dashboard, server time (median of 9)")
    for name, view in measured.items():
        print(f"  {name:8} {medians[name] * 1000:7.1f} ms  {view['queries']:4} queries, {view['bytes'] // 1000} kB")
    print(f"  ratio    {ratio:7.2f}")
    if ratio > 0.4:
        sys.exit("  target missed: at most 0.4")


if __name__ == "__main__":
    main()
