"""The page of alerts: what fired, the rules in force, and a form for a new one with a preview on stored prices."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import conditional_page, require_http_methods, require_safe

from charon.pages import alert_words, listing, rows
from charon.pages.alert_form import KINDS, NAMES, RuleForm
from charon.pages.signals import TIMEFRAMES
from markets import clock, formats
from markets.access import ADD_ALERT, CHANGE_ALERT, user_may
from markets.licence import Audience, audience, may
from markets.models import Source
from markets.queries.prices import plain
from markets.views import CALM, HtmxRequest, Row, shown_sources, wants_fragment
from signals import rules as signal_rules
from signals.alerts import rows as alert_rows
from signals.alerts import rule_store, words
from signals.alerts.models import AlertEvent, AlertRule, Direction, Kind
from signals.alerts.origins import Origin
from signals.models import OFFICIAL_KINDS

PATH = "/alerty/"
EVENTS_A_PAGE = 20
RULES_SHOWN = 50
COLUMNS = (
    *("id", "instrument__code", "instrument__kind", "created_at", "state", "rule_number"),
    *words.COLUMNS,
)
CHOICES = ("kierunek", "interwal")
LIGHTS = {"open": "busy", "acknowledged": "warn", "resolved": "muted"}


@require_http_methods(["GET", "HEAD", "POST"])
@cache_control(private=True, no_cache=True)
@conditional_page
def page(request: HtmxRequest) -> HttpResponse:
    """For everybody; an account that may add rules saves them here, a token at the API."""
    if request.method == "POST":
        return save(request)
    whose = listing.chosen(request.GET.get("instrument", ""))
    status = 404 if whose.unknown else 200
    if wants_fragment(request):
        return render(request, "alerts/_alerts.html", list_context(request, whose), status=status)
    return render(request, "alerts/alerts.html", context(request, whose, RuleForm()), status=status)


@require_safe
@cache_control(private=True, no_cache=True)
@conditional_page
def preview(request: HtmxRequest) -> HttpResponse:
    """What the typed rule would have done; without scripts on the page as a whole, with its faults at the fields."""
    form = RuleForm(request.GET or None, whom(request))
    right = form.is_valid()
    if wants_fragment(request):
        return render(request, "alerts/_preview.html", form_context(request, form, live=True))
    shown = context(request, listing.Chosen(), form)
    return render(request, "alerts/alerts.html", shown, status=422 if form.is_bound and not right else 200)


def save(request: HtmxRequest) -> HttpResponse:
    form = RuleForm(request.POST, whom(request))
    if not user_may(request.user, *ADD_ALERT):
        form.is_valid()
        shown = context(request, listing.Chosen(), form) | {"refused": True}
        return render(request, "alerts/alerts.html", shown, status=403)
    if not form.is_valid():
        return render(request, "alerts/alerts.html", context(request, listing.Chosen(), form), status=422)
    made = rule_store.create(form.said, form.audience, request.user.get_username())
    return redirect(f"{PATH}?zapisano={made.pk}#reguly")


def whom(request: HtmxRequest) -> Audience:
    """Pages are the same for everybody but operators, whose rules may watch what is not public."""
    found = audience(request)
    return found if found is Audience.OPERATOR else Audience.PAGE


def context(request: HtmxRequest, whose: listing.Chosen, form: RuleForm) -> Row:
    return list_context(request, whose) | form_context(request, form)


def list_context(request: HtmxRequest, whose: listing.Chosen) -> Row:
    found = alert_rows.events(Audience.PAGE)
    if whose.instrument:
        found = found.filter(instrument=whose.instrument)
    asked, now = request.GET if request.path == PATH else type(request.GET)(), clock.now()
    read = listing.page_of((found.none() if whose.unknown else found).values(*COLUMNS), asked, PATH, EVENTS_A_PAGE)
    watched = list(alert_rows.rules(Audience.PAGE).select_related("instrument", "source")[: RULES_SHOWN + 1])
    saved = asked.get("zapisano", "")
    return {
        "events": [event_row(event, now) for event in read.rows],
        "page": read,
        "whose": whose,
        "nearest": [
            {"code": code, "href": listing.address(PATH, asked, instrument=code, strona=1)} for code in whose.nearest
        ],
        "rules": [rule_row(rule) for rule in watched[:RULES_SHOWN]],
        "more_rules": len(watched) > RULES_SHOWN,
        "saved": saved if saved in {str(rule.pk) for rule in watched} else "",
        "manages": user_may(request.user, *CHANGE_ALERT),
        "here": listing.address_of(PATH, {"instrument": whose.text, "strona": str(read.number)}),
        "sources": shown_sources(Source.objects.all()),
        "every": CALM,
    }


def page_of(code: str, kind: str) -> str:
    return rows.page_of(code) if kind in OFFICIAL_KINDS else f"{PATH}?instrument={code}"


def event_row(event: Mapping[str, Any], now: datetime) -> Row:
    code, at, over = event["instrument__code"], event["created_at"], event["resolved_at"]
    return {
        "id": event["id"],
        "code": code or event["subject"],
        "href": page_of(code, event["instrument__kind"]) if code else "",
        "text": alert_words.what_happened(event),
        "direction": event["direction"],
        "arrow": rows.ARROWS.get(event["direction"], ""),
        "iso": at.isoformat(),
        "when": formats.moment(at),
        "ago": formats.relative(at, now),
        "state": AlertEvent.State(event["state"]).label,
        "light": LIGHTS[event["state"]],
        "over": formats.near(over, now) if over else "",
        "rule": event["rule_number"],
    }


def rule_row(rule: AlertRule) -> Row:
    return {
        "id": rule.pk,
        "name": rule.name,
        "code": rule.instrument.code if rule.instrument else "",
        "text": alert_words.what_is_watched(rule),
        "source": rule.source.name if rule.source else "",
        "cooldown": alert_words.window(rule.cooldown_minutes) if rule.cooldown_minutes else "",
        "enabled": rule.enabled,
        "automatic": rule.automatic,
    }


def form_context(request: HtmxRequest, form: RuleForm, *, live: bool = False) -> Row:
    """While somebody types (`live`), what is still empty is no fault."""
    errors = {name: found[0] for name, found in form.errors.items() if not (live and not form[name].value())}
    return {
        "fields": {name: {"value": value_of(form, name), "error": errors.get(name, "")} for name in form.fields},
        "kind": form.kind,
        "kinds": [(kind.value, kind.label) for kind in KINDS],
        "directions": Direction.choices,
        "signal_rules": [(rule.name, rule.label) for rule in signal_rules.active()],
        "timeframes": TIMEFRAMES.items(),
        "errors": errors,
        "live": live,
        "answer": answer(form),
        "saves": user_may(request.user, *ADD_ALERT),
    }


def value_of(form: RuleForm, name: str) -> Any:
    """Of a choice that an address leaves out the one that the rule has then, and not the first of the list."""
    value = form[name].value()
    return form[name].initial if value is None and name in CHOICES else value


def answer(form: RuleForm) -> Row | None:
    """What a rule without faults watches, how often it would have fired, and the rule as the API takes it."""
    rule = form.rule
    if rule is None or form.errors or rule.instrument is None:
        return None
    numbers = {name: plain(form.said.get(name), 0) for name in ("threshold_pct", "level")}
    filled = form.said | {"asset": rule.instrument.code} | numbers
    said = {name: value for name, value in filled.items() if value not in {None, ""}}
    return {
        "code": rule.instrument.code,
        "text": alert_words.what_is_watched(rule),
        "would": would(form, rule),
        "json": json.dumps(said, sort_keys=True),
        "hidden": [(NAMES[name], str(value)) for name, value in said.items() if name in NAMES],
    }


def would(form: RuleForm, rule: AlertRule) -> str:
    if rule.kind == Kind.SIGNAL:
        return _("Zadziała przy pierwszym nowym sygnale KUP albo SPRZEDAJ, który wypadnie po jej zapisaniu.")
    from signals.alerts import past, preview, preview_text  # numpy weighs 20 MB: only workers that preview load it

    origin, minutes = form.origin, rule.window_minutes or 0
    if origin is None or rule.instrument is None or (origin.source and not may(origin.source, form.audience)):
        origin = Origin(None, official=False)
    stored = past.load(rule.instrument, origin, minutes)  # type: ignore[arg-type]
    return preview_text.sentence(preview.would(rule_store.watch_of(rule), stored, minutes))
