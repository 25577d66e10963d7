"""The evaluation of prices: each new one through every rule that watches it, in the order in which they came."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from django.db.models import Q

from markets import clock
from markets.models import Listing
from markets.store import bulk
from signals.alerts import series as all_series
from signals.alerts import standings
from signals.alerts.machine import ZERO, Observation, Transition, Watch, advance
from signals.alerts.models import AlertEvent, AlertRule, AlertSeries, Kind
from signals.alerts.series import Asset, Place, Series
from signals.alerts.standings import Findings, Stand, Subject

PRICE_KINDS = (Kind.MOVE.value, Kind.LEVEL.value)
RULE_COLUMNS = (
    *("pk", "kind", "instrument_id", "source_id", "window_minutes", "threshold_pct", "direction", "level"),
    *("hysteresis_pct", "cooldown_minutes"),
)
SERIES = AlertSeries._meta.db_table
SERIES_COLUMNS = {
    "instrument_id": "bigint",
    "source_id": "bigint",
    "seen": "timestamptz",
    "steady_since": "timestamptz",
    "refilling": "boolean",
}
REPLACE = "ON CONFLICT (instrument_id, source_id) DO UPDATE SET " + ", ".join(
    f"{name} = excluded.{name}" for name in ("seen", "steady_since", "refilling")
)
# The words of an error that a state keeps.
MAX_ERROR = 200


class RuleRow(NamedTuple):
    """A rule as the evaluation reads it: 10,000 model instances would cost as much as all the rest."""

    pk: int
    kind: str
    instrument: int | None
    source: int | None
    window_minutes: int | None
    threshold_pct: Decimal | None
    direction: str
    level: Decimal | None
    hysteresis_pct: Decimal | None
    cooldown_minutes: int

    @property
    def minutes(self) -> int:
        """Of its window; a level is crossed from one price to the next."""
        return self.window_minutes or 0 if self.kind == Kind.MOVE else 0


class NotARule(ValueError):
    """A row that nothing can be evaluated by: it says so in its state."""


def watch_of(rule: RuleRow) -> Watch:
    if rule.kind == Kind.MOVE:
        if not rule.window_minutes or not rule.threshold_pct or rule.threshold_pct <= 0:
            raise NotARule("window_minutes and threshold_pct must be above 0")
    elif rule.level is None:
        raise NotARule("level is missing")
    return Watch(
        rule.kind,
        rule.direction,
        rule.threshold_pct or ZERO,
        rule.level or ZERO,
        rule.hysteresis_pct,
        timedelta(minutes=rule.cooldown_minutes),
    )


def rules_of(instruments: Collection[int]) -> tuple[dict[int, list[RuleRow]], list[RuleRow]]:
    """By instrument, and those that watch everything that is followed."""
    rows = AlertRule.objects.filter(
        Q(instrument__in=instruments) | Q(instrument=None), enabled=True, kind__in=PRICE_KINDS
    )
    by_instrument, everywhere = defaultdict[int, list[RuleRow]](list), list[RuleRow]()
    for row in map(RuleRow._make, rows.order_by("pk").values_list(*RULE_COLUMNS)):
        if row.instrument is None:
            everywhere.append(row)
        else:
            by_instrument[row.instrument].append(row)
    return by_instrument, everywhere


def run(since: Mapping[int, datetime], found: Findings) -> None:
    """Look at what is new of these instruments. Reads in as many queries for one as for all, and writes the series."""
    by_instrument, everywhere = rules_of(since)
    followed = set[int]()
    if everywhere:
        rows = Listing.objects.filter(tracked=True, instrument__in=since)
        followed = set(rows.values_list("instrument_id", flat=True))
    assets = all_series.assets({pk for pk in since if pk in by_instrument or pk in followed})
    rules = {pk: by_instrument[pk] + (everywhere if pk in followed else []) for pk in assets}
    read = read_series(assets, rules, since)
    states = standings.stands(instrument__in=assets, rule__kind__in=PRICE_KINDS) if assets else {}
    for pk, asset in assets.items():
        Looking(asset, read.get(pk, []), states, found).at(rules[pk])
    save([one for group in read.values() for one in group])


def read_series(
    assets: Mapping[int, Asset], rules: Mapping[int, list[RuleRow]], since: Mapping[int, datetime]
) -> dict[int, list[Series]]:
    """By instrument, those that its rules need, the ones to prefer first."""
    known = all_series.known(assets)
    minutes = defaultdict[Place, set[int]](set)
    for (instrument, source), one in known.items():
        for rule in rules[instrument]:
            if rule.source == source or (rule.source is None and one.public):
                minutes[instrument, source].add(rule.minutes)
    needed = [known[place] for place in minutes]
    all_series.read(needed, minutes, since)
    found = defaultdict[int, list[Series]](list)
    for one in sorted(needed, key=lambda one: one.rank):
        found[one.asset.pk].append(one)
    return found


def save(read: Collection[Series]) -> None:
    rows = [
        (*one.place, bulk.moment(one.windows.fed), bulk.moment(one.windows.since), one.windows.refilling)
        for one in read
        if one.windows.fed is not None and one.windows.since is not None
        if one.row is None or one.windows.fed > one.row.seen
    ]
    bulk.insert(SERIES, SERIES_COLUMNS, sorted(rows), REPLACE)


class Looking:
    """One instrument: its series as they were read, and every rule over the one that the rule looks at."""

    def __init__(
        self, asset: Asset, read: list[Series], states: Mapping[tuple[int, str], Stand], found: Findings
    ) -> None:
        self.asset, self.states, self.found, self.now = asset, states, found, clock.now()
        self.subject = Subject(asset.code, asset.pk, asset.scale)
        self.by_source = {one.source: one for one in read}
        self.public = [one for one in read if one.public]
        self.fresh = [one for one in self.public if one.is_fresh(self.now)]

    def at(self, rules: list[RuleRow]) -> None:
        for rule in rules:
            stand = self.states.get((rule.pk, self.asset.code)) or Stand()
            one = self.by_source.get(rule.source) if rule.source else self.chosen(rule, stand)
            if one is None:
                continue
            was = stand.error
            try:
                self.through(rule, stand, one)
            except Exception as error:
                stand.error = f"{type(error).__name__}: {error}"[:MAX_ERROR]
                if stand.error != was:
                    standings.logger.exception("Alert rule %s failed on %s", rule.pk, self.asset.code)
                    self.found.changed(rule.pk, self.subject, stand)

    def chosen(self, rule: RuleRow, stand: Stand) -> Series | None:
        """The best that is fresh. Another one takes over when its own window is full, or when the first is silent."""
        best = self.fresh[0] if self.fresh else None
        current = self.by_source.get(stand.source) if stand.source else None
        if best is None:
            return current or (self.public[0] if self.public else None)
        if current is None or best is current or not current.is_fresh(self.now) or best.is_full(rule.minutes):
            return best
        return current

    def through(self, rule: RuleRow, stand: Stand, one: Series) -> None:
        """Every new observation through the rule. What it finds counts when all of them have been looked at."""
        watch, standing = watch_of(rule), stand.standing
        happenings, steps, source = list[tuple[Observation, Transition]](), one.steps, one.source
        if stand.source not in {None, source}:
            standing, _ = advance(watch, standing, Observation(self.now, ZERO, fresh=False))
            if not one.is_full(rule.minutes):
                steps, source = [], stand.source
        for step in steps:
            seen = step.by_minutes[rule.minutes]
            standing, happened = advance(watch, standing, seen)
            if happened.fires or happened.resolves:
                happenings.append((seen, happened))
        for seen, happened in happenings:
            if happened.resolves:
                self.found.ended(stand, seen.time)
            if happened.fires:
                self.found.fired(stand, self.event(rule, one, seen, happened))
        if standing.state and (standing != stand.standing or stand.source != source or stand.error):
            stand.standing, stand.source, stand.error = standing, source, ""
            self.found.changed(rule.pk, self.subject, stand)

    def event(self, rule: RuleRow, one: Series, seen: Observation, happened: Transition) -> AlertEvent:
        is_move = rule.kind == Kind.MOVE
        extremes = {"low": f"{seen.low:f}", "high": f"{seen.high:f}"} if is_move else {"level": f"{rule.level:f}"}
        return AlertEvent(
            id=0,
            key=f"{rule.pk}:{self.asset.code}:{rule.kind}:{seen.time.isoformat()}",
            rule_id=rule.pk,
            rule_number=rule.pk,
            kind=rule.kind,
            instrument_id=self.asset.pk,
            source_id=one.source,
            subject=self.asset.code,
            observed_at=seen.time,
            created_at=self.now,
            window_minutes=rule.window_minutes if is_move else None,
            threshold_pct=rule.threshold_pct if is_move else None,
            change_pct=None if happened.change is None else happened.change.quantize(standings.PLACES),
            direction=happened.direction,
            price=seen.value,
            scale=self.asset.scale,
            details=extremes,
        )
