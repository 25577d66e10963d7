"""The whole answer to an invoice: the rate of each line and payment, the totals, and the fragments of its XML."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from markets.errors import QuestionError
from markets.licence import Audience
from markets.queries.tax import answers
from markets.queries.tax.invoice import amounts, contradictions, parts, tax_points, xml
from markets.queries.tax.invoice.asked import Invoice, Line
from markets.queries.tax.invoice.tax_points import Rated
from markets.queries.tax.rule import Question

Answer = dict[str, Any]
Found = dict[Question, Answer | QuestionError]


def rated_invoice(asked: Invoice, audience: Audience = Audience.API) -> Answer:
    """Amounts and rates as strings, in PLN. Raises the refusals of `faults`, those of the first line that has one.

    Nothing is stored, and as many statements are asked as for one question.
    """
    contradictions.check(asked)
    # The lines of an order say what is paid for; what is converted are the payments.
    invoice = replace(asked, lines=() if asked.payments else in_order(asked.lines))
    plans = [tax_points.of_line(invoice, line) for line in invoice.lines]
    others = [tax_points.other_of_line(invoice, line) for line in invoice.lines]
    paid = [tax_points.of_payment(invoice, payment) for payment in invoice.payments]
    found = asked_once([*plans, *others, *paid], audience)
    lines = [answer_of(plan, found, invoice) for plan in plans]
    payments = [answer for plan in paid if (answer := answer_of(plan, found, invoice))]
    if payments:
        taxed = parts.of_payments(asked, [xml.exact_rate(answer) for answer in payments])
    else:
        taxed = parts.of_lines(invoice, [xml.exact_rate(answer) if answer else None for answer in lines])
    totals = amounts.totals(taxed, invoice.order)
    rates = list(xml.rates(invoice, list(lines), list(payments)))
    cut = xml.truncated(rates)
    # As the tables call it: the question may have had an alias.
    code = next((str(answer["input"]["code"]) for answer in [*lines, *payments] if answer), invoice.code)
    return {
        "kind": invoice.kind,
        "code": code,
        "order": invoice.order,
        "lines": [
            line_row(line, plan) | {"answer": answer, "alternative": alternative(found, other)}
            for line, plan, answer, other in zip(invoice.lines, plans, lines, others, strict=True)
        ],
        "payments": [
            {"P_6Z": payment.day, "P_15Z": xml.amount_text(payment.gross)} | basis(plan) | {"answer": answer}
            for payment, plan, answer in zip(invoice.payments, paid, payments, strict=True)
        ],
        "totals": {name: xml.amount_text(amount) for name, amount in totals.items()},
        "xml": xml.fragments(totals, rates),
        "dodatkowy_opis": [xml.description(one, code) for one in cut],
        "final": all(answer["final"] for answer in [*lines, *payments] if answer),
        "warnings": [xml.warning(one, code) for one in cut],
        "notice": "Not tax advice",
    }


def in_order(lines: tuple[Line, ...]) -> tuple[Line, ...]:
    """As they came, but of two rows of one number the one of the state before the correction first."""
    places = {line.no: place for place, line in reversed(list(enumerate(lines)))}
    return tuple(sorted(lines, key=lambda line: (places[line.no], not line.is_before)))


def asked_once(plans: Iterable[Rated | None], audience: Audience) -> Found:
    questions = list(dict.fromkeys(plan.question for plan in plans if plan and plan.question))
    return dict(zip(questions, answers.answer_all(questions, audience), strict=True)) if questions else {}


def answer_of(plan: Rated, found: Found, invoice: Invoice) -> Answer | None:
    """None for a line without a rate. A rate that the caller gave keeps the number of the table that came with it."""
    if plan.question is None:
        return None
    answer = found[plan.question]
    if isinstance(answer, QuestionError):
        raise answer
    if plan.question.actual_rate is not None and invoice.original and invoice.original.table_no:
        answer = answer | {"table_no": invoice.original.table_no}
    return answer | {"edition": answer.get("edition")}


def line_row(line: Line, plan: Rated) -> Answer:
    return {"no": line.no, "StanPrzed": 1 if line.is_before else None, "service": plan.service} | basis(plan)


def basis(plan: Rated) -> Answer:
    return {"tax_point": plan.tax_point, "basis": plan.basis}


def alternative(found: Found, plan: Rated | None) -> Answer | None:
    """None also where the other reading has no rate: it is shown beside the answer, never in its place."""
    answer = found[plan.question] if plan and plan.question else None
    if plan is None or answer is None or isinstance(answer, QuestionError):
        return None
    shown = {name: answer[name] for name in ("rate", "table_no", "effective_date")}
    return {"service": plan.service} | basis(plan) | shown
