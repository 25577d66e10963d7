"""A question of tax is checked before any table is read: what it lacks, whether the law held, what cannot be true."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import fields

from markets.errors import QuestionError
from markets.queries.tax.faults import ContradictionError, MissingInputError, RuleNotInForceError
from markets.queries.tax.inputs import STAND_INS, alternatives, meaning, used
from markets.queries.tax.published import banks
from markets.queries.tax.registry import RULES, rule_of
from markets.queries.tax.rule import Contradiction, Question, Rule, Version

CHOICES = ("nbp", "ecb")
FACTORS = ("actual_rate", "cross_rate")
YEARS = (dt.MINYEAR + 1, dt.MAXYEAR)  # a rule also asks for October of the year before


def checked(asked: Question) -> tuple[Rule, Version]:
    """The rule that answers, which may be another than the one asked (see `Rule.instead`), and the version in force.

    Raises UnknownRuleError, MissingInputError, RuleNotInForceError, ContradictionError, and QuestionError for a year or
    a choice that there is not.
    """
    rule = rule_of(asked.rule)
    refuse_missing(rule, asked)
    refuse_unreadable(asked)
    if other := rule.instead(asked):
        rule = RULES[other]
        refuse_missing(rule, asked)
    version = in_force(rule, rule.event(asked))
    if rule.follows:
        in_force(RULES[rule.follows], rule.event(asked))
    refuse_contradictions(rule, asked)
    return rule, version


def warned(rule: Rule, asked: Question) -> list[str]:
    """What the caller should know: the warnings of the rule, and the inputs that changed nothing."""
    unused = [one.name for one in fields(asked) if getattr(asked, one.name) is not None]
    ignored = [name for name in unused if name not in used(rule) | used(rule_of(asked.rule))]
    return [*rule.warnings(asked), *(f"{rule.id} does not ask for {name}: it changed nothing." for name in ignored)]


def refuse_missing(rule: Rule, asked: Question) -> None:
    missing = [need for need in rule.needs if all(getattr(asked, name) is None for name in alternatives(need))]
    if not missing:
        return
    first = [need.split("|")[0] for need in missing]
    told = [
        {"name": name, "one_of": list(alternatives(need)), "description": meaning(rule, name)}
        for name, need in zip(first, missing, strict=True)
    ]
    words = ", ".join(" or ".join(alternatives(need)) for need in missing)
    message = f"The rule {rule.id} needs {words}."
    raise MissingInputError(message, {"rule": rule.id, "missing": first, "inputs": told})


def refuse_unreadable(asked: Question) -> None:
    """Values that no rule can take: a year outside the calendar, a choice that is none."""
    if asked.year is not None and not YEARS[0] <= asked.year <= YEARS[1]:
        raise QuestionError(f"year: between {YEARS[0]} and {YEARS[1]}.", {"fields": ["year"]})
    if asked.choice is not None and asked.choice not in CHOICES:
        raise QuestionError(f"choice: one of {', '.join(CHOICES)}.", {"fields": ["choice"]})


def in_force(rule: Rule, day: dt.date) -> Version:
    """The version of a rule on a day. Raises RuleNotInForceError with the first day that the rule answers for."""
    for version in rule.versions:
        if version.valid_from <= day <= (version.valid_to or dt.date.max):
            return version
    first = rule.versions[0].valid_from
    message = f"The rule {rule.id} answers for days from {first}; {day} is not in force."
    raise RuleNotInForceError(message, {"rule": rule.id, "since": first.isoformat(), "date": day.isoformat()})


def refuse_contradictions(rule: Rule, asked: Question) -> None:
    found = [*of_every_rule(rule, asked), *rule.contradictions(asked)]
    if found:
        names = list(dict.fromkeys(name for one in found for name in one.fields))
        raise ContradictionError(" ".join(one.message for one in found), {"fields": names})


def of_every_rule(rule: Rule, asked: Question) -> Iterator[Contradiction]:
    if rule.fixed_code and asked.code and asked.code != rule.fixed_code:
        yield Contradiction(("code", "rule"), f"{rule.id} is about {rule.fixed_code} alone.")
    for name, stand_in in STAND_INS.items():
        days = getattr(asked, name), getattr(asked, stand_in)
        if name in rule.needs and None not in days and days[0] != days[1]:
            yield Contradiction((name, stand_in), f"{name} and {stand_in} mean one day here, and they differ.")
    for name in FACTORS:
        if getattr(asked, name) is not None and getattr(asked, name) <= 0:
            yield Contradiction((name,), f"{name} is more than zero.")
    if asked.choice and "choice" not in rule.takes and asked.choice not in banks(rule.choose(asked)):
        yield Contradiction(("choice", "rule"), f"{rule.id} does not take rates of the {asked.choice.upper()}.")
