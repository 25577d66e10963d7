"""The alerts' tasks: one that looks at what has arrived, and once a minute one that looks at everything."""

import logging
import time
from collections.abc import Mapping

from django.db import transaction

from markets.models import Instrument
from signals.alerts import automatic, evaluate, news, standings, watchdog
from signals.alerts.models import AlertEvent
from signals.alerts.news import News
from signals.alerts.standings import Findings
from signals.tasks import enqueue

logger = logging.getLogger(__name__)

EVALUATE, WATCH = "signals.alerts.tasks.evaluate_news", "signals.alerts.tasks.watch"


def enqueue_evaluation() -> bool:
    """In the caller's transaction, unless one waits already. Its results are rows of their own and are not kept."""
    return enqueue(EVALUATE, group="alerts", save=False)


def evaluate_news() -> int:
    """What has arrived since the last pass; answers how many events there are of it."""
    return len(work_off(news.claim(), whole=False))


def watch() -> int:
    """The same, and what does not arrive: silence, decisions, and what is wrong with the installation."""
    return len(work_off(news.claim(), whole=True))


def work_off(claimed: Mapping[int, News], *, whole: bool) -> list[AlertEvent]:
    """All instruments in one transaction, or, where that fails, each in one of its own, so that one stops no other."""
    try:
        return one_pass(claimed, whole=whole)
    except Exception:
        if not claimed:
            raise
        logger.exception("A pass over the alerts failed; each instrument is now looked at by itself")
    codes = dict(Instrument.objects.filter(pk__in=claimed).values_list("pk", "code"))
    events = []
    for instrument, one in claimed.items():
        try:
            events += one_pass({instrument: one}, whole=False)
        except Exception as error:
            logger.exception("The alerts of %s failed", codes[instrument])
            news.failed(codes[instrument], one, error)
    return events + (one_pass({}, whole=True) if whole else [])


def one_pass(claimed: Mapping[int, News], *, whole: bool) -> list[AlertEvent]:
    """States, events and the rows of the outbox in one transaction: killed anywhere, all of it comes again."""
    started = time.perf_counter()
    with transaction.atomic():
        row = standings.lock()
        automatic.keep()
        found = Findings()
        evaluate.run({instrument: one.since for instrument, one in claimed.items()}, found)
        news.done([pk for one in claimed.values() for pk in one.rows])
        news.overtaken(claimed)
        if whole:
            watchdog.run(found)
        events = standings.write(found)
        standings.record(row, events, time.perf_counter() - started, whole=whole)
    return events
