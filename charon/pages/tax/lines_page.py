"""The page of a list: up to 500 questions pasted or in a file, their answers as a table, CSV for Excel and XLSX."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_http_methods

from charon.pages.tax import card, choices, lines, refused, skipped, warned
from charon.pages.tax.asked import FieldError
from charon.pages.tax.lines import Line, TextError
from markets import clock, formats
from markets.exports.format import Column, Format, Kind
from markets.exports.separated import EXCEL_PL
from markets.exports.workbook import XLSX
from markets.licence import Audience
from markets.queries import proofs
from markets.queries.tax import answers, registry
from markets.queries.tax.rule import Question
from markets.views import HtmxRequest, Row, page

FORMATS: dict[str, Format] = {"csv": EXCEL_PL, "xlsx": XLSX}
KINDS = {
    "wiersz": Kind.COUNT, "data": Kind.DAY, "kwota": Kind.FIGURE, "kurs": Kind.FIGURE, "kwota_zl": Kind.FIGURE,
    "data_tabeli": Kind.DAY,
}  # fmt: skip
NAMES = (
    *("wiersz", "data", "waluta", "kwota", "regula", "kurs", "tabela", "data_tabeli", "kwota_zl", "ostateczny"),
    *("pominiete_dni", "cytat", "blad"),
)
COLUMNS = [Column(name, KINDS.get(name, Kind.TEXT)) for name in NAMES]


@require_http_methods(["GET", "HEAD", "POST"])
@cache_control(private=True, no_cache=True)
@ensure_csrf_cookie
def lines_page(request: HtmxRequest) -> HttpResponse:
    """Nothing is stored: a POST answers itself. As many statements as for one question."""
    rule = request.POST.get("regula", choices.DEFAULT)
    rule = rule if rule in registry.NAMES else choices.DEFAULT
    context: Row = {"groups": list(choices.groups(rule)), "text": "", "most": lines.MOST_LINES}
    status = 200
    if request.method == "POST":
        try:
            context["text"] = text = text_of(request)
            found = answered(lines.read(text, rule, clock.today()))
        except TextError as error:
            status, context["fault"] = 422, str(error)
        else:
            if request.POST.get("jako") in FORMATS:
                return file(FORMATS[request.POST["jako"]], found)
            context |= result(found)
    return page(request, "tax/lines.html", context | {"sources": proofs.attributions()}, None, status)


def text_of(request: HttpRequest) -> str:
    """The file where there is one, else what was pasted. Raises TextError."""
    file = request.FILES.get("plik")
    if file is None:
        return str(request.POST.get("lista", ""))
    return lines.text_of(file.read(), str(file.name))


Answered = list[tuple[Line, Any]]


def answered(read: Sequence[Line]) -> Answered:
    """Each line with its answer, or with why there is none."""
    asked = list(lines.questions(read))
    found = iter(answers.answer_all(asked, Audience.PAGE) if asked else [])
    return [(line, next(found) if isinstance(line.found, Question) else line.found) for line in read]


def result(found: Answered) -> Row:
    rows = [row(line, one) for line, one in found]
    good = [one for _line, one in found if isinstance(one, dict)]
    amounts = [Decimal(one["amount_pln"]) for one in good if one["amount_pln"] is not None]
    wrong = len(found) - len(good)
    return {
        "rows": rows,
        "total": formats.money(sum(amounts, Decimal("0.00"))) if amounts else "",
        "all_final": bool(good) and all(one["final"] for one in good),
        "good": formats.plural(len(good), _("wiersz,wiersze,wierszy")),
        "wrong": formats.plural(wrong, _("wiersz,wiersze,wierszy")) if wrong else "",
    }


def row(line: Line, one: Any) -> Row:
    if not isinstance(one, dict):
        return {"number": line.number, "typed": line.typed, "fault": fault(line, one)}
    asked, amount = one["input"], one["amount_into"]
    return {
        "number": line.number,
        "day": formats.day(date.fromisoformat(day_of(one))) if day_of(one) else formats.DASH,
        "code": asked["code"],
        "amount": formats.number(Decimal(asked["amount"])) if "amount" in asked else formats.DASH,
        "rule": choices.explained(registry.RULES[one["rule"]["id"]]),
        "rate": formats.number(card.shown_rate(one)),
        "table": card.table_row(one),
        "result": formats.money(Decimal(amount), one["into"]) if amount is not None else formats.DASH,
        "state": card.state(one),
        "skipped": skipped.rows(one["skipped"]),
        "warnings": warned.rows(one["warnings"]),
        "fault": "",
    }


def fault(line: Line, error: Any) -> str:
    if isinstance(error, FieldError):
        return error.words
    return refused.of_answer(error, line.form, line.found if isinstance(line.found, Question) else None).words


def day_of(answer: Row) -> str:
    """The day that was asked for, by whichever name."""
    asked: Any = answer["input"]
    return str(next((asked[name] for name in ("date", "tax_point", "invoice_date", "period_end") if name in asked), ""))


def file(way: Format, found: Answered) -> HttpResponse:
    """Names of columns stay Polish: the file is for a Polish spreadsheet, and programs read it by them."""
    rows = [cells(line, one) for line, one in found]
    body = b"".join(way.write(COLUMNS, iter([rows]), way.dialect))  # type: ignore[arg-type]
    response = HttpResponse(body, content_type=way.media_type)
    response.headers["Content-Disposition"] = f'attachment; filename="kursy-podatkowe.{way.suffix}"'
    return response


def cells(line: Line, one: Any) -> Row:
    if not isinstance(one, dict):
        words = fault(line, one)
        code = text_cell(line.form.values["waluta"])
        return {"wiersz": line.number, "waluta": code, "blad": f"{words} ({line.typed})"}
    asked, final = one["input"], one["final"]
    return {
        "wiersz": line.number,
        "data": date.fromisoformat(day_of(one)) if day_of(one) else None,
        "waluta": asked["code"],
        "kwota": asked.get("amount"),
        "regula": one["rule"]["id"],
        "kurs": one["rate"],
        "tabela": one["table_no"] or one["table"],
        "data_tabeli": date.fromisoformat(one["effective_date"]) if one["effective_date"] else None,
        "kwota_zl": one["amount_pln"],
        "ostateczny": _("tak") if final else card.state(one)["words"],
        "pominiete_dni": "; ".join(f"{span['days']}: {span['reason']}" for span in skipped.rows(one["skipped"])),
        "cytat": one["citation"],
    }


def text_cell(text: str) -> str:
    """What a spreadsheet would run stands behind an apostrophe."""
    return f"'{text}" if text[:1] in "=+-@\t\r" and text else text
