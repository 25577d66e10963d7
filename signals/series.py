"""Tables to a frame: the one place where Decimal becomes float."""

from datetime import date

import pandas as pd
from django.db.models import FloatField
from django.db.models.functions import Cast

from markets.models import Instrument, Rate


def closes(instrument: Instrument, after: date | None = None) -> pd.Series:
    """Closing values by day, ascending: mids of table A for a currency, the price of a gram for gold.

    Mids of table B are weekly and stay out: a daily rule does not apply to them.
    """
    table = "gold" if instrument.kind == Instrument.Kind.METAL else "A"
    rows = Rate.objects.filter(instrument=instrument, table=table, mid__isnull=False).order_by("effective_date")
    if after is not None:
        rows = rows.filter(effective_date__gt=after)
    pairs = list(rows.values_list("effective_date", Cast("mid", FloatField())))
    days, values = zip(*pairs, strict=True) if pairs else ((), ())
    return pd.Series(values, index=pd.Index(days, dtype=object), dtype="float64")
