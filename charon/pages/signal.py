"""The page of one decision: why, what would turn it, how the other rules stood, and what the rule was worth so far."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import conditional_page, require_safe

from charon.pages import listing
from charon.pages.badge import ICONS, word
from charon.pages.signal_record import record_rows
from charon.pages.signals import TIMEFRAMES, label_row, price_words, time_row
from markets import clock, formats
from markets.licence import Audience
from markets.models import Instrument, Source
from markets.queries import calendars
from markets.views import HtmxRequest, Row, shown_sources
from markets.views import page as answered
from signals import beside, explain_rows
from signals.api_rows import closed, closed_markets
from signals.digits import rounded, small
from signals.explain_rows import Facts
from signals.models import Signal
from signals.outcomes import queries as record
from signals.rules.rule import Rule

# What a column of numbers holds.
LAST_NUMBER = 2**63 - 1


@require_safe
@cache_control(no_cache=True)
@conditional_page
def page(request: HtmxRequest, number: int) -> HttpResponse:
    """404 for a number without a decision, and for one that may not be shown, as the API has it."""
    row, until = find(number), calendars.midnight_after(clock.now())
    if row is None:
        return answered(request, "signals/no_signal.html", {"number": number}, until, status=404)
    return answered(request, "signals/signal.html", context(row), until)


def find(number: int) -> Signal | None:
    """With what the ledger has beside it; one statement."""
    if number > LAST_NUMBER:
        return None
    rows = Signal.objects.filter(pk=number).exclude(instrument__in=closed(Audience.PAGE))
    rows = rows.exclude(instrument__in=closed_markets(Audience.PAGE)).select_related("instrument")
    return beside.annotated(rows).first()


def context(row: Signal) -> Row:
    """Five statements, of candles six: the bars, the state, the bars up to the newest, the record, the attributions."""
    found = explain_rows.facts_of(row)
    told, language = explain_rows.explained(found), "en" if formats.english() else "pl"
    panels = record.panels(row.instrument.code, row.rule, row.timeframe)
    return {
        **head_row(found),
        "why": told["sentence"][language],
        "warnings": [one[language] for one in told["warnings"]],
        "formula": told["formula"][language],
        "parameters": told["parameters"].items(),
        **bars_table(found),
        "flip": flip_row(told["flip"], language),
        "others": [other_row(one) for one in told["rules"]],
        "record": record_rows(panels),
        "outcomes": f"{reverse('api:outcomes')}?{urlencode({'code': row.instrument.code, 'rule': row.rule})}",
        **links_row(found),
        **ledger_row(row),
        "sources": shown_sources(Source.objects.all()),
    }


def flip_row(flip: Mapping[str, Any] | None, language: str) -> Row | None:
    """What would bring the opposite after the newest bar, which is not that of the decision."""
    if flip is None:
        return None
    after = flip["after"]
    return {
        "text": flip[language],
        "after": formats.moment(after) if isinstance(after, datetime) else formats.day(after),
    }


def head_row(found: Facts) -> Row:
    row = found.row
    return {
        "number": row.pk,
        "code": row.instrument.code,
        "name": row.instrument.name,
        "rule": found.rule.label if found.rule else row.rule,
        "timeframe": TIMEFRAMES.get(row.timeframe, row.timeframe),
        "price": price_words(row, found.scale),
        "backtested": row.backtested,
        **label_row(row.signal),
        **time_row(row),
    }


def links_row(found: Facts) -> Row:
    """To the pages around; no alert on a rule that nobody can choose any more."""
    row = found.row
    return {
        "instrument_href": listing.page_of_instrument(row.instrument),
        "of_rule": f"{reverse('signals')}?{urlencode({'instrument': row.instrument.code, 'regula': row.rule})}",
        "alert_href": alert_address(row) if found.rule else "",
        "json_href": reverse("api:explain", args=[row.pk]),
        "before": page_of(found.beside.before),
        "after": page_of(found.beside.after),
        "newer": page_of(found.beside.newer),
    }


def page_of(number: int | None) -> str:
    return reverse("signal", args=[number]) if number else ""


def alert_address(row: Signal) -> str:
    """Of the form of a new alert, filled in."""
    asked = {
        "rodzaj": "signal",
        "instrument": row.instrument.code,
        "regula": row.rule,
        "interwal": row.timeframe,
    }
    return f"{reverse('alerts')}?{urlencode(asked)}#nowa"


def ledger_row(row: Signal) -> Row:
    return {
        "edition": row.version,
        "made": row.generated_at,
        "inputs": row.inputs,
        "params": row.params,
        "program": row.program,
        "stored_rule": row.rule,
    }


def bars_table(found: Facts) -> Row:
    """A row a quantity and a column a bar: it fits a phone."""
    rule, decided = found.rule, found.decided
    if rule is None or not decided:
        return {"bars_days": [], "bars_rows": []}
    price = _("Kurs") if found.row.instrument.kind == Instrument.Kind.CURRENCY else _("Cena")
    closes = [formats.number(rounded(one.values["close"], found.scale)) for one in decided]
    columns = [one.values for one in decided]
    return {
        "bars_days": [explain_rows.when(one.moment, found.row.timeframe) for one in decided],
        "bars_rows": [(price, closes), *value_rows(rule, columns, found.scale)],
    }


def value_rows(rule: Rule, columns: Sequence[Mapping[str, Any]], scale: int) -> list[tuple[str, list[str]]]:
    def text(number: float | None, signed: bool) -> str:
        return formats.DASH if number is None else small(number, scale, sign=signed)

    titled = [value for value in rule.values if value.title]
    return [(value.title, [text(one[value.name], value.signed) for one in columns]) for value in titled]


def other_row(one: Mapping[str, Any]) -> Row:
    agrees = {True: _("zgodnie"), False: _("przeciwnie"), None: _("ani tak, ani nie")}
    stands = one["stands"]
    chip = label_row(stands) if stands in ICONS else {"kind": "hold", "icon": ICONS["HOLD"], "text": word("HOLD")}
    return {"label": one["label"], **chip, "agrees": agrees[one["agrees"]]}
