"""The forms of the source list: an operator's choices, a new source, a range of days."""

from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from markets import clock, formats
from markets.models import Source
from markets.network import allowed_urls
from markets.network.fault_words import WRONG_ADDRESS
from miner import sources

# Before it nobody has figures that could be asked for.
FIRST_DAY = date(1980, 1, 1)


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
            self.add_error("end", _("Data końcowa jest wcześniejsza niż początkowa"))
        return days


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
