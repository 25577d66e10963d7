"""Where a decision came from: its bars, its rule, the hashes of its row in the ledger, and the versions of its bar."""

from collections.abc import Iterator
from typing import Any

from markets.models import Candle
from markets.queries.rates import digits
from signals import rules, tables
from signals.api_rows import signal_rows
from signals.known import superseded
from signals.models import Signal

# The one that decided, and the one before it: a crossing needs both.
BARS = 2
OF_RATES = ("pk", "effective_date", "mid", "scale", "source__code", "publication__number", "publication__sha256")
OF_NO_TABLE: dict[str, None] = dict.fromkeys(("table_no", "sha256", "provenance"))
EDITIONS = ("pk", "version", "signal", "inputs", "params", "program", "generated_at")


def provenance(row: Signal) -> dict[str, Any]:
    """Four statements. The bars are as they stand today: what was corrected since is told of each rate."""
    rule = rules.find(row.rule)
    [shown] = signal_rows(Signal.objects.filter(pk=row.pk).annotate(superseded=superseded()))
    return {
        "kind": "signal",
        "id": row.pk,
        "signal": shown,
        "rule": {
            "name": row.rule,
            "label": rule.label if rule else None,
            "parameters": dict(rule.arguments) if rule else None,
        },
        "bars": list(bars(row))[::-1],
        "editions": list(editions(row)),
        "explain": f"/api/v1/signals/{row.pk}/explain",
    }


def bars(row: Signal) -> Iterator[dict[str, Any]]:
    """The newest first; none where they were withdrawn or pruned."""
    return rates(row) if tables.is_official(row.instrument, row.timeframe) else candles(row)


def rates(row: Signal) -> Iterator[dict[str, Any]]:
    found = tables.official(row.instrument).filter(effective_date__lte=row.as_of.date()).order_by("-effective_date")
    for pk, day, mid, scale, source, number, sha256 in found.values_list(*OF_RATES)[:BARS]:
        yield {
            "as_of": day,
            "close": digits(mid, scale),
            "source": source,
            "table_no": number or None,
            "sha256": sha256 or None,
            "provenance": f"/api/v1/provenance/rate/{pk}",
        }


def candles(row: Signal) -> Iterator[dict[str, Any]]:
    """Of the source that the engine reads; a price has no publication."""
    found = Candle.objects.filter(
        instrument=row.instrument, timeframe=row.timeframe, open_time__lte=row.as_of,
        closed=True, synthetic=False, partial=False, source=tables.source_of(row.instrument, row.timeframe),
    )  # fmt: skip
    for moment, close, source in found.order_by("-open_time").values_list("open_time", "close", "source__code")[:BARS]:
        yield {"as_of": moment, "close": f"{close.normalize():f}", "source": source} | OF_NO_TABLE


def editions(row: Signal) -> Iterator[dict[str, Any]]:
    """Every version of the bar, the oldest first."""
    same = Signal.objects.filter(instrument=row.instrument, rule=row.rule, timeframe=row.timeframe, as_of=row.as_of)
    for pk, version, *rest in same.order_by("version").values_list(*EDITIONS):
        yield {"id": pk, "edition": version} | dict(zip(EDITIONS[2:], rest, strict=True))
