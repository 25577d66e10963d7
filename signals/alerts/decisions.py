"""Rules about what was decided: a new BUY or SELL, and the rating."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from markets import clock
from signals import ledger, rules
from signals.alerts import standings
from signals.alerts.machine import ARMED, DOWN, FIRING, UP, Observation, Standing, Watch, advance
from signals.alerts.models import AlertEvent, AlertRule, Direction
from signals.alerts.standings import Findings, Stand, Subject
from signals.alerts.subjects import event, subjects_of, watched
from signals.models import DAILY, AnalysisSnapshot, Signal

TURNS = {Signal.Label.BUY.value: UP, Signal.Label.SELL.value: DOWN}
RATING = "rating"
# A decision that nobody looked at for so long is no news.
OLD = timedelta(days=7)


def decisions(of: list[AlertRule], found: Findings) -> None:
    """A BUY or a SELL on a bar that is newer than the last one looked at; never one that was decided in retrospect.
    What a correction at the source has taken back is over."""
    now = clock.now()
    states = standings.stands(rule__in=of)
    names, primary = rules.names(), rules.primary().name
    taken_back(states, found)
    followed, by_pk = watched(of)
    turns = defaultdict[tuple[int, str, str], list[Any]](list)
    rows = ledger.newest_versions(
        signal__in=TURNS, backtested=False, as_of__gte=now - OLD, generated_at__gte=min(map(watching_since, of))
    )
    for row in rows.order_by("as_of").values("instrument_id", "rule", "timeframe", "as_of", "signal", "generated_at"):
        turns[row["instrument_id"], row["rule"], row["timeframe"]].append(row)
    if not turns:
        return
    for rule in of:
        stored = names.get(rule.rule, rule.rule) or primary
        for subject in subjects_of(rule, followed, by_pk):
            stand = states.get((rule.pk, subject.name)) or Stand()
            for row in turns.get((subject.instrument or 0, stored, rule.timeframe or DAILY), []):
                is_new = row["as_of"] > stand.seen_at if stand.seen_at else row["generated_at"] >= watching_since(rule)
                if is_new:
                    turn(rule, subject, stand, row, found)


def taken_back(states: dict[tuple[int, str], Stand], found: Findings) -> None:
    """Open alerts about a decision whose newest version says another thing."""
    still_open = {place: stand for place, stand in states.items() if stand.event is not None}
    events = AlertEvent.objects.in_bulk([stand.event for stand in still_open.values()])
    times = {event.observed_at for event in events.values()}
    rows = ledger.newest_versions(version__gt=1, as_of__in=times) if times else Signal.objects.none()
    now_says = {
        (row["instrument_id"], row["rule"], row["timeframe"], row["as_of"]): (row["signal"], row["generated_at"])
        for row in rows.values("instrument_id", "rule", "timeframe", "as_of", "signal", "generated_at")
    }
    for (rule, _), stand in still_open.items() if now_says else ():
        event = events[stand.event]  # of the database: this pass has found none yet
        about = event.details
        said = now_says.get((event.instrument_id or 0, about["rule"], about["timeframe"], event.observed_at))
        if said and said[0] != about["signal"]:
            found.ended(stand, said[1])
            stand.standing = stand.standing._replace(state=ARMED, side=said[0], is_open=False)
            found.changed(rule, Subject(event.subject, event.instrument_id, event.scale), stand)


def watching_since(rule: AlertRule) -> datetime:
    return rule.begun_at or rule.created_at


def turn(rule: AlertRule, subject: Subject, stand: Stand, row: dict[str, Any], found: Findings) -> None:
    """The one turn ends what the one before it began, also while the rule rests."""
    way, time, before = TURNS[row["signal"]], row["as_of"], stand.standing
    pause = timedelta(minutes=rule.cooldown_minutes)
    rests = before.fired_at is not None and time - before.fired_at < pause
    fires = rule.direction in {Direction.BOTH, way} and not rests
    stand.seen_at = time
    if stand.event is not None:
        found.ended(stand, row["generated_at"])
    if fires:
        details = {"signal": row["signal"], "rule": row["rule"], "timeframe": row["timeframe"]}
        found.fired(stand, event(rule, subject, time, way, details=details))
    state = FIRING if fires else ARMED
    stand.standing = Standing(state, row["signal"], time if fires else before.fired_at, fires)
    found.changed(rule.pk, subject, stand)


def ratings(of: list[AlertRule], found: Findings) -> None:
    """The rating of the newest bar, through the machine of a level."""
    followed, by_pk = watched(of)
    rows = AnalysisSnapshot.objects.filter(rule=RATING, status=AnalysisSnapshot.Status.OK).order_by("window")
    values = {
        (instrument, timeframe): stats
        for instrument, timeframe, stats in rows.values_list("instrument_id", "timeframe", "stats")
        if stats.get("rating") is not None
    }
    states = standings.stands(rule__in=of) if values else {}
    for rule in of:
        for subject in subjects_of(rule, followed, by_pk):
            stats = values.get((subject.instrument or 0, rule.timeframe or DAILY))
            if stats is not None:
                rate(rule, subject, states.get((rule.pk, subject.name)) or Stand(), stats, found)


def rate(rule: AlertRule, subject: Subject, stand: Stand, stats: dict[str, Any], found: Findings) -> None:
    as_of = datetime.fromisoformat(stats["as_of"])
    time = as_of if as_of.tzinfo else as_of.replace(tzinfo=UTC)  # the bar of a day is named by its day alone
    if rule.level is None or (stand.seen_at is not None and time <= stand.seen_at):
        return
    watch = Watch(
        "level",
        rule.direction,
        level=rule.level,
        hysteresis=rule.hysteresis_pct,
        cooldown=timedelta(minutes=rule.cooldown_minutes),
    )
    value = Decimal(str(stats["rating"]))
    after, happened = advance(watch, stand.standing, Observation(time, value))
    if happened.resolves:
        found.ended(stand, time)
    if happened.fires:
        details = {"level": f"{rule.level:f}", "timeframe": rule.timeframe or DAILY}
        found.fired(stand, event(rule, subject, time, happened.direction, price=value, details=details))
    stand.standing, stand.seen_at = after, time
    found.changed(rule.pk, subject, stand)
