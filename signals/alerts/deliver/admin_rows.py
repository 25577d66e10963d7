"""Messages and silences in the admin: what went out and how, sent once more by hand; when nothing is told."""

# ruff: noqa: ARG002  the arguments are the admin's

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from markets import clock, formats
from markets.admin_base import LookOnly, badge
from markets.admin_confirm import ConfirmedActions
from markets.admin_edits import NotOverwritten
from signals.alerts.deliver import silences
from signals.alerts.deliver.models import Attempt, Delivery, Silence
from signals.alerts.deliver.tasks import enqueue_sending
from signals.alerts.models import Kind

if TYPE_CHECKING:  # generic only in the stubs
    AttemptTable = admin.TabularInline[Attempt, Delivery]
    SilenceModelForm = forms.ModelForm[Silence]
else:
    AttemptTable = admin.TabularInline
    SilenceModelForm = forms.ModelForm

LONGEST_AUTHOR = 80
LIGHTS = {
    Delivery.State.PENDING: "busy", Delivery.State.SENDING: "busy", Delivery.State.RETRY: "warn",
    Delivery.State.SENT: "good", Delivery.State.DEAD: "bad",
}  # fmt: skip


class AttemptInline(AttemptTable):
    model = Attempt
    fields = readonly_fields = ("number", "started_at", "milliseconds", "status", "ok", "error")
    ordering = ("number", "pk")
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(Delivery)
class DeliveryAdmin(ConfirmedActions, LookOnly):
    """Nobody writes into a message; who might, by Django's permissions, may have a dead one tried again."""

    list_display = ("created_at", "channel", "step", "about", "light", "held", "tries", "sent_at", "error")
    list_filter = ("state", ("created_at", admin.DateFieldListFilter), "channel", "step")
    list_select_related = ("channel", "event")
    readonly_fields = tuple(field.name for field in Delivery._meta.fields)
    inlines = (AttemptInline,)
    actions = ("retry",)
    confirmed = {
        "retry": gettext_lazy("Wiadomości, które nie doszły, zostaną wysłane jeszcze raz, z tym samym kluczem.")
    }
    row_buttons = {"retry": gettext_lazy("wyślij ponownie")}

    def buttons_for(self, row: Delivery, names: Sequence[str]) -> Sequence[str]:
        return names if row.state == Delivery.State.DEAD else []

    @admin.display(description=gettext_lazy("stan"), ordering="state")
    def light(self, row: Delivery) -> SafeString:
        return badge(LIGHTS.get(Delivery.State(row.state), "muted"), row.get_state_display())

    @admin.display(description=gettext_lazy("czego dotyczy"))
    def about(self, row: Delivery) -> str:
        return " ".join(filter(None, [row.event.get_kind_display(), row.event.subject])) if row.event else formats.DASH

    def has_retry_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("alerts.change_delivery"))

    @admin.action(description=gettext_lazy("Spróbuj ponownie wysłać te, które nie doszły"), permissions=["retry"])
    def retry(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        """Under the same key, so that a receiver that had it after all knows it; with all that goes in one message."""
        chosen = list(queryset.filter(state=Delivery.State.DEAD).values_list("pk", "lead"))
        leads = {lead or pk for pk, lead in chosen}
        dead = Delivery.objects.filter(Q(pk__in=leads) | Q(lead__in=leads), state=Delivery.State.DEAD)
        count = dead.update(state=Delivery.State.RETRY, due_at=clock.now(), lease_until=None)
        if count:
            enqueue_sending()
        level = messages.SUCCESS if count else messages.WARNING
        self.message_user(request, _("Do ponownego wysłania: %(count)d") % {"count": count}, level)


class SilenceForm(SilenceModelForm):
    kind = forms.ChoiceField(
        label=gettext_lazy("Rodzaj alertów"), choices=[("", gettext_lazy("wszystkie")), *Kind.choices], required=False
    )

    class Meta:
        model = Silence
        fields = ("kind", "instrument", "rule", "channel", "begins_at", "until", "comment")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        begins, until = data.get("begins_at"), data.get("until")
        if until and until <= clock.now():
            self.add_error("until", _("Ta chwila już minęła"))
        elif begins and until and until <= begins:
            self.add_error("until", _("Wyciszenie kończy się, zanim się zacznie"))
        return data


@admin.register(Silence)
class SilenceAdmin(ConfirmedActions, NotOverwritten):
    """Whoever is asked why nothing was told finds it here: one that is over is ended, not deleted."""

    form = SilenceForm
    list_display = ("kind", "instrument", "rule", "channel", "begins_at", "until", "author", "comment")
    list_display_links = ("begins_at", "until")
    list_filter = ("kind", "channel")
    list_select_related = ("instrument", "rule", "channel")
    autocomplete_fields = ("instrument", "rule")
    readonly_fields = ("author",)
    actions = ("end",)
    confirmed = {"end": gettext_lazy("Alerty znów będą wysyłane od tej chwili.")}
    row_buttons = {"end": gettext_lazy("zakończ")}

    def buttons_for(self, row: Silence, names: Sequence[str]) -> Sequence[str]:
        return names if row.until > clock.now() else []

    def get_fields(self, request: HttpRequest, obj: Silence | None = None) -> Any:
        fields = SilenceForm.Meta.fields
        return (*fields, "author") if obj else fields

    def get_changeform_initial_data(self, request: HttpRequest) -> Any:
        return {"begins_at": clock.now(), **super().get_changeform_initial_data(request)}

    def save_model(self, request: HttpRequest, obj: Silence, form: Any, change: bool) -> None:
        if not change:
            obj.author = request.user.get_username()[:LONGEST_AUTHOR]
        super().save_model(request, obj, form, change)

    @admin.action(description=gettext_lazy("Zakończ wyciszenie"), permissions=["change"])
    def end(self, request: HttpRequest, queryset: QuerySet[Silence]) -> None:
        lasting = list(queryset.filter(until__gt=clock.now()))
        silences.end(queryset)
        for one in lasting:
            self.log_change(request, one, _("Zakończono"))
        self.message_user(request, _("Zakończono wyciszenia: %(count)d") % {"count": len(lasting)}, messages.SUCCESS)
