"""The timetable is written by code alone: one malformed row by hand would stop every schedule of the queue."""

# ruff: noqa: ARG002  the arguments are the admin's

from datetime import date
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_q.admin import ScheduleAdmin
from django_q.models import Schedule

from markets import access, clock, formats
from markets.admin import SourceAdmin
from markets.instruments.admin import ListingAdmin
from markets.models import Listing, Source
from markets.network import allowed_urls
from markets.network.fault_words import WRONG_ADDRESS
from markets.queries.source_words import words
from miner import backfill, source_states, sources
from miner.fetch import cooldown
from miner.providers import PROVIDERS
from miner.providers.base import CandleSource, QuoteSource

# Before it nobody has figures that could be asked for.
FIRST_DAY = date(1980, 1, 1)

admin.site.unregister(Schedule)


@admin.register(Schedule)
class TimetableAdmin(ScheduleAdmin):  # type: ignore[misc]
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Schedule | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Schedule | None = None) -> bool:
        return False


class RangeForm(forms.Form):
    """The days that an operator wants to have."""

    start = forms.DateField(label=gettext_lazy("Od dnia"), input_formats=["%Y-%m-%d"])
    end = forms.DateField(label=gettext_lazy("Do dnia"), input_formats=["%Y-%m-%d"])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})

    def clean(self) -> dict[str, Any]:
        days = super().clean() or self.cleaned_data
        start, end = days.get("start"), days.get("end")
        if start and start < FIRST_DAY:
            self.add_error("start", _("Najwcześniej %s") % formats.day(FIRST_DAY))
        if end and end > clock.today():
            self.add_error("end", _("Ten dzień jeszcze nie nadszedł"))
        if start and end and start > end:
            self.add_error("end", _("Ten dzień jest przed pierwszym"))
        return days


admin.site.unregister(Listing)


@admin.register(Listing)
class MinedListingAdmin(ListingAdmin):
    """A listing is added where prices or candles can be asked for by its ticker."""

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "source":
            markets = [code for code, one in PROVIDERS.items() if issubclass(one, QuoteSource | CandleSource)]
            kwargs["queryset"] = Source.objects.filter(code__in=markets, available=True)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


admin.site.unregister(Source)


class SourceForm(forms.ModelForm):  # type: ignore[type-arg]  # generic only in the stubs
    """An operator's choices about a source."""

    def clean_base_url(self) -> str:
        url = str(self.cleaned_data["base_url"])
        if url and (fault := allowed_urls.against(url)):
            raise forms.ValidationError(WRONG_ADDRESS[fault])
        return url


class NewSourceForm(SourceForm):
    """A provider that is installed and has no source yet."""

    code = forms.ChoiceField(label=gettext_lazy("Dostawca"))
    base_url = forms.URLField(
        label=gettext_lazy("Inny adres API"), required=False, max_length=200, assume_scheme="https"
    )

    class Meta:
        model = Source
        fields = ("code", "enabled", "polling_interval", "base_url")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"] = forms.ChoiceField(
            label=_("Dostawca"), choices=[(code, code) for code in sources.unregistered()]
        )
        interval = self.fields["polling_interval"]
        interval.required, interval.initial = False, None
        interval.help_text = _("Puste: tak, jak przewiduje dostawca")

    def choices(self) -> dict[str, Any]:
        """What was chosen beside the code; an empty interval is as the provider begins."""
        chosen = {name: self.cleaned_data[name] for name in ("enabled", "polling_interval", "base_url")}
        return {name: value for name, value in chosen.items() if value is not None}


