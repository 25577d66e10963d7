"""Sources, jobs, outbox events and gaps in the admin: operators decide on sources and accept gaps."""

from collections.abc import Sequence
from datetime import timedelta

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from markets import admin_market_data, admin_overrides, admin_tokens, clock, events, formats, problems  # noqa: F401  these register themselves
from markets.admin_base import LookOnly, NeitherAddedNorDeleted
from markets.instruments import admin as instruments_admin  # noqa: F401  registers itself
from markets.models import Gap, Job, OutboxEvent, Problem, Source

admin.site.site_header = "Charon"
admin.site.site_title = "Charon"
admin.site.index_title = gettext_lazy("Zarządzanie")
admin.site.empty_value_display = "–"

PAUSE = timedelta(hours=1)


@admin.register(Source)
class SourceAdmin(NeitherAddedNorDeleted):
    list_display: tuple[str, ...] = (
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


@admin.register(Problem)
class ProblemAdmin(LookOnly):
    list_display = ("title", "subject", "opened_at", "seen_at", "times", "closed_at")
    list_filter = (("closed_at", admin.EmptyFieldListFilter), "kind")
    fields = ("title", "subject", "harm", "remedy", "detail", "opened_at", "seen_at", "times", "closed_at")
    readonly_fields = ("title", "harm", "remedy")
    date_hierarchy = "opened_at"

    @admin.display(description=gettext_lazy("problem"), ordering="kind")
    def title(self, row: Problem) -> str:
        return self.said(row, "title")

    @admin.display(description=gettext_lazy("skutek"))
    def harm(self, row: Problem) -> str:
        return self.said(row, "harm")

    @admin.display(description=gettext_lazy("co zrobić"))
    def remedy(self, row: Problem) -> str:
        return self.said(row, "remedy")

    def said(self, row: Problem, name: str) -> str:
        """A kind of another release is told by its name."""
        kind = problems.KINDS.get(row.kind)
        return str(getattr(kind, name)) if kind else row.kind


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
