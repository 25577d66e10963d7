"""What was ever tried: written before a run looks at it, and what that says about the best of them."""

from collections.abc import Iterable, Sequence
from statistics import variance

from markets import clock
from signals.outcomes.models import Trial
from signals.outcomes.panel import ENOUGH, Key, Panel, Trials

COLUMNS = ("rule", "code", "timeframe", "horizon", "live")


def begin(family: str, keys: Iterable[Key]) -> None:
    """These panels are about to be looked at; those that have been looked at before stay as they are."""
    stored = {Key(*row) for row in Trial.objects.filter(family=family).values_list(*COLUMNS)}
    new = [Trial(family=family, tried_at=clock.now(), **key._asdict()) for key in keys if key not in stored]
    Trial.objects.bulk_create(new, batch_size=500, ignore_conflicts=True)


def known(family: str) -> Trials:
    """How many there were in all, and the variance of the Sharpe ratios of this family.

    Those of the other family are of bars of another length, which cannot be compared.
    """
    rows = Trial.objects.filter(family=family).order_by("pk").values_list("sharpe", flat=True)
    ratios = [ratio for ratio in rows if ratio is not None]
    return Trials(Trial.objects.count(), variance(ratios) if len(ratios) > 1 else None)


def measured(family: str, panels: Sequence[Panel]) -> None:
    """Write the Sharpe ratios that a run is the first to measure."""
    found = {one.key: one.sharpe for one in panels if one.sharpe is not None and one.n >= ENOUGH}
    rows = [row for row in Trial.objects.filter(family=family, sharpe=None) if key_of(row) in found]
    for row in rows:
        row.sharpe = found[key_of(row)]
    Trial.objects.bulk_update(rows, ["sharpe"], batch_size=500)


def key_of(row: Trial) -> Key:
    return Key(row.rule, row.code, row.timeframe, row.horizon, row.live)
