"""The front page of the admin: what is wrong and how to mend it, each source's light, budgets, queues, disk, backup.

The judgements are those of `/status`: `miner.source_states` and the register of problems.
"""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Count, Min
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from charon import detection, queue_state
from charon.backoffice import remedies
from charon.upkeep import backup_file
from markets import clock, formats
from markets.models import Job, OutboxEvent, Source
from markets.queries.source_state import SourceState
from markets.queries.source_words import words
from markets.redis import client as redis_client
from markets.views import Row
from miner import source_facts, source_states
from miner.batch import queue as batch_queue
from miner.models import QueueItem


def context(request: HttpRequest) -> Row:
    """What the account may see of it; some twelve statements for an account that may see all."""
    now, may = clock.now(), request.user.has_perm
    states = source_states.states(now) if may("markets.view_source") or may("markets.view_problem") else []
    office: Row = {"states": [], "budgets": [], "parts": [], "problems": None}
    if may("markets.view_problem"):
        office["problems"] = remedies.rows({one.source.code: one.source for one in states}, now, may)
    if may("markets.view_source"):
        office["states"] = [source_row(one, now) for one in states]
        office["budgets"] = budget_rows([one.source for one in states], now)
    if may("markets.view_job"):
        office["parts"] = [*queue_rows(now), *other_rows(now), redis_row(), disk_row(), backup_row(now)]
    return office


def source_row(state: SourceState, now: datetime) -> Row:
    source = state.source
    return {
        "name": _(source.name),
        "code": source.code,
        "light": state.light,
        "state": words(state),
        "success": told(state.last_success, now),
        "href": reverse("admin:markets_source_change", args=[source.pk]),
        "jobs": f"{reverse('admin:markets_job_changelist')}?source__id__exact={source.pk}",
    }


def told(moment: datetime | None, now: datetime) -> str:
    return f"{formats.moment(moment)} ({formats.relative(moment, now)})" if moment else formats.DASH


def budget_rows(rows: Iterable[Source], now: datetime) -> list[Row]:
    """Only of sources that have a limit or were asked today."""
    found = [one for one in source_facts.budgets(rows, now) if one.limit or one.today]
    return [
        {
            "name": _(one.name),
            "light": one.light,
            "window": source_facts.in_words(one),
            "today": formats.whole(one.today),
        }
        for one in found
    ]


def part(name: str, light: str, state: str, more: str = "", href: str = "") -> Row:
    return {"name": name, "light": light, "state": state, "more": more, "href": href}


def queue_rows(now: datetime) -> list[Row]:
    """How many tasks wait or run, since when the oldest waits, and whether anybody takes them."""
    href = reverse("admin:django_q_ormq_changelist")
    return [
        part(one.name, one.light, one.words, waits(one.waiting, one.oldest, now), href)
        for one in queue_state.queues(now)
    ]


def waits(count: int, oldest: datetime | None, now: datetime) -> str:
    if not count:
        return _("nic nie czeka")
    said = formats.plural(count, _("zadanie,zadania,zadań"))
    return said if oldest is None else _("%(count)s, najstarsze %(age)s") % {"count": said, "age": age(oldest, now)}


def age(moment: datetime, now: datetime) -> str:
    return formats.duration(max(0.0, (now - moment).total_seconds()))


def other_rows(now: datetime) -> list[Row]:
    """The priority queue, what waits to be computed, and the jobs that run."""
    items = QueueItem.objects.aggregate(size=Count("pk"), oldest=Min("enqueued_at"))
    oldest = _("najstarsza czeka %s") % age(items["oldest"], now) if items["oldest"] else ""
    size = formats.plural(items["size"], _("pozycja,pozycje,pozycji"))
    open_events = OutboxEvent.objects.filter(processed=None).count()
    running = Job.objects.filter(status=Job.Status.RUNNING).count()
    jobs = f"{reverse('admin:markets_job_changelist')}?status__exact=running"
    full = items["size"] >= batch_queue.MAX_SIZE
    return [
        part(
            _("Kolejka priorytetów"),
            "warn" if full else "good",
            size,
            oldest,
            reverse("admin:miner_queueitem_changelist"),
        ),
        part(
            _("Kolejka przeliczeń"),
            "good",
            formats.plural(open_events, _("pozycja,pozycje,pozycji")),
            href=reverse("admin:markets_outboxevent_changelist"),
        ),
        part(
            _("Zadania w toku"),
            "busy" if running else "good",
            formats.plural(running, _("zadanie,zadania,zadań")),
            href=jobs,
        ),
    ]


def redis_row() -> Row:
    state = redis_client.state()
    lights = {"ok": ("good", _("połączony")), "off": ("muted", _("wyłączony"))}
    return part("Redis", *lights.get(state, ("warn", _("nieosiągalny"))), _("wszystko działa bez niego"))


def disk_row() -> Row:
    free = detection.free_bytes()
    if free is None:
        return part(_("Wolne miejsce"), "muted", _("nie da się sprawdzić"))
    light = "bad" if free < detection.LOW_DISK else "good"
    return part(_("Wolne miejsce"), light, f"{formats.whole(free // 1024**2)}{formats.NBSP}MB", _("na dysku z danymi"))


def backup_row(now: datetime) -> Row:
    """The newest that `manage.py backup` made here; what somebody else makes is not seen from here."""
    newest = backup_file.newest()
    if newest is None:
        return part(_("Kopia zapasowa"), "muted", _("o żadnej nie wiadomo"), _("robi ją polecenie make backup"))
    light = "warn" if now - newest > detection.OLD_BACKUP else "good"
    return part(_("Kopia zapasowa"), light, told(newest, now))
