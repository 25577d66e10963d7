"""Rules are made, changed and removed, events acknowledged: by the API and by the admin, after the same checks."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from markets import clock
from markets.errors import ConflictError, ForbiddenError, QuestionError, UnknownCodeError
from markets.licence import Audience
from markets.models import Instrument
from markets.queries.lookup import nearest
from markets.queries.prices import find_asset
from markets.queries.rates import find_source
from signals import rules as signal_rules
from signals.alerts import automatic, limits, rows, standings
from signals.alerts.deliver import route
from signals.alerts.limits import Fault
from signals.alerts.machine import ZERO, Watch
from signals.alerts.models import PUBLIC_KINDS, AlertDefaults, AlertEvent, AlertRule, Direction, Kind, next_number
from signals.alerts.origins import DAY_MINUTES, Origin, longest_window, origin_of
from signals.models import DAILY

# With another one of these a rule is another one: what it had seen says nothing any more.
OF_THE_WATCH = (
    *("source_id", "window_minutes", "threshold_pct", "direction", "level", "rule", "timeframe", "enabled"),
)
CHANGEABLE = (
    *("window_minutes", "threshold_pct", "direction", "level", "rule", "timeframe", "hysteresis_pct"),
    *("cooldown_minutes", "enabled", "name"),
)
LONGEST_WHO = 80


class Meaningless(QuestionError):
    """Of the right type, and nothing that could be watched."""

    def __init__(self, message: str, detail: Any, faults: list[Fault]) -> None:
        super().__init__(message, detail)
        self.faults = faults


def create(said: Mapping[str, Any], asker: Audience, who: str) -> AlertRule:
    """`said`: the fields of `schemas.NewRule`. Raises QuestionError and its kin for what cannot be."""
    kind, asset = said["kind"], said["asset"]
    if kind not in PUBLIC_KINDS and asker is not Audience.OPERATOR:
        raise ForbiddenError(f"Rules of kind {kind} watch the installation and are for operators")
    instrument = find_asset(asset) if asset else None
    rule = AlertRule(id=0, kind=kind, instrument=instrument, created_at=clock.now(), created_by=who[:LONGEST_WHO])
    fill(rule, said, asker)
    rule.id = next_number()
    rule.save(force_insert=True)
    return rule


@transaction.atomic
def change(rule: AlertRule, said: Mapping[str, Any], asker: Audience) -> AlertRule:
    """`said`: what of `schemas.RuleChange` is another now."""
    standings.lock()  # a pass writes states and events of this rule at the same time
    try:
        rule.refresh_from_db()
    except AlertRule.DoesNotExist:  # removed meanwhile: to save it would bring it back
        raise UnknownCodeError(f"There is no alert rule {rule.pk}", None) from None
    refuse_automatic(rule)
    before = watched(rule)
    now = {name: getattr(rule, name) for name in CHANGEABLE}
    fill(rule, now | {"source": None} | dict(said), asker)
    rule.save()
    if watched(rule) != before or not rule.enabled:
        begin_anew(rule)
    return rule


@transaction.atomic
def remove(rule: AlertRule) -> None:
    """Its events stay, and what was open is over."""
    standings.lock()  # a pass writes states and events of this rule at the same time
    refuse_automatic(rule)
    begin_anew(rule)
    rule.delete()


def watched(rule: AlertRule) -> tuple[Any, ...]:
    return tuple(getattr(rule, name) for name in OF_THE_WATCH)


def begin_anew(rule: AlertRule) -> None:
    """Forget where it stands. Nobody will see its open alerts end: they end now."""
    standings.resolve(AlertEvent.objects.filter(rule=rule), clock.now())
    rule.states.all().delete()
    rule.begun_at = clock.now()
    AlertRule.objects.filter(pk=rule.pk).update(begun_at=rule.begun_at)


def refuse_automatic(rule: AlertRule) -> None:
    if rule.automatic and rule.kind != Kind.MOVE:
        message = f"Rule {rule.pk} is kept while there is a channel; one of kind {rule.kind} that you make replaces it"
        raise ConflictError(message, {"see": "/api/v1/alerts"})
    if rule.automatic:
        message = f"Rule {rule.pk} is made of the defaults; change them with PUT /config/alerts-defaults"
        raise ConflictError(message, {"see": "/api/v1/config/alerts-defaults"})


def fill(rule: AlertRule, said: Mapping[str, Any], asker: Audience) -> Origin:
    """Put what was said into the rule, what was not from the defaults, and refuse what means nothing.

    Answers whose prices it is about.
    """
    values = dict(said)
    if rule.kind == Kind.MOVE:
        values |= {name: value for name, value in automatic.defaults().items() if values.get(name) is None}
    values["direction"] = values.get("direction") or Direction.BOTH.value
    origin, found = checked(rule, values, asker)
    refuse(found)
    rule.source = origin.source
    if rule.kind in {Kind.SIGNAL, Kind.RATING}:
        decided_by(rule, values)
    for name in ("window_minutes", "threshold_pct", "direction", "level", "hysteresis_pct", "cooldown_minutes"):
        setattr(rule, name, values.get(name))
    rule.enabled, rule.name = values.get("enabled", True), values.get("name", "")
    return origin


def watch_of(rule: AlertRule) -> Watch:
    return Watch(
        rule.kind,
        rule.direction,
        rule.threshold_pct or ZERO,
        rule.level or ZERO,
        rule.hysteresis_pct,
        timedelta(minutes=rule.cooldown_minutes),
    )


def checked(rule: AlertRule, values: Mapping[str, Any], asker: Audience) -> tuple[Origin, list[Fault]]:
    """Whose prices, and what means nothing."""
    found = list(subject_faults(rule.kind, rule.instrument))
    named = values.get("source")
    if rule.kind in {Kind.MOVE, Kind.LEVEL} and rule.instrument is not None:
        origin = origin_at(rule, rule.instrument, named, asker)
    else:
        origin = Origin(find_source(named) if named else rule.source, official=False)
    longest = longest_window(rule.instrument, origin)
    found += limits.faults(rule.kind, values, longest, DAY_MINUTES if origin.official else 1)
    return origin, found


def origin_at(rule: AlertRule, instrument: Instrument, named: str | None, asker: Audience) -> Origin:
    """A rule keeps its source until another is named."""
    if named is None and rule.source is not None:
        return origin_of(instrument, rule.source.code, Audience.OPERATOR)
    return origin_of(instrument, named, asker)


def subject_faults(kind: str, instrument: Instrument | None) -> Iterable[Fault]:
    if instrument is None and kind == Kind.LEVEL:
        yield limits.needed("asset", kind)
    if instrument is not None and kind not in PUBLIC_KINDS:
        yield limits.foreign("asset", kind)


def refuse(found: list[Fault]) -> None:
    if found:
        said = "; ".join(f"{fault.field} {fault.message}" for fault in found)
        detail = [{"field": fault.field, "message": fault.message} for fault in found]
        raise Meaningless(f"This means nothing: {said}", detail, found)


def decided_by(rule: AlertRule, values: Mapping[str, Any]) -> None:
    rule.timeframe = values.get("timeframe") or DAILY
    if rule.kind == Kind.RATING:
        return
    found = signal_rules.find(values["rule"])
    if found is None:
        message = f"There is no rule of signals {values['rule']!r}"
        raise UnknownCodeError(message, {"nearest": nearest(values["rule"], signal_rules.names())})
    if rule.timeframe not in found.timeframes:
        refuse([Fault("timeframe", f"must be one of {', '.join(found.timeframes)} for {found.name}", "range")])
    rule.rule = found.name


def find_rule(number: int, asker: Audience) -> AlertRule:
    """Raises UnknownCodeError; of an event's number it says which rule that is of."""
    rule = rows.rules(asker).select_related("instrument", "source").filter(pk=number).first()
    if rule is None:
        event = rows.events(asker).filter(pk=number).first()
        if event is not None:
            message = f"{number} is an event of rule {event.rule_number}, and no rule"
            raise UnknownCodeError(message, {"rule_id": event.rule_number})
        raise UnknownCodeError(f"There is no alert rule {number}", None)
    return rule


