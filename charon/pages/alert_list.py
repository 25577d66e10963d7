"""The list of alerts and of the rules in force, narrowed to an instrument."""

from collections.abc import Mapping
from typing import Any

from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _

from charon.pages import alert_words, listing, rows
from markets.access import CHANGE_ALERT, user_may
from markets.licence import Audience
from markets.models import Source
from markets.views import BUSY, HtmxRequest, Row, shown_sources
from signals.alerts import choices, words
from signals.alerts import rows as alert_rows
from signals.alerts.models import AlertEvent, AlertRule

# The names under which the list is asked for: its own, and that of the overview of what is followed.
LISTS = ("alerts", "ui_alerts")
EVENTS_A_PAGE = 20
RULES_SHOWN = 50
COLUMNS = (
    *("id", "instrument__code", "instrument__kind", "created_at", "state", "rule_number"),
    *words.COLUMNS,
)
LIGHTS = {"open": "busy", "acknowledged": "warn", "resolved": "muted"}


def list_context(request: HtmxRequest, whose: listing.Chosen) -> Row:
    """Four queries: the events, the rules, what the list can be narrowed to, the attributions."""
    path, asked = asked_at(request)
    found = alert_rows.events(Audience.PAGE)
    if whose.instrument:
        found = found.filter(instrument=whose.instrument)
    read = listing.page_of((found.none() if whose.unknown else found).values(*COLUMNS), asked, path, EVENTS_A_PAGE)
    watched = list(alert_rows.rules(Audience.PAGE).select_related("instrument", "source")[: RULES_SHOWN + 1])
    saved = asked.get("zapisano", "")
    return {
        "events": [event_row(event) for event in read.rows],
        "page": read,
        "path": path,
        "whose": whose,
        "assets": assets(whose),
        "nearest": [
            {"code": code, "href": listing.address(path, asked, instrument=code, strona=1)} for code in whose.nearest
        ],
        "rules": [rule_row(rule) for rule in watched[:RULES_SHOWN]],
        "more_rules": len(watched) > RULES_SHOWN,
        "saved": saved if saved in {str(rule.pk) for rule in watched} else "",
        "manages": user_may(request.user, *CHANGE_ALERT),
        "here": listing.address_of(path, {"instrument": whose.text, "strona": str(read.number)}),
        "sources": shown_sources(Source.objects.all()),
        "every": BUSY,
    }


def asked_at(request: HtmxRequest) -> tuple[str, QueryDict]:
    """The address of the list and what it was asked; the page of a preview has the list without filters."""
    name = request.resolver_match.url_name if request.resolver_match else ""
    return (reverse(name), request.GET) if name in LISTS else (reverse("alerts"), QueryDict())


def assets(whose: listing.Chosen) -> list[tuple[str, bool]]:
    """The choices of the filter, each with whether it is chosen."""
    chosen = whose.instrument.code if whose.instrument else ""
    found = {*choices.codes(Audience.PAGE), *filter(None, [chosen])}
    return [(code, code == chosen) for code in sorted(found)]


def event_row(event: Mapping[str, Any]) -> Row:
    code = event["instrument__code"]
    return {
        "id": event["id"],
        "code": code or event["subject"],
        "href": listing.page_of_asset(code, event["instrument__kind"]) if code else "",
        "text": alert_words.what_happened(event),
        "direction": event["direction"],
        "arrow": rows.ARROWS.get(event["direction"], ""),
        "at": event["created_at"],
        "state": AlertEvent.State(event["state"]).label,
        "light": LIGHTS[event["state"]],
        "over": event["resolved_at"],
        "rule": event["rule_number"],
    }


def rule_row(rule: AlertRule) -> Row:
    return {
        "id": rule.pk,
        "name": rule.name,
        "code": rule.instrument.code if rule.instrument else "",
        "text": alert_words.what_is_watched(rule),
        "source": _(rule.source.name) if rule.source else "",
        "cooldown": alert_words.window(rule.cooldown_minutes) if rule.cooldown_minutes else "",
        "enabled": rule.enabled,
        "automatic": rule.automatic,
    }
