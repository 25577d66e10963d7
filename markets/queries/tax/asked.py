"""A question made ready: its code as the tables have it, its rule, the version of the law, and what the rule chose."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from django.db.models import F, QuerySet

from markets import clock
from markets.errors import QuestionError, UnknownCodeError
from markets.instruments import names
from markets.models import Alias, Instrument
from markets.queries.asked_once import TEXTS, PreparedQuestion
from markets.queries.lookup import nearest
from markets.queries.rates import official, spellings
from markets.queries.tax.faults import NotQuotedError
from markets.queries.tax.questions import checked
from markets.queries.tax.registry import rule_of
from markets.queries.tax.rule import Choice, Question, Rule, Version

PLN = "PLN"


class Known(dict[str, tuple[str, str]]):
    """By name as asked (in capitals): code and kind."""

    @cached_property
    def spellings(self) -> dict[str, str]:
        """What an unknown code is compared with: read once for all questions of a call, where one is unknown."""
        return spellings()


@dataclass(frozen=True, slots=True)
class Asked:
    """`rule` answers, which may be another than was asked. `known`: the moment whose knowledge counts; None for now."""

    question: Question
    rule: Rule
    version: Version
    choice: Choice
    known: dt.datetime | None


def known_names(questions: Iterable[Question]) -> Known:
    """One statement: the instruments of all codes and aliases."""
    wanted = {name(text) for question in questions for text in (question.code, question.reference) if text}
    wanted = {text for text in wanted if text and "\0" not in text}  # PostgreSQL takes it for a fault of the question
    return Known({text: (code, kind) for text, code, kind in NAMES.rows_of(list(wanted))} if wanted else {})


def names_of(wanted: tuple[str]) -> "QuerySet[Any, Any]":
    columns = ("asked_as", "code_", "kind_")
    by_code = Instrument.objects.filter(code__in=wanted).annotate(asked_as=F("code"), code_=F("code"), kind_=F("kind"))
    by_alias = Alias.objects.filter(name__in=wanted).annotate(
        asked_as=F("name"), code_=F("instrument__code"), kind_=F("instrument__kind")
    )
    found: QuerySet[Any, Any] = by_alias.order_by().values_list(*columns)
    return found.union(by_code.order_by().values_list(*columns), all=True)


NAMES = PreparedQuestion(names_of, (TEXTS[0],))


def name(text: str) -> str:
    return text.strip().upper()


def make_ready(question: Question, known: Known) -> Asked:
    """Raises what `checked` and the rule refuse, and UnknownCodeError."""
    code = currency(question.code or rule_of(question.rule).fixed_code, known)
    reference = currency(question.reference, known) if question.reference else None
    question = replace(question, code=code, reference=reference)
    try:
        rule, version = checked(question)
        choice = rule.choose(question)
    except (OverflowError, ValueError):
        raise QuestionError(
            "A day before year 1 or after year 9999 would be needed.", {"rule": question.rule}
        ) from None
    if code == rule.into == PLN:
        raise NotQuotedError("PLN needs no rate: the answer is in PLN", {"hint": None})
    moment = question.as_of if question.as_of and question.as_of < clock.now() else None
    return Asked(question, rule, version, choice, moment)


def currency(text: str, known: Known) -> str:
    """The code as the tables have it. A currency that no table has may still be one: the refusal is then another."""
    code, kind = known.get(name(text), (name(text), ""))
    is_known = names.is_currency(code) and code not in names.METALS
    if not (kind == Instrument.Kind.CURRENCY if kind else code == PLN or is_known):
        if not kind:
            raise UnknownCodeError(f"There is no currency {text!r}", {"nearest": nearest(text, known.spellings)})
        official(Instrument(code=code, kind=kind), text)  # raises, with where the price of gold and coins is
        raise UnknownCodeError(f"{code} is a pair: ask for one currency", {"nearest": []})
    return code
