"""What may be done with rows in the admin, and what every list has: a bounded count, states in words."""

# ruff: noqa: ARG002  the arguments are the admin's

from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Model, URLField
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

if TYPE_CHECKING:  # generic only in the stubs
    ModelAdmin = admin.ModelAdmin[Any]
    RowPaginator = Paginator[Any]
else:
    ModelAdmin = admin.ModelAdmin
    RowPaginator = Paginator

# Two hundred pages of fifty: nobody reads on, and to count 430,000 rows takes longer than to show the first page.
MOST_COUNTED = 10_000


class BoundedPaginator(RowPaginator):
    """Counts no further than MOST_COUNTED; rows behind them are reached by filter and search."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows[: MOST_COUNTED + 1].count())

    @property
    def is_cut(self) -> bool:
        return self.count > MOST_COUNTED


class NeitherAddedNorDeleted(ModelAdmin):
    """Rows that code adds, and nobody takes away."""

    # What Django 6 does by itself.
    formfield_overrides = {URLField: {"assume_scheme": "https"}}

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class LookOnly(NeitherAddedNorDeleted):
    """Nothing is changed here either."""

    paginator = BoundedPaginator
    show_full_result_count = False
    list_per_page = 50

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


def badge(light: str, words: str) -> SafeString:
    """A state: `light` is one of good, busy, warn, bad and muted, and never the only thing that tells."""
    return format_html(
        '<span class="state {}"><span class="dot" aria-hidden="true"></span>{}</span>', light, words or "–"
    )


def first_line(text: str, length: int = 160) -> str:
    """Of an error, for a list: whole words are not worth a second line."""
    line = text.strip().partition("\n")[0]
    return line if len(line) <= length else f"{line[: length - 1]}…"
