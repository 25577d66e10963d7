"""Market data in the admin: publications, rates, revisions, quotes, ticks and candles, looked at only."""

# ruff: noqa: ARG002  the arguments are the admin's

from decimal import Decimal
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from markets import formats
from markets.admin_base import LookOnly, ModelAdmin
from markets.decimals import published
from markets.models import Candle, Publication, Quote, Rate, Revision, Tick


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


class TimeframeFilter(admin.SimpleListFilter):
    """Those that Charon keeps; a million candles are not asked for theirs."""

    title = gettext_lazy("interwał")
    parameter_name = "timeframe"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, str]]:
        return [(name, name) for name in ("5m", "1h", "4h", "1d")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(timeframe=self.value()) if self.value() else queryset


@admin.register(Publication)
class PublicationAdmin(LookOnly):
    list_display = ("number", "source", "table", "effective_date", "trading_date", "fetched_at", "sha256")
    list_filter = ("source", TableFilter, ("effective_date", admin.DateFieldListFilter))
    list_select_related = ("source",)
    search_fields = ("=number", "=sha256")
    search_help_text = gettext_lazy("numer tabeli albo cały skrót SHA-256")


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

    def get_queryset(self, request: HttpRequest) -> QuerySet[Revision]:
        """Another number of digits is no correction."""
        return super().get_queryset(request).filter(notation=False)

    @admin.display(description=gettext_lazy("kurs"))
    def of(self, row: Revision) -> str:
        return f"{row.rate.instrument} {row.rate.table} {formats.day(row.rate.effective_date)}"

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
    list_filter = ("source", TimeframeFilter, "closed", "synthetic", "partial")
    list_select_related = ("instrument", "source")
    search_fields = ("instrument__code",)
