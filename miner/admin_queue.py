"""The miner's own tables in the admin, looked at only: the priority queue, symbols, polls and budgets."""

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_lazy

from markets import clock, formats
from markets.admin_base import LookOnly, badge
from miner import source_facts
from miner.models import Lease, Poll, QueueItem, Spent, SyncStatus

SYNC_LIGHTS = {"pending": "muted", "in_progress": "busy", "success": "good", "failed": "bad", "stale": "warn"}


class Said(LookOnly):
    """Rows with an error, in the language of the reader; its column of English text is left out."""

    exclude = ("error", "last_error")
    readonly_fields = ("said",)

    @admin.display(description=gettext_lazy("błąd"))
    def said(self, row: QueueItem | SyncStatus | Poll) -> str:
        return row.error_shown or formats.DASH


class OfSymbol(Said):
    @admin.display(description=gettext_lazy("symbol"), ordering="listing__ticker")
    def symbol(self, row: QueueItem | SyncStatus) -> str:
        return f"{row.listing.ticker} · {gettext(row.listing.source.name)}"


@admin.register(QueueItem)
class QueueItemAdmin(OfSymbol):
    list_display = ("symbol", "priority", "enqueued_at", "retry_count", "said", "claimed_until")
    list_filter = ("priority",)
    list_select_related = ("listing__source",)
    search_fields = ("=listing__instrument__code", "listing__ticker")


@admin.register(SyncStatus)
class SyncStatusAdmin(OfSymbol):
    list_display = ("symbol", "light", "reason", "said", "last_attempt_at", "last_success_at", "past_at")
    list_filter = ("state", "listing__source")
    list_select_related = ("listing__source",)
    search_fields = ("=listing__instrument__code", "listing__ticker")

    @admin.display(description=gettext_lazy("stan"), ordering="state")
    def light(self, row: SyncStatus) -> SafeString:
        return badge(SYNC_LIGHTS[row.state], row.get_state_display())


@admin.register(Poll)
class PollAdmin(Said):
    list_display = ("name", "every", "asked_at", "done_at", "said")
    search_fields = ("name",)


@admin.register(Spent)
class SpentAdmin(LookOnly):
    list_display = ("source", "window", "blocked_until", "failures", "allowed", "total_calls", "total_waits")
    list_select_related = ("source",)
    exclude = ("takes",)
    readonly_fields = ("window",)

    @admin.display(description=gettext_lazy("zapytania w oknie"))
    def window(self, row: Spent) -> str:
        return source_facts.in_words(source_facts.budget(row.source, row, 0, clock.now())) or formats.DASH


@admin.register(Lease)
class LeaseAdmin(LookOnly):
    list_display = ("name", "holder", "until")
