"""Questions of many lines: each with its own answer or refusal, what they come to, and the same as a table."""

from collections.abc import Sequence
from dataclasses import fields
from decimal import Decimal
from typing import Any

from pydantic import ValidationError

from markets.api.tax_lines import Inputs, Row
from markets.api.tax_schemas import TaxInputs, TaxLine
from markets.errors import QuestionError
from markets.exports import separated
from markets.exports.format import Column, Dialect, Kind
from markets.licence import Audience
from markets.queries.tax import answers, registry
from markets.queries.tax.faults import MissingInputError, TaxError
from markets.queries.tax.rule import Question

ASKED = [field.name for field in fields(Question)]
Answer = dict[str, Any]
# Of the answer as a table, in the order of `row`.
FIGURES = {"amount": Kind.FIGURE, "rate": Kind.FIGURE, "amount_pln": Kind.FIGURE, "amount_into": Kind.FIGURE}
KINDS = FIGURES | {"line": Kind.COUNT, "unit": Kind.COUNT, "final": Kind.TRUTH}
NAMES = (
    *("line", "rule", "statute", "code", "date", "amount", "rate", "unit", "source", "table", "table_no"),
    *("effective_date", "amount_pln", "into", "amount_into", "final", "warnings", "citation", "error_code", "error"),
)
COLUMNS = [Column(name, KINDS.get(name, Kind.TEXT)) for name in NAMES]


class InvalidLineError(TaxError):
    """`detail` is a list of {field, message}, as of the parameters of an address."""

    code = "invalid_parameters"


def question(rule: str, asked: TaxInputs) -> Question:
    """Raises UnknownRuleError, and MissingInputError where the rule is not about one currency."""
    code = asked.code or registry.rule_of(rule).fixed_code
    if not code:
        raise MissingInputError("code is missing: the currency", {"missing": [{"name": "code", "one_of": ["code"]}]})
    values = {name: getattr(asked, name) for name in ASKED if name not in {"rule", "code"}}
    return Question(rule, code.strip().upper(), **values)


def question_of(inputs: Inputs, rule: str | None) -> Question:
    """One line; `rule` is that of the lines that name none."""
    given = {"rule": rule} | inputs if rule else inputs
    try:
        line = TaxLine.model_validate(given)
    except ValidationError as error:
        faults = [
            {"field": str(one["loc"][0])[:100] if one["loc"] else "line", "message": words(one)}
            for one in error.errors()
        ]
        names = ", ".join(dict.fromkeys(fault["field"] for fault in faults))
        raise InvalidLineError(f"Wrong parameters: {names}", faults) from None
    return question(line.rule, line)


def words(finding: Any) -> str:
    match finding["type"]:
        case "missing":
            return "is required"
        case "extra_forbidden":
            return "is not a parameter here"
        case "value_error":
            return str(finding["ctx"]["error"])
        case _:
            return str(finding["msg"])


def answered(rows: Sequence[Row], rule: str | None, audience: Audience, number: str) -> Answer:
    """`number` is the id of the request, which every refusal has. As many statements as for one line."""
    asked = [(line, refused_or(inputs, rule)) for line, inputs in rows]
    questions = [one for _, one in asked if isinstance(one, Question)]
    found = iter(answers.answer_all(questions, audience) if questions else [])
    items = [item(line, next(found) if isinstance(one, Question) else one, number) for line, one in asked]
    return {"items": items, "count": len(items), "totals": totals(items)}


def refused_or(inputs: Inputs | QuestionError, rule: str | None) -> Question | QuestionError:
    if isinstance(inputs, QuestionError):
        return inputs
    try:
        return question_of(inputs, rule)
    except QuestionError as error:
        return error


def whole(answer: Answer) -> Answer:
    """Every answer has the same fields: only figures of an archive have an edition."""
    return answer | {"edition": answer.get("edition")}


def item(line: int, found: Answer | QuestionError, number: str) -> Answer:
    if not isinstance(found, QuestionError):
        return {"line": line, "answer": whole(found), "error": None}
    error = {"code": found.code, "message": found.message, "detail": found.detail, "id": number}
    return {"line": line, "answer": None, "error": error}


def totals(items: Sequence[Answer]) -> Answer:
    """The sum is of the lines that have an amount in PLN; `final` is that of all answers, if there is one."""
    good = [one["answer"] for one in items if one["answer"]]
    amounts = [Decimal(answer["amount_pln"]) for answer in good if answer.get("amount_pln") is not None]
    return {
        "answered": len(good),
        "refused": len(items) - len(good),
        "amount_pln": f"{sum(amounts, Decimal('0.00')):f}",
        "final": bool(good) and all(answer["final"] for answer in good),
    }


def table(content: Answer) -> bytes:
    """The same as CSV: a line of names, then a line for each question."""
    return b"".join(separated.write(COLUMNS, iter([[row(one) for one in content["items"]]]), Dialect()))


def row(one: Answer) -> Answer:
    answer, error = one["answer"] or {}, one["error"] or {}
    asked, rule = answer.get("input", {}), answer.get("rule", {})
    return {
        "line": one["line"],
        "rule": rule.get("id"),
        "statute": rule.get("statute"),
        "code": asked.get("code"),
        "date": asked.get("date"),
        "amount": asked.get("amount"),
        **{name: answer.get(name) for name in ("rate", "unit", "source", "table", "table_no", "effective_date")},
        **{name: answer.get(name) for name in ("amount_pln", "into", "amount_into")},
        "final": answer.get("final"),
        "warnings": " ".join(map(str, answer.get("warnings", []))),
        "citation": answer.get("citation"),
        "error_code": error.get("code"),
        "error": error.get("message"),
    }
