"""All rules of the tax rate, by id; a new one is its file and one line here."""

import importlib
from typing import Any

from markets.queries.lookup import nearest
from markets.queries.tax.faults import UnknownRuleError
from markets.queries.tax.rows import row
from markets.queries.tax.rule import Rule

IDS = (
    "pit-revenue",
    "pit-cost",
    "pit-deduction",
    "pit-fx-diff",
    "cit-revenue",
    "cit-cost",
    "cit-fx-diff",
    "vat",
    "vat-early-invoice",
    "vat-ecb",
    "vat-income-tax",
    "vat-correction",
    "vat-discount-sale",
    "vat-discount-buy",
    "vat-import",
    "vat-mass-event",
    "vat-threshold",
    "vat-oss",
    "vat-sme",
    "uor-balance",
    "uor-actual",
    "uor-operation",
    "uor-reference",
    "customs",
    "customs-tariff",
    "customs-year",
    "limit-october",
    "limit-year-start",
    "late-payment",
    "same-day",
)


def _loaded(name: str) -> Rule:
    rule: Rule = importlib.import_module(f"markets.queries.tax.rules.{name.replace('-', '_')}").RULE
    return rule


RULES: dict[str, Rule] = {name: _loaded(name) for name in IDS}
NAMES: dict[str, Rule] = RULES | {alias: rule for rule in RULES.values() for alias in rule.aliases}
LONGEST = 40  # characters of a name that is told back


def rule_of(name: str) -> Rule:
    """The rule of an id or an alias, in any case of letters. Raises UnknownRuleError, which names the nearest ids."""
    wanted = name.strip().lower()
    if wanted in NAMES:
        return NAMES[wanted]
    like_it = nearest(wanted[:LONGEST], {known: rule.id for known, rule in NAMES.items()})
    raise UnknownRuleError(f"There is no rule '{name[:LONGEST]}'.", {"nearest": like_it})


def described() -> list[dict[str, Any]]:
    """A row a rule, ready for JSON: what it is, since when, which inputs it takes, and its worked example."""
    return [row(rule) for rule in RULES.values()]
