"""Figures that operators set, in the admin: added with a reason, withdrawn, never edited; and readings of archives."""

# ruff: noqa: ARG002  the arguments are the admin's

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from markets.access import WITHDRAW_OVERRIDE, user_may
from markets.admin_base import LookOnly, NeitherAddedNorDeleted
from markets.admin_confirm import ConfirmedActions
from markets.admin_market_data import pair
from markets.errors import ConflictError
from markets.models import ArchiveReading, Override
from markets.store import overrides

if TYPE_CHECKING:  # generic only in the stubs
    OverrideModelForm = forms.ModelForm[Override]
else:
    OverrideModelForm = forms.ModelForm

FIGURES = ("mid", "bid", "ask")
FIELDS = ("instrument", "table", "effective_date", *FIGURES, "reason")


class OverrideForm(OverrideModelForm):
    """The decimals that are typed are the figure's own."""

    class Meta:
        model = Override
        fields = FIELDS
        localized_fields = FIGURES  # a decimal comma, as people type it
        help_texts = {"reason": gettext_lazy("Widoczne publicznie, razem z nazwą konta.")}

    def clean(self) -> dict[str, Any]:
        found = super().clean() or self.cleaned_data
        if not self.instance.pk and not self.errors and (fault := overrides.fault(*arguments(found))):
            raise forms.ValidationError(_("Tego kursu nie można wpisać: %s") % fault)
        return found


def arguments(found: dict[str, Any]) -> tuple[Any, ...]:
    """Of a form, as the store takes them."""
    figures = {name: found[name] for name in FIGURES}
    return found["instrument"], found["table"], found["effective_date"], figures, found["reason"]


@admin.register(Override)
class OverrideAdmin(ConfirmedActions, NeitherAddedNorDeleted):
    list_display = (
        *("instrument", "table", "effective_date", "figures", "author", "reason", "created_at", "withdrawn_at"),
        "withdrawn_by",
    )
    list_filter = (("withdrawn_at", admin.EmptyFieldListFilter), "table")
    list_select_related = ("instrument",)
    search_fields = ("=instrument__code", "author", "reason")
    autocomplete_fields = ("instrument",)
    form = OverrideForm
    actions = ("withdraw",)
    confirmed = {
        "withdraw": gettext_lazy("Na stronach i w API znów będzie stał kurs ze źródła. Tego nie da się cofnąć.")
    }
    row_buttons = {"withdraw": gettext_lazy("wycofaj")}

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super(NeitherAddedNorDeleted, self).has_add_permission(request)

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        """Whoever may change a row may withdraw it, and nothing else."""
        return (*FIELDS, "author", "created_at", "withdrawn_at", "withdrawn_by") if obj else ()

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        return self.get_readonly_fields(request, obj) or FIELDS

    def buttons_for(self, row: Override, names: Sequence[str]) -> Sequence[str]:
        return [] if row.withdrawn_at else names

    def has_withdraw_permission(self, request: HttpRequest) -> bool:
        """Nobody edits a figure; who might, by Django's permissions, may withdraw it."""
        return user_may(request.user, *WITHDRAW_OVERRIDE)

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Of two that add the same figure at once the second passed the form: it is told so, where it was 500."""
        try:
            return super().changeform_view(request, *args, **kwargs)
        except ConflictError as error:
            self.message_user(request, _("Tego kursu nie można wpisać: %s") % error.message, messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())

    def save_model(self, request: HttpRequest, obj: Override, form: Any, change: bool) -> None:
        if change:
            return
        instrument, table, day, figures, reason = arguments(form.cleaned_data)
        row = overrides.add(instrument, table, day, figures, reason, str(request.user.get_username()))
        obj.__dict__.update(row.__dict__)

    @admin.display(description=gettext_lazy("kurs"))
    def figures(self, row: Override) -> str:
        return pair(row.mid, row.bid, row.ask, row.scale)

    @admin.action(description=gettext_lazy("Wycofaj wybrane kursy"), permissions=["withdraw"])
    def withdraw(self, request: HttpRequest, queryset: QuerySet[Override]) -> None:
        done = [row for row in queryset if overrides.withdraw(row, str(request.user.get_username()))]
        for row in done:
            self.log_change(request, row, _("Wycofano"))
        self.message_user(request, _("Wycofano kursy: %(count)d") % {"count": len(done)}, messages.SUCCESS)


@admin.register(ArchiveReading)
class ArchiveReadingAdmin(LookOnly):
    list_display = ("source", "edition", "from_day", "to_day", "read_at")
    list_select_related = ("source",)
