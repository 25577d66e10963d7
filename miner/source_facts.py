"""What a list of sources says of each beside its state: the last error, the key, the budget and a running back-fill."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time

from django.db.models import Sum
from django.utils.translation import gettext as _

from markets import clock, formats
from markets.models import Job, Source
from miner import sources
from miner.fetch import call_window, cooldown
from miner.models import Spent
from miner.providers import PROVIDERS


@dataclass(frozen=True, slots=True)
class Budget:
    """Calls of the running window and of the Polish day so far; a `limit` of 0 is none."""

    code: str
    name: str
    used: int
    limit: int
    window_seconds: int
    today: int
    resting_until: datetime | None

    @property
    def light(self) -> str:
        if self.resting_until or (self.limit and self.used >= self.limit):
            return "warn"
        return "good" if self.limit else "muted"


def budgets(rows: Iterable[Source], now: datetime) -> list[Budget]:
    """Of these sources, in their order. Two queries."""
    spent = {row.source_id: row for row in Spent.objects.all()}
    today = requests_since(datetime.combine(now.astimezone(clock.WARSAW).date(), time(), clock.WARSAW))
    return [budget(row, spent.get(row.pk) or Spent(source=row), today.get(row.pk, 0), now) for row in rows]


def in_words(found: Budget) -> str:
    """`3 z 10 w oknie 60 s`, or that there is no limit, or until when it rests."""
    if found.resting_until:
        return _("wstrzymane do %s") % formats.moment(found.resting_until)
    if not found.limit:
        return _("bez limitu")
    seconds = found.window_seconds
    window = f"{seconds // 60}{formats.NBSP}min" if seconds % 60 == 0 else f"{seconds}{formats.NBSP}s"
    said = {"used": formats.whole(found.used), "limit": formats.whole(found.limit), "window": window}
    return _("okno %(window)s: %(used)s z %(limit)s") % said


def budget(source: Source, row: Spent, today: int, now: datetime) -> Budget:
    known = source.code in PROVIDERS
    allowance = call_window.Allowance(0, 60) if not known else sources.allowance_of(source)
    allowance = call_window.effective(allowance, row)
    used = int(sum(calls for _at, calls in call_window.recent(row, allowance, now)))
    until = cooldown.end_of_pause(row)
    return Budget(source.code, source.name, used, allowance.calls, allowance.seconds, today, until)


def requests_since(moment: datetime) -> dict[int, int]:
    """By source: requests of the jobs that began since then."""
    rows = Job.objects.filter(started_at__gte=moment, source__isnull=False).order_by().values_list("source")
    return dict(rows.annotate(total=Sum("requests")))


def fills() -> dict[int, Job]:
    """By source: the back-fill that runs now."""
    running = Job.objects.filter(status=Job.Status.RUNNING, windows__gt=1, source__isnull=False).order_by("pk")
    return {row.source_id: row for row in running if row.source_id}