@admin.register(Source)
class MinedSourceAdmin(SourceAdmin):
    """The sources with what only the miner knows and can do."""

    form = SourceForm

    def has_add_permission(self, request: HttpRequest) -> bool:
        return access.user_may(request.user, *access.REGISTER_SOURCE)

    def get_form(self, request: HttpRequest, obj: Source | None = None, change: bool = False, **kwargs: Any) -> Any:
        return super().get_form(request, obj, change, **kwargs) if obj else NewSourceForm

    def get_fieldsets(self, request: HttpRequest, obj: Source | None = None) -> Any:
        return super().get_fieldsets(request, obj) if obj else [(None, {"fields": NewSourceForm.Meta.fields})]

    def get_readonly_fields(self, request: HttpRequest, obj: Source | None = None) -> Any:
        return super().get_readonly_fields(request, obj) if obj else ()

    def save_model(self, request: HttpRequest, obj: Source, form: Any, change: bool) -> None:
        """A new one is registered as by the API, with its listings."""
        if change:
            super().save_model(request, obj, form, change)
        else:
            obj.pk = sources.register(obj.code, form.choices()).pk
            obj.refresh_from_db()

    list_display: tuple[str, ...] = ("code", "name", "state", *SourceAdmin.list_display[2:])
    actions = [*SourceAdmin.actions, "mine_now", "test_connection", "fill_range"]

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """The states of all rows are asked for at once."""
        found = super().get_changelist_instance(request)
        states = {one.source.pk: words(one) for one in source_states.states()}
        for row in found.result_list:
            row.state_words = states.get(row.pk, "")
        return found

    @admin.display(description=gettext_lazy("stan"))
    def state(self, row: Source) -> str:
        return str(getattr(row, "state_words", ""))

    @admin.action(description=gettext_lazy("Pobierz teraz z wybranych źródeł"), permissions=["change"])
    def mine_now(self, request: HttpRequest, queryset: QuerySet[Source]) -> None:
        for source in self.awake(request, queryset):
            backfill.now(source)
            self.log_change(request, source, _("Zlecono pobranie"))
            self.message_user(request, _("Zlecono pobranie: %s") % source.code, messages.SUCCESS)

    @admin.action(description=gettext_lazy("Sprawdź połączenie z wybranymi źródłami"), permissions=["change"])
    def test_connection(self, request: HttpRequest, queryset: QuerySet[Source]) -> None:
        """The answer is how the job ends: a page does not wait for a source."""
        for source in queryset:
            if source.code not in PROVIDERS:
                self.message_user(request, _("Nieznane tej wersji Charona: %s") % source.code, messages.ERROR)
                continue
            backfill.put("miner.backfill.check", source.code, group=f"{source.code}.check")
            self.log_change(request, source, _("Zlecono sprawdzenie połączenia"))
            done = _("Zlecono sprawdzenie połączenia: %s; wynik będzie w dzienniku zadań") % source.code
            self.message_user(request, done, messages.SUCCESS)

    @admin.action(description=gettext_lazy("Uzupełnij zakres dni w wybranych źródłach"), permissions=["change"])
    def fill_range(self, request: HttpRequest, queryset: QuerySet[Source]) -> HttpResponse | None:
        """First the page that asks for the days, then the work."""
        form = RangeForm(request.POST if "start" in request.POST else None)
        if not form.is_valid():
            context = {
                **self.admin_site.each_context(request),
                "title": _("Uzupełnij zakres dni"),
                "opts": self.model._meta,
                "form": form,
                "sources": queryset,
                "checkbox": ACTION_CHECKBOX_NAME,
                "media": self.media + form.media,
            }
            return TemplateResponse(request, "admin/markets/source/fill_range.html", context)
        start, end = form.cleaned_data["start"], form.cleaned_data["end"]
        days = f"{formats.day(start)} – {formats.day(end)}"
        for source in self.awake(request, queryset):
            if backfill.enqueue(source, start, end):
                done = _("Zlecono uzupełnienie: %(days)s") % {"days": days}
                self.log_change(request, source, done)
                self.message_user(request, f"{done}: {source.code}", messages.SUCCESS)
            else:
                self.message_user(request, _("Źródło nie podaje historii: %s") % source.code, messages.WARNING)
        return None

    def awake(self, request: HttpRequest, queryset: QuerySet[Source]) -> list[Source]:
        """Those that may be asked; the others are told of."""
        runnable, found = {source.code for source in sources.runnable()}, []
        for source in queryset:
            if source.code not in runnable:
                self.message_user(request, _("Wyłączone lub wstrzymane: %s") % source.code, messages.WARNING)
            elif sources.wants_key(source):
                self.message_user(request, _("Brak klucza API: %s") % source.code, messages.WARNING)
            elif cooldown.is_cooling_down(source):
                self.message_user(request, _("Źródło chwilowo odpoczywa: %s") % source.code, messages.WARNING)
            else:
                found.append(source)
        return found
