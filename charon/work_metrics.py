"""The work behind the pages as metrics: queues, outbox, jobs, gaps, signals and messages of all processes."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db.models import Count, Max, Min, Q, Sum
from prometheus_client.metrics_core import Metric

from charon import queue_state, status_metrics
from charon.metric_families import age, counter, gauge, single
from markets.models import Gap, Job, OutboxEvent
from markets.queries import jobs as job_queries
from miner.batch import queue as priority_queue
from signals import claims
from signals.alerts.models import Channel, Delivery
from signals.models import AnalysisSnapshot, Signal

DAY = timedelta(days=1)
# A job of a symbol that a person looked up; the names of all such jobs would be labels without an end.
LOOKUPS = "assets"


def read(now: datetime) -> Iterator[Metric]:
    """A dozen statements."""
    yield from status_metrics.queues(queue_state.queues(now), now)
    yield from waiting_symbols()
    yield from outbox(now)
    yield from jobs(now)
    yield gaps()
    yield from signals(now)
    yield from deliveries(now)
    yield from channels(now)


def waiting_symbols() -> Iterator[Metric]:
    """The priority queue; two statements."""
    stats = priority_queue.stats()
    sizes = [([name.lower()], float(size)) for name, size in stats.by_priority.items()]
    yield gauge("charon_symbols_waiting", "Symbols in the priority queue.", ["priority"], sizes)
    text = "Since when the first of them waits."
    yield single("charon_symbols_oldest_seconds", text, stats.oldest_age_seconds or 0)


def outbox(now: datetime) -> Iterator[Metric]:
    """News that no pass has worked off yet. Without the age of what an earlier release has written."""
    open_news = OutboxEvent.objects.filter(processed=None).order_by().values_list("consumer")
    given_up = Count("pk", filter=Q(tries__gte=claims.MAX_TRIES))
    rows = open_news.annotate(count=Count("pk"), given_up=given_up, first=Min("opened_at"))
    found = {consumer: figures for consumer, *figures in rows}
    known = [([name], found.get(name, [0, 0, None])) for name in sorted(OutboxEvent.Consumer.values)]
    labels = ["consumer"]
    counts = [(values, figures[0]) for values, figures in known]
    yield gauge("charon_outbox_events", "News that wait for their consumer.", labels, counts)
    counts = [(values, figures[1]) for values, figures in known]
    yield gauge("charon_outbox_given_up", "Of them those that failed too often.", labels, counts)
    ages = [(values, age(figures[2], now)) for values, figures in known]
    yield gauge("charon_outbox_oldest_seconds", "Since when the first of them waits.", labels, ages)


def jobs(now: datetime) -> Iterator[Metric]:
    """Gauges over a day and no counters: old jobs are pruned. The good polls of an hour are one row."""
    recent = Job.objects.filter(started_at__gt=now - DAY).order_by()
    rows = recent.values_list("job_type", "source__code", "status").annotate(
        runs=Count("pk") + Sum("repeats"), written=Sum("rows_written"), refused=Sum("refused")
    )
    runs, written, refused = Counter[tuple[str, ...]](), Counter[tuple[str, ...]](), Counter[tuple[str, ...]]()
    for job_type, source, status, *counts in rows:
        name, code = kind_of(job_type), source or ""
        runs[name, code, status] += counts[0]
        written[name, code] += counts[1]
        refused[name, code] += counts[2]
    labels = ["job_type", "source"]
    yield gauge("charon_jobs_day", "Runs that began in the last 24 hours.", [*labels, "status"], runs.items())
    yield gauge("charon_rows_written_day", "Rows that these runs have written.", labels, written.items())
    yield gauge("charon_rows_refused_day", "Records that these runs have refused.", labels, refused.items())
    ends = job_queries.ends().items()
    successes = [([name], age(one.success, now)) for name, one in ends if one.success and kind_of(name) == name]
    text = "Since when no run of that type has been answered."
    yield gauge("charon_job_last_success_age_seconds", text, ["job_type"], sorted(successes))


def kind_of(job_type: str) -> str:
    return LOOKUPS if job_type.startswith(f"{LOOKUPS}.") else job_type


def gaps() -> Metric:
    missing = Gap.objects.filter(accepted_at=None).order_by()
    rows = missing.values_list("source__code", "table", "reason").annotate(count=Count("pk"))
    samples = [([source, table, reason], float(count)) for source, table, reason, count in rows]
    return gauge("charon_gaps_open", "Spans that a source has not given.", ["source", "table", "reason"], samples)


def signals(now: datetime) -> Iterator[Metric]:
    """Two statements. Decisions are never deleted, so the number of the newest one counts them."""
    last = Signal.objects.aggregate(last=Max("pk"))["last"] or 0
    yield counter("charon_signals", "The number of the newest decision; some numbers are left out.", [], [([], last)])
    rows = AnalysisSnapshot.objects.order_by().values_list("rule", "status")
    found = list(rows.annotate(count=Count("pk"), newest=Max("generated_at")))
    counts = [([rule, status], float(count)) for rule, status, count, _newest in found]
    yield gauge("charon_signal_states", "States of series under a rule.", ["rule", "status"], counts)
    newest: dict[str, datetime] = {}
    for rule, _status, _count, moment in found:
        newest[rule] = max(moment, newest.get(rule, moment))
    ages = [([rule], age(moment, now)) for rule, moment in sorted(newest.items())]
    yield gauge("charon_signal_age_seconds", "Since a rule was last computed for any series.", ["rule"], ages)


def deliveries(now: datetime) -> Iterator[Metric]:
    """What is to be sent. One that is held back (quiet hours) is due when that ends."""
    waiting = Delivery.objects.filter(state__in=Delivery.OPEN).order_by().values_list("channel__kind")
    rows = list(waiting.annotate(count=Count("pk"), first=Min("due_at")))
    labels = ["channel_kind"]
    counts = [([kind], float(count)) for kind, count, _first in rows]
    yield gauge("charon_deliveries_open", "Messages that are not sent yet.", labels, counts)
    ages = [([kind], max(0.0, age(first, now))) for kind, _count, first in rows]
    yield gauge("charon_deliveries_overdue_seconds", "For how long the first of them has been due.", labels, ages)


def channels(now: datetime) -> Iterator[Metric]:
    rows = Channel.objects.filter(enabled=True).order_by().values_list("kind")
    broken = Count("pk", filter=Q(broken_since__isnull=False))
    found = list(rows.annotate(count=Count("pk"), broken=broken, failing=Min("failing_since")))
    labels = ["channel_kind"]
    counts = [([kind], float(count)) for kind, count, _broken, _since in found]
    yield gauge("charon_channels", "Channels that are on.", labels, counts)
    counts = [([kind], float(broken)) for kind, _count, broken, _since in found]
    yield gauge("charon_channels_broken", "Of them those that do not work.", labels, counts)
    ages = [([kind], age(since, now)) for kind, _count, _broken, since in found]
    yield gauge("charon_channel_failing_seconds", "Since when every try of one of them has failed.", labels, ages)
