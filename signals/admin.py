"""Decisions and states to look at; the one thing to do is to have them computed again."""

from django.conf import settings
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_q.tasks import async_task

from markets.admin_base import LookOnly
from signals.models import AnalysisSnapshot, Signal


@admin.register(Signal)
class SignalAdmin(LookOnly):
    list_display = ("instrument", "as_of", "signal", "histogram", "rule", "version", "backtested", "generated_at")
    list_filter = ("signal", "backtested", "rule")
    list_select_related = ("instrument",)
    search_fields = ("=instrument__code",)
    empty_value_display = "–"


@admin.register(AnalysisSnapshot)
class AnalysisSnapshotAdmin(LookOnly):
    list_display = ("instrument", "window", "status", "rule", "generated_at")
    list_filter = ("window", "status", "rule")
    list_select_related = ("instrument",)
    search_fields = ("=instrument__code",)
    actions = ("recompute",)

    def has_recompute_permission(self, request: HttpRequest) -> bool:
        """Nobody changes a state by hand; whoever might, by Django's permissions, may have it computed again."""
        return bool(request.user.has_perm("signals.change_analysissnapshot"))

    @admin.action(description=gettext_lazy("Przelicz od nowa wybrane instrumenty"), permissions=["recompute"])
    def recompute(self, request: HttpRequest, queryset: QuerySet[AnalysisSnapshot]) -> None:
        codes = sorted(set(queryset.values_list("instrument__code", flat=True)))
        async_task("signals.tasks.recompute", codes, cluster=settings.BRAIN_QUEUE, group="brain")
        self.message_user(request, _("Zlecono przeliczenie: %(codes)s") % {"codes": ", ".join(codes)}, messages.SUCCESS)
