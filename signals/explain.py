"""Why the newest BUY or SELL of an instrument was given, in words and with the two bars that decided.

The rule gives the sentence; what every explanation has in common stands here.
"""

from dataclasses import dataclass
from datetime import date, timedelta

from django.utils.translation import gettext as _

from markets import formats
from signals import flip
from signals.digits import rounded, small
from signals.history import Bars, Decision
from signals.models import Signal, midnight
from signals.rules.rule import Rule, Values

TURNS = {Signal.Label.BUY.value: 1, Signal.Label.SELL.value: -1}


@dataclass(frozen=True, slots=True)
class Explanation:
    """A bar is its day, its close and each value of the rule that has a title; `opposite` says what would turn it."""

    signal: str
    day: date
    sentence: str
    bars: list[list[str]]
    opposite: str
    backtested: bool


def explain(rule: Rule, newest: Decision | None, bars: Bars, scale: int) -> Explanation | None:
    """None where nothing has turned yet."""
    if newest is None:
        return None
    before = max((day for day in bars if day < newest.day), default=None)
    return Explanation(
        signal=newest.signal,
        day=newest.day,
        sentence=sentence(rule, newest, before, scale),
        bars=[row(rule, day, bars[day], scale) for day in (before, newest.day) if day and day in bars],
        opposite=opposite(rule, newest, bars, scale),
        backtested=newest.backtested,
    )


def titles(rule: Rule) -> list[str]:
    """What the numbers of a bar are called, its day and its close left out."""
    return [value.title for value in rule.values if value.title]


def row(rule: Rule, day: date, bar: Values, scale: int) -> list[str]:
    values = [small(bar[value.name], scale, sign=value.signed) for value in rule.values if value.title]
    return [formats.day(day), formats.number(rounded(bar["close"], scale)), *values]


def sentence(rule: Rule, newest: Decision, before: date | None, scale: int) -> str:
    text, facts = rule.explain(newest.computed, newest.signal, scale)
    days = {
        "day_before": formats.day(before) if before else _("poprzednia świeca"),
        "day": formats.day(newest.day),
    }
    return text % {**facts, **days}


def opposite(rule: Rule, newest: Decision, bars: Bars, scale: int) -> str:
    """What must happen after the newest bar for the other signal: in the rule's own words, else as a price."""
    if not bars:
        return ""
    day = max(bars)
    own = rule.opposite(bars[day], newest.signal, formats.day(day), scale)
    if own or newest.signal not in TURNS:
        return own
    close, wanted = bars[day]["close"], -TURNS[newest.signal]
    time = midnight(day + timedelta(days=1)).timestamp()
    return flip.said(flip.turning_close(rule, bars.state, close, time, wanted), close, wanted, scale)
