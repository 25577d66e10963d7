"""Edited rows: with a reason that the history keeps, and never over what somebody else saved meanwhile."""

import hashlib
from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminSplitDateTime
from django.db.models import Model
from django.forms.models import model_to_dict
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from markets.admin_base import ModelAdmin
from markets.admin_confirm import LONGEST_REASON

REASON_FIELD, SEEN_FIELD = "change_reason", "seen"
REASON_LABEL = gettext_lazy("Powód zmiany")
# Django notes labels untranslated: the msgid.
OWN_LABELS = {"Powód zmiany", REASON_FIELD, SEEN_FIELD}


def fingerprint(row: Model, fields: list[str]) -> str:
    """What the row says in these fields, as 16 digits: two tabs have different ones when one of them has saved."""
    values = model_to_dict(type(row)._default_manager.get(pk=row.pk), fields=fields)
    return hashlib.sha256(repr(sorted(values.items())).encode()).hexdigest()[:16]


class SeenForm(forms.ModelForm):  # type: ignore[type-arg]  # generic only in the stubs
    """A form of a row that there is: it remembers what the row said when the form was opened."""

    seen = forms.CharField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.own = [name for name in self.fields if name not in {REASON_FIELD, SEEN_FIELD}]
            self.now = fingerprint(self.instance, self.own)
            self.initial[SEEN_FIELD] = self.now

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        seen = data.get(SEEN_FIELD)
        if self.instance.pk and seen and seen != self.now:
            raise forms.ValidationError(
                _(
                    "Ten wiersz zmieniono w międzyczasie – w innej karcie albo z innego konta. Nic nie zapisano: "
                    "otwórz stronę ponownie i wprowadź zmianę od nowa."
                ),
                code="changed_meanwhile",
            )
        return data


class ReasonedForm(SeenForm):
    change_reason = forms.CharField(
        label=REASON_LABEL,
        min_length=3,
        max_length=LONGEST_REASON,
        widget=forms.TextInput(attrs={"size": 60}),
        help_text=gettext_lazy("Krótko, dlaczego. Widać go w historii tego wiersza."),
    )


class LabelledMoments(ModelAdmin):
    """The two fields of a moment have one label in Django, which names the first of them for nobody who hears it."""

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None and isinstance(field.widget, AdminSplitDateTime):
            for one, words in zip(field.widget.widgets, (_("dzień"), _("godzina")), strict=True):
                one.attrs["aria-label"] = f"{field.label}: {words}"
        return field


class NotOverwritten(LabelledMoments):
    """A row that two tabs edit is saved by the first; the second is told."""

    edited_form: type[SeenForm] = SeenForm

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        if obj is not None and self.has_change_permission(request, obj):
            form = kwargs.get("form", self.form)
            kwargs["form"] = type(form.__name__, (self.edited_form, form), {})
        return super().get_form(request, obj, change, **kwargs)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Hidden fields stand outside of every set (admin/change_form.html)."""
        return [name for name in super().get_fields(request, obj) if name != SEEN_FIELD]


class ReasonedChanges(NotOverwritten):
    """An operator's choices: each change says why."""

    edited_form = ReasonedForm

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        found = [*super().get_fieldsets(request, obj)]
        named = {name for _title, options in found for name in options["fields"]}
        if obj is None or REASON_FIELD in named or not self.has_change_permission(request, obj):
            return found
        return [*found, (None, {"fields": (REASON_FIELD,)})]

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> Any:
        """The reason is an entry of its own, which Django's words pass over and the history shows."""
        found = super().construct_change_message(request, form, formsets, add)
        for entry in found:
            if named := entry.get("changed", {}).get("fields"):
                entry["changed"]["fields"] = [one for one in named if one not in OWN_LABELS]
        reason = form.cleaned_data.get(REASON_FIELD)
        return [*found, {"reason": reason}] if reason else found
