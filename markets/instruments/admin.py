"""Instruments, their aliases and where they are listed: operators add them, code adds the official ones."""

# ruff: noqa: ARG002  the arguments are the admin's

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from markets.admin_base import LookOnly, NeitherAddedNorDeleted
from markets.admin_confirm import ConfirmedActions
from markets.admin_edits import NotOverwritten, ReasonedChanges
from markets.instruments import create
from markets.instruments.find import find
from markets.instruments.names import is_reserved
from markets.models import Alias, Instrument, ListedAsset, Listing
from markets.store.listed_assets import MAX_CODE, SYMBOL

if TYPE_CHECKING:  # generic only in the stubs
    AliasTable = admin.TabularInline[Alias, Instrument]
    AliasModelForm = forms.ModelForm[Alias]
    InstrumentModelForm = forms.ModelForm[Instrument]
else:
    AliasTable = admin.TabularInline
    AliasModelForm = InstrumentModelForm = forms.ModelForm


class AliasForm(AliasModelForm):
    class Meta:
        model = Alias
        fields = ("name", "instrument")

    def clean_name(self) -> str:
        """Aliases are looked up in capitals; the code of an instrument goes before every alias."""
        name = str(self.cleaned_data["name"]).strip().upper()
        if Instrument.objects.filter(code=name).exists():
            raise forms.ValidationError(_("%s jest kodem instrumentu") % name)
        return name


class AliasInline(AliasTable):
    model = Alias
    form = AliasForm
    extra = 1


class InstrumentForm(InstrumentModelForm):
    """A new instrument of the markets; the official ones come with their first rate."""

    class Meta:
        model = Instrument
        fields = ("base", "quote", "kind", "unit", "scale", "name_pl", "name_en")

    def clean_base(self) -> str:
        return symbol(self.cleaned_data["base"])

    def clean_quote(self) -> str:
        return symbol(self.cleaned_data["quote"])

    def clean(self) -> dict[str, Any]:
        """The code is base and quote together, and may not mean anything else yet."""
        data = super().clean() or self.cleaned_data
        base, quote = data.get("base"), data.get("quote")
        if base and quote:
            self.instance.code = code = f"{base}{quote}"
            if base == quote or len(code) > MAX_CODE:
                self.add_error("base", _("Baza i waluta notowania nie tworzą kodu"))
            elif is_reserved(code) or find(code):
                self.add_error("base", _("%s oznacza już coś innego") % code)
        return data


def symbol(text: str) -> str:
    """Capital letters and digits, as in every code."""
    wanted = text.strip().upper()
    if not SYMBOL.match(wanted):
        raise forms.ValidationError(_("Tylko litery A–Z i cyfry, najwyżej 12"))
    return wanted


@admin.register(Instrument)
class InstrumentAdmin(NeitherAddedNorDeleted):
    list_display = ("code", "name_pl", "name_en", "kind", "unit")
    list_filter = ("kind",)
    search_fields = ("code", "name_pl", "name_en", "aliases__name")
    facts = ("code", "base", "quote", "kind", "unit", "scale", "name_pl", "name_en")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super(NeitherAddedNorDeleted, self).has_add_permission(request)

    def get_readonly_fields(self, request: HttpRequest, obj: Instrument | None = None) -> tuple[str, ...]:
        return self.facts if obj else ()

    def get_inlines(self, request: HttpRequest, obj: Instrument | None) -> list[type[Any]]:
        return [AliasInline] if obj else []

    def get_form(self, request: HttpRequest, obj: Instrument | None = None, change: bool = False, **kwargs: Any) -> Any:
        return super().get_form(request, obj, change, **kwargs | ({} if obj else {"form": InstrumentForm}))

    def save_model(self, request: HttpRequest, obj: Instrument, form: Any, change: bool) -> None:
        """A new one gets its spellings like one that a source brings."""
        if change:
            super().save_model(request, obj, form, change)
        else:
            create.add([obj])


@admin.register(Alias)
class AliasAdmin(NotOverwritten):
    form = AliasForm
    list_display = ("name", "instrument")
    list_select_related = ("instrument",)
    search_fields = ("name", "=instrument__code")
    autocomplete_fields = ("instrument",)


@admin.register(Listing)
class ListingAdmin(ConfirmedActions, ReasonedChanges):
    """Which instruments are followed where; what was fetched stays when one is followed no more."""

    list_display = ("instrument", "source", "ticker", "priority", "tracked")
    list_filter = ("source", "priority", "tracked")
    actions = ("follow", "unfollow")
    confirmed = {
        "follow": gettext_lazy("Ceny będą pobierane od następnego odpytania; historia zostanie uzupełniona."),
        "unfollow": gettext_lazy("Nowych cen nie będzie; to, co pobrano, zostaje."),
    }
    reasoned = ("follow", "unfollow")
    row_buttons = {"follow": gettext_lazy("śledź"), "unfollow": gettext_lazy("przestań śledzić")}
    list_select_related = ("instrument", "source")
    search_fields = ("ticker", "instrument__code")
    autocomplete_fields = ("instrument",)

    def buttons_for(self, row: Listing, names: Sequence[str]) -> Sequence[str]:
        return [name for name in names if name == ("unfollow" if row.tracked else "follow")]

    @admin.action(description=gettext_lazy("Śledź wybrane symbole"), permissions=["change"])
    def follow(self, request: HttpRequest, queryset: QuerySet[Listing]) -> None:
        self.choose(request, queryset.filter(tracked=False), _("Śledzone"), tracked=True)

    @admin.action(description=gettext_lazy("Przestań śledzić wybrane symbole"), permissions=["change"])
    def unfollow(self, request: HttpRequest, queryset: QuerySet[Listing]) -> None:
        self.choose(request, queryset.filter(tracked=True), _("Już nie śledzone"), tracked=False)

    def choose(self, request: HttpRequest, listings: QuerySet[Listing], words: str, *, tracked: bool) -> None:
        """Saved one by one, as a form saves: whoever listens to a listing hears of each."""
        rows = list(listings.select_related("instrument", "source"))
        for row in rows:
            row.tracked = tracked
            row.save(update_fields=["tracked"])
            self.log_change(request, row, words)
        named = ", ".join(f"{row.instrument.code} ({row.source.code})" for row in rows)
        self.message_user(request, f"{words}: {named or '–'}", messages.SUCCESS)


@admin.register(ListedAsset)
class ListedAssetAdmin(LookOnly):
    """What a source says that it lists; an asset of it begins to be followed by POST /assets or by a listing."""

    list_display = ("code", "source", "ticker", "name", "kind")
    list_filter = ("source",)
    list_select_related = ("source",)
    search_fields = ("=base", "=code", "ticker", "name")
