"""Alerts: what fired, and the rules by which it did.

Rules and events never have the same number: whoever confuses them changes nothing.
"""

from typing import TYPE_CHECKING, Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from ninja import Path, Query, Router

from markets import licence
from markets.access import ACKNOWLEDGE, ADD_ALERT, CHANGE_ALERT, DELETE_ALERT, SET_ALERT_DEFAULTS, name_of
from markets.api.asset_schemas import OPERATOR_ERRORS
from markets.api.operator import Operator
from markets.api.responses import fresh, fresh_array, listing, nothing, private, reply
from markets.api.schemas import COMMON_ERRORS, SERIES_ERRORS, Envelope, NewestFirst
from markets.models import Instrument
from markets.queries.prices import find_asset, plain
from signals.alerts import rows, rule_store
from signals.alerts.automatic import defaults
from signals.alerts.models import AlertDefaults, AlertEvent, AlertRule
from signals.alerts.schemas import (
    AlertItem,
    AlertQuery,
    Defaults,
    EventPath,
    NewDefaults,
    NewRule,
    Preview,
    PreviewQuestion,
    RuleChange,
    RuleItem,
    RulePage,
    RulePath,
)

if TYPE_CHECKING:
    from signals.alerts.preview import Would

router = Router(tags=["alerts"])
RULE_ERRORS = {**OPERATOR_ERRORS, 408: Envelope, 409: Envelope}


def rule_item(rule: AlertRule) -> dict[str, Any]:
    [item] = rows.rule_rows(AlertRule.objects.filter(pk=rule.pk))
    return item


def meant(asset: str) -> QuerySet[Instrument]:
    """`BTC` means all that bitcoin is paid in: an alert about BTCUSDT is one about it. A pair means itself."""
    found, wanted = find_asset(asset), asset.strip().upper()
    if wanted == found.code or wanted.endswith(found.quote):
        return Instrument.objects.filter(pk=found.pk)
    return Instrument.objects.filter(base=found.base)


@router.get("/alerts", response={200: list[AlertItem], **SERIES_ERRORS}, operation_id="alerts", summary="What fired")
def alert_list(request: HttpRequest, query: Query[AlertQuery], paging: Query[NewestFirst]) -> HttpResponse:
    """Events, newest first. An alert fires once when its condition begins to hold, and again only after that has ended.

    What is made of figures that their source's licence keeps from the public is left out, and so are the alerts about
    the installation, but for operators.
    """
    found = rows.events(licence.audience(request))
    if query.asset:
        found = found.filter(instrument__in=meant(query.asset))
    if query.state:
        found = found.filter(state=query.state)
    return fresh_array(request, paging, found, rows.event_rows)


@router.get("/alerts/rules", response={200: RulePage, **COMMON_ERRORS}, operation_id="alert_rules", summary="Rules")
def rule_list(request: HttpRequest, paging: Query[NewestFirst]) -> HttpResponse:
    """What is watched, newest first; `automatic` are the rules that nobody has to make."""
    return fresh(request, listing(paging, rows.rules(licence.audience(request)), rows.rule_rows))


@router.post(
    "/alerts",
    response={201: RuleItem, 408: Envelope, **OPERATOR_ERRORS},
    operation_id="alert_rule_add",
    summary="Make a rule",
    auth=Operator(*ADD_ALERT),
)
def rule_add(request: HttpRequest, new: NewRule) -> HttpResponse:
    """For tokens with the scope `write`, and operators. The rule keeps to one source: the one that is named, or the
    freshest public one. It is evaluated with the next price, which can only arm it.

    400 for what means nothing (`detail` names the fields): a window or a threshold of 0, one above 1000 %, a window
    beyond the history that is kept. 404 with the nearest codes for an unknown asset, source or rule.
    """
    made = rule_store.create(new.dict(), licence.audience(request), name_of(request))
    return private(reply(rule_item(made), 201))


@router.post(
    "/alerts/preview",
    response={200: Preview, 408: Envelope, **SERIES_ERRORS},
    operation_id="alert_preview",
    summary="How often it would have fired",
)
def preview(request: HttpRequest, asked: PreviewQuestion) -> HttpResponse:
    """For everybody; nothing is saved. What the rule would have done with what is stored of the last 365 days, and at
    which threshold it would have fired once a week.

    It looks at five-minute candles, where there are none at single prices, before them at hours if the window holds
    two, and at the official rates of what has one a day. `days` says of how many days there was something.
    """
    from signals.alerts import past, preview  # numpy weighs 20 MB: only workers that preview load it

    instrument = find_asset(asked.asset)
    rule = AlertRule(id=0, kind=asked.kind, instrument=instrument)  # without a number: one more would be a row
    origin = rule_store.fill(rule, asked.dict(), licence.audience(request))
    minutes = rule.window_minutes or 0
    would = preview.would(rule_store.watch_of(rule), past.load(instrument, origin, minutes), minutes)
    return private(reply(preview_item(rule, would)))


