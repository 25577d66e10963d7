"""The page of signals: the newest BUY and SELL of every rule, each with the reason in a sentence."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import cache_control
from django.views.decorators.http import conditional_page, require_safe

from charon.pages import listing, rows
from charon.pages.badge import ICONS, word
from markets import clock, formats
from markets.clock import WARSAW
from markets.licence import Audience
from markets.models import Source
from markets.views import CALM, HtmxRequest, Row, shown_sources, wants_fragment
from signals import crossings, rules
from signals.crossings import Crossing
from signals.digits import rounded
from signals.models import DAILY, Signal

PATH = "/sygnaly/"
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
    """A choice that there is not is no choice; an instrument that nobody knows is a 404 with its neighbours."""
    whose = listing.chosen(request.GET.get("instrument", ""))
    template = "signals/_signals.html" if wants_fragment(request) else "signals/signals.html"
    return render(request, template, context(request, whose), status=404 if whose.unknown else 200)


def context(request: HtmxRequest, whose: listing.Chosen) -> Row:
    picked = picked_of(request.GET)
    found = crossings.wanted(Audience.PAGE, instrument=whose.instrument, **columns_of(picked))
    read = listing.page_of(found.none() if whose.unknown else found, request.GET, PATH, ROWS_A_PAGE)
    now = clock.now()
    return {
        "crossings": [crossing_row(one, now) for one in crossings.explained(read.rows)],
        "page": read,
        "whose": whose,
        "nearest": [nearest_row(request, code) for code in whose.nearest],
        "filtered": bool(whose.text or any(picked.values())),
        "selects": selects(picked),
        "here": listing.address_of(PATH, {"instrument": whose.text, **picked, "strona": str(read.number)}),
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
    return {"code": code, "href": listing.address(PATH, request.GET, instrument=code, strona=1)}


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


def crossing_row(one: Crossing, now: datetime) -> Row:
    row = one.row
    href = listing.page_of_instrument(row.instrument)
    return {
        "id": row.pk,
        "code": row.instrument.code,
        "href": href + rows.EXPLANATION if href and row.timeframe == DAILY else href,
        "filter": f"{PATH}?instrument={row.instrument.code}",
        "kind": row.signal.lower(),
        "icon": ICONS[row.signal],
        "text": word(row.signal),
        "rule": one.label,
        "timeframe": TIMEFRAMES.get(row.timeframe, row.timeframe),
        "price": price_words(row, one.scale),
        "why": one.why,
        "backtested": row.backtested,
        **time_row(row, now),
    }


def time_row(row: Signal, now: datetime) -> Row:
    """When its bar began, as the sentence says it too."""
    if row.timeframe == DAILY:
        day = row.as_of.date()
        today = now.astimezone(WARSAW).date()
        return {"iso": day.isoformat(), "when": formats.day(day), "ago": formats.days_ago(day, today)}
    opened = row.as_of
    return {"iso": opened.isoformat(), "when": formats.moment(opened), "ago": formats.relative(opened, now)}


def price_words(row: Signal, scale: int) -> str:
    """With the currency that it is in; a withdrawn decision has none any more."""
    if "close" not in row.values:
        return "–"
    return formats.money(rounded(row.values["close"], scale), row.instrument.quote)
