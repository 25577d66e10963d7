"""The tables of the task queue in the admin, with our words: django-q2 names its columns in English.

The timetable is written by code alone: one malformed row by hand would stop every schedule of the queue.
"""

# ruff: noqa: ARG002  the arguments are the admin's

from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_q.models import Failure, OrmQ, Schedule, Success
from django_q.tasks import async_task

from markets import access, clock, formats
from markets.admin_base import LookOnly, badge, first_line
from markets.admin_confirm import ConfirmedActions
from miner.views import interval

for model in (Schedule, Success, Failure, OrmQ):
    admin.site.unregister(model)


class QueueFilter(admin.SimpleListFilter):
    """The queues by heart: asking thousands of results for their distinct ones takes longer than the list."""

    title = gettext_lazy("kolejka")
    parameter_name = "queue"
    field = "cluster"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name) for name in sorted({settings.MINER_QUEUE, settings.BRAIN_QUEUE})]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(**{self.field: self.value()}) if self.value() else queryset


class WaitingFilter(QueueFilter):
    field = "key"


@admin.register(Schedule)
class TimetableAdmin(LookOnly):
    plural_title, one_title = gettext_lazy("Harmonogram"), gettext_lazy("Pozycja harmonogramu")
    list_display = ("what", "task", "every", "next_at", "queue")
    search_fields = ("name", "func")
    fields = readonly_fields = ("what", "task", "every", "cron", "next_at", "queue", "args", "kwargs")
    ordering = ("next_run",)

    @admin.display(description=gettext_lazy("nazwa"), ordering="name")
    def what(self, row: Schedule) -> str:
        return row.name or formats.DASH

    @admin.display(description=gettext_lazy("funkcja"), ordering="func")
    def task(self, row: Schedule) -> str:
        return str(row.func)

    @admin.display(description=gettext_lazy("jak często"))
    def every(self, row: Schedule) -> str:
        if row.schedule_type == Schedule.CRON:
            return str(_("o stałych porach (%s)") % row.cron)
        return interval(row.minutes * 60 if row.minutes else None)

    @admin.display(description=gettext_lazy("następnym razem"), ordering="next_run")
    def next_at(self, row: Schedule) -> str:
        return formats.moment(row.next_run) if row.next_run else formats.DASH

    @admin.display(description=gettext_lazy("kolejka"), ordering="cluster")
    def queue(self, row: Schedule) -> str:
        return row.cluster or formats.DASH


class ResultAdmin(ConfirmedActions, LookOnly):
    """Of tasks that have ended."""

    list_display: tuple[str, ...] = ("what", "task", "queue", "began", "took")
    list_filter = (QueueFilter, ("stopped", admin.DateFieldListFilter))
    search_fields = ("func", "group")
    fields = readonly_fields = ("what", "task", "queue", "began", "took", "tries", "answer")
    actions = ("again",)
    confirmed = {"again": gettext_lazy("Zadania trafią do kolejki jeszcze raz, z tymi samymi argumentami.")}

    @admin.display(description=gettext_lazy("czego dotyczy"), ordering="group")
    def what(self, row: Any) -> str:
        return str(row.group or formats.DASH)

    @admin.display(description=gettext_lazy("funkcja"), ordering="func")
    def task(self, row: Any) -> str:
        return str(row.func)

    @admin.display(description=gettext_lazy("kolejka"), ordering="cluster")
    def queue(self, row: Any) -> str:
        return str(row.cluster or formats.DASH)

    @admin.display(description=gettext_lazy("początek"), ordering="started")
    def began(self, row: Any) -> str:
        return formats.moment(row.started)

    @admin.display(description=gettext_lazy("czas trwania"))
    def took(self, row: Any) -> str:
        return formats.duration(max(0.0, (row.stopped - row.started).total_seconds()))

    @admin.display(description=gettext_lazy("próby"))
    def tries(self, row: Any) -> int:
        return int(row.attempt_count)

    @admin.display(description=gettext_lazy("wynik"))
    def answer(self, row: Any) -> str:
        return str(row.result or formats.DASH)

    def has_run_permission(self, request: HttpRequest) -> bool:
        return access.user_may(request.user, *access.RUN_BATCH)

    @admin.action(description=gettext_lazy("Zleć wybrane jeszcze raz"), permissions=["run"])
    def again(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        for row in queryset:
            async_task(row.func, *row.args or (), group=row.group, cluster=row.cluster, **row.kwargs or {})
            self.log_change(request, row, _("Zlecono ponownie"))
        self.message_user(request, _("Zlecono ponownie: %s") % len(queryset), messages.SUCCESS)


@admin.register(Failure)
class FailureAdmin(ResultAdmin):
    plural_title, one_title = gettext_lazy("Nieudane zadania kolejki"), gettext_lazy("Nieudane zadanie kolejki")
    list_display = ("what", "task", "error", "queue", "began", "took")
    row_buttons = {"again": gettext_lazy("zleć jeszcze raz")}

    @admin.display(description=gettext_lazy("błąd"))
    def error(self, row: Any) -> str:
        return first_line(str(row.result or "")) or formats.DASH


@admin.register(Success)
class SuccessAdmin(ResultAdmin):
    plural_title, one_title = gettext_lazy("Udane zadania kolejki"), gettext_lazy("Udane zadanie kolejki")


@admin.register(OrmQ)
class WaitingAdmin(LookOnly):
    """What waits or runs: a row is locked while a worker has it."""

    plural_title, one_title = gettext_lazy("Zadania w kolejce"), gettext_lazy("Zadanie w kolejce")
    list_display = ("what", "task", "state", "since", "tries", "key")
    list_filter = (WaitingFilter,)
    fields = readonly_fields = ("what", "task", "state", "since", "tries", "key")
    ordering = ("lock",)

    @admin.display(description=gettext_lazy("czego dotyczy"))
    def what(self, row: OrmQ) -> str:
        return str(row.task.get("group") or formats.DASH)

    @admin.display(description=gettext_lazy("funkcja"))
    def task(self, row: OrmQ) -> str:
        return str(row.task.get("func") or _("nie da się odczytać"))

    @admin.display(description=gettext_lazy("stan"))
    def state(self, row: OrmQ) -> SafeString:
        return badge("busy", _("w toku")) if row.lock > clock.now() else badge("muted", _("czeka"))

    @admin.display(description=gettext_lazy("od"), ordering="lock")
    def since(self, row: OrmQ) -> str:
        return formats.moment(row.lock) if row.lock <= clock.now() else formats.DASH

    @admin.display(description=gettext_lazy("podjęto razy"))
    def tries(self, row: OrmQ) -> int:
        """The broker counts deliveries in the microseconds of the lock."""
        return int(row.lock.microsecond)
