"""An amount converted at the reference rates of the ECB: every currency has its rate for one euro, PLN too."""

from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from markets.errors import QuestionError
from markets.licence import Audience
from markets.queries.asked import DAY, code_of, found
from markets.queries.convert import CENTS, When, cents
from markets.queries.crosses import EXACT, SIGNIFICANT, ZLOTY
from markets.queries.figures import moved
from markets.queries.tax import answers
from markets.queries.tax.rule import Question

EURO = "EUR"
# The rule "the newest rate of the ECB before a day" finds the day and judges it.
RULE = "vat-ecb"


def convert(amount: str, base: str, quote: str, day: date, when: When, audience: Audience) -> dict[str, Any]:
    """As `markets.queries.convert.convert` answers; raises QuestionError, among them the refusals of tax."""
    known = found([base, quote])
    one, other = code_of(known[base]), code_of(known[quote])
    before = moved(day, DAY) if when == "D0" else day
    told = [answered(code, before, audience) for code in (one, other)]
    days = {answer["effective_date"] for answer in told if answer}
    if len(days) > 1:
        raise QuestionError("The ECB has no day with both rates", {"fields": ["date"]})
    legs = [leg for code, answer in zip((one, other), told, strict=True) if answer for leg in [leg_of(code, answer)]]
    of_base, of_quote = (per_euro(code, answer) for code, answer in zip((one, other), told, strict=True))
    value = EXACT.divide(EXACT.multiply(Decimal(amount), of_quote), of_base)
    rate = EXACT.divide(of_quote, of_base)
    places = SIGNIFICANT - 1 - rate.adjusted()
    on = date.fromisoformat(days.pop()) if days else day
    return {
        "amount": amount, "unit": None, "date": day, "day": when, "from": one, "to": other,
        "rate": f"{rate.quantize(Decimal(1).scaleb(-max(places, 0)), ROUND_HALF_UP, EXACT):f}",
        "result": f"{cents(value):f}", "rounding": CENTS, "effective_date": on, "source": "ecb",
        "table": "eurofxref", "table_no": None, "derived": True, "legs": legs,
        "filled": on != (day if when == "D0" else moved(day, -DAY)), "stale": False,
        "reason": None, "reason_name": None, "tax": None,
    }  # fmt: skip


def answered(code: str, before: date, audience: Audience) -> dict[str, Any] | None:
    """None for the euro itself. PLN is priced by the answer about the euro."""
    if code == EURO:
        return None
    return answers.answer(Question(RULE, EURO if code == ZLOTY else code, before), audience)


def per_euro(code: str, answer: dict[str, Any] | None) -> Decimal:
    return Decimal(leg_of(code, answer)["mid"]) if answer else Decimal(1)


def leg_of(code: str, answer: dict[str, Any]) -> dict[str, Any]:
    """`code` for one euro, as it was published."""
    rate = answer["rate"] if code == ZLOTY else answer["legs"][-1]["rate"]
    return {"code": code, "quote": EURO, "mid": rate, "effective_date": date.fromisoformat(answer["effective_date"]),
            "source": "ecb", "table": "eurofxref", "table_no": None}  # fmt: skip
