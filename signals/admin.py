"""Decisions and states to look at; the one thing to do is to have them computed again."""

from django.conf import settings
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_q.tasks import async_task

from markets.admin_base import LookOnly
from markets.admin_confirm import ConfirmedActions
from signals.models import AnalysisSnapshot, Outcome, Signal, Trial


@admin.register(Signal)
class SignalAdmin(LookOnly):
    list_display = ("instrument", "as_of", "signal", "histogram", "rule", "version", "backtested", "generated_at")
    list_filter = ("signal", "backtested", "rule")
    list_select_related = ("instrument",)
    search_fields = ("=instrument__code",)


@admin.register(AnalysisSnapshot)
class AnalysisSnapshotAdmin(ConfirmedActions, LookOnly):
    list_display = ("instrument", "timeframe", "window", "status", "rule", "error", "generated_at")
    list_filter = ("window", "status", "rule")
    list_select_related = ("instrument",)
    search_fields = ("=instrument__code",)
    actions = ("recompute",)
    confirmed = {
        "recompute": gettext_lazy("Wskaźniki i sygnały tych instrumentów zostaną policzone od początku historii.")
    }

    def has_recompute_permission(self, request: HttpRequest) -> bool:
        """Nobody changes a state by hand; whoever might, by Django's permissions, may have it computed again."""
        return bool(request.user.has_perm("signals.change_analysissnapshot"))

    @admin.action(description=gettext_lazy("Przelicz od nowa wybrane instrumenty"), permissions=["recompute"])
    def recompute(self, request: HttpRequest, queryset: QuerySet[AnalysisSnapshot]) -> None:
        codes = sorted(set(queryset.values_list("instrument__code", flat=True)))
        async_task("signals.tasks.recompute", codes, cluster=settings.BRAIN_QUEUE, group="brain")
        self.message_user(request, _("Zlecono przeliczenie: %(codes)s") % {"codes": ", ".join(codes)}, messages.SUCCESS)


@admin.register(Outcome)
class OutcomeAdmin(LookOnly):
    list_display = (
        *("instrument", "rule", "timeframe", "horizon", "live", "n", "hit_rate", "mean", "net", "says", "p"),
        "computed_at",
    )
    list_filter = ("family", "rule", "timeframe", "horizon", "live", "says")
    list_select_related = ("instrument",)
    search_fields = ("=instrument__code",)


@admin.register(Trial)
class TrialAdmin(LookOnly):
    list_display = ("code", "rule", "timeframe", "horizon", "live", "sharpe", "tried_at")
    list_filter = ("family", "rule", "timeframe", "horizon", "live")
    search_fields = ("=code",)
