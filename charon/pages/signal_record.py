"""The record of a rule on the page of a decision: a group for each origin, a row a figure and a column a horizon."""

from collections.abc import Iterable
from itertools import groupby

from charon.pages.instrument_rules import counted
from markets import formats
from markets.views import Row
from signals.outcomes.queries import Shown


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
