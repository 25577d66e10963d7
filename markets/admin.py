"""The operators' room: figures and their proof are looked at, never changed; choices about sources are made here."""

# ruff: noqa: ARG002  the arguments are the admin's

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from markets import clock, events, formats
from markets.admin_base import LookOnly, ModelAdmin, NeitherAddedNorDeleted
from markets.decimals import published
from markets.instruments import admin as instruments_admin  # noqa: F401  registers itself
from markets.models import (
    Candle,
    Gap,
    Job,
    OutboxEvent,
    Publication,
    Quote,
    Rate,
    Revision,
    Source,
    Tick,
)

admin.site.site_header = "Charon"
admin.site.site_title = "Charon"
admin.site.index_title = gettext_lazy("Zarządzanie")

PAUSE = timedelta(hours=1)


def written(value: Decimal | None, scale: int | None) -> str:
    exact = published(value, scale or 0)
    return "–" if exact is None else formats.number(exact)


class TableFilter(admin.SimpleListFilter):
    """The letters by heart: asking 430,000 rows for their distinct tables takes longer than the list."""

    title = gettext_lazy("tabela")
    parameter_name = "table"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, str]]:
        return [("A", "A"), ("B", "B"), ("C", "C"), ("gold", _("złoto"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(table=self.value()) if self.value() else queryset


@admin.register(Source)
class SourceAdmin(NeitherAddedNorDeleted):
    list_display = (
        *("code", "name", "enabled", "polling_interval", "paused_until"),
        *("public_display", "public_api", "available"),
    )
    list_filter = ("enabled", "available")
    readonly_fields = ("code", *Source.FACTS)
    fieldsets = (
        (
            gettext_lazy("Wybór operatora"),
            {"fields": ("enabled", "polling_interval", "paused_until", "public_display", "public_api", "base_url")},
        ),
        (gettext_lazy("Fakty (z programu)"), {"fields": ("code", *Source.FACTS)}),
    )
    actions: Sequence[str] = ("enable", "disable", "pause", "resume")

    @admin.action(description=gettext_lazy("Włącz wybrane źródła"), permissions=["change"])
    def enable(self, request: HttpRequest, queryset: QuerySet[Source]) -> None:
        self.choose(request, queryset, _("Włączono"), enabled=True)

    @admin.action(description=gettext_lazy("Wyłącz wybrane źródła"), permissions=["change"])
    def disable(self, request: HttpRequest, queryset: QuerySet[Source]) -> None:
        self.choose(request, queryset, _("Wyłączono"), enabled=False)

    @admin.action(description=gettext_lazy("Wstrzymaj wybrane źródła na godzinę"), permissions=["change"])
    def pause(self, request: HttpRequest, queryset: QuerySet[Source]) -> None:
        self.choose(request, queryset, _("Wstrzymano na godzinę"), paused_until=clock.now() + PAUSE)

    @admin.action(description=gettext_lazy("Wznów wybrane źródła"), permissions=["change"])
    def resume(self, request: HttpRequest, queryset: QuerySet[Source]) -> None:
        self.choose(request, queryset, _("Wznowiono"), paused_until=None)

    def choose(self, request: HttpRequest, sources: QuerySet[Source], words: str, **choice: object) -> None:
        """Saved one by one, not by update(): the timetable listens to the saving of a source."""
        for source in sources:
            for field, value in choice.items():
                setattr(source, field, value)
            source.save(update_fields=list(choice))
            self.log_change(request, source, words)
        names = ", ".join(source.code for source in sources)
        self.message_user(request, f"{words}: {names}", messages.SUCCESS)


@admin.register(Publication)
class PublicationAdmin(LookOnly):
    list_display = ("number", "source", "table", "effective_date", "trading_date", "fetched_at", "sha256")
    list_filter = ("source", TableFilter)
    list_select_related = ("source",)
    search_fields = ("=number", "sha256")
    date_hierarchy = "effective_date"


@admin.register(Rate)
class RateAdmin(LookOnly):
    list_display = (
        "instrument",
        "table",
        "effective_date",
        "mid_figure",
        "bid_figure",
        "ask_figure",
        "source",
        "number",
    )
    list_filter = ("source", TableFilter)
    list_select_related = ("instrument", "source", "publication")
    search_fields = ("=instrument__code",)
    search_help_text = gettext_lazy("kod instrumentu, na przykład USD")
    figures = ("mid_figure", "bid_figure", "ask_figure")
    fields = ("instrument", "source", "table", "effective_date", *figures, "publication")
    ordering = ("-pk",)

    @admin.display(description=gettext_lazy("kurs średni"))
    def mid_figure(self, row: Rate) -> str:
        return written(row.mid, row.scale)

    @admin.display(description=gettext_lazy("kupno"))
    def bid_figure(self, row: Rate) -> str:
        return written(row.bid, row.scale)

    @admin.display(description=gettext_lazy("sprzedaż"))
    def ask_figure(self, row: Rate) -> str:
        return written(row.ask, row.scale)

    @admin.display(description=gettext_lazy("publikacja"))
    def number(self, row: Rate) -> str:
        return str(row.publication) if row.publication else "–"


@admin.register(Revision)
class RevisionAdmin(LookOnly):
    list_display = ("of", "old_figures", "new_figures", "old_source", "new_source", "seen_at")
    list_filter = ("new_source",)
    list_select_related = ("rate__instrument", "old_source", "new_source")
    search_fields = ("=rate__instrument__code",)

    @admin.display(description=gettext_lazy("kurs"))
    def of(self, row: Revision) -> str:
        return f"{row.rate.instrument} {row.rate.table} {row.rate.effective_date}"

    @admin.display(description=gettext_lazy("było"))
    def old_figures(self, row: Revision) -> str:
        return pair(row.old_mid, row.old_bid, row.old_ask, row.old_scale)

    @admin.display(description=gettext_lazy("jest"))
    def new_figures(self, row: Revision) -> str:
        return pair(row.new_mid, row.new_bid, row.new_ask, row.new_scale)


def pair(mid: Decimal | None, bid: Decimal | None, ask: Decimal | None, scale: int) -> str:
    """A mid, or bid and ask."""
    return written(mid, scale) if mid is not None else f"{written(bid, scale)} / {written(ask, scale)}"


@admin.register(Quote)
class QuoteAdmin(LookOnly):
    list_display = (
        "instrument",
        "table",
        "effective_date",
        "price_figure",
        "previous_figure",
        "previous_date",
        "source",
    )
    list_filter = ("source",)
    list_select_related = ("instrument", "source")
    search_fields = ("=instrument__code",)
    ordering = ("instrument__code",)

    @admin.display(description=gettext_lazy("cena"))
    def price_figure(self, row: Quote) -> str:
        return written(row.price, row.scale)

    @admin.display(description=gettext_lazy("poprzednia"))
    def previous_figure(self, row: Quote) -> str:
        return written(row.previous, row.previous_scale)


@admin.register(Job)
class JobAdmin(LookOnly):
    list_display = (
        "job_type",
        "status",
        "reason",
        "trigger",
        "started_at",
        "took",
        "rows_written",
        "refused",
        "repeats",
    )
    list_filter = ("status", "reason", "trigger", "source")
    list_select_related = ("source",)
    search_fields = ("job_type", "error")
    date_hierarchy = "started_at"
    exclude = ("notes",)
    readonly_fields = ("took", "all_notes")

    @admin.display(description=gettext_lazy("czas"))
    def took(self, row: Job) -> str:
        return "–" if row.duration_seconds is None else formats.duration(max(0.0, row.duration_seconds))

    @admin.display(description=gettext_lazy("uwagi"))
    def all_notes(self, row: Job) -> SafeString | str:
        return format_html_join("", "<div>{}</div>", ((note,) for note in row.notes)) or "–"


@admin.register(OutboxEvent)
class OutboxEventAdmin(LookOnly):
    list_display = ("instrument", "kind", "consumer", "from_time", "to_time", "rows", "job", "processed", "tries")
    list_filter = ("kind", "consumer")
    list_select_related = ("instrument", "job")
    search_fields = ("=instrument__code",)
    ordering = ("-pk",)


@admin.register(Gap)
class GapAdmin(LookOnly):
    list_display = (
        *("source", "table", "instrument", "from_time", "to_time", "reason", "tries", "next_try"),
        *("accepted_by", "accepted_at"),
    )
    list_filter = ("source", "reason", "table")
    list_select_related = ("source", "instrument", "accepted_by")
    search_fields = ("=instrument__code",)
    actions = ("accept",)

    def has_accept_permission(self, request: HttpRequest) -> bool:
        """Nobody changes a gap by hand; who might, by Django's permissions, may declare that it stays."""
        return bool(request.user.has_perm("markets.change_gap"))

    @admin.action(description=gettext_lazy("Zaakceptuj wybrane luki"), permissions=["accept"])
    def accept(self, request: HttpRequest, queryset: QuerySet[Gap]) -> None:
        """A new series begins behind an accepted gap: what waited for its rows is decided on now."""
        with transaction.atomic():
            rows = queryset.filter(accepted_at=None)
            count = rows.update(accepted_by=request.user, accepted_at=clock.now())
            events.ingested.send(sender=Gap, job=None)
        self.message_user(request, _("Zaakceptowano luki: %(count)d") % {"count": count}, messages.SUCCESS)


@admin.register(Tick)
class TickAdmin(LookOnly):
    list_display = ("instrument", "source", "observed_at", "price", "bid", "ask")
    list_filter = ("source",)
    list_select_related = ("instrument", "source")
    search_fields = ("instrument__code",)


@admin.register(Candle)
class CandleAdmin(LookOnly):
    list_display = (
        "instrument",
        "source",
        "timeframe",
        "open_time",
        "open",
        "high",
        "low",
        "close",
        "volume",
        "closed",
    )
    list_filter = ("source", "timeframe", "closed", "synthetic")
    list_select_related = ("instrument", "source")
    search_fields = ("instrument__code",)
