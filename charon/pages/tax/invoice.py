"""The page of an invoice in a foreign currency: the rate of each line, the tax in PLN, and the elements for KSeF."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse, QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.cache import cache_control
from django.views.decorators.http import conditional_page, require_safe

from charon.pages.tax import asked, card, refused, typed
from charon.pages.tax.asked import FieldError
from charon.pages.tax.invoice_form import DAYS, MOST_LINES, ORDERS, SERVICES, VAT_WORDS, VATS, Form, invoice_of, read
from charon.pages.tax.page import until
from markets import clock, formats
from markets.clock import WARSAW
from markets.errors import QuestionError, UnknownCodeError
from markets.licence import Audience
from markets.queries import proofs
from markets.queries.tax.faults import ContradictionError, MissingInputError
from markets.queries.tax.invoice.rated import rated_invoice
from markets.views import HtmxRequest, Row, page

BASES = {
    "VAT art. 31a(1)": gettext_noop("art. 31a ust. 1"),
    "VAT art. 31a(2)": gettext_noop("art. 31a ust. 2"),
    "VAT art. 31a(1), sentence 2": gettext_noop("art. 31a ust. 1 zd. 2"),
    "VAT art. 31a(2), sentence 2": gettext_noop("art. 31a ust. 2 zd. 2"),
}
# The fields of the refusals by ours; a number of a line leads to its amount.
FIELDS = {"P_1": "wystawiono", "P_6": "sprzedaz", "period_end": "okres", "code": "waluta", "lines": "netto-1"}


@require_safe
@cache_control(no_cache=True)
@conditional_page
def invoice_page(request: HtmxRequest) -> HttpResponse:
    """A question has at least one net amount; without one the form begins. Six statements at most."""
    now = clock.now()
    today = now.astimezone(WARSAW).date()
    form = read(request.GET, today)
    context: Row = {}
    status = 200
    fault: Row | None = None
    if any(net for net, _vat in form.lines):
        try:
            context = result(rated_invoice(invoice_of(form, today), Audience.PAGE), form)
        except FieldError as error:
            status, fault = 422, {"field": error.field, "words": error.words, "links": []}
        except QuestionError as error:
            status, fault = refusal(error, form, request.GET)
    context |= shown(form, fault) | {"permalink": request.get_full_path()}
    return page(request, "tax/invoice.html", context, until(now), status)


def refusal(error: QuestionError, form: Form, given: QueryDict) -> tuple[int, Row]:
    """The status, and the fault at the field that it is about."""
    if isinstance(error, ContradictionError) and {"P_6", "period_end"} <= set(error.detail["fields"]):
        words = _("Podaj dzień sprzedaży albo koniec okresu, nie oba: faktura ma jedno z nich.")
        return 422, {"field": "okres", "words": words, "links": []}
    if isinstance(error, ContradictionError | MissingInputError):
        names = error.detail.get("fields") or error.detail.get("missing") or ["P_1"]
        field = FIELDS.get(str(names[0]).partition("[")[0], "wystawiono")
        if field == "waluta":
            return 422, {"field": field, "words": _("Faktura w złotych nie potrzebuje kursu."), "links": []}
        return 422, {"field": field, "words": _("Tych dat nie da się pogodzić."), "links": []}
    code = form.values["waluta"]
    told = refused.of_answer(error, asked.form({"waluta": code, "data": "", "regula": "vat"}, date.max), None)
    near = error.detail.get("nearest", []) if isinstance(error, UnknownCodeError) else []
    links = [{"href": "?" + urlencode([*rest(given), ("waluta", one)]), "words": one} for one in near if len(one) == 3]
    field = {"data": "wystawiono", "kwota": "netto-1"}.get(told.field, told.field)
    return told.status, {"field": field, "words": told.words, "links": links}


def rest(given: QueryDict) -> list[tuple[str, str]]:
    return [(name, str(value)) for name, values in given.lists() for value in values if name != "waluta"]


def result(found: Row, form: Form) -> Row:
    """The rate of each line, the tax in both currencies, and the elements of FA(3) as text."""
    answer: Any = found
    code, totals = answer["code"], answer["totals"]
    nets = [typed.amount(net) for net, _vat in form.lines if net]
    vats = [vat for net, vat in form.lines if net]
    return {
        "rows": [row(line, net, vat, code) for line, net, vat in zip(answer["lines"], nets, vats, strict=True)],
        "totals": [
            {"name": name, "tax": formats.money(Decimal(totals[name]), code), "pln": in_pln(totals.get(f"{name}W"))}
            for name in totals
            if not name.endswith("W")
        ],
        "xml": "\n".join(xml(answer["xml"])),
        "final": answer["final"],
        "cut": [cut(one, code) for one in answer["warnings"]],
        "code": code,
    }


def in_pln(text: str | None) -> str:
    return formats.money(Decimal(text)) if text is not None else formats.DASH


def row(line: Any, net: Decimal, vat: str, code: str) -> Row:
    answer, other = line["answer"], line["alternative"]
    return {
        "number": line["no"],
        "net": formats.money(net, code),
        "vat": shown_vat(vat),
        "tax_point": formats.day(line["tax_point"]) if line["tax_point"] else formats.DASH,
        "basis": _(BASES.get(line["basis"], line["basis"])),
        "rate": formats.number(card.shown_rate(answer)) if answer else formats.DASH,
        "table": card.table_row(answer) if answer else None,
        "state": card.state(answer) if answer else None,
        "other": alternative(other) if other else "",
    }


def alternative(other: Any) -> str:
    words = _("albo %(rate)s (%(table)s), jeśli to %(service)s")
    message = SERVICES.get(other["service"], "")
    service = _(message) if message else ""
    return words % {
        "rate": formats.number(Decimal(other["rate"])),
        "table": other["table_no"] or "EBC",
        "service": service,
    }


def cut(warning: Any, code: str) -> str:
    words = _(
        "XML mieści 6 miejsc po przecinku: podatek policzono kursem 1 %(code)s = %(rate)s, a w pliku stoi %(value)s."
    )
    exact, value = formats.number(Decimal(warning["rate"])), formats.number(Decimal(warning["value"]))
    return words % {"code": code, "rate": exact, "value": value}


def xml(fragments: list[dict[str, str]]) -> Iterator[str]:
    """Elements in schema order, each group after a comment that says where it belongs."""
    place = ""
    for one in fragments:
        parent, _slash, name = one["path"].rpartition("/")
        if parent != place:
            place = parent
            yield f"<!-- {parent} -->"
        yield f"<{name}>{one['value']}</{name}>"


def shown(form: Form, fault: Row | None) -> Row:
    values = {name: refused.shown_text(text) if name in DAYS else text for name, text in form.values.items()}
    return {
        "values": values,
        "fault": fault,
        "lines": [line_row(number, *line, fault) for number, line in enumerate(form.lines, 1)],
        "services": options(SERVICES, form.values["rodzaj"]),
        "orders": options(ORDERS, form.values["kolejnosc"]),
        "banks": [
            {"value": "nbp", "name": "NBP", "current": form.values["zrodlo"] == "nbp"},
            {"value": "ecb", "name": _("EBC"), "current": form.values["zrodlo"] == "ecb"},
        ],
        "can_grow": len(form.lines) < MOST_LINES,
        "sources": proofs.attributions(),
    }


def line_row(number: int, net: str, vat: str, fault: Row | None) -> Row:
    field = fault["field"] if fault is not None else ""
    wrong = {"wrong_net": field == f"netto-{number}", "wrong_vat": field == f"vat-{number}"}
    vats = [{"value": one, "name": shown_vat(one), "current": one == vat} for one in VATS]
    return {"number": number, "net": refused.shown_figure(net), "vats": vats, **wrong}


def shown_vat(vat: str) -> str:
    return _(VAT_WORDS[vat]) if vat in VAT_WORDS else f"{vat}%"


def options(words: dict[str, str], current: str) -> list[Row]:
    return [{"value": value, "name": _(word), "current": value == current} for value, word in words.items()]
