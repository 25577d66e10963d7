"""A series as the browser is given it: one list a line, all of one length, an empty slot where it is interrupted."""

from bisect import bisect_left
from collections.abc import Sequence
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from charon.pages.charts import lines, words
from charon.pages.charts.series import MOST_SHAPES, Series, is_long, place
from markets.instruments import redenominations
from markets.instruments.names import GOLD


def payload(series: Series, name: str) -> dict[str, Any]:
    """`times` are ISO days or moments; prices are texts with the published digits, computed values are numbers."""
    slots = slotted(series)
    columns, question = series.columns, series.question
    row_slots = {row: slot for slot, row in enumerate(slots) if row >= 0}
    return {
        "code": question.code,
        "unit": series.unit,
        "decimals": series.scale,
        "times": [columns.times[row] if row >= 0 else "" for row in slots],
        "step": series.step,
        "view": seen(series, row_slots),
        "long": is_long(series),
        "extent": [columns.times[series.low], columns.times[series.high - 1]] if series.drawn else [],
        **prices(series, slots),
        "lines": list(lines.lines(series, slots)),
        "levels": lines.levels(series),
        "compared": compared(series, slots),
        "signals": shapes(series, row_slots),
        "breaks": breaks(series, row_slots),
        "summary": words.summary(series, name),
        "notes": words.notes(series),
    }


def slotted(series: Series) -> list[int]:
    """The kept rows, with -1 before a row that an interruption stands before."""
    waiting, slots = [one.at for one in series.breaks], list[int]()
    for row in series.kept:
        if waiting and row >= waiting[0]:
            slots.append(-1)
            waiting = [at for at in waiting if at > row]
        slots.append(row)
    return slots


def seen(series: Series, row_slots: dict[int, int]) -> list[int]:
    """The first and the last slot that are seen first."""
    inside = [slot for row, slot in row_slots.items() if series.view[0] <= row < series.view[1]]
    return [inside[0], inside[-1]] if inside else [0, 0]


def prices(series: Series, slots: Sequence[int]) -> dict[str, Any]:
    columns = series.columns
    if not series.question.candles:
        return {
            "kind": "line",
            "label": _("Cena") if series.question.code == GOLD else _("Kurs średni"),
            "mid": [f"{columns.closes[row]:.{columns.scales[row]}f}" if row >= 0 else None for row in slots],
            "bid": [side(columns.bids, columns.scales, row) for row in slots],
            "ask": [side(columns.asks, columns.scales, row) for row in slots],
            "band_label": _("Kupno–sprzedaż"),
        }
    shown = {"open": columns.opens, "high": columns.highs, "low": columns.lows, "mid": columns.closes}
    labels = {"open": _("otwarcie"), "high": _("najwyższa"), "low": _("najniższa"), "mid": _("zamknięcie")}
    return {
        "kind": "candles",
        "label": _("Cena"),
        "labels": labels,
        "volume_label": _("Obrót"),
        "volume": [columns.volumes[row] if row >= 0 else None for row in slots] if any(columns.volumes) else [],
        "open_now": bool(slots) and not columns.whole[slots[-1]],
        **{name: [f"{values[row]:.{series.scale}f}" if row >= 0 else None for row in slots]
           for name, values in shown.items()},
    }  # fmt: skip


def side(values: Sequence[float | None], scales: Sequence[int], row: int) -> str | None:
    value = values[row] if row >= 0 else None
    return None if value is None else f"{value:.{scales[row]}f}"


def compared(series: Series, slots: Sequence[int]) -> dict[str, Any] | None:
    """The other series at the same times; the browser divides both by the first values in view."""
    if series.other is None or not len(series.other):
        return None
    known = dict(zip(series.other.times, series.other.closes, strict=True))
    times = series.columns.times
    values = [known.get(times[row]) if row >= 0 else None for row in slots]
    others = sorted({row.day.isoformat() for row in redenominations.breaks(series.question.compared)})
    return {"code": series.question.compared, "values": values, "units": others}


def shapes(series: Series, row_slots: dict[int, int]) -> list[dict[str, Any]]:
    """The newest crossings, oldest first: where they stand, what they say, and the page that explains each."""
    head, _number, tail = reverse("signal", args=[0]).rpartition("0")
    found = []
    for turn in reversed(series.turns[:MOST_SHAPES]):
        kept = min(bisect_left(series.kept, place(series, turn)), len(series.kept) - 1)
        text, href = words.turn_text(turn, series), f"{head}{turn.number}{tail}"
        found.append({"at": row_slots[series.kept[kept]], "kind": turn.signal, "text": text, "href": href})
    return found


def breaks(series: Series, row_slots: dict[int, int]) -> list[dict[str, Any]]:
    return [
        {"at": row_slots[one.at] - 1, "kind": one.kind, "text": one.text}
        for one in series.breaks
        if one.at in row_slots
    ]
