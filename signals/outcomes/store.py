"""The newest panels as rows: a run replaces all of its family at once, so that nobody sees half of two runs."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from math import isfinite
from typing import Any

from django.db import transaction

from markets import clock
from markets.models import Instrument
from markets.redis import generations
from signals.outcomes.models import Outcome, Trial
from signals.outcomes.panel import POOLED, POOLED_CANDLES, Panel


def replace(family: str, panels: Sequence[Panel]) -> None:
    """The rows of the family become these panels, and what was answered about its instruments is out of date."""
    numbers = dict(Instrument.objects.filter(code__in={one.key.code for one in panels}).values_list("code", "pk"))
    known = {POOLED, POOLED_CANDLES, *numbers}
    now = clock.now()
    rows = [row_of(family, one, numbers, now) for one in panels if one.key.code in known]
    with transaction.atomic():
        # Two runs at once would insert the same panels: the second waits here for the end of the first.
        Trial.objects.filter(family=family).select_for_update().order_by("pk").first()
        before = Outcome.objects.filter(family=family)
        changed = set(before.exclude(instrument=None).values_list("instrument", flat=True)) | set(numbers.values())
        before.delete()
        Outcome.objects.bulk_create(rows, batch_size=500)
        generations.changed(changed)


def row_of(family: str, panel: Panel, numbers: dict[str, int], now: datetime) -> Outcome:
    figures = asdict(panel)
    key, verdict = panel.key, panel.verdict
    del figures["key"], figures["verdict"]
    return Outcome(
        family=family,
        rule=key.rule,
        instrument_id=numbers.get(key.code),
        timeframe=key.timeframe,
        horizon=key.horizon,
        live=key.live,
        computed_at=now,
        t=number(verdict.t),
        p=number(verdict.p),
        says=verdict.says,
        panels=verdict.panels,
        **{name: number(value) for name, value in figures.items()},
    )


def number(value: Any) -> Any:
    """Neither NaN nor infinity is a figure."""
    return None if isinstance(value, float) and not isfinite(value) else value
