"""A question made ready: its rule, the version of the law, the code as the tables have it, and what the rule chose."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, replace

from django.db.models import F

from markets import clock
from markets.errors import QuestionError, UnknownCodeError
from markets.instruments import names
from markets.models import Alias, Instrument
from markets.queries.lookup import nearest
from markets.queries.rates import find_currency
from markets.queries.tax import registry
from markets.queries.tax.faults import ContradictionError, MissingInputError, RuleNotInForceError, UnknownRuleError
from markets.queries.tax.rule import Choice, Question, Rule, Version

# Name as asked (in capitals): code and kind.
Known = dict[str, tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Asked:
    """`known`: the moment whose knowledge was asked for; None for now."""

    question: Question
    rule: Rule
    version: Version
    choice: Choice
    known: dt.datetime | None


def known_names(questions: Iterable[Question]) -> Known:
    """One statement: the instruments of all codes and aliases."""
    wanted = {name(question.code) for question in questions}
    wanted = {text for text in wanted if text and "\0" not in text}  # PostgreSQL takes it for a fault of the question
    columns = ("asked_as", "code_", "kind_")
    by_code = Instrument.objects.filter(code__in=wanted).annotate(asked_as=F("code"), code_=F("code"), kind_=F("kind"))
    by_alias = Alias.objects.filter(name__in=wanted).annotate(
        asked_as=F("name"), code_=F("instrument__code"), kind_=F("instrument__kind")
    )
    rows = by_alias.order_by().values_list(*columns).union(by_code.order_by().values_list(*columns), all=True)
    return {text: (code, kind) for text, code, kind in rows} if wanted else {}


def name(text: str) -> str:
    return text.strip().upper()


def make_ready(question: Question, known: Known) -> Asked:
    """Raises UnknownRuleError, MissingInputError, RuleNotInForceError, ContradictionError, UnknownCodeError, and what
    the rule itself refuses.
    """
    rule = find_rule(question.rule)
    question = with_code(with_inputs(question, rule), rule, known)
    try:
        event = rule.event(question)
        version = version_of(rule, event)
        choice = rule.choose(question)
    except (OverflowError, ValueError):
        raise QuestionError("a day before year 1 or after year 9999 would be needed", {"rule": rule.id}) from None
    moment = question.as_of if question.as_of and question.as_of < clock.now() else None
    return Asked(question, rule, version, choice, moment)


def find_rule(text: str) -> Rule:
    """By its id or an alias."""
    wanted = text.strip().lower()
    if rule := registry.RULES.get(wanted):
        return rule
    called = {alias: rule for rule in registry.RULES.values() for alias in rule.aliases}
    if wanted in called:
        return called[wanted]
    spellings = {id_: id_ for id_ in registry.RULES} | {alias: rule.id for alias, rule in called.items()}
    raise UnknownRuleError(f"There is no tax rule {text!r}", {"nearest": nearest(text, spellings)})


def with_inputs(question: Question, rule: Rule) -> Question:
    """With every input that the rule needs; a tax point may also be asked for as `date`."""
    if "tax_point" in rule.needs and question.tax_point is None:
        question = replace(question, tax_point=question.date)
    missing = [need for need in rule.needs if getattr(question, need) is None]
    if missing:
        raise MissingInputError(f"The rule {rule.id} needs {', '.join(missing)}", {"missing": missing, "rule": rule.id})
    return question


def with_code(question: Question, rule: Rule, known: Known) -> Question:
    """With the code as the tables have it. A currency that no table has may still be one."""
    asked = name(question.code or rule.fixed_code)
    code, kind = known.get(asked, (asked, ""))
    if not kind and not (asked in {"PLN", rule.fixed_code} or names.is_currency(asked)):
        find_currency(question.code)  # raises, with the nearest ones
    if kind and kind != Instrument.Kind.CURRENCY:
        find_currency(question.code)  # gold and coins: where their price is
        raise UnknownCodeError(f"{code} is a pair: ask for one currency", {"nearest": []})
    if rule.fixed_code and code != rule.fixed_code:
        message = f"The rule {rule.id} is about {rule.fixed_code} alone"
        raise ContradictionError(message, {"fields": ["rule", "code"]})
    return replace(question, code=code)


def version_of(rule: Rule, event: dt.date) -> Version:
    """The law of that day."""
    for version in rule.versions:
        if version.valid_from <= event and (version.valid_to is None or event <= version.valid_to):
            return version
    first = min(version.valid_from for version in rule.versions)
    detail = {"rule": rule.id, "since": first.isoformat(), "date": event.isoformat()}
    raise RuleNotInForceError(f"The rule {rule.id} was not in force on {event}: it applies since {first}", detail)
