"""The form of a new alert rule: what was typed, what is wrong with it in words, and the rule that it would be."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from charon.pages.listing import LONGEST_CODE
from charon.pages.signals import TIMEFRAMES
from markets import clock, formats
from markets.errors import QuestionError, UnknownCodeError
from markets.licence import Audience
from markets.models import Instrument
from markets.queries.prices import find_asset, plain
from signals import rules
from signals.alerts import automatic, rule_store
from signals.alerts.limits import MOST_PCT, OF_KIND, Fault
from signals.alerts.models import AlertRule, Direction, Kind
from signals.alerts.origins import DAY_MINUTES, Origin
from signals.alerts.rule_store import Meaningless
from signals.models import DAILY, OFFICIAL_KINDS

KINDS = (Kind.MOVE, Kind.LEVEL, Kind.SIGNAL)
# The fields of the form by those of a rule, and of its faults.
NAMES = {
    "asset": "instrument", "kind": "rodzaj", "window_minutes": "okno", "threshold_pct": "prog", "direction": "kierunek",
    "level": "poziom", "rule": "regula", "timeframe": "interwal",
}  # fmt: skip
# What each kind cannot do without.
ASKED: dict[str, tuple[str, ...]] = {Kind.MOVE: ("okno", "prog"), Kind.LEVEL: ("poziom",), Kind.SIGNAL: ("regula",)}
# Kinds that go up or down.
DIRECTED = (Kind.MOVE, Kind.LEVEL)
# What the form does not ask: as the API has it where nothing is said.
REST = {"source": None, "cooldown_minutes": 60, "enabled": True, "name": ""}
NEEDED = gettext_lazy("To pole trzeba wypełnić.")
LONGEST_NUMBER = 40
LONGEST_TEXT = 60


class Number(forms.Field):
    """`5,2` and `5.2`, with spaces as people group them; finite."""

    def to_python(self, value: Any) -> Decimal | None:
        text = "".join(str(value or "").split()).replace(",", ".")
        if not text:
            return None
        try:
            number = Decimal(text) if len(text) <= LONGEST_NUMBER else Decimal("NaN")
        except InvalidOperation:
            number = Decimal("NaN")
        if not number.is_finite():
            raise ValidationError(_("Podaj liczbę, na przykład 5 albo 4,2."))
        return number


class RuleForm(forms.Form):
    """What is not asked of the chosen kind is not read, so that a browser without style may send all of it."""

    rodzaj = forms.CharField(required=False)
    instrument = forms.CharField(max_length=LONGEST_CODE, error_messages={"required": NEEDED})
    okno = forms.IntegerField(required=False, error_messages={"invalid": gettext_lazy("Podaj pełne minuty.")})
    prog = Number(required=False)
    kierunek = forms.ChoiceField(choices=Direction.choices, required=False)
    poziom = Number(required=False)
    regula = forms.CharField(required=False, max_length=60)
    interwal = forms.ChoiceField(choices=list(TIMEFRAMES.items()), required=False)

    def __init__(
        self, data: Any = None, audience: Audience = Audience.PAGE, initial: dict[str, Any] | None = None
    ) -> None:
        super().__init__(data, initial=first_values(automatic.defaults()) if initial is None else initial)
        self.audience = audience
        self.rule: AlertRule | None = None
        self.origin: Origin | None = None

    @property
    def kind(self) -> str:
        """What is no kind of the form is the first one."""
        typed = self["rodzaj"].value()
        return typed if typed in {kind.value for kind in KINDS} else Kind.MOVE.value

    @property
    def said(self) -> dict[str, Any]:
        """The fields of `schemas.NewRule` that the chosen kind has."""
        parts = ["asset", *OF_KIND[self.kind], *(("direction",) if self.kind in DIRECTED else ())]
        values = {name: self.cleaned_data.get(NAMES[name]) for name in parts if name in NAMES}
        return values | {"kind": self.kind} | REST

    def clean_instrument(self) -> str:
        text = str(self.cleaned_data["instrument"])
        try:
            find_asset(text)
        except UnknownCodeError as error:
            raise ValidationError(unknown(error)) from error
        return text

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        for name in ASKED[self.kind]:
            if name not in self.errors and data.get(name) in {None, ""}:
                self.add_error(name, str(NEEDED))
        for name in {*self.errors} - {"instrument", "kierunek", "interwal", *ASKED[self.kind]}:
            del self.errors[name]  # of a field that is not seen
        if not self.errors:
            self.fill(self.kind)
        return data

    def fill(self, kind: str) -> None:
        """The rule that this would be, not saved, after the same checks as in the API."""
        said = self.said
        try:
            instrument = find_asset(said["asset"])
            rule = AlertRule(id=0, kind=kind, instrument=instrument, created_at=clock.now())
            self.origin = rule_store.fill(rule, said, self.audience)
            self.rule = rule
        except Meaningless as error:
            for fault in error.faults:
                self.add_error(NAMES.get(fault.field), words(fault))
        except UnknownCodeError as error:
            no_rule = kind == Kind.SIGNAL and rules.find(said["rule"]) is None
            self.add_error("regula" if no_rule else "instrument", unknown(error))
        except QuestionError:
            self.add_error("instrument", _("Tego instrumentu nie można teraz obserwować."))


def first_values(held: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "rodzaj": Kind.MOVE.value,
        "okno": held["window_minutes"],
        "kierunek": Direction.BOTH.value,
        "regula": rules.primary().name,
        "interwal": DAILY,
    }


def prefilled(asked: QueryDict, instrument: Instrument | None) -> dict[str, Any]:
    """What stands in the fields before anything is typed: of an address that names an instrument a whole rule, so that
    its preview is there at once and saving is the second click. An official rate is one a day.
    """
    held = automatic.defaults()
    values = first_values(held)
    if instrument is None:
        return values
    if instrument.kind in OFFICIAL_KINDS:
        values["okno"] = max(values["okno"], DAY_MINUTES)
    named = {name: asked[name][:LONGEST_TEXT] for name in NAMES.values() if asked.get(name)}
    threshold = formats.number(Decimal(plain(held["threshold_pct"], 0) or 0))
    return values | {"prog": threshold} | named | {"instrument": instrument.code}


def words(fault: Fault) -> str:
    texts = {
        ("window_minutes", "range"): _("Okno musi mieć co najmniej minutę."),
        ("window_minutes", "history"): _("Okno jest dłuższe niż przechowywana historia."),
        ("window_minutes", "daily"): _("Kurs jest jeden na dzień: okno musi mieć co najmniej 1440 minut."),
        ("threshold_pct", "range"): _("Próg musi być większy od 0 i nie większy niż %(most)s%%.") % {"most": MOST_PCT},
        ("level", "range"): _("Poziom musi być ceną większą od 0."),
    }  # fmt: skip
    by_code = {
        "digits": _("Za dużo miejsc po przecinku."),
        "needed": str(NEEDED),
        "foreign": _("W regule tego rodzaju to pole nic nie znaczy."),
    }
    found = texts.get((fault.field, fault.code)) or by_code.get(fault.code)
    return found or _("Ta wartość jest poza zakresem, w którym coś znaczy.")


def unknown(error: UnknownCodeError) -> str:
    near = (error.detail or {}).get("nearest") or []
    if not near:
        return _("Nie ma takiego instrumentu ani reguły.")
    return _("Nie ma takiej nazwy. Najbliższe: %(near)s.") % {"near": ", ".join(near)}
