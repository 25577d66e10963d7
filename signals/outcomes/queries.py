"""What pages ask about the record: the panels of a series with their sentences, in the language that is on."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from markets.licence import Audience
from signals import rules
from signals.api_rows import closed, closed_markets
from signals.models import DAILY
from signals.outcomes import words
from signals.outcomes.models import Outcome

ORDER = (F("instrument__code").asc(nulls_first=True), "family", "rule", "timeframe", "horizon", "live")


@dataclass(frozen=True, slots=True)
class Shown:
    """One panel. `colour`: it differs from chance, in either direction, and takes the accent colour, never red or
    green; every other one is grey. `smallest` is empty where it is not known. `rule` is the stored name, `label` what
    people call it.
    """

    rule: str
    label: str
    timeframe: str
    horizon: int
    live: bool
    n: int
    after: str
    origin: str
    sentence: str
    colour: bool
    facts: list[tuple[str, str]]
    smallest: str
    computed_at: datetime


def panels(code: str | None, rule: str | None = None, timeframe: str = DAILY) -> list[Shown]:
    """The panels of one instrument, without a code of all together; by rule and horizon, back-tested before live ones.
    `rule` is a stored name. One query.
    """
    if code is None:
        rows = visible(Audience.PAGE).filter(instrument=None)
    else:  # without the half of the condition that is about all of them together, which takes 4 ms to write
        rows = Outcome.objects.exclude(hidden(Audience.PAGE)).filter(instrument__code=code)
    rows = rows.filter(timeframe=timeframe)
    if rule is not None:
        rows = rows.filter(rule=rule)
    labels = {one.name: one.label for one in rules.active()}
    return [shown(row, labels.get(row.rule, row.rule)) for row in rows.order_by(*ORDER)]


def shown(row: Outcome, label: str) -> Shown:
    return Shown(
        rule=row.rule,
        label=label,
        timeframe=row.timeframe,
        horizon=row.horizon,
        live=row.live,
        n=row.n,
        after=words.after(row),
        origin=words.origin(row),
        sentence=words.verdict(row),
        colour=row.says in words.TOLD,
        facts=words.facts(row),
        smallest="" if row.smallest is None else words.effect(row.smallest),
        computed_at=row.computed_at,
    )


def visible(asker: Audience) -> QuerySet[Outcome]:
    """Panels made of figures that may be shown; those of all instruments only where each of them may."""
    same = {name: OuterRef(name) for name in ("family", "rule", "timeframe")}
    of_hidden = Outcome.objects.filter(hidden(asker), **same)
    return Outcome.objects.exclude(hidden(asker)).exclude(Q(instrument=None) & Exists(of_hidden))


def hidden(asker: Audience) -> Q:
    return Q(instrument__in=closed(asker)) | Q(instrument__in=closed_markets(asker))
