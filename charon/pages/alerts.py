"""The page of alerts: what fired, the rules in force, and a form for a new one with a preview on stored prices."""

import json
from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import conditional_page, require_http_methods, require_safe

from charon.pages import alert_words, listing
from charon.pages.alert_form import KINDS, NAMES, RuleForm, prefilled
from charon.pages.alert_list import list_context
from charon.pages.signals import TIMEFRAMES
from markets import clock
from markets.access import ADD_ALERT, user_may
from markets.licence import Audience, audience, may
from markets.queries import calendars
from markets.queries.prices import plain
from markets.views import HtmxRequest, Row, wants_fragment
from markets.views import page as answered
from signals import rules as signal_rules
from signals.alerts import rule_store
from signals.alerts.models import AlertRule, Direction, Kind
from signals.alerts.origins import Origin

CHOICES = ("kierunek", "interwal")


@require_http_methods(["GET", "HEAD", "POST"])
@cache_control(private=True, no_cache=True)
@conditional_page
def page(request: HtmxRequest) -> HttpResponse:
    """For everybody; an account that may add rules saves them here, a token at the API.

    The instrument of the address stands in the filter and in the form of a new rule, with what else it names there.
    """
    if request.method == "POST":
        return save(request)
    whose = listing.chosen(request.GET.get("instrument", ""))
    status = 404 if whose.unknown else 200
    if wants_fragment(request):
        return shown(request, list_context(request, whose), status)
    form = RuleForm(initial=prefilled(request.GET, whose.instrument))
    return shown(request, context(request, whose, form) | {"prefilled": whose.instrument is not None}, status)


def shown(request: HtmxRequest, context: Row, status: int = 200) -> HttpResponse:
    return answered(request, "alerts/alerts.html", context, calendars.midnight_after(clock.now()), status)


@require_safe
@cache_control(private=True, no_cache=True)
@conditional_page
def preview(request: HtmxRequest) -> HttpResponse:
    """What the typed rule would have done; without scripts on the page as a whole, with its faults at the fields."""
    form = RuleForm(request.GET or None, whom(request))
    right = form.is_valid()
    if wants_fragment(request):
        return answered(request, "alerts/preview.html", form_context(request, form, live=True))
    return shown(request, context(request, listing.Chosen(), form), 422 if form.is_bound and not right else 200)


def save(request: HtmxRequest) -> HttpResponse:
    form = RuleForm(request.POST, whom(request))
    if not user_may(request.user, *ADD_ALERT):
        form.is_valid()
        return shown(request, context(request, listing.Chosen(), form) | {"refused": True}, 403)
    if not form.is_valid():
        return shown(request, context(request, listing.Chosen(), form), 422)
    made = rule_store.create(form.said, form.audience, request.user.get_username())
    return redirect(f"{reverse('alerts')}?zapisano={made.pk}#reguly")


def whom(request: HtmxRequest) -> Audience:
    """Pages are the same for everybody but operators, whose rules may watch what is not public."""
    found = audience(request)
    return found if found is Audience.OPERATOR else Audience.PAGE


def context(request: HtmxRequest, whose: listing.Chosen, form: RuleForm) -> Row:
    return list_context(request, whose) | form_context(request, form)


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
