"""What no price announces: silence, new decisions, the rating, and what is wrong with the installation."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta

from django.db.models import Q

from markets import clock, problems
from markets.models import Publication
from markets.queries import calendars, freshness
from markets.queries.freshness import LatestPublication
from signals.alerts import decisions, news, standings
from signals.alerts import series as all_series
from signals.alerts.evaluate import PRICE_KINDS
from signals.alerts.machine import ARMED, FIRING, SUSPENDED, Standing
from signals.alerts.models import AlertEvent, AlertRule, AlertSeries, AlertState, Kind
from signals.alerts.standings import Findings, Stand, Subject
from signals.alerts.subjects import event

# The kind of the register of problems that each of the operators' kinds is about.
PROBLEMS = {
    Kind.SOURCE_STALE: "source_stale",
    Kind.GAP: "gap",
    Kind.DISK: "disk",
    Kind.QUEUE_AGE: "queue",
    Kind.CHANNEL_BROKEN: "channel_broken",
}
LATE_STATES = (freshness.State.LATE, freshness.State.STALE)


def run(found: Findings) -> None:
    silence(found)
    others = AlertRule.objects.filter(enabled=True).exclude(kind__in=PRICE_KINDS).order_by("pk")
    by_kind = defaultdict[str, list[AlertRule]](list)
    for rule in others.select_related("source"):
        by_kind[rule.kind].append(rule)
    if by_kind[Kind.SIGNAL]:
        decisions.decisions(by_kind[Kind.SIGNAL], found)
    if by_kind[Kind.RATING]:
        decisions.ratings(by_kind[Kind.RATING], found)
    installation(by_kind, found)
    orphans()


def silence(found: Findings) -> None:
    """Rules on a series whose source has not been heard for longer than it may be are suspended.

    Not where prices are here that no pass has looked at: one that was killed holds them until its claim ends.
    """
    now, unread = clock.now(), news.unprocessed().filter(kind__in=news.KINDS).values("instrument")
    places = set(AlertSeries.objects.exclude(instrument__in=unread).values_list("instrument_id", "source_id"))
    known = all_series.known(all_series.assets({instrument for instrument, _ in places}))
    silent = {place: one for place, one in known.items() if place in places and not one.is_fresh(now)}
    if not silent:
        return
    waiting = AlertState.objects.filter(
        instrument__in={instrument for instrument, _ in silent},
        source__in={source for _, source in silent},
        rule__kind__in=PRICE_KINDS,
    ).exclude(state=SUSPENDED)
    states = standings.stands(pk__in=waiting)
    by_code = {(one.asset.code, one.source): one for one in silent.values()}
    for (rule, code), stand in states.items():
        one = by_code.get((code, stand.source or 0))
        if one is not None:
            subject = Subject(code, one.asset.pk, one.asset.scale)
            now_found = found.stands.get((rule, subject), stand)
            now_found.standing = now_found.standing._replace(state=SUSPENDED)
            found.changed(rule, subject, now_found)


def installation(by_kind: dict[str, list[AlertRule]], found: Findings) -> None:
    """An alert is open as long as its problem is; what lasts for longer than the pause since the last one fires."""
    wanted = [rule for kind in (*PROBLEMS, Kind.PUBLICATION_LATE) for rule in by_kind.get(kind, [])]
    if not wanted:
        return
    now = clock.now()
    open_now = defaultdict[str, dict[str, tuple[datetime, str]]](dict)
    for problem in problems.current().filter(kind__in=PROBLEMS.values()):
        open_now[problem.kind][problem.subject] = (problem.opened_at, problem.detail)
    late = lateness(now) if by_kind.get(Kind.PUBLICATION_LATE) else {}
    states = standings.stands(rule__in=wanted)
    for rule in wanted:
        faults = late if rule.kind == Kind.PUBLICATION_LATE else open_now[PROBLEMS[Kind(rule.kind)]]
        mine = {name: fault for name, fault in faults.items() if concerns(rule, name)}
        for name, (since, detail) in mine.items():
            broken(rule, Subject(name), states.get((rule.pk, name)) or Stand(), since, detail, found)
        for (pk, name), stand in states.items():
            if pk == rule.pk and name not in mine and stand.standing.is_open:
                found.ended(stand, now)
                stand.standing = stand.standing._replace(state=ARMED, is_open=False)
                found.changed(rule.pk, Subject(name), stand)


def concerns(rule: AlertRule, name: str) -> bool:
    """A rule with a source is about what begins with its code: `nbp`, `nbp.A`."""
    return rule.source is None or name.partition(".")[0] == rule.source.code


def broken(rule: AlertRule, subject: Subject, stand: Stand, since: datetime, detail: str, found: Findings) -> None:
    now, fired_at = clock.now(), stand.standing.fired_at
    if stand.standing.is_open or (fired_at and now - fired_at < timedelta(minutes=rule.cooldown_minutes)):
        return
    found.fired(stand, event(rule, subject, since, "", details={"detail": detail}))
    stand.standing = Standing(FIRING, "", now, is_open=True)
    found.changed(rule.pk, subject, stand)


def lateness(now: datetime) -> dict[str, tuple[datetime, str]]:
    """By table: since when the newest one has been missing, if it is."""
    row = Publication.objects.filter(source__code=freshness.OFFICIAL, table="A").order_by("-effective_date").first()
    if row is None:
        return {}
    newest = LatestPublication(row.effective_date, freshness.OFFICIAL, "")
    judged = freshness.judge(freshness.Facts(newest=newest), now)
    if judged.state not in LATE_STATES:
        return {}
    missing = calendars.next_working(row.effective_date)
    since = datetime.combine(missing, freshness.PUBLISHED_BY, clock.WARSAW)
    return {f"{freshness.OFFICIAL}.A": (since.astimezone(UTC), f"{row.effective_date:%Y-%m-%d}")}


def orphans() -> None:
    """Whose rule was deleted or switched off is over: nothing looks whether it lasts."""
    standings.resolve(AlertEvent.objects.filter(Q(rule=None) | Q(rule__enabled=False)), clock.now())
