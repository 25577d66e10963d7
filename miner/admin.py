"""The timetable is written by code alone: one malformed row by hand would stop every schedule of the queue."""

# ruff: noqa: ARG002  the arguments are the admin's

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_q.admin import ScheduleAdmin
from django_q.models import Schedule

from markets.admin import SourceAdmin
from markets.models import Job, Source
from miner import sources, tasks

admin.site.unregister(Schedule)


@admin.register(Schedule)
class TimetableAdmin(ScheduleAdmin):  # type: ignore[misc]
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Schedule | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Schedule | None = None) -> bool:
        return False


admin.site.unregister(Source)


@admin.register(Source)
class MinedSourceAdmin(SourceAdmin):
    """The sources with what only the miner can do."""

    actions = [*SourceAdmin.actions, "mine_now"]

    @admin.action(description=gettext_lazy("Pobierz teraz z wybranych źródeł"), permissions=["change"])
    def mine_now(self, request: HttpRequest, queryset: QuerySet[Source]) -> None:
        awake = {source.code for source in sources.runnable()}
        for source in queryset:
            if source.code in awake:
                tasks.enqueue(source.code, trigger=Job.Trigger.OPERATOR)
                self.log_change(request, source, _("Zlecono pobranie"))
                self.message_user(request, _("Zlecono pobranie: %s") % source.code, messages.SUCCESS)
            else:
                self.message_user(request, _("Wyłączone lub wstrzymane: %s") % source.code, messages.WARNING)
