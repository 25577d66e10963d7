"""What was typed into the form of an invoice, read into the question of `markets.queries.tax.invoice`."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from charon.pages.tax import asked, typed
from charon.pages.tax.asked import FieldError
from markets import formats
from markets.queries import calendars
from markets.queries.tax.invoice.asked import Invoice, Kind, Line, Service

FIRST_LINES, MOST_LINES = 3, 50
LONGEST = 40
VAT_WORDS = {
    "zw": gettext_noop("zw (zwolnione)"),
    "np": gettext_noop("np (poza VAT)"),
    "oo": gettext_noop("oo (odwrotne obciążenie)"),
}
VATS = ("23", "8", "5", "0", "zw", "np", "oo", "22", "7", "4")
# Which article says when the tax point is; the invoice cannot tell.
SERVICES = {
    "19a(1)": gettext_noop("dostawa towarów lub usługa (art. 19a ust. 1)"),
    "19a(3)": gettext_noop("usługa rozliczana okresami (art. 19a ust. 3)"),
    "19a(5)(4)": gettext_noop("najem, leasing, media (art. 19a ust. 5 pkt 4)"),
    "20(1)": gettext_noop("wewnątrzwspólnotowa dostawa (art. 20 ust. 1)"),
    "20(5)": gettext_noop("wewnątrzwspólnotowe nabycie (art. 20 ust. 5)"),
}
ORDERS = {
    "tax-first": gettext_noop("podatek w walucie razy kurs"),
    "net-first": gettext_noop("podatek od wartości netto w złotych"),
}
DAYS = ("wystawiono", "sprzedaz", "okres")


@dataclass(frozen=True, slots=True)
class Form:
    """What was typed; `lines` are (net, rate of tax), empty ones included."""

    values: dict[str, str]
    lines: list[tuple[str, str]]


def read(given: QueryDict, today: date) -> Form:
    begun = {"wystawiono": typed.shown_day(today), "waluta": "EUR", "rodzaj": "19a(1)", "zrodlo": "nbp"}
    begun["kolejnosc"] = "tax-first"
    names = (*begun, *DAYS)
    values = {name: str(given.get(name, begun.get(name, ""))).replace("\0", "").strip()[:LONGEST] for name in names}
    nets, vats = given.getlist("netto")[:MOST_LINES], given.getlist("vat")[:MOST_LINES]
    typed_lines = [
        (str(net).strip()[:LONGEST], str(vats[number]) if number < len(vats) else "23")
        for number, net in enumerate(nets)
    ]
    filled = [line for line in typed_lines if line[0]]
    more = FIRST_LINES if given.get("wiecej") or len(filled) < FIRST_LINES else 1
    wanted = min(MOST_LINES, max(FIRST_LINES, len(filled) + more) if filled else FIRST_LINES)
    return Form(values, filled + [("", "23")] * (wanted - len(filled)))


def invoice_of(form: Form, today: date) -> Invoice:
    """Raises FieldError."""
    days = {name: day(name, form.values[name], today) for name in DAYS if form.values[name]}
    if "wystawiono" not in days:
        raise FieldError("wystawiono", asked.missing("faktura"))
    for name, known in (("rodzaj", SERVICES), ("kolejnosc", ORDERS), ("zrodlo", ("nbp", "ecb"))):
        if form.values[name] not in known:
            raise FieldError(name, _("Wybierz jedną z wartości listy."))
    if not form.values["waluta"]:
        raise FieldError("waluta", asked.missing("waluta"))
    return Invoice(
        kind=Kind.VAT,
        code=form.values["waluta"].upper(),
        issued=days["wystawiono"],
        lines=tuple(lines_of(form)),
        choice=form.values["zrodlo"],
        order=form.values["kolejnosc"],
        done=days.get("sprzedaz"),
        period_end=days.get("okres"),
    )


def day(name: str, text: str, today: date) -> date:
    try:
        found = typed.day(text)
    except typed.TypingError:
        words = _("Nie ma takiego dnia: „%(text)s”. Wpisz dzień, na przykład %(example)s.")
        raise FieldError(name, words % {"text": text, "example": typed.shown_day(date(2025, 3, 17))}) from None
    if found > calendars.next_working(today) + timedelta(days=31):
        words = _("%(day)s jeszcze nie nadszedł: kurs znamy najdalej dla %(today)s (dziś).")
        raise FieldError(name, words % {"day": formats.day(found), "today": formats.day(today)})
    return found


def lines_of(form: Form) -> Iterator[Line]:
    for number, (net, vat) in enumerate(form.lines, 1):
        if not net:
            continue
        if vat not in VATS:
            raise FieldError(f"vat-{number}", _("Wybierz jedną z wartości listy."))
        try:
            yield Line(number, typed.amount(net), vat, Service(form.values["rodzaj"]))
        except typed.TypingError:
            words = _("„%(text)s” to nie liczba. Wpisz na przykład %(example)s.")
            raise FieldError(f"netto-{number}", words % {"text": net, "example": asked.example("kwota")}) from None
