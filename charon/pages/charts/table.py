"""The drawn bars as a table, newest first: ready strings, because a template loop of 1,000 rows costs 110 ms."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from charon.pages.badge import ICONS, word
from charon.pages.charts import payload, row, words
from charon.pages.charts.series import Series
from markets import formats
from markets.views import Row


def context(series: Series, name: str) -> Row:
    facts = payload.payload(series, name)
    columns = list(headed(facts))
    code = series.question.code
    return {
        "code": code,
        "name": name,
        "gold": series.unit == "zł/g",
        "caption": caption(series),
        "summary": facts["summary"],
        "notes": facts["notes"],
        "header": header([title for title, _key, _values, _decimals in columns]),
        "rows": mark_safe("\n".join(body(series, facts, columns))),  # noqa: S308  every word is escaped in `cells`
        "csv": row.addresses(series)["csv"],
    }


def caption(series: Series) -> str:
    if series.question.candles:
        source = series.source.name if series.source else ""
        return _("Świece %(timeframe)s, od najnowszej; źródło: %(source)s") % {
            "timeframe": series.question.timeframe, "source": source
        }  # fmt: skip
    if series.step > 1:
        return _("Wybrane dni z wykresu, od najnowszego; ceny w %(unit)s") % {"unit": series.unit}
    return _("Dni z wykresu, od najnowszego; ceny w %(unit)s") % {"unit": series.unit}


def headed(facts: dict[str, Any]) -> Iterator[tuple[str, str, list[Any], int]]:
    """Title, name, values and decimals of each column of figures; one without a single value is left out."""
    if facts["kind"] == "candles":
        for name, title in facts["labels"].items():
            yield title.capitalize(), name, facts[name], 0
        if facts["volume"]:
            yield facts["volume_label"], "volume", facts["volume"], 4
    else:
        yield facts["label"], "mid", facts["mid"], 0
        if any(facts["bid"]):
            yield _("Kupno"), "bid", facts["bid"], 0
            yield _("Sprzedaż"), "ask", facts["ask"], 0
    for line in facts["lines"]:
        if line["style"] not in {"thin", "on"}:
            yield line["label"], line["name"], line["values"], line["decimals"]


def header(titles: list[str]) -> SafeString:
    cells = "".join(format_html('<th scope="col" class="number">{}</th>', title) for title in titles)
    return format_html(
        '<tr><th scope="col">{}</th>{}<th scope="col">{}</th></tr>', _("Dzień"), mark_safe(cells), _("Sygnał")
    )  # noqa: S308


def body(series: Series, facts: dict[str, Any], columns: list[tuple[str, str, list[Any], int]]) -> Iterator[str]:
    signals = {one["at"]: f"{ICONS[one['kind']]} {word(one['kind'])}" for one in facts["signals"]}
    links = {one["at"]: one["href"] for one in facts["signals"]}
    reasons = {one["at"]: one["text"] for one in facts["breaks"]}
    width = len(columns) + 2
    for slot in range(len(facts["times"]) - 1, -1, -1):
        time = facts["times"][slot]
        if not time:
            yield f'<tr class="break"><td colspan="{width}">{conditional_escape(reasons.get(slot, ""))}</td></tr>'
            continue
        cells = "".join(f'<td class="number">{cell(values[slot], decimals)}</td>' for _t, _n, values, decimals in columns)
        said = conditional_escape(signals.get(slot, ""))
        if slot in links:
            said = f'<a href="{conditional_escape(links[slot])}">{said}</a>'
        yield f'<tr><th scope="row">{conditional_escape(words.when_text(time, series))}</th>{cells}<td>{said}</td></tr>'


def cell(value: Any, decimals: int) -> str:
    """Published prices are texts with their digits, computed values are rounded."""
    if value is None:
        return formats.DASH
    text = value if isinstance(value, str) else f"{value:.{decimals}f}"
    return formats.number(Decimal(text))
