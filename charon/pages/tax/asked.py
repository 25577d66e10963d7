"""What was typed into the form of the tax rate, read into a question; what cannot be read is a fault of one field."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.utils.translation import gettext as _

from charon.pages.tax import choices, fields, typed
from charon.pages.tax.fields import FIELDS, Kind
from markets import formats
from markets.queries import calendars
from markets.queries.tax import registry
from markets.queries.tax.rule import Question, Rule

Values = dict[str, str]
LONGEST = 60
# Any of these asks; a currency alone fills the form.
ASKING = ("data", "regula", *(name for name, field in FIELDS.items() if field.kind in {Kind.DAY, Kind.YEAR}))


class FieldError(Exception):
    """One fault: which field, and a sentence with an example."""

    def __init__(self, field: str, words: str) -> None:
        super().__init__(words)
        self.field, self.words = field, words


@dataclass(frozen=True, slots=True)
class Form:
    """`values`: the texts of the fields as they were typed, or as the form begins. `is_asked`: there is a question."""

    values: Values
    is_asked: bool

    @property
    def rule(self) -> Rule:
        """The rule that was chosen; the most common one while nobody knows which."""
        return registry.NAMES.get(self.values["regula"].lower(), registry.NAMES[choices.DEFAULT])


def form(given: Mapping[str, Any], today: date) -> Form:
    """Without a question: yesterday, USD and the most common rule."""
    values = {name: str(given.get(name, "")).replace("\0", "").strip()[:LONGEST] for name in FIELDS}
    is_asked = any(name in given for name in ASKING)
    begun = {"waluta": "USD", "regula": choices.DEFAULT}
    if not is_asked:
        begun["data"] = typed.shown_day(today - timedelta(days=1))
    return Form(values | {name: text for name, text in begun.items() if name not in given}, is_asked)


def question(form: Form, today: date) -> Question:
    """Raises FieldError, and UnknownRuleError. Fields that the rule does not take are left out."""
    if form.values["regula"].lower() not in registry.NAMES:
        registry.rule_of(form.values["regula"])  # raises, with the nearest names
    rule = form.rule
    for name in fields.needed(rule):
        if not form.values[name]:
            raise FieldError(name, missing(name))
    found = {name: read(name, form.values[name], rule) for name in fields.taken(rule) if form.values[name]}
    days = [(name, value) for name, value in found.items() if isinstance(value, date)]
    for name, value in days:
        refuse_future(name, value, today)
    return Question(**{FIELDS[name].input: value for name, value in found.items()})


def read(name: str, text: str, rule: Rule) -> Any:
    match FIELDS[name].kind:
        case Kind.DAY:
            return day(name, text)
        case Kind.AMOUNT:
            return amount(name, text)
        case Kind.YEAR:
            return year(name, text)
        case Kind.CHOICE:
            if text not in {"nbp", "ecb"}:
                raise FieldError(name, _("Wybierz NBP albo EBC."))
            return text
    return rule.id if name == "regula" else text.upper()


def day(name: str, text: str) -> date:
    try:
        return typed.day(text)
    except typed.TypingError:
        words = _("Nie ma takiego dnia: „%(text)s”. Wpisz dzień, na przykład %(example)s.")
        raise FieldError(name, words % {"text": text, "example": example(name)}) from None


def amount(name: str, text: str) -> Decimal:
    try:
        return typed.amount(text)
    except typed.TypingError:
        words = _("„%(text)s” to nie liczba. Wpisz na przykład %(example)s.")
        raise FieldError(name, words % {"text": text, "example": example(name)}) from None


def year(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1984 <= int(text) <= 2200):
        words = _("„%(text)s” to nie rok. Wpisz na przykład %(example)s.")
        raise FieldError(name, words % {"text": text, "example": example(name)})
    return int(text)


def example(name: str) -> str:
    text = FIELDS[name].example
    match FIELDS[name].kind:
        case Kind.DAY:
            return typed.shown_day(typed.day(text))
        case Kind.AMOUNT:
            return typed.shown_amount(typed.amount(text))
    return text


def missing(name: str) -> str:
    words = _("Uzupełnij pole „%(label)s”, na przykład %(example)s.")
    return words % {"label": _(FIELDS[name].label), "example": example(name)}


def refuse_future(name: str, value: date, today: date) -> None:
    """The next working day is taken: the table of today decides of it, and is out at noon."""
    if value > calendars.next_working(today):
        words = _("%(day)s jeszcze nie nadszedł: kurs znamy najdalej dla %(today)s (dziś).")
        raise FutureError(name, words % {"day": formats.day(value), "today": formats.day(today)})


class FutureError(FieldError):
    """A day for which no table can be known."""


def permalink(form: Form, question: Question) -> str:
    """The address of the answer: the parameters that were given, in one order and one notation."""
    given = {}
    for name in fields.taken(form.rule):
        value = getattr(question, FIELDS[name].input)
        if value is not None:
            given[name] = form.values[name].lower() if name == "regula" else plain(value)
    return urlencode(given)


def plain(value: Any) -> str:
    if isinstance(value, date):
        return value.isoformat()
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def with_values(form: Form, **changes: str) -> str:
    """The same question with other values, as a query."""
    kept = {name: form.values[name] for name in fields.taken(form.rule)} | changes
    return "?" + urlencode({name: text for name, text in kept.items() if text})
