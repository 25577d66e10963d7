"""The page of one question: which rate the law asks for, with its table, and a permalink."""

from datetime import datetime

from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import conditional_page, require_safe

from charon.pages.tax import asked, card, choices, fields, refused
from charon.pages.tax.asked import FieldError, Form
from charon.pages.tax.fields import FIELDS, Kind
from charon.pages.tax.refused import Fault
from markets import clock, formats
from markets.clock import WARSAW
from markets.errors import QuestionError
from markets.licence import Audience
from markets.queries import calendars, freshness_facts, proofs
from markets.queries.tax import answers
from markets.queries.tax.sequences import REFERENCE, TABLE_A, TABLE_B
from markets.views import HtmxRequest, Row, backfill_row, page

# Wide fields that have a place of their own in the form.
FIRST = ("data", "waluta", "regula", "kwota")
CHOICES = (("", ""), ("nbp", "NBP"), ("ecb", "EBC"))


@require_safe
@cache_control(no_cache=True)
@conditional_page
def tax_page(request: HtmxRequest) -> HttpResponse:
    """A question that is written otherwise than its permalink is redirected there. Seven statements at most."""
    now = clock.now()
    today = now.astimezone(WARSAW).date()
    form = asked.form(request.GET, today)
    found = Row() if form.is_asked else None
    fault, question = None, None
    try:
        if form.is_asked:
            question = asked.question(form, today)
            link = asked.permalink(form, question)
            if request.GET.urlencode() != link:
                return redirect(f"{request.path}?{link}")
            found = card.card(answers.answer(question, Audience.PAGE))
    except FieldError as error:
        fault = refused.of_field(error, form, today)
    except QuestionError as error:
        fault = refused.of_answer(error, form, question)
    context = shown(form, fault) | {"card": None if fault else found, "permalink": request.get_full_path()}
    return page(request, "tax/tax.html", context, until(now), fault.status if fault else 200)


def until(now: datetime) -> datetime:
    """When a sentence made from the clock can turn: a table of today is late, then missing, and a day ends."""
    return calendars.next_turn(now, (table.timetable for table in (TABLE_A, TABLE_B, REFERENCE)))


def shown(form: Form, fault: Fault | None) -> Row:
    taken = fields.taken(form.rule)
    language = "en" if formats.english() else "pl"
    currencies = [
        {"code": code, "name": english if language == "en" else polish}
        for code, polish, english in proofs.currency_codes()
    ]
    return {
        "values": {name: refused.shown(form, name) for name in FIELDS},
        "groups": list(choices.groups(form.values["regula"].lower())),
        "rule": choices.explained(form.rule),
        "rules": choices.all_explained(),
        "extra": [extra(form, name, taken, fault) for name in FIELDS if name not in FIRST],  # nosec B610
        "takes_day": "data" in taken,
        "takers_of_day": fields.takers("data"),
        "fault": fault._asdict() if fault else None,
        "focus": focus(form, fault),
        "currencies": currencies,
        "backfill": backfill_row(freshness_facts.facts(None, clock.now()).backfill)
        if fault and not fault.field
        else None,
        "filled": bool(currencies),
        "sources": proofs.attributions(),
    }


def backfill() -> Row | None:
    """Of the official rates; one query."""
    return backfill_row(freshness_facts.facts(None, clock.now()).backfill)


def focus(form: Form, fault: Fault | None) -> str:
    """Where the keyboard begins: the wrong field, else the first one of a form that asks nothing yet."""
    return fault.field if fault else "" if form.is_asked else "data"


def extra(form: Form, name: str, taken: tuple[str, ...], fault: Fault | None) -> Row:
    field = FIELDS[name]
    text = refused.shown(form, name)
    return {
        "name": name,
        "label": _(field.label),
        "value": text,
        "example": asked.example(name),
        "numeric": field.kind in {Kind.DAY, Kind.YEAR},
        "decimal": field.kind is Kind.AMOUNT,
        "choices": [{"value": value, "name": word or "–", "current": value == text} for value, word in CHOICES]
        if field.kind is Kind.CHOICE
        else [],
        "taken": name in taken,
        "takers": fields.takers(name),
        "wrong": bool(fault and fault.field == name),
    }
