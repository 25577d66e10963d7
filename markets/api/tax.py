"""Which official rate Polish law asks for: the rules, one question, many lines, and a whole invoice. No tax advice."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from markets.api import tax_answers, tax_lines
from markets.api.responses import DAILY, fresh, page_of, private, reply
from markets.api.schemas import COMMON_ERRORS, SERIES_ERRORS, Envelope, Paging
from markets.api.tax_invoice_schemas import RatedInvoice, TaxInvoice
from markets.api.tax_schemas import TAX_ERRORS, LinesQuery, TaxAnswer, TaxAnswers, TaxLines, TaxQuery, TaxRulePage
from markets.licence import audience
from markets.queries.tax import answers, registry
from markets.queries.tax.invoice.rated import rated_invoice

router = Router(tags=["tax"])

CSV = "text/csv"
TABLE = {"schema": {"type": "string"}}
AS_TABLE: dict[str, Any] = {
    "requestBody": {
        "content": {
            kind: {
                **TABLE,
                "example": f"date{separator}amount{separator}currency\n2026-10-26{separator}1500{separator}USD\n",
            }
            for kind, separator in ((CSV, ";"), ("text/tab-separated-values", "\t"))
        }
    },
    "responses": {200: {"content": {CSV: {**TABLE, "example": "line,rule,statute,code,date,amount,rate\n"}}}},
}


@router.get(
    "/tax-rules", response={200: TaxRulePage, **COMMON_ERRORS}, operation_id="tax_rules", summary="Rules of tax"
)
def tax_rules(request: HttpRequest, paging: Query[Paging]) -> HttpResponse:
    """Every rule with its article, since when it holds, the inputs that it needs, and a worked example."""
    return fresh(request, page_of(paging, registry.described(), list), DAILY)


@router.get("/tax-rate", response={200: TaxAnswer, **SERIES_ERRORS}, operation_id="tax_rate", summary="Rate for tax")
def tax_rate(request: HttpRequest, asked: Query[TaxQuery]) -> HttpResponse:
    """The official rate that a rule of Polish tax or accounting law asks for, and what proves it. Not tax advice.

    The published tables decide, the calendar only explains: `skipped` says why each day between has no table. `final`
    is false while another table may still apply, or the number of the table is not known here.

    400 `contradiction` names inputs that cannot all be true. 404 `unknown_code`. 422: `unknown_rule`, `missing_input`
    (`detail` says which), `rule_not_in_force`, `not_quoted`, `currency_left_table` (with the last table and the
    successor), `no_rate_before` (with the first table). 503 `stale` where a table that should be here is missing: an
    older one is never the answer.
    """
    question = tax_answers.question(asked.rule, asked)
    return fresh(request, tax_answers.whole(answers.answer(question, audience(request))), DAILY)


@router.post(
    "/tax-rate",
    response={200: TaxAnswers, 408: Envelope, **COMMON_ERRORS},
    operation_id="tax_rates",
    summary="Rates for tax, up to 500 lines",
    openapi_extra=AS_TABLE,
)
def tax_rates(request: HttpRequest, asked: TaxLines, how: Query[LinesQuery]) -> HttpResponse:
    """Up to 500 questions at once, for everybody; nothing is stored. Each line has its answer, or its error alone.

    The body is `{"lines": [{…}]}`, the bare array, or a table (`text/csv`): `,`, `;` or tab as its first line has it,
    decimal commas, quotes, and a header with the names of the parameters (also data, kwota, waluta, reguła). Without a
    header the columns are date, amount and currency. A line with another separator or a formula is refused by its
    number. More than 500 lines are 422 `too_many_lines`, a header that cannot be read is `unreadable_table`.
    """
    number = str(request.META.get("charon.request_id", ""))
    rows = tax_lines.rows_of(asked.lines)
    content = tax_answers.answered(rows, how.rule, audience(request), number)
    if (how.format or request.get_preferred_type(["application/json", CSV])) in {CSV, "csv"}:
        told = HttpResponse(tax_answers.table(content), content_type=f"{CSV}; charset=utf-8")
        told.headers["Content-Disposition"] = 'attachment; filename="tax-rate.csv"'
        return private(told)
    return private(reply(content))


@router.post(
    "/tax-rate/invoice",
    response={200: RatedInvoice, **TAX_ERRORS},
    operation_id="tax_invoice",
    summary="Rates and XML of an invoice",
)
def tax_invoice(request: HttpRequest, asked: TaxInvoice) -> HttpResponse:
    """Dates and amounts of an invoice FA(3) in a foreign currency to the rate of each line, the tax in PLN, and the
    fragments of its XML in schema order. For everybody; nothing is stored. Not tax advice.

    Which day decides: the tax point of a line is P_6A, else P_6, else the end of the period; an earlier P_1 goes before
    it (art. 31a(2)). A correction keeps the rate of its original (31b(1)), a collective one has that of its own day
    (31b(2)); both rows of a pair have the rate. A ZAL is converted at the day of each payment, a ROZ only for what
    advances have not taxed.

    Rates with more than six decimals do not fit into the XML: the tax is computed with the exact rate, and `warnings`
    has it. 400 `contradiction` names dates that cannot all be true; the other errors are those of GET /tax-rate.
    """
    return private(reply(rated_invoice(asked.asked(asked.code.strip().upper()), audience(request))))
