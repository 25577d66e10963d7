"""The processes that are killed: one evaluates what has arrived, one sends what is due, each until its end."""

import signal
import time
import traceback
from collections.abc import Callable
from itertools import count

import django

from tests.servers import die_with_parent

django.setup()

from markets import clock  # noqa: E402
from signals.alerts import news, tasks  # noqa: E402
from signals.alerts.channels import channel  # noqa: E402
from signals.alerts.deliver import claims, sender, turn  # noqa: E402
from signals.alerts.deliver import tasks as sending  # noqa: E402
from tests.storm.settings import ANSWER_SECONDS, DELIVERY_LEASE, EVALUATION_LEASE, TURN_LEASE  # noqa: E402

# Between two looks that found nothing; every so many passes are those of the watchdog.
PAUSE, WHOLE = 0.02, 25


def evaluate() -> None:
    prepared()
    passes = count()
    work(news.is_open, lambda: tasks.evaluate_news() if next(passes) % WHOLE else tasks.watch())


def send() -> None:
    prepared()
    work(lambda: claims.due(clock.now()).exists(), sending.send_due)


def work(is_wanted: Callable[[], bool], task: Callable[[], int]) -> None:
    """As a queue does it: a task that fails is told, and the next one runs."""
    while True:
        try:
            if is_wanted():
                task()
            else:
                time.sleep(PAUSE)
        except Exception:
            traceback.print_exc()


def prepared() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    die_with_parent()
    news.LEASE, claims.LEASE, turn.LEASE = EVALUATION_LEASE, DELIVERY_LEASE, TURN_LEASE
    channel.SECONDS, sender.HANGS = ANSWER_SECONDS, ANSWER_SECONDS + 1
