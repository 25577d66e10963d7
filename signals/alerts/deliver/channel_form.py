"""The form of a channel: the fields of its kind beside its own; what is secret goes in and never comes out."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from signals.alerts import channels
from signals.alerts.channels.channel import Field
from signals.alerts.deliver import seal
from signals.alerts.deliver.models import Channel
from signals.alerts.models import Kind

if TYPE_CHECKING:  # generic only in the stubs
    ChannelModelForm = forms.ModelForm[Channel]
else:
    ChannelModelForm = forms.ModelForm

# Before the names of a kind's fields in the form: a field may be called as a column.
CONFIG, DELETE = "config_", "delete_"
OWN = ("name", "enabled", "language", "kinds", "quiet_from", "quiet_until", "escalates_to", "is_fallback")
LONGEST_TARGET = 200


class NewChannelForm(ChannelModelForm):
    """What decides which fields there are; they come on the next page."""

    kind = forms.ChoiceField(
        label=gettext_lazy("Rodzaj"), help_text=gettext_lazy("Ustawienia tego rodzaju podaje się na następnej stronie.")
    )

    class Meta:
        model = Channel
        fields = ("name", "kind")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(name, str(kind.title)) for name, kind in sorted(channels.KINDS.items())]
        self.fields["kind"] = forms.ChoiceField(
            label=self.fields["kind"].label, help_text=self.fields["kind"].help_text, choices=choices
        )


class ChannelForm(ChannelModelForm):
    """`config`: what is to be sealed; None where this installation does not have the kind."""

    kinds = forms.MultipleChoiceField(
        label=gettext_lazy("Rodzaje alertów"),
        help_text=gettext_lazy("Bez wyboru: wszystkie."),
        choices=Kind.choices,
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    config: dict[str, str] | None = None

    class Meta:
        model = Channel
        fields = OWN

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance.sealed:
            self.initial["enabled"] = True  # it could not be on before it had its settings
        if "escalates_to" in self.fields:
            self.fields["escalates_to"].queryset = Channel.objects.exclude(pk=self.instance.pk)  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        for field, fault in own_faults(self.instance, data):
            self.add_error(field, fault)
        kind = channels.KINDS.get(self.instance.kind)
        if kind is None or self.errors:
            return data
        for name in left_behind(self.instance, kind.fields, data):
            self.add_error(CONFIG + name, _("Zmieniono miejsce docelowe: podaj to pole jeszcze raz"))
        config = config_of(self.instance, kind.fields, data)
        for name, fault in kind.check(config).items():
            self.add_error(CONFIG + name if CONFIG + name in self.fields else None, fault)
        self.config = config
        return data


def own_faults(channel: Channel, data: dict[str, Any]) -> Iterator[tuple[str, str]]:
    begins, ends = data.get("quiet_from"), data.get("quiet_until")
    if (begins is None) != (ends is None):
        yield "quiet_from" if begins is None else "quiet_until", _("Cisza potrzebuje początku i końca")
    elif begins is not None and begins == ends:
        yield "quiet_until", _("Cisza, która kończy się o tej samej godzinie, trwałaby całą dobę; wyłącz kanał")
    if leads_back(channel, data.get("escalates_to")):
        yield "escalates_to", _("Ta eskalacja wraca do tego samego kanału")


def leads_back(channel: Channel, chosen: Channel | None) -> bool:
    """Whether an escalation that begins there comes here, or never ends."""
    seen = {channel.pk}
    while chosen is not None:
        if chosen.pk in seen:
            return True
        seen.add(chosen.pk)
        chosen = chosen.escalates_to
    return False


def left_behind(channel: Channel, fields: tuple[Field, ...], data: dict[str, Any]) -> list[str]:
    """Secrets that would go to another place than the one they were given for."""
    before = readable(channel) or {}
    if not any(field.place and said(field, data) != before.get(field.name, "") for field in fields):
        return []
    return [
        field.name
        for field in fields
        if field.secret and before.get(field.name) and not said(field, data) and not data.get(DELETE + field.name)
    ]


def said(field: Field, data: dict[str, Any]) -> str:
    return str(data.get(CONFIG + field.name) or "").strip()


def config_of(channel: Channel, fields: tuple[Field, ...], data: dict[str, Any]) -> dict[str, str]:
    """What was said; a secret that was left empty stays as it was."""
    before, now = readable(channel) or {}, dict[str, str]()
    for field in fields:
        value = said(field, data)
        if field.secret and not value and not data.get(DELETE + field.name):
            value = before.get(field.name, "")
        if value:
            now[field.name] = value
    return now


def readable(channel: Channel) -> dict[str, str] | None:
    """Its configuration; None when it was sealed under another SECRET_KEY."""
    try:
        return seal.unseal(channel.sealed)
    except seal.Unreadable:
        return None


def form_of(channel: Channel) -> type[ChannelForm]:
    """The form with the fields of the channel's kind; none of them where the kind is not known."""
    kind, config = channels.KINDS.get(channel.kind), readable(channel) or {}
    fields: dict[str, forms.Field] = {}
    for field in kind.fields if kind else ():
        is_set = bool(config.get(field.name))
        fields[CONFIG + field.name] = secret(field, is_set) if field.secret else plain(field, config)
        if field.secret and is_set and not field.required:
            title = _("Usuń: %(field)s") % {"field": field.title}
            fields[DELETE + field.name] = forms.BooleanField(label=title, required=False)
    return type("ChannelForm", (ChannelForm,), fields)


def plain(field: Field, config: dict[str, str]) -> forms.Field:
    if field.choices:
        return forms.ChoiceField(
            label=field.title,
            help_text=field.help,
            required=field.required,
            initial=config.get(field.name, ""),
            choices=[("", "—"), *field.choices],
        )
    return forms.CharField(
        label=field.title, help_text=field.help, required=field.required, initial=config.get(field.name, "")
    )


def secret(field: Field, is_set: bool) -> forms.Field:
    """The widget writes no value into the page, not even one that was just refused."""
    state = _("Ustawione; puste pole niczego nie zmienia.") if is_set else _("Nieustawione.")
    return forms.CharField(
        label=field.title,
        help_text=f"{field.help}{'. ' * bool(field.help)}{state}",
        required=field.required and not is_set,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
