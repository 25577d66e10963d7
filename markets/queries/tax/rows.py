"""A rule told to others: its names, versions, inputs, whose table it reads, and its worked example, ready for JSON."""

from dataclasses import asdict, replace
from datetime import date
from typing import Any

from markets.queries.tax.inputs import ALWAYS, INPUTS, alternatives, meaning
from markets.queries.tax.published import sequences
from markets.queries.tax.rule import Example, Question, Rule, Sequence, Version

TABLES = {
    Sequence.NBP: "NBP table A, or table B where A does not quote the currency",
    Sequence.NBP_A: "NBP table A",
    Sequence.ECB: "ECB reference rates",
}
GIVEN = "the caller's rate"


def row(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "name_pl": rule.name_pl,
        "name_en": rule.name_en,
        "aliases": list(rule.aliases),
        "statute": rule.versions[-1].statute,
        "versions": [version(one) for one in rule.versions],
        "source": str(rule.source),
        "table": table(rule),
        "code": rule.fixed_code or None,
        "into": rule.into,
        "amounts": [str(amount) for amount in rule.amounts],
        "rounding": str(rule.rounding),
        "is_optional": rule.is_optional,
        "inputs": inputs(rule),
        "example": rule.example and example(rule.example),
    }


def version(one: Version) -> dict[str, Any]:
    return {
        "statute": one.statute,
        "valid_from": one.valid_from.isoformat(),
        "valid_to": one.valid_to and one.valid_to.isoformat(),
        "is_first_day_verified": one.is_first_day_verified,
    }


def table(rule: Rule) -> str:
    """Whose publications it reads, from the worked example: both where the taxpayer chooses."""
    if rule.example is None:
        return ""
    asked = rule.example.asked
    chosen = replace(asked, choice="ecb" if "choice" in rule.takes else asked.choice)
    found = sequences(rule.choose(asked)) | sequences(rule.choose(chosen))
    return ", or ".join(words for sequence, words in TABLES.items() if sequence in found) or GIVEN


def inputs(rule: Rule) -> list[dict[str, Any]]:
    """Those that are needed first. `one_of`: any of these satisfies the need; empty where nothing else does."""
    needed = {name: alternatives(need) for need in ("code", *rule.needs) for name in alternatives(need)}
    free: dict[str, tuple[str, ...]] = {name: () for name in (*rule.takes, *ALWAYS) if name not in needed}
    return [one_input(rule, name, one_of) for name, one_of in (needed | free).items()]


def one_input(rule: Rule, name: str, one_of: tuple[str, ...]) -> dict[str, Any]:
    return {
        "name": name,
        "type": INPUTS[name][0],
        "required": bool(one_of),
        "one_of": list(one_of) if len(one_of) > 1 else [],
        "description": meaning(rule, name),
    }


def example(one: Example) -> dict[str, Any]:
    return {
        "asked": question(one.asked),
        "expected": {
            "rate": one.rate,
            "effective_date": one.day and one.day.isoformat(),
            "table_no": one.table_no or None,
            "amount": one.amount or None,
        },
    }


def question(asked: Question) -> dict[str, str]:
    """The inputs that the question has, as a caller writes them."""
    return {
        name: value.isoformat() if isinstance(value, date) else str(value)
        for name, value in asdict(asked).items()
        if value is not None
    }
