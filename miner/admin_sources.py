"""The sources in the admin with what only the miner knows and can do."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from markets import access, clock, formats
from markets.admin import SourceAdmin
from markets.admin_base import badge, first_line
from markets.models import Job, Source
from markets.queries import jobs as job_queries
from markets.queries.source_words import words
from miner import ask_now, backfill, source_facts, source_states, sources
from miner.admin_forms import NewSourceForm, RangeForm, SourceForm
from miner.fetch import cooldown
from miner.providers import PROVIDERS

RANGES = gettext_lazy("zakresu dat,zakresów dat,zakresów dat")

admin.site.unregister(Source)


@admin.register(Source)
class MinedSourceAdmin(SourceAdmin):
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

    list_display: tuple[str, ...] = ("title", "state", "success", "failure", "key", "budget")
    list_display_links = ("title",)
    actions = [*SourceAdmin.actions, "mine_now", "test_connection", "fill_range"]
    confirmed = SourceAdmin.confirmed | {
        "mine_now": gettext_lazy("Zadanie trafi do kolejki; wynik będzie w dzienniku zadań."),
        "test_connection": gettext_lazy(
            "Jedno najmniejsze zapytanie, w ramach limitu; wynik będzie w dzienniku zadań."
        ),
    }
    row_buttons = {
        "mine_now": gettext_lazy("pobierz teraz"),
        **SourceAdmin.row_buttons,
        "enable": gettext_lazy("włącz"),
        "test_connection": gettext_lazy("sprawdź połączenie"),
        "fill_range": gettext_lazy("uzupełnij zakres dni"),
    }

    # The list

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """What is said of the rows is asked for at once."""
        found, now = super().get_changelist_instance(request), clock.now()
        rows = list(found.result_list)
        states = {one.source.pk: one for one in source_states.states(now)}
        budgets = {one.code: one for one in source_facts.budgets(rows, now)}
        errors, fills = job_queries.last_errors(), source_facts.fills()
        for row in rows:
            row.known, row.budget_today = states.get(row.pk), budgets[row.code]
            row.last_error, row.fill = errors.get(row.pk, ""), fills.get(row.pk)
            row.button_names = self.buttons_for(row, getattr(row, "button_names", ()))
        found.result_list = rows
        return found

    def buttons_for(self, row: Source, names: Sequence[str]) -> Sequence[str]:
        """Pause or resume, whichever changes anything; what cannot be asked is not offered to be asked."""
        paused = bool(row.paused_until and row.paused_until > clock.now())
        useless = {"resume" if row.enabled and not paused else "pause", "enable"}
        if not row.enabled:
            useless = {"pause", "resume", "mine_now", "fill_range"}
        if row.code not in PROVIDERS:
            useless |= {"mine_now", "test_connection", "fill_range"}
        return [name for name in names if name not in useless]

    @admin.display(description=gettext_lazy("źródło"), ordering="code")
    def title(self, row: Source) -> SafeString:
        return format_html("{} <code>{}</code>", row, row.code)

    @admin.display(description=gettext_lazy("stan"))
    def state(self, row: Any) -> SafeString:
        known = getattr(row, "known", None)
        if known is None:
            return badge("muted", "")
        fill = progress(row.fill) if row.fill else ""
        return format_html("{}{}", badge(known.light, words(known)), fill)

    @admin.display(description=gettext_lazy("ostatnio udane"))
    def success(self, row: Any) -> str:
        known = getattr(row, "known", None)
        return formats.moment(known.last_success) if known and known.last_success else formats.DASH

    @admin.display(description=gettext_lazy("ostatni błąd"))
    def failure(self, row: Any) -> SafeString | str:
        known = getattr(row, "known", None)
        if not known or not known.last_failure:
            return formats.DASH
        return format_html("{}<br>{}", formats.moment(known.last_failure), first_line(row.last_error))

    @admin.display(description=gettext_lazy("klucz API"))
    def key(self, row: Source) -> str:
        """Whether there is one; never the key."""
        provider = PROVIDERS.get(row.code)
        if sources.key_of(row.code):
            return _("jest")
        return _("brak") if provider and provider.needs_key else _("niepotrzebny")

    @admin.display(description=gettext_lazy("zapytania dziś"))
    def budget(self, row: Any) -> SafeString | str:
        found = getattr(row, "budget_today", None)
        if found is None:
            return formats.DASH
        return format_html("{}<br>{}", formats.whole(found.today), source_facts.in_words(found))

    def more_links(self, row: Source) -> Sequence[tuple[str, str]]:
        jobs = f"{reverse('admin:markets_job_changelist')}?source__id__exact={row.pk}"
        return [(jobs, _("zadania")), (reverse("admin:markets_source_history", args=[row.pk]), _("historia"))]

    # What is done

    @admin.action(description=gettext_lazy("Pobierz teraz z wybranych źródeł"), permissions=["change"])
    def mine_now(self, request: HttpRequest, queryset: QuerySet[Source]) -> None:
        for source in self.awake(request, queryset):
            if ask_now.start(source):
                self.log_change(request, source, _("Zlecono pobranie"))
                self.message_user(request, _("Zlecono pobranie: %s") % source.code, messages.SUCCESS)
            else:
                under_way = _("Pobieranie już czeka albo trwa, drugiego nie zlecono: %s") % source.code
                self.message_user(request, under_way, messages.WARNING)

    @admin.action(description=gettext_lazy("Sprawdź połączenie z wybranymi źródłami"), permissions=["change"])
    def test_connection(self, request: HttpRequest, queryset: QuerySet[Source]) -> None:
        """The answer is how the job ends: a page does not wait for a source."""
        for source in queryset:
            if source.code not in PROVIDERS:
                self.message_user(
                    request, _("Ta wersja systemu nie obsługuje źródła: %s") % source.code, messages.ERROR
                )
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
                "chosen": ACTION_CHECKBOX_NAME in request.POST,
                "back": self.way_back(request),
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
                self.message_user(request, _("Źródło wstrzymane, limit zapytań: %s") % source.code, messages.WARNING)
            else:
                found.append(source)
        return found


def progress(job: Job) -> SafeString:
    """How far a back-fill has come, as a bar with its words."""
    done = _("%(done)s z %(all)s") % {"done": job.windows_done, "all": formats.plural(job.windows, str(RANGES))}
    until = f" ({formats.day(job.reached)})" if job.reached else ""
    label = f"{done}{until}"
    bar = '<progress max="{}" value="{}" aria-label="{}"></progress>{}'
    return format_html('<span class="progress">' + bar + "</span>", job.windows, job.windows_done, label, label)