def preview_item(rule: AlertRule, would: "Would") -> dict[str, Any]:
    return {
        "asset": rule.instrument.code if rule.instrument else None,
        "kind": rule.kind,
        "source": rule.source.code if rule.source else None,
        "window_minutes": rule.window_minutes,
        "threshold_pct": plain(rule.threshold_pct, 0),
        "direction": rule.direction,
        "times": would.times,
        "last": would.last,
        "days": would.days,
        "since": would.first,
        "until": would.until,
        "observations": would.observations,
        "made_of": would.of,
        "weekly_threshold_pct": plain(would.weekly, 0),
        "weekly_times": would.weekly_times,
    }


@router.post(
    "/alerts/events/{event_id}/acknowledge",
    response={200: AlertItem, **OPERATOR_ERRORS},
    operation_id="alert_acknowledge",
    summary="Acknowledge an event",
    auth=Operator(*ACKNOWLEDGE),
)
def acknowledge(request: HttpRequest, event: Path[EventPath]) -> HttpResponse:
    """Somebody knows of it. Again, or when it is over, it changes nothing; a GET never acknowledges."""
    found = rule_store.acknowledge(event.event_id, licence.audience(request), name_of(request))
    [item] = rows.event_rows(AlertEvent.objects.filter(pk=found.pk))
    return private(reply(item))


@router.patch(
    "/alerts/rules/{rule_id}",
    response={200: RuleItem, **RULE_ERRORS},
    operation_id="alert_rule_change",
    auth=Operator(*CHANGE_ALERT),
    include_in_schema=False,
)
@router.patch(
    "/alerts/{rule_id}",
    response={200: RuleItem, **RULE_ERRORS},
    operation_id="alert_rule_change",
    summary="Change a rule",
    auth=Operator(*CHANGE_ALERT),
)
def rule_change(request: HttpRequest, rule: Path[RulePath], changes: RuleChange) -> HttpResponse:
    """Also at `/alerts/rules/{rule_id}`. What is not named stays; asset and kind do. With another window, threshold,
    direction, level or source, or switched off, its open alerts are over and it arms anew.

    404 for the number of an event, with that of its rule; 409 for the rules that nobody made.
    """
    found = rule_store.find_rule(rule.rule_id, licence.audience(request))
    rule_store.change(found, changes.dict(exclude_unset=True), licence.audience(request))
    return private(reply(rule_item(found)))


@router.delete(
    "/alerts/rules/{rule_id}",
    response={204: None, **RULE_ERRORS},
    operation_id="alert_rule_remove",
    auth=Operator(*DELETE_ALERT),
    include_in_schema=False,
)
@router.delete(
    "/alerts/{rule_id}",
    response={204: None, **RULE_ERRORS},
    operation_id="alert_rule_remove",
    summary="Remove a rule",
    auth=Operator(*DELETE_ALERT),
)
def rule_remove(request: HttpRequest, rule: Path[RulePath]) -> HttpResponse:
    """Also at `/alerts/rules/{rule_id}`. Its events stay, and what was open is over.

    404 for the number of an event, with that of its rule; 409 for the rules that nobody made.
    """
    rule_store.remove(rule_store.find_rule(rule.rule_id, licence.audience(request)))
    return nothing()


@router.get(
    "/config/alerts-defaults",
    response={200: Defaults, **COMMON_ERRORS},
    operation_id="alert_defaults",
    summary="Defaults",
)
def defaults_now(request: HttpRequest) -> HttpResponse:
    """By which everything that is followed is watched without a rule, and what a new rule has that does not say."""
    return fresh(request, defaults_item())


@router.put(
    "/config/alerts-defaults",
    response={200: Defaults, 408: Envelope, **COMMON_ERRORS},
    operation_id="alert_defaults_set",
    summary="Set the defaults",
    auth=Operator(*SET_ALERT_DEFAULTS),
)
def defaults_set(request: HttpRequest, new: NewDefaults) -> HttpResponse:
    """Operators only. From now on these hold, and ALERT_WINDOW_MINUTES and ALERT_THRESHOLD_PCT no more."""
    rule_store.set_defaults(new.dict(), name_of(request))
    return private(reply(defaults_item()))


def defaults_item() -> dict[str, Any]:
    held = defaults()
    changed_at = AlertDefaults.objects.values_list("changed_at", flat=True).first()
    return held | {"threshold_pct": plain(held["threshold_pct"], 0), "changed_at": changed_at}
