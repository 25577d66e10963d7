"""The drawn bars as a table, newest first: ready strings, because a template loop of 1,000 rows costs 110 ms."""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from charon.pages.badge import ICONS, word
from charon.pages.charts import payload, row, words
from charon.pages.charts.series import Series
from markets import formats
from markets.views import Row

# Digits (and a sign) before the point that no language groups.
UNGROUPED = 3
VOLUME_DECIMALS = 4


def context(series: Series, name: str) -> Row:
    facts = payload.payload(series, name)
    columns = list(headed(facts))
    code = series.question.code
    return {
        "code": code,
        "name": name,
        "caption": caption(series),
        "summary": facts["summary"],
        "notes": facts["notes"],
        "header": header(one.title for one in columns),
        "rows": mark_safe("\n".join(body(series, facts, columns))),  # noqa: S308  every word is escaped in `cells`
        "csv": row.addresses(series)["csv"],
    }


def caption(series: Series) -> str:
    if series.question.candles:
        source = _(series.source.name) if series.source else ""
        return _("Świece %(timeframe)s, od najnowszej; źródło: %(source)s") % {
            "timeframe": series.question.timeframe, "source": source
        }  # fmt: skip
    if series.step > 1:
        return _("Wybrane dni z wykresu, od najnowszego; ceny w %(unit)s") % {"unit": series.unit}
    return _("Dni z wykresu, od najnowszego; ceny w %(unit)s") % {"unit": series.unit}


class Column(NamedTuple):
    """Published prices are texts with their digits; computed values have `decimals`."""

    title: str
    values: Sequence[str | float | None]
    decimals: int = 0


def headed(facts: dict[str, Any]) -> Iterator[Column]:
    """The columns of figures; one without a single value is left out."""
    if facts["kind"] == "candles":
        for name, title in facts["labels"].items():
            yield Column(title.capitalize(), facts[name])
        if facts["volume"]:
            yield Column(facts["volume_label"], facts["volume"], VOLUME_DECIMALS)
    else:
        yield Column(facts["label"], facts["mid"])
        if any(facts["bid"]):
            yield Column(_("Kupno"), facts["bid"])
            yield Column(_("Sprzedaż"), facts["ask"])
    for line in facts["lines"]:
        if line["mark"] not in {"thin", "on"}:
            yield Column(line["label"], line["values"], line["decimals"])


def header(titles: Iterable[str]) -> SafeString:
    cells = format_html_join("", '<th scope="col" class="number">{}</th>', ((title,) for title in titles))
    return format_html('<tr><th scope="col">{}</th>{}<th scope="col">{}</th></tr>', _("Dzień"), cells, _("Sygnał"))


def body(series: Series, facts: dict[str, Any], columns: Sequence[Column]) -> Iterator[str]:
    signals = {one["at"]: linked(one, series.step) for one in facts["signals"]}
    reasons = {one["at"]: one["text"] for one in facts["breaks"]}
    width = len(columns) + 2
    for slot in range(len(facts["times"]) - 1, -1, -1):
        time = facts["times"][slot]
        if not time:
            yield f'<tr class="break"><td colspan="{width}">{conditional_escape(reasons.get(slot, ""))}</td></tr>'
            continue
        cells = "".join(f'<td class="number">{cell(one.values[slot], one.decimals)}</td>' for one in columns)
        day = conditional_escape(words.when_text(time, series))
        yield f'<tr><th scope="row">{day}</th>{cells}<td>{signals.get(slot, "")}</td></tr>'


def linked(signal: dict[str, Any], step: int) -> str:
    """Of every bar, what the rule said on it; of every n-th, also on which day."""
    text = signal["text"] if step > 1 else f"{ICONS[signal['kind']]} {word(signal['kind'])}"
    return f'<a href="{conditional_escape(signal["href"])}">{conditional_escape(text)}</a>'


def cell(value: str | float | None, decimals: int) -> str:
    """Published prices are texts with their digits, computed values are rounded."""
    if value is None:
        return formats.DASH
    text = value if isinstance(value, str) else f"{value:.{decimals}f}"
    if 0 < text.find(".") <= UNGROUPED:  # a third of the time of `formats.number`, which a test holds it to
        return text.replace(".", formats.chosen(None).point).replace("-", formats.MINUS)
    return formats.number(Decimal(text))
