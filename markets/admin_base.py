"""What may be done with rows in the admin: looked at only, or changed but neither added nor deleted."""

# ruff: noqa: ARG002  the arguments are the admin's

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import Model, URLField
from django.http import HttpRequest

if TYPE_CHECKING:  # generic only in the stubs
    ModelAdmin = admin.ModelAdmin[Any]
else:
    ModelAdmin = admin.ModelAdmin


class NeitherAddedNorDeleted(ModelAdmin):
    """Rows that code adds, and nobody takes away."""

    # What Django 6 does by itself.
    formfield_overrides = {URLField: {"assume_scheme": "https"}}

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class LookOnly(NeitherAddedNorDeleted):
    """Nothing is changed here either. Counting 430,000 rows twice for one list is left out."""

    show_full_result_count = False
    list_per_page = 50

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False
