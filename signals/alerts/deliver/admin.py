"""Channels in the admin: set up in two steps, tried by a button, with their state at a glance."""

# ruff: noqa: ARG002  the arguments are the admin's

from collections.abc import Iterable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from markets import clock, formats, problems
from markets.admin_base import badge
from markets.admin_edits import NotOverwritten
from signals.alerts import channels
from signals.alerts.deliver import admin_rows as admin_rows  # registers itself
from signals.alerts.deliver import health, manual, seal
from signals.alerts.deliver.channel_form import CONFIG, DELETE, LONGEST_TARGET, OWN, NewChannelForm, form_of, readable
from signals.alerts.deliver.models import Channel, Delivery

UNREADABLE = gettext_lazy(
    "Ustawień tego kanału nie da się odczytać: zapisano je z innym SECRET_KEY. Podaj je od nowa albo przywróć "
    "poprzedni klucz w SECRET_KEY_FALLBACKS."
)
UNKNOWN = gettext_lazy("Ta instalacja nie zna kanałów tego rodzaju.")


@admin.register(Channel)
class ChannelAdmin(NotOverwritten):
    change_form_template = "admin/alerts/channel/change_form.html"
    list_display = ("name", "state", "kind_title", "target", "last_sent", "failures", "canary")
    list_filter = ("enabled", "kind")
    search_fields = ("name",)
    actions = ("try_chosen",)
    readonly_fields = ("kind_title", "target", "state", "failures", "broken_since", "last_sent", "canary", "last_test")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Channel]:
        sent = Delivery.objects.filter(channel=OuterRef("pk"), sent_at__isnull=False).order_by("-sent_at")
        rows: QuerySet[Channel] = super().get_queryset(request)
        return rows.annotate(newest_sent=Subquery(sent.values("sent_at")[:1]))

    # The form

    def get_form(self, request: HttpRequest, obj: Channel | None = None, change: bool = False, **kwargs: Any) -> Any:
        return super().get_form(request, obj, change, form=form_of(obj) if obj else NewChannelForm, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Channel | None = None) -> Any:
        if obj is None:
            return [(None, {"fields": NewChannelForm.Meta.fields})]
        own = (None, {"fields": ("name", "kind_title", "target", "enabled", "language")})
        told = (
            _("Co i kiedy"),
            {"fields": ("kinds", "quiet_from", "quiet_until", "escalates_to", "is_fallback")},
        )
        state = (_("Stan"), {"fields": ("state", "failures", "broken_since", "last_sent", "canary", "last_test")})
        if not self.has_change_permission(request, obj):
            return [own, told, state]
        names = tuple(name for name in form_of(obj).base_fields if name.startswith((CONFIG, DELETE)))
        return [own, (_("Ustawienia"), {"fields": names, "description": fault_of(obj)}), told, state]

    def get_readonly_fields(self, request: HttpRequest, obj: Channel | None = None) -> Any:
        return self.readonly_fields if obj else ()

    def save_model(self, request: HttpRequest, obj: Channel, form: Any, change: bool) -> None:
        """Only what the form has is written: a task counts failures at the same time."""
        if not change:
            obj.enabled, obj.created_at = False, clock.now()  # on it is once it has its settings
            obj.save()
            return
        names = [name for name in OWN if name in form.cleaned_data]
        if form.config is not None:
            obj.sealed, obj.target = seal.seal(form.config), target_of(obj, form.config)
            names += ["sealed", "target"]
        if not obj.enabled:  # nobody waits for its messages, so it is not broken
            obj.failures, obj.broken_since = 0, None
            names += ["failures", "broken_since"]
        obj.save(update_fields=names)
        before = form.initial.get("name", obj.name)
        if before != obj.name or not obj.enabled:
            problems.close(health.PROBLEM, before)  # whoever finds it broken once more tells it by its name

    def response_add(self, request: HttpRequest, obj: Channel, post_url_continue: str | None = None) -> HttpResponse:
        """To the second step."""
        message = _("Kanał „%(name)s” jest dodany. Podaj jego ustawienia.") % {"name": obj.name}
        self.message_user(request, message, messages.SUCCESS)
        return redirect("admin:alerts_channel_change", obj.pk)

    # Deleting

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Its messages go with it: they are counted and not listed, and nobody deletes them by themselves."""
        chosen = list(objs)
        counts = {
            Channel._meta.verbose_name_plural: len(chosen),
            Delivery._meta.verbose_name_plural: Delivery.objects.filter(channel__in=[one.pk for one in chosen]).count(),
        }
        return [str(one) for one in chosen], counts, set(), []

    def delete_model(self, request: HttpRequest, obj: Channel) -> None:
        obj.delete()
        problems.close(health.PROBLEM, obj.name)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Channel]) -> None:
        for channel in queryset:
            self.delete_model(request, channel)

    # The test message

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.try_one)
        return [path("<int:number>/test/", view, name="alerts_channel_test"), *super().get_urls()]

    def try_one(self, request: HttpRequest, number: int) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        channel = self.get_object(request, str(number))
        if channel is None or not self.has_change_permission(request, channel):
            raise PermissionDenied
        self.send_tests(request, [channel])
        return redirect("admin:alerts_channel_change", number)

    @admin.action(description=gettext_lazy("Wyślij wiadomość próbną wybranymi kanałami"), permissions=["change"])
    def try_chosen(self, request: HttpRequest, queryset: QuerySet[Channel]) -> None:
        self.send_tests(request, queryset)

    def send_tests(self, request: HttpRequest, chosen: Iterable[Channel]) -> None:
        """Enqueued: a page does not wait for a receiver."""
        for channel in chosen:
            if not channel.sealed or fault_of(channel):
                said = _("Kanał „%(name)s” nie ma ustawień, z którymi mógłby wysyłać") % {"name": channel.name}
                self.message_user(request, said, messages.ERROR)
                continue
            delivery = manual.test(channel)
            self.log_change(request, channel, _("Zlecono wiadomość próbną"))
            said = _("Zlecono wiadomość próbną: %(name)s.") % {"name": channel.name}
            self.message_user(request, format_html("{} {}", said, link_to(delivery)), messages.SUCCESS)

    # What is shown

    @admin.display(description=gettext_lazy("stan"))
    def state(self, row: Channel) -> SafeString:
        light, words = light_of(row)
        return badge(light, words)

    @admin.display(description=gettext_lazy("rodzaj"), ordering="kind")
    def kind_title(self, row: Channel) -> str:
        kind = channels.KINDS.get(row.kind)
        return str(kind.title) if kind else row.kind

    @admin.display(description=gettext_lazy("ostatnia wiadomość"), ordering="newest_sent")
    def last_sent(self, row: Channel) -> str:
        sent = getattr(row, "newest_sent", None)
        return formats.moment(sent) if sent else "–"

    @admin.display(description=gettext_lazy("codzienna próba"), ordering="canary_at")
    def canary(self, row: Channel) -> str:
        if row.canary_at is None:
            return "–"
        took = "" if row.canary_ms is None else f" ({formats.duration(row.canary_ms / 1000)})"
        return f"{formats.moment(row.canary_at)}{took}"

    @admin.display(description=gettext_lazy("wiadomość próbna"))
    def last_test(self, row: Channel) -> SafeString | str:
        """How the newest one ended, or that it has not yet."""
        delivery = row.deliveries.filter(step="test").order_by("-created_at", "-pk").first()
        if delivery is None:
            return _("jeszcze żadna")
        ended = formats.moment(delivery.sent_at or delivery.created_at)
        said = ": ".join(filter(None, [delivery.get_state_display(), delivery.error]))
        return format_html("{} – {} {}", ended, said, link_to(delivery))


def light_of(channel: Channel) -> tuple[str, str]:
    if channel.sealed and readable(channel) is None:
        return "bad", _("ustawień nie da się odczytać")
    if not channel.sealed:
        return "muted", _("bez ustawień")
    if not channel.enabled:
        return "muted", _("wyłączony")
    if channel.broken_since is not None:
        return "bad", _("nie działa od %(moment)s") % {"moment": formats.moment(channel.broken_since)}
    if channel.failures:
        return "warn", _("ostatnio bez powodzenia")
    return "good", _("działa")


def fault_of(channel: Channel) -> str:
    """Why it could not send now, however much its receiver waited; empty when nothing stands against it."""
    if channel.kind not in channels.KINDS:
        return str(UNKNOWN)
    return "" if readable(channel) is not None else str(UNREADABLE)


def target_of(channel: Channel, config: dict[str, str]) -> str:
    return channels.KINDS[channel.kind].target(config)[:LONGEST_TARGET]


def link_to(delivery: Delivery) -> SafeString:
    href = reverse("admin:alerts_delivery_change", args=[delivery.pk])
    return format_html('<a href="{}">{}</a>', href, _("Jak poszło"))
