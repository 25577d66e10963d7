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
from markets.admin_base import LookOnly, NeitherAddedNorDeleted, badge, first_line
from markets.admin_confirm import ConfirmedActions
from markets.admin_edits import ReasonedChanges
from markets.instruments import admin as instruments_admin  # noqa: F401  registers itself
from markets.models import Gap, Job, OutboxEvent, Problem, Source

PAUSE = timedelta(hours=1)


@admin.register(Source)
class SourceAdmin(ConfirmedActions, ReasonedChanges, NeitherAddedNorDeleted):
    """What lasts (on, off, an edit) needs a reason; a pause ends by itself."""

    list_display: tuple[str, ...] = ("code", "name", "enabled", "paused_until")
    list_filter = ("enabled", "available")
    readonly_fields = ("code", *Source.FACTS)
    fieldsets = (
        (
            gettext_lazy("Ustawienia"),
            {"fields": ("enabled", "polling_interval", "paused_until", "public_display", "public_api", "base_url")},
        ),
        (gettext_lazy("Dane stałe (ustawia program)"), {"fields": ("code", *Source.FACTS)}),
    )
    actions: Sequence[str] = ("enable", "disable", "pause", "resume")
    confirmed = {
        "enable": gettext_lazy("Źródło będzie odpytywane według swojego harmonogramu."),
        "disable": gettext_lazy("Nowych danych z tego źródła nie będzie, dopóki ktoś go nie włączy."),
        "pause": gettext_lazy("Przez godzinę nikt nie będzie pytał tego źródła; potem odpytywanie wróci samo."),
        "resume": gettext_lazy("Odpytywanie wróci od razu."),
    }
    reasoned = ("enable", "disable")
    row_buttons = {"pause": gettext_lazy("wstrzymaj na 1 h"), "resume": gettext_lazy("wznów")}

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


JOB_LIGHTS = {"running": "busy", "success": "good", "skipped": "muted", "failed": "bad"}


@admin.register(Job)
class JobAdmin(LookOnly):
    list_display: tuple[str, ...] = ("name", "state", "what_happened", "source", "started_at", "took", "written")
    # No dates of all rows above the list: of 50,000 jobs they cost half a second on SQLite.
    list_filter = ("status", ("started_at", admin.DateFieldListFilter), "reason", "trigger", "source")
    list_select_related = ("source",)
    search_fields = ("job_type", "error")
    search_help_text = gettext_lazy("zadanie albo słowo z błędu tak, jak w dziennikach, na przykład nbp.A")
    # They are told in the reader's language, and the error as the logs and the API have it, by which it is searched.
    exclude = ("notes", "error")
    readonly_fields = ("took", "whole_error", "logged_error", "all_notes")

    @admin.display(description=gettext_lazy("zadanie"), ordering="job_type")
    def name(self, row: Job) -> str:
        return row.job_type

    @admin.display(description=gettext_lazy("stan"), ordering="status")
    def state(self, row: Job) -> SafeString:
        return badge(JOB_LIGHTS[row.status], row.get_status_display())

    @admin.display(description=gettext_lazy("powód i błąd"))
    def what_happened(self, row: Job) -> str:
        reason = row.get_reason_display() if row.reason else ""
        error = "" if row.error == row.reason else first_line(row.error_shown)
        return ": ".join(filter(None, [reason, error if error != reason else ""])) or formats.DASH

    @admin.display(description=gettext_lazy("błąd"))
    def whole_error(self, row: Job) -> str:
        return row.error_shown or formats.DASH

    @admin.display(description=gettext_lazy("błąd w dziennikach"))
    def logged_error(self, row: Job) -> str:
        return row.error or formats.DASH

    @admin.display(description=gettext_lazy("zapisane wiersze"), ordering="rows_written")
    def written(self, row: Job) -> str:
        return formats.whole(row.rows_written)

    @admin.display(description=gettext_lazy("czas trwania"))
    def took(self, row: Job) -> str:
        return formats.DASH if row.duration_seconds is None else formats.duration(max(0.0, row.duration_seconds))

    @admin.display(description=gettext_lazy("uwagi"))
    def all_notes(self, row: Job) -> SafeString | str:
        return format_html_join("", "<div>{}</div>", ((note,) for note in row.notes_shown)) or formats.DASH


@admin.register(Problem)
class ProblemAdmin(LookOnly):
    list_display = ("title", "subject", "opened_at", "seen_at", "times", "closed_at")
    list_filter = (("closed_at", admin.EmptyFieldListFilter), "kind")
    fields = ("title", "subject", "harm", "remedy", "details", "opened_at", "seen_at", "times", "closed_at")
    readonly_fields = ("title", "harm", "remedy", "details")

    @admin.display(description=gettext_lazy("problem"), ordering="kind")
    def title(self, row: Problem) -> str:
        return self.said(row, "title")

    @admin.display(description=gettext_lazy("skutek"))
    def harm(self, row: Problem) -> str:
        return self.said(row, "harm")

    @admin.display(description=gettext_lazy("co zrobić"))
    def remedy(self, row: Problem) -> str:
        return self.said(row, "remedy")

    @admin.display(description=gettext_lazy("szczegóły"))
    def details(self, row: Problem) -> str:
        return row.detail_shown or formats.DASH

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
class GapAdmin(ConfirmedActions, LookOnly):
    list_display: tuple[str, ...] = (
        *("place", "from_time", "to_time", "reason", "tries", "next_try"),
        *("accepted_by", "accepted_at"),
    )
    list_filter = (("accepted_at", admin.EmptyFieldListFilter), "source", "reason")
    list_select_related = ("source", "instrument", "accepted_by")
    search_fields = ("=instrument__code",)
    actions: Sequence[str] = ("accept",)
    confirmed = {
        "accept": gettext_lazy(
            "Luka zostanie uznana za trwałą: nikt nie będzie jej więcej dopytywał, a szereg zacznie się za nią od nowa."
        )
    }
    reasoned = ("accept",)
    row_buttons = {"accept": gettext_lazy("zaakceptuj")}

    @admin.display(description=gettext_lazy("luka"), ordering="source")
    def place(self, row: Gap) -> str:
        """Which series: the source, its table, and the instrument unless it is the whole table."""
        return " ".join(filter(None, [str(row.source), row.table, row.instrument.code if row.instrument else ""]))

    def buttons_for(self, row: Gap, names: Sequence[str]) -> Sequence[str]:
        return [] if row.accepted_at else names

    def has_accept_permission(self, request: HttpRequest) -> bool:
        """Nobody changes a gap by hand; who might, by Django's permissions, may declare that it stays."""
        return bool(request.user.has_perm("markets.change_gap"))

    @admin.action(description=gettext_lazy("Zaakceptuj wybrane luki"), permissions=["accept"])
    def accept(self, request: HttpRequest, queryset: QuerySet[Gap]) -> None:
        """A new series begins behind an accepted gap: what waited for its rows is decided on now."""
        with transaction.atomic():
            rows = list(queryset.filter(accepted_at=None))
            count = queryset.filter(accepted_at=None).update(accepted_by=request.user, accepted_at=clock.now())
            events.ingested.send(sender=Gap, job=None)
        for row in rows:
            self.log_change(request, row, _("Zaakceptowano"))
        self.message_user(request, _("Zaakceptowano luki: %(count)d") % {"count": count}, messages.SUCCESS)
