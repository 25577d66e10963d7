"""An amount of one currency in another, at the rate of a day or of the day before, exact until it is rounded once."""

from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Literal

from markets import clock
from markets.errors import QuestionError
from markets.instruments.names import GOLD
from markets.licence import Audience
from markets.queries import asked, crosses, filled
from markets.queries.asked import Asked, code_of, found
from markets.queries.crosses import EXACT, Pair
from markets.queries.figures import Wanted, moved
from markets.queries.filled import Cell, Line
from markets.queries.gold_units import GRAMS, is_gold
from markets.queries.tax.answers import answer
from markets.queries.tax.rule import Question

When = Literal["D0", "D-1"]
CENT, CENTS = Decimal("0.01"), "half_up_0.01"


class NoRateError(QuestionError):
    """422: no figure near enough; `detail` says why, in the words of a row of /rates."""

    status = 422
    code = "no_rate"


def convert(
    amount: str, base: str, quote: str, day: date | None, when: When, unit: str | None, audience: Audience
) -> dict[str, Any]:
    """At the newest rate of the day or before (D0), or strictly before it (D-1); raises QuestionError."""
    question = of_two(base, quote, unit, audience)
    wanted = day or clock.today()
    on = wanted if when == "D0" else moved(wanted, -asked.DAY)
    [line] = asked.lines_around(question, on, on, "previous")
    cell = filled.cell(line, on, "previous", asked.facts_of(question))
    if cell.day is None:
        why = cell.reason
        detail = {"reason": why and why.why, "name": why.name or None if why else None}
        raise NoRateError(f"There is no rate of {line.pair.base} in {line.pair.quote} for {wanted}", detail)
    return {"amount": amount, "unit": unit, "date": wanted, "day": when} | converted(line, cell, Decimal(amount))


def of_two(base: str, quote: str, unit: str | None, audience: Audience) -> Asked:
    """Raises UnknownCodeError, and QuestionError for gold of which nobody says how much one is."""
    names = [text for text in (base, quote) if not is_gold(text)]
    if len(names) == 2 and unit:
        raise QuestionError("unit is for gold: neither from nor to is XAU", {"unit": unit})
    if len(names) < 2 and not unit:
        raise QuestionError("XAU is a gram to the NBP and a troy ounce to ISO 4217: say unit=g, kg or oz")
    if not names:
        raise QuestionError("from and to are both XAU")
    known = found(names)
    if any(row and row.kind == row.Kind.PAIR for row in known.values()):
        raise QuestionError("A pair is not a currency: name one of its sides")
    one, other = (GOLD if is_gold(text) else code_of(known[text]) for text in (base, quote))
    instruments = list({row.pk: row for row in known.values() if row}.values())
    plain = crosses.pair(one, other)
    pair = Pair(plain.base, plain.quote, plain.top, plain.below, GRAMS[unit]) if unit else plain
    return Asked((pair,), Wanted(instruments, audience=audience))


def converted(line: Line, cell: Cell, amount: Decimal) -> dict[str, Any]:
    row = filled.row(line, cell)
    figures = [line.known[code].figures[cell.day] for code in line.pair.legs if cell.day]
    value = crosses.worth(line.pair, figures, amount)
    if value is None:
        raise NoRateError("There is no mid", {"reason": None, "name": None})
    result, rounding = (crosses.rounded(value), crosses.ROUNDING) if line.pair.quote == GOLD else (cents(value), CENTS)
    kept = ("effective_date", "source", "table", "table_no", "derived", "legs", "filled", "stale", "reason")
    return {
        "from": line.pair.base,
        "to": line.pair.quote,
        "rate": row["mid"],
        "result": f"{result:f}",
        "rounding": rounding,
        **{name: row[name] for name in (*kept, "reason_name")},
        "tax": None,
    }


def cents(value: Decimal) -> Decimal:
    return EXACT.plus(value.quantize(CENT, ROUND_HALF_UP, EXACT))  # a zero has no sign


def by_rule(rule: str, amount: str, base: str, quote: str, day: date | None, audience: Audience) -> dict[str, Any]:
    """As a tax rule converts it; `tax` has the whole answer of /tax-rate. Raises QuestionError."""
    known = found([base, quote])
    one, other = code_of(known[base]), code_of(known[quote])
    told = answer(Question(rule, one, day, Decimal(amount)), audience)
    if told["into"] != other:
        raise QuestionError(f"The rule converts into {told['into']}", {"to": other})
    kept = ("rate", "rounding", "effective_date", "source", "table", "table_no", "derived")
    return {
        "amount": amount,
        "unit": None,
        "date": day,
        "day": None,
        "from": one,
        "to": other,
        "result": told["amount_into"],
        **{name: told.get(name) for name in kept},
        **dict.fromkeys(("legs", "reason", "reason_name")),
        "filled": False,
        "stale": False,
        "tax": told,
    }
