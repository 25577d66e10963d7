"""All rules on an instrument's page: how each stands, why, and what its past decisions were worth."""

from collections.abc import Iterable, Mapping
from datetime import date
from itertools import groupby
from typing import Any

from django.utils.translation import gettext as _

from charon.pages import rows
from charon.pages.badge import Badges
from markets import formats
from markets.licence import Audience
from markets.queries.freshness import Freshness
from markets.queries.overview import LatestRate
from markets.views import Row
from signals import crossings, queries, rules
from signals.digits import rounded, small
from signals.models import DAILY, AnalysisSnapshot, midnight
from signals.outcomes import queries as record
from signals.outcomes.queries import Shown
from signals.rules import Rule
from signals.rules.rule import OFFICIAL, Value

# Of a rule with more values, the eight averages of the ribbon, the first and the last are shown.
MOST_VALUES = 4
KEEPER = min(AnalysisSnapshot.WINDOWS)


def context(line: LatestRate, truth: Freshness, scale: int) -> Row:
    """Four queries: the states, the newest decision of each rule, the bar before it, the record."""
    if line.table == "B":
        return {"rules": [], "rules_beside": []}
    applied = list(filter(applies, rules.active()))
    states = states_of(line.code)
    why = reasons(line.code, states)
    panels = {name: list(found) for name, found in groupby(record.panels(line.code), lambda one: one.rule)}
    return {
        "rules": [
            rule_row(rule, line, truth, states.get(rule.name), scale)
            | {"why": why.get(rule.name, ""), "record": record_rows(panels.get(rule.name, []))}
            for rule in applied
        ],
        "rules_beside": [rule.label for rule in rules.active() if not applies(rule)],
    }


def applies(rule: Rule) -> bool:
    """Whether a series of official rates has what it needs."""
    return rule.needs <= {"close", OFFICIAL}


def states_of(code: str) -> dict[str, tuple[str, dict[str, Any]]]:
    """Status and statistics of the newest bar, by rule."""
    kept = AnalysisSnapshot.objects.filter(instrument__code=code, timeframe=DAILY, window=f"{KEEPER}d")
    return {name: (status, stats) for name, status, stats in kept.values_list("rule", "status", "stats")}


def reasons(code: str, states: Mapping[str, tuple[str, dict[str, Any]]]) -> dict[str, str]:
    """The sentence of the newest BUY or SELL, by rule."""
    turned = {name: stats["turned_on"] for name, (_status, stats) in states.items() if stats.get("turned_on")}
    days = {midnight(date.fromisoformat(day)) for day in turned.values()}
    found = crossings.wanted(Audience.PAGE, instrument__code=code, timeframe=DAILY, as_of__in=days, rule__in=turned)
    newest = [row for row in found if row.as_of.date().isoformat() == turned[row.rule]]
    return {one.row.rule: one.why for one in crossings.explained(newest)}


def rule_row(
    rule: Rule, line: LatestRate, truth: Freshness, state: tuple[str, dict[str, Any]] | None, scale: int
) -> Row:  # fmt: skip
    stands = {line.code: queries.signal_state(*state)} if state else {}
    return {
        "name": rule.name,
        "label": rule.label,
        "chip": None if line.retired else Badges(stands, rule.label, truth).of(line),
        "values": values_row(rule, state[1] if state else {}, scale),
        "href": f"{rows.page_of(line.code)}?regula={rule.name}#sygnal",
        "outcomes": f"/api/v1/outcomes?code={line.code}&rule={rule.name}",
    }


def values_row(rule: Rule, stats: Mapping[str, Any], scale: int) -> list[tuple[str, str]]:
    titled = [value for value in rule.values if value.title and stats.get(value.name) is not None]
    shown = titled if len(titled) <= MOST_VALUES else [titled[0], titled[-1]]
    return [(value.title, value_text(value, stats[value.name], scale)) for value in shown]


def value_text(value: Value, number: float, scale: int) -> str:
    return small(number, scale) if value.signed else formats.number(rounded(number, scale))


def record_rows(panels: Iterable[Shown]) -> list[Row]:
    """A group for what was decided in retrospect and one for what was decided live, each with all its horizons."""
    by_origin = groupby(sorted(panels, key=lambda one: one.live), lambda one: one.origin)
    return [group_row(origin, list(found)) for origin, found in by_origin]


def group_row(origin: str, panels: list[Shown]) -> Row:
    """Sentences that say the same of every horizon stand once; the figures are a row each and a column a horizon."""
    alike = len({one.sentence for one in panels}) == 1
    facts = [dict(one.facts) for one in panels]
    names = dict.fromkeys(name for found in facts for name in found)
    return {
        "origin": origin,
        "counted": counted(panels) if alike else "",
        "says": [says_row(one, alike=alike) for one in (panels[:1] if alike else panels)],
        "columns": [one.horizon for one in panels],
        "facts": [(name, [found.get(name, formats.DASH) for found in facts]) for name in names],
    }


def says_row(one: Shown, *, alike: bool) -> Row:
    after = "" if alike else f"{one.after}, {counted([one])}"
    return {"after": after, "sentence": one.sentence, "colour": one.colour}


def counted(panels: list[Shown]) -> str:
    """`85 sygnałów`; `83–85 sygnałów` where the newest ones are not over yet on the longer horizons."""
    least, most = min(one.n for one in panels), max(one.n for one in panels)
    words = formats.plural(most, _("sygnał,sygnały,sygnałów"))
    return words if least == most else f"{formats.whole(least)}{formats.DASH}{words}"
