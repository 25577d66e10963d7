"""The journal of jobs in the admin: named as on the pages, tried again, ended."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from markets import access
from markets.admin import JobAdmin
from markets.admin_confirm import ConfirmedActions
from markets.models import Job, Source
from miner import job_control
from miner.job_names import label

admin.site.unregister(Job)


@admin.register(Job)
class MinedJobAdmin(ConfirmedActions, JobAdmin):
    """Nobody writes into a job; who may run one, by the permission that the API asks, may have it run again or end."""

    actions = ("retry", "cancel")
    confirmed = {
        "retry": gettext_lazy("Zadanie trafi do kolejki jako nowe; to pozostanie w dzienniku."),
        "cancel": gettext_lazy(
            "Zadanie zostanie zakończone, a jego dalszy ciąg zdjęty z kolejki. Zapisane dane zostają; proces, który "
            "właśnie pracuje, przerwie przy następnym zapytaniu, najpóźniej po dwóch minutach."
        ),
    }
    row_buttons = {"retry": gettext_lazy("ponów"), "cancel": gettext_lazy("przerwij")}

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        found = super().get_changelist_instance(request)
        names = {source.code: source.name for source in Source.objects.all()}
        for row in found.result_list:
            row.title = label(row.job_type, names)
        return found

    @admin.display(description=gettext_lazy("zadanie"), ordering="job_type")
    def name(self, row: Any) -> str:
        return str(getattr(row, "title", row.job_type))

    def buttons_for(self, row: Job, names: Sequence[str]) -> Sequence[str]:
        if row.status == Job.Status.RUNNING:
            return [name for name in names if name == "cancel"]
        again = row.status == Job.Status.FAILED and job_control.task_of(row) is not None
        return [name for name in names if name == "retry" and again]

    def has_run_permission(self, request: HttpRequest) -> bool:
        return access.user_may(request.user, *access.RUN_BATCH)

    @admin.action(description=gettext_lazy("Ponów wybrane zadania"), permissions=["run"])
    def retry(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        """Each kind of work once, however many failed runs of it were chosen."""
        newest = {row.job_type: row for row in queryset.select_related("source").order_by("pk")}
        for row in newest.values():
            self.message_user(request, *self.tried_again(request, row))

    def tried_again(self, request: HttpRequest, row: Job) -> tuple[str, int]:
        if job_control.task_of(row) is None:
            said = _("Tego zadania nie da się ponowić samego; uzupełnij zakres dni przy źródle: %s")
            return said % row.job_type, messages.WARNING
        if not job_control.can_be_asked(row):
            return _(
                "Źródło jest wyłączone, wstrzymane albo wyczerpało limit zapytań: %s"
            ) % row.job_type, messages.WARNING
        if not job_control.retry(row):
            return _("Takie zadanie już czeka albo trwa, drugiego nie zlecono: %s") % row.job_type, messages.WARNING
        self.log_change(request, row, _("Zlecono ponownie"))
        return _("Zlecono ponownie: %s") % row.job_type, messages.SUCCESS

    @admin.action(description=gettext_lazy("Przerwij wybrane zadania"), permissions=["run"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        for row in queryset.filter(status=Job.Status.RUNNING):
            if job_control.cancel(row, request.user.get_username()):
                self.log_change(request, row, _("Przerwano"))
                self.message_user(request, _("Przerwano: %s") % row.job_type, messages.SUCCESS)
            else:
                self.message_user(request, _("To zadanie zdążyło się zakończyć: %s") % row.job_type, messages.WARNING)
