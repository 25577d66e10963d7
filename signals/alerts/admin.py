"""Rules, what fired, and the defaults in the admin: the same checks as in the API, said in Polish."""

# ruff: noqa: ARG002  the arguments are the admin's

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from markets import clock
from markets.admin_base import BoundedPaginator, LookOnly, NeitherAddedNorDeleted
from markets.admin_edits import ReasonedChanges
from markets.errors import QuestionError
from markets.licence import Audience
from signals.alerts import rule_store, standings
from signals.alerts.deliver import admin as deliver_admin  # noqa: F401  registers itself
from signals.alerts.models import AlertDefaults, AlertEvent, AlertRule, AlertState, Silence
from signals.alerts.rule_store import Meaningless

if TYPE_CHECKING:  # generic only in the stubs
    RuleModelForm = forms.ModelForm[AlertRule]
    DefaultsModelForm = forms.ModelForm[AlertDefaults]
else:
    RuleModelForm = DefaultsModelForm = forms.ModelForm

# By the code of a `limits.Fault`.
WORDS = {
    "foreign": gettext_lazy("W regule tego rodzaju to pole nic nie znaczy"),
    "needed": gettext_lazy("Reguła tego rodzaju potrzebuje tego pola"),
    "range": gettext_lazy("Ta wartość jest poza zakresem, w którym coś znaczy"),
    "history": gettext_lazy("Okno jest dłuższe niż przechowywana historia"),
    "daily": gettext_lazy("Kurs jest jeden na dzień: krótsze okno nie obejmie dwóch"),
    "digits": gettext_lazy("Za dużo miejsc po przecinku"),
}
FIELDS_OF = {"asset": "instrument"}
FIXED = ("kind", "instrument")
WATCH = ("source", "window_minutes", "threshold_pct", "direction", "level", "rule", "timeframe", "hysteresis_pct")
REST = ("cooldown_minutes", "enabled", "name")


class RuleForm(RuleModelForm):
    class Meta:
        model = AlertRule
        fields = (*FIXED, *WATCH, *REST)

    def clean(self) -> dict[str, Any]:
        """What is left empty comes from the defaults; the source is the one that answers now."""
        data = super().clean() or self.cleaned_data
        if self.errors:
            return data
        rule = self.instance
        self.before = rule_store.watched(rule)
        if rule.pk is None or rule._state.adding:
            rule.kind, rule.instrument = data["kind"], data["instrument"]
        source = data.get("source")
        said = {name: data[name] for name in (*WATCH, *REST)} | {"source": source.code if source else None}
        try:
            rule_store.fill(rule, said, Audience.OPERATOR)
        except Meaningless as error:
            for fault in error.faults:
                self.add_error(FIELDS_OF.get(fault.field, fault.field), str(WORDS[fault.code]))
        except QuestionError:
            self.add_error(None, _("Tego źródła, reguły sygnału albo notowań tego instrumentu nie ma"))
        return data | {name: getattr(rule, name) for name in WATCH}


@admin.register(AlertRule)
class AlertRuleAdmin(ReasonedChanges):
    """The rule of the defaults is looked at only: it is changed with them."""

    form = RuleForm
    list_display = ("id", "kind", "name", "instrument", "source", "window_minutes", "threshold_pct", "enabled")
    list_filter = ("kind", "enabled", "automatic")
    list_select_related = ("instrument", "source")
    search_fields = ("name", "=instrument__code")
    autocomplete_fields = ("instrument",)

    def get_readonly_fields(self, request: HttpRequest, obj: AlertRule | None = None) -> tuple[str, ...]:
        return FIXED if obj else ()

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return super().has_change_permission(request, obj) and not is_automatic(obj)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return super().has_delete_permission(request, obj) and not is_automatic(obj)

    def save_model(self, request: HttpRequest, obj: AlertRule, form: Any, change: bool) -> None:
        if change:
            standings.lock()  # a pass writes states and events of this rule at the same time
        else:
            obj.created_at, obj.created_by = clock.now(), request.user.get_username()[: rule_store.LONGEST_WHO]
        super().save_model(request, obj, form, change)
        if change and (form.before != rule_store.watched(obj) or not obj.enabled):
            rule_store.begin_anew(obj)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Its states go with it, which nobody may delete by themselves: Django would refuse every rule that has one."""
        chosen = list(objs)
        silences = Silence.objects.filter(rule__in=[rule.pk for rule in chosen]).count()
        counts = {AlertRule._meta.verbose_name_plural: len(chosen), Silence._meta.verbose_name_plural: silences}
        return [str(rule) for rule in chosen], counts, set(), []

    def delete_model(self, request: HttpRequest, obj: AlertRule) -> None:
        rule_store.remove(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[AlertRule]) -> None:
        for rule in queryset.filter(automatic=False):
            rule_store.remove(rule)


def is_automatic(obj: Model | None) -> bool:
    return isinstance(obj, AlertRule) and obj.automatic


@admin.register(AlertEvent)
class AlertEventAdmin(NeitherAddedNorDeleted):
    """Who may change events may acknowledge them; nobody writes into one."""

    list_display = ("created_at", "kind", "subject", "direction", "change_pct", "price", "state", "acknowledged_by")
    list_filter = ("state", ("created_at", admin.DateFieldListFilter), "kind")
    search_fields = ("=subject",)
    paginator = BoundedPaginator
    show_full_result_count = False
    list_per_page = 50
    readonly_fields = tuple(field.name for field in AlertEvent._meta.fields)
    actions = ("acknowledge",)

    @admin.action(description=gettext_lazy("Potwierdź wybrane alerty"), permissions=["change"])
    def acknowledge(self, request: HttpRequest, queryset: QuerySet[AlertEvent]) -> None:
        count = rule_store.mark(queryset.values_list("pk", flat=True), request.user.get_username())
        self.message_user(request, _("Potwierdzono alerty: %(count)d") % {"count": count}, messages.SUCCESS)


@admin.register(AlertState)
class AlertStateAdmin(LookOnly):
    list_display = ("rule", "subject", "state", "source", "fired_at", "changed_at")
    list_filter = ("state",)
    list_select_related = ("rule", "source")
    search_fields = ("=subject",)


class DefaultsForm(DefaultsModelForm):
    class Meta:
        model = AlertDefaults
        fields = ("window_minutes", "threshold_pct", "direction", "enabled")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if not self.errors:
            for fault in rule_store.default_faults(own(data)):
                self.add_error(fault.field, str(WORDS[fault.code]))
        return data


def own(data: dict[str, Any]) -> dict[str, Any]:
    """What the row keeps, without the reason that the form asks for beside it."""
    return {name: value for name, value in data.items() if name in DefaultsForm.Meta.fields}


@admin.register(AlertDefaults)
class AlertDefaultsAdmin(ReasonedChanges, NeitherAddedNorDeleted):
    """One row; without it the settings hold."""

    form = DefaultsForm
    list_display = ("__str__", "direction", "enabled", "changed_at", "changed_by")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super(NeitherAddedNorDeleted, self).has_add_permission(request) and not AlertDefaults.objects.exists()

    def save_model(self, request: HttpRequest, obj: AlertDefaults, form: Any, change: bool) -> None:
        rule_store.set_defaults(own(form.cleaned_data), request.user.get_username())
        obj.pk = 1
