"""The page of signals: the newest BUY and SELL of every rule, each with the reason in a sentence."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse, QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import cache_control
from django.views.decorators.http import conditional_page, require_safe

from charon.pages import listing
from charon.pages.badge import ICONS, word
from charon.pages.signal_days import Days, days_of
from markets import clock, formats
from markets.licence import Audience
from markets.models import Source
from markets.queries import calendars
from markets.views import CALM, HtmxRequest, Row, shown_sources
from markets.views import page as answered
from signals import crossings, rules
from signals.crossings import Crossing
from signals.digits import rounded
from signals.models import DAILY, Signal

ROWS_A_PAGE = 50
LABELS = {"kup": Signal.Label.BUY, "sprzedaj": Signal.Label.SELL}
MODES = {"na-zywo": gettext_lazy("na żywo"), "wstecz": gettext_lazy("wyliczone wstecz")}
TIMEFRAMES = {
    "1d": gettext_lazy("dzienny"),
    "4h": gettext_lazy("4 godziny"),
    "1h": gettext_lazy("1 godzina"),
    "5m": gettext_lazy("5 minut"),
}


@require_safe
@cache_control(no_cache=True)
@conditional_page
def page(request: HtmxRequest) -> HttpResponse:
    """A choice that there is not is no choice; an instrument that nobody knows is a 404 with its neighbours, a day that
    there is not a 400.
    """
    whose, days = listing.chosen(request.GET.get("instrument", "")), days_of(request.GET)
    status = 404 if whose.unknown else 400 if days.fault else 200
    until = calendars.midnight_after(clock.now())
    return answered(request, "signals/signals.html", context(request, whose, days), until, status)


def context(request: HtmxRequest, whose: listing.Chosen, days: Days) -> Row:
    picked, path = picked_of(request.GET), reverse("signals")
    found = crossings.wanted(Audience.PAGE, instrument=whose.instrument, **columns_of(picked), **days.columns)
    nothing = whose.unknown or days.fault
    read = listing.page_of(found.none() if nothing else found, request.GET, path, ROWS_A_PAGE)
    asked = {"instrument": whose.text, **picked, **days.typed}
    return {
        "crossings": [crossing_row(one) for one in crossings.explained(read.rows)],
        "page": read,
        "whose": whose,
        "days": days,
        "nearest": [nearest_row(request, code) for code in whose.nearest],
        "filtered": any(asked.values()),
        "selects": selects(picked),
        "here": listing.address_of(path, asked | {"strona": str(read.number)}),
        "sources": shown_sources(Source.objects.all()),
        "every": CALM,
    }


def picked_of(asked: QueryDict) -> dict[str, str]:
    """What was chosen, by parameter; empty for all."""
    rule = rules.find(asked.get("regula", ""))
    choices: dict[str, Mapping[str, object]] = {"interwal": TIMEFRAMES, "sygnal": LABELS, "tryb": MODES}
    picked = {name: asked.get(name, "") if asked.get(name, "") in there else "" for name, there in choices.items()}
    return picked | {"regula": rule.name if rule else ""}


def columns_of(picked: dict[str, str]) -> dict[str, Any]:
    return {
        "rule": picked["regula"] or None,
        "timeframe": picked["interwal"] or None,
        "signal": LABELS.get(picked["sygnal"]),
        "backtested": picked["tryb"] == "wstecz" if picked["tryb"] else None,
    }


def nearest_row(request: HtmxRequest, code: str) -> Row:
    return {"code": code, "href": listing.address(reverse("signals"), request.GET, instrument=code, strona=1)}


def selects(picked: dict[str, str]) -> list[Row]:
    """The choices of the form, by the name of their parameter."""
    labels = {"kup": word(Signal.Label.BUY), "sprzedaj": word(Signal.Label.SELL)}
    return [
        select("regula", _("Reguła"), {rule.name: rule.label for rule in rules.active()}, picked),
        select("interwal", _("Interwał"), TIMEFRAMES, picked),
        select("sygnal", _("Sygnał"), labels, picked),
        select("tryb", _("Tryb"), MODES, picked),
    ]


def select(name: str, label: str, choices: Mapping[str, object], picked: dict[str, str]) -> Row:
    options = [(value, text, value == picked[name]) for value, text in choices.items()]
    return {"name": name, "label": label, "options": options}


def crossing_row(one: Crossing) -> Row:
    row = one.row
    return {
        "id": row.pk,
        "code": row.instrument.code,
        "href": listing.page_of_instrument(row.instrument),
        "whole": reverse("signal", args=[row.pk]),
        "rule": one.label,
        "timeframe": TIMEFRAMES.get(row.timeframe, row.timeframe),
        "price": price_words(row, one.scale),
        "why": one.why,
        "backtested": row.backtested,
        **label_row(row.signal),
        **time_row(row),
    }


def label_row(signal: str) -> Row:
    """The chip of a decision."""
    return {"kind": signal.lower(), "icon": ICONS[signal], "text": word(signal)}


def time_row(row: Signal) -> Row:
    """When its bar began, as the sentence says it too; `opened` of a candle alone, whose age a script may tell."""
    if row.timeframe == DAILY:
        day = row.as_of.date()
        return {"iso": day.isoformat(), "when": formats.day(day), "opened": None}
    return {"iso": row.as_of.isoformat(), "when": formats.moment(row.as_of), "opened": row.as_of}


def price_words(row: Signal, scale: int) -> str:
    """With the currency that it is in; a withdrawn decision has none any more."""
    close = row.values.get("close") if isinstance(row.values, dict) else None
    if not isinstance(close, int | float):
        return formats.DASH
    return formats.money(rounded(close, scale), row.instrument.quote)
