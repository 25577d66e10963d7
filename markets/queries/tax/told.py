"""An answer as it is told: its fields in the order of the contract, ready for JSON, and the amount rounded."""

import datetime as dt
from dataclasses import fields
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation, localcontext
from typing import Any

from markets.errors import QuestionError
from markets.queries.tax import citation
from markets.queries.tax.asked import PLN, Asked
from markets.queries.tax.figures import DIGITS, Figure
from markets.queries.tax.questions import warned
from markets.queries.tax.rule import Question, Rounding
from markets.queries.tax.skipped import Judged

NOTICE = "Not tax advice"
QUANTA = {Rounding.GROSZ: Decimal("0.01"), Rounding.ZLOTY: Decimal(1), Rounding.THOUSAND: Decimal("1e3")}

Answer = dict[str, Any]


def converted(one: Asked, figure: Figure) -> Decimal | None:
    """The amount in PLN, half up, a negative one away from zero. Of a rule into EUR the amount is in PLN, or in the
    currency that goes through EUR, and is divided.
    """
    amount = one.question.amount
    if amount is None:
        return None
    if one.rule.into == PLN:
        return rounded(amount * figure.rate, one.rule.rounding)
    return rounded(amount / (figure.parts[-1] if figure.parts else figure).rate, one.rule.rounding)


def rounded(amount: Decimal, rounding: Rounding) -> Decimal:
    """Raises QuestionError for an amount with more digits than any sum of money."""
    try:
        with localcontext(prec=DIGITS):
            return amount.quantize(QUANTA[rounding], ROUND_HALF_UP) + 0  # a zero has no sign
    except InvalidOperation:
        raise QuestionError("amount: it has too many digits.", {"fields": ["amount"]}) from None


def put_together(one: Asked, figure: Figure, judged: Judged, amount: Decimal | None, parts: list[Figure]) -> Answer:
    rule, version = one.rule, one.version
    return {
        "rule": {
            "id": rule.id,
            "statute": version.statute,
            "version_from": version.valid_from.isoformat(),
            "optional": rule.is_optional,
        },
        "input": inputs(one.question),
        "rate": citation.text(figure),
        "unit": 1,
        "derived": bool(figure.parts),
        **citation.place(figure),
        **citation.edition(figure),
        "skipped": [day.as_json() for day in judged.skipped],
        "amount_pln": plain(amount) if rule.into == PLN else None,
        "into": rule.into,
        "amount_into": plain(amount),
        "rounding": rule.rounding.value,
        "final": judged.why_not_final is None,
        "why_not_final": judged.why_not_final,
        "ambiguous": judged.is_ambiguous,
        "warnings": [*judged.warnings, *warned(rule, one.question)],
        "proof": citation.proof(figure),
        "citation": citation.cited(figure),
        "legs": [citation.leg(part) for part in parts],
        "notice": NOTICE,
    }


def inputs(question: Question) -> dict[str, Any]:
    """What was asked, as it was understood; the rule stands beside it."""
    given = {one.name: getattr(question, one.name) for one in fields(question) if one.name != "rule"}
    return {name: plain(value) for name, value in given.items() if value is not None}


def plain(value: Any) -> Any:
    """As JSON has it: a number with all its digits and no exponent, a day or a moment as ISO 8601."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    return value.isoformat() if isinstance(value, dt.date) else value
