"""The converter: an amount of one currency in another at the official rates of a day, with every rate that was used."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.cache import cache_control
from django.views.decorators.http import conditional_page, require_safe

from charon.pages.tax import card, typed
from charon.pages.tax.asked import FieldError
from charon.pages.tax.refused import shown_figure, shown_text
from markets import clock, formats
from markets.clock import WARSAW
from markets.errors import NotPublicError, QuestionError, UnknownCodeError
from markets.instruments.names import GOLD
from markets.licence import Audience
from markets.queries import calendars, convert, convert_reference, proofs
from markets.queries.convert import NoRateError
from markets.queries.gold_units import is_gold
from markets.queries.tables import TIMETABLES
from markets.queries.unpublished import Why
from markets.views import HtmxRequest, Row, page

LONGEST = 40
# More digits than money has are more than both databases and a spreadsheet keep.
MOST_DIGITS = 15
UNITS = {"g": gettext_noop("gram"), "oz": gettext_noop("uncja"), "kg": gettext_noop("kilogram")}
DAYS = {"D0": gettext_noop("z tego dnia albo ostatni przed nim"), "D-1": gettext_noop("z dnia poprzedniego")}
SOURCES = ("nbp", "ecb")
CHOICES = {"kurs": tuple(DAYS), "zrodlo": SOURCES, "jednostka": tuple(UNITS)}
FIELDS = ("kwota", "z", "na", "data", "kurs", "zrodlo", "jednostka")
LABELS = {"z": gettext_noop("Z waluty"), "na": gettext_noop("Na walutę"), "data": gettext_noop("Dzień")}
WHY = {
    Why.FUTURE: gettext_noop("Ten dzień jeszcze nie nadszedł. Najnowszy kurs znajdziesz pod dzisiejszą datą."),
    Why.LEFT_TABLE: gettext_noop("Waluta nieaktualna: nie ma już jej kursu na ten dzień."),
    Why.NOT_QUOTED: gettext_noop("Brak notowań: na ten dzień nie ogłoszono jeszcze kursu tej waluty."),
    Why.REDENOMINATED: gettext_noop("Nie dotyczy: waluta zmieniła w tym czasie jednostkę."),
}

Values = dict[str, str]


@require_safe
@cache_control(no_cache=True)
@conditional_page
def converter_page(request: HtmxRequest) -> HttpResponse:
    """An amount asks; a question that is written otherwise than its permalink is redirected there."""
    now = clock.now()
    today = now.astimezone(WARSAW).date()
    values = read(request.GET, today)
    context: Row = {"result": None, "fault": None}
    status = 200
    if "kwota" in request.GET:
        try:
            asked = checked(values)
            link = urlencode(asked)
            if request.GET.urlencode() != link:
                return redirect(f"{request.path}?{link}")
            context["result"] = result(answer(asked), asked)
        except FieldError as error:
            status, context["fault"] = 422, {"field": error.field, "words": error.words, "links": []}
        except QuestionError as error:
            status, context["fault"] = refused(error, values)
    context |= shown(values) | {"permalink": request.get_full_path()}
    return page(request, "converter/converter.html", context, calendars.next_turn(now, TIMETABLES.values()), status)


def read(given: QueryDict, today: date) -> Values:
    """As it was typed; without a question 100 EUR in PLN, yesterday."""
    begun = {"kwota": typed.shown_amount(Decimal(100)), "z": "EUR", "na": "PLN", "kurs": "D0", "zrodlo": "nbp"}
    begun |= {"jednostka": "g", "data": typed.shown_day(today - timedelta(days=1))}
    return {name: str(given.get(name, begun[name])).replace("\0", "").strip()[:LONGEST] for name in FIELDS}


def checked(values: Values) -> Values:
    """The parameters of the permalink, in their order and one notation. Raises FieldError."""
    found = {"kwota": f"{amount(values['kwota']):f}"}
    for name in ("z", "na"):
        if not values[name]:
            words = _("Uzupełnij pole „%(label)s”, na przykład %(example)s.")
            raise FieldError(name, words % {"label": _(LABELS[name]), "example": "USD"})
        found[name] = GOLD if is_gold(values[name]) else values[name].upper()
    found["data"] = day(values["data"]).isoformat()
    for name, known in CHOICES.items():
        if values[name] not in known:
            raise FieldError(name, _("Wybierz jedną z wartości listy."))
        if values[name] != known[0] and (name != "jednostka" or GOLD in (found["z"], found["na"])):
            found[name] = values[name]
    if found["z"] == found["na"] == GOLD:
        raise FieldError("na", _("Złoto na złoto: wybierz po jednej stronie walutę."))
    if GOLD in (found["z"], found["na"]) and values["zrodlo"] == "ecb":
        raise FieldError("zrodlo", _("EBC nie podaje ceny złota: wybierz NBP."))
    return found


def amount(text: str) -> Decimal:
    words = _("„%(text)s” to nie liczba. Wpisz na przykład %(example)s.")
    try:
        found = typed.amount(text)
    except typed.TypingError:
        example = typed.shown_amount(Decimal("1500.50"))
        raise FieldError("kwota", words % {"text": text, "example": example}) from None
    if len(f"{found:f}".replace(".", "").lstrip("-0")) > MOST_DIGITS:
        raise FieldError("kwota", _("Ta kwota ma za dużo cyfr: najwyżej %s.") % MOST_DIGITS)
    return found


def day(text: str) -> date:
    try:
        return typed.day(text)
    except typed.TypingError:
        words = _("Nie ma takiego dnia: „%(text)s”. Wpisz dzień, na przykład %(example)s.")
        example = typed.shown_day(date(2025, 3, 17))
        raise FieldError("data", words % {"text": text, "example": example}) from None


def answer(asked: Values) -> Any:
    on, when = date.fromisoformat(asked["data"]), asked.get("kurs", "D0")
    one, other = asked["z"], asked["na"]
    if "zrodlo" in asked:
        return convert_reference.convert(asked["kwota"], one, other, on, when, Audience.PAGE)  # type: ignore[arg-type]
    unit = asked.get("jednostka", "g") if GOLD in (one, other) else None
    return convert.convert(asked["kwota"], one, other, on, when, unit, Audience.PAGE)  # type: ignore[arg-type]


def result(found: Any, asked: Values) -> Row:
    unit = asked.get("jednostka", "g")
    given, told = (
        money(Decimal(found[name]), found[side], unit) for name, side in (("amount", "from"), ("result", "to"))
    )
    on = found["effective_date"]
    return {
        "given": given,
        "told": told,
        "rate": f"1{formats.NBSP}{named(found['from'], unit)} = {money(Decimal(found['rate']), found['to'], unit)}",
        "is_computed": found["derived"] and found["from"] != found["to"],
        "legs": [leg_row(leg) for leg in found["legs"] or ([found | published(found)] if found["table"] else [])],
        "day": formats.day(on) if on else "",
        "is_filled": found["filled"],
        "asked_day": formats.day(found["date"]),
        "why": why_filled(found),
        "stale": found["stale"],
        "swap": "?" + urlencode(asked | {"z": asked["na"], "na": asked["z"]}),
        "text": f"{given} = {told}",
    }


def published(found: Any) -> Row:
    """The one rate that was published and not computed, as a leg of itself."""
    code = found["from"] if found["to"] == "PLN" else found["to"]
    return {"code": code, "mid": found["rate"]}


def named(code: str, unit: str) -> str:
    return f"{code}{formats.NBSP}({_(UNITS[unit])})" if code == GOLD else code


def money(value: Decimal, code: str, unit: str) -> str:
    """`100 EUR`, `426,27 zł`, of gold `2,5 g`."""
    return f"{formats.number(value)}{formats.NBSP}{unit}" if code == GOLD else formats.money(value, code)


def leg_row(leg: Any) -> Row:
    """A published rate with its table: of the NBP in PLN, of the ECB for one euro, of gold for a gram."""
    on, mid = leg["effective_date"], Decimal(leg["mid"])
    place = {**leg, "effective_date": on.isoformat() if isinstance(on, date) else on}
    if leg["code"] == GOLD:
        gram = f"{formats.money(mid)}/g"
        return {"worth": gram, "table": {"words": _("cena złota NBP z %s") % formats.day(on), "href": reverse("gold")}}
    if leg.get("quote"):
        worth = f"1{formats.NBSP}EUR = {formats.number(mid)}{formats.NBSP}{leg['code']}"
    else:
        count, shown = card.as_printed(mid)
        worth = f"{formats.whole(count)}{formats.NBSP}{leg['code']} = {formats.money(shown)}"
    return {"worth": worth, "table": card.table_row(place)}


def why_filled(found: Any) -> str:
    """Why another day than the one that was asked for; empty where nothing explains it."""
    reasons = {
        Why.WEEKEND: _("weekend"),
        Why.HOLIDAY: found["reason_name"] or _("święto"),
        Why.NOT_YET_PUBLISHED: _("tabela tego dnia jeszcze się nie ukazała"),
        Why.NO_PUBLICATION: _("brak notowań"),
        Why.NOT_A_TABLE_DAY: _("tego dnia nie ogłasza się tabeli B"),
        Why.MISSING_HERE: _("brak danych"),
    }
    return reasons.get(found["reason"], "")


def refused(error: QuestionError, values: Values) -> tuple[int, Row]:
    """The status, and the fault at the field that it is about."""
    if isinstance(error, UnknownCodeError):
        return 404, unknown(error, values)
    if isinstance(error, NotPublicError):
        words = _("Licencja tego źródła nie pozwala pokazywać jego kursów publicznie.")
        return 403, {"field": "", "words": words, "links": []}
    reason = (error.detail or {}).get("reason") if isinstance(error, NoRateError) else None
    words = _(WHY.get(reason, NO_DATA) if reason else NO_DATA)
    return (422 if reason in WHY else error.status), {"field": "data", "words": words, "links": []}


NO_DATA = gettext_noop("Brak danych: nie mamy kursu, którego można by tu użyć.")


def unknown(error: QuestionError, values: Values) -> Row:
    name = "z" if repr(values["z"].upper()) in error.message else "na"
    near = [code for code in (error.detail or {}).get("nearest", []) if len(code) == 3]
    links = [{"href": "?" + urlencode(values | {name: code}), "words": code} for code in near]
    words = _("Nie znamy waluty „%s”. Wpisz trzyliterowy kod, na przykład EUR.") % values[name].upper()
    return {"field": name, "words": words, "links": links}


def shown(values: Values) -> Row:
    language = "en" if formats.english() else "pl"
    codes = [("PLN", _("złoty"), _("złoty")), *proofs.currency_codes()]
    codes.append((GOLD, _("złoto"), _("złoto")))
    return {
        "values": values | {"data": shown_text(values["data"]), "kwota": shown_figure(values["kwota"])},
        "currencies": [{"code": code, "name": en if language == "en" else pl} for code, pl, en in codes],
        "days": options(DAYS, values["kurs"]),
        "units": options(UNITS, values["jednostka"]),
        "banks": [
            {"value": one, "name": _("EBC") if one == "ecb" else "NBP", "current": one == values["zrodlo"]}
            for one in SOURCES
        ],
        "sources": proofs.attributions(),
    }


def options(words: dict[str, str], current: str) -> list[Row]:
    return [{"value": value, "name": _(word), "current": value == current} for value, word in words.items()]