def find_event(number: int, asker: Audience) -> AlertEvent:
    """Raises UnknownCodeError; of a rule's number it says that it is one."""
    event = rows.events(asker).filter(pk=number).first()
    if event is None:
        is_rule = rows.rules(asker).filter(pk=number).exists()
        message = f"{number} is a rule, and no event" if is_rule else f"There is no alert event {number}"
        raise UnknownCodeError(message, {"rule_id": number} if is_rule else None)
    return event


def acknowledge(number: int, asker: Audience, who: str) -> AlertEvent:
    """Somebody knows. Who comes second changes nothing; what is over stays so."""
    event = find_event(number, asker)
    mark([event.pk], who)
    event.refresh_from_db()
    return event


def mark(events: Iterable[int], who: str) -> int:
    """Acknowledge these, and call nobody else because of them; answers how many nobody had acknowledged yet."""
    unknown = AlertEvent.objects.filter(pk__in=events, acknowledged_at=None)
    with transaction.atomic():
        marked = list(unknown.select_for_update().order_by("pk").values_list("pk", flat=True))
        new = AlertEvent.objects.filter(pk__in=marked)
        new.update(acknowledged_at=clock.now(), acknowledged_by=who[:LONGEST_WHO])
        new.filter(state=AlertEvent.State.OPEN).update(state=AlertEvent.State.ACKNOWLEDGED)
        route.acknowledged(marked)
    return len(marked)


@transaction.atomic
def set_defaults(said: Mapping[str, Any], who: str) -> None:
    """From now on these hold for the rule that nobody has to make, and for what a new rule does not say."""
    standings.lock()  # a pass writes states and events of this rule at the same time
    refuse(default_faults(said))
    AlertDefaults(**said, changed_at=clock.now(), changed_by=who[:LONGEST_WHO]).save()
    follow_defaults()


def default_faults(said: Mapping[str, Any]) -> list[Fault]:
    longest = int(settings.RETENTION_DAYS) * DAY_MINUTES
    return [*limits.window_faults(said["window_minutes"], longest), *limits.threshold_faults(said["threshold_pct"])]


def follow_defaults() -> None:
    """The automatic rule of moves becomes what the defaults say."""
    made = AlertRule.objects.filter(automatic=True, kind=Kind.MOVE)
    rule = made.first()
    before = (watched(rule), rule.enabled) if rule else None
    automatic.keep()
    rule = made.get()
    if before is not None and before != (watched(rule), rule.enabled):
        begin_anew(rule)
