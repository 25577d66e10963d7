"""Benchmark of the dashboard: processor time of the server beside the same page written with N+1 queries.

`wszystkie` shows what the obvious page shows: tiles with 30 days, the table of all currencies with change, range of 52
weeks and signal, retired codes, the newest crossings; and besides the line of truth, alerts and the tile of bitcoin,
whose part is measured alone too. Target: at most 0.2 of the obvious page's time, same run.
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
    from django.http import HttpResponse
    from charon.pages.crypto import tile
    from charon.pages.dashboard import currencies_page, dashboard_page

    def coin(request):
        return HttpResponse(str(tile()))

    asked = RequestFactory().get
    views = {
        "A": (dashboard_page, asked("/")),
        "wszystkie": (dashboard_page, asked("/?tabela=wszystkie")),
        "waluty": (currencies_page, asked("/waluty/")),
        "bitcoin": (coin, asked("/")),
        "obvious": (obvious, asked("/")),
    }
    views = {name: (HtmxMiddleware(view), request) for name, (view, request) in views.items()}
    measured = {}
    for name, (view, request) in views.items():
        with CaptureQueriesContext(connection) as queries:
            body = view(request).content.decode()
        measured[name] = {"queries": len(queries), "bytes": len(body), "times": []}
    for _ in range(9):
        for name, (view, request) in views.items():
            started = time.process_time()
            view(request)
            measured[name]["times"].append(time.process_time() - started)
    print(json.dumps(measured))
"""


def main() -> None:
    with installation(DJANGO_SETTINGS_MODULE="charon.settings") as environment:
        run(["manage.py", "mine", "nbp_archive", "--json"], environment)
        run(["-c", "import django; django.setup(); from signals.tasks import catch_up; catch_up()"], environment)
        measured = json.loads(run(["-c", dedent(SCRIPT)], environment).output)
    medians = {name: sorted(view["times"])[len(view["times"]) // 2] for name, view in measured.items()}
    ratio = medians["wszystkie"] / medians["obvious"]
    print("dashboard, processor time of the server (median of 9)")
    for name, view in measured.items():
        print(f"  {name:9} {medians[name] * 1000:7.1f} ms  {view['queries']:4} queries, {view['bytes'] // 1000} kB")
    print(f"  ratio     {ratio:7.2f}")
    if ratio > 0.2:
        sys.exit("  target missed: at most 0.2")


if __name__ == "__main__":
    main()
