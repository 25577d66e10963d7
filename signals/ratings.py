"""The rating of each series, kept beside the states of the rules whose votes it counts."""

from collections.abc import Mapping, Sequence
from typing import Any

from signals import rating, snapshots
from signals.models import AnalysisSnapshot
from signals.rules.rule import Rule
from signals.snapshots import Kept, Status

# In the place of a rule's name.
NAME = "rating"


def bring_up(stands: Mapping[int, Mapping[str, Kept]], asked: Sequence[Rule], timeframe: str) -> None:
    """Of these series, by instrument and rule: what the votes on the newest bar say now. One statement for all.

    Where too few rules are asked there is no row.
    """
    rows: list[tuple[int, str, str, str, Kept, dict[str, Any]]] = []
    for instrument, rules in stands.items():
        before = rules.get(NAME)
        if before is None and len(asked) < rating.FEWEST:
            continue
        status, stats = of_series([rules[rule.name] for rule in asked if rule.name in rules])
        if before is None or (before.status, before.stats) != (status, stats):
            rows.append((instrument, NAME, timeframe, AnalysisSnapshot.NEWEST, Kept(status, stats), {}))
    snapshots.replace(rows)


def of_series(rules: Sequence[Kept]) -> tuple[Status, dict[str, Any]]:
    """A rule that failed, or that could not be asked about the newest bar, has no vote."""
    newest = max((one.stats.get("as_of", "") for one in rules), default="")
    votes = [one.stats.get("vote") for one in rules if one.status == Status.OK and one.stats["as_of"] == newest]
    found = rating.rate(votes)
    if found is not None:
        told = found._asdict()
        return Status.OK, {"as_of": newest, "rating": told.pop("value"), **told, "label": str(found.label)}
    there = sum(one.status != Status.NOT_APPLICABLE for one in rules)
    if there < rating.FEWEST:
        return Status.NOT_APPLICABLE, {}
    return Status.WARMING_UP, {"as_of": newest} if newest else {}
