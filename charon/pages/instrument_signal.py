"""The signal of an instrument's page: the badge, its explanation, the decisions and the statistics."""

from datetime import date
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from charon.pages import charts, rows
from charon.pages.badge import ICONS, Badges, word
from markets import formats
from markets.decimals import scale_of
from markets.instruments.names import GOLD
from markets.queries.freshness import Freshness
from markets.queries.overview import LatestRate
from markets.views import Row
from signals import explain, queries, rules
from signals import history as signal_history
from signals.digits import rounded
from signals.explain import Explanation
from signals.history import Decision
from signals.models import AnalysisSnapshot
from signals.rules import Rule
from signals.rules.macd_cross import MacdCross
from signals.rules.rule import OFFICIAL


def signal_row(
    line: LatestRate,
    truth: Freshness,
    rule: Rule,
    newest: AnalysisSnapshot | None,
    turned: Decision | None,
    bars: signal_history.Bars,
) -> Row:
    """The badge of the dashboard, and behind it the explanation of the newest BUY or SELL."""
    stands = {line.code: queries.signal_state(newest.status, newest.stats)} if newest else {}
    why = explain.explain(rule, turned, bars, scale_of(line.value))
    return {
        "chip": Badges(stands, rule.label, truth).of(line),
        "rule": rule.label,
        "identity": rule.name,
        "formula": rule.formula(),
        "others": [other_row(line.code, other) for other in others(rule)],
        "warm_up": rule.warm_up,
        "why": why,
        "turn": turn_row(turned) if turned else None,
        "going_on": not line.retired and line.table != "B",
        "weekly": line.table == "B" and not line.retired,
        "retired": formats.day(line.day) if line.retired else "",
        **trend(newest),
        **spans(rule),
        **(bars_table(rule, why, line) if why else {}),
    }


def spans(rule: Rule) -> Row:
    """What the lines of the chart are called, which are drawn for MACD alone."""
    return {"fast": rule.fast, "slow": rule.slow, "line": rule.signal} if isinstance(rule, MacdCross) else {}


def others(rule: Rule) -> list[Rule]:
    """The rules that decide on official rates, this one left out."""
    return [one for one in rules.active() if one.name != rule.name and one.needs <= {"close", OFFICIAL}]


def other_row(code: str, rule: Rule) -> Row:
    return {"name": rule.label, "href": f"{rows.page_of(code)}?regula={rule.name}#sygnal"}


def bars_table(rule: Rule, why: Explanation, line: LatestRate) -> Row:
    """A row a quantity and a column a bar: it fits a phone."""
    price = _("Cena") if line.code == GOLD else _("Kurs")
    names = [price, *explain.titles(rule)]
    columns = list(zip(*why.bars, strict=True))
    return {"bars_days": columns[0] if columns else (), "bars_rows": list(zip(names, columns[1:], strict=False))}


def trend(snapshot: AnalysisSnapshot | None) -> Row:
    stats: dict[str, Any] = snapshot.stats if snapshot else {}
    words = {"up": _("wzrostowy"), "down": _("spadkowy"), "flat": _("boczny")}
    return {"trend": words.get(stats.get("trend", ""), ""), "bars": formats.whole(stats.get("bars", 0))}


def turn_row(decision: Decision) -> Row:
    return {
        "kind": decision.signal.lower(),
        "icon": ICONS[decision.signal],
        "text": word(decision.signal),
        "iso": decision.day.isoformat(),
        "day": formats.day(decision.day),
        "backtested": decision.backtested,
        "made": formats.moment(decision.generated_at),
    }


def decision_row(decision: Decision, scale: int) -> Row:
    """A withdrawn decision has no values: its bar is none of the daily series any more."""
    if "close" not in decision.values:
        return turn_row(decision) | {"histogram": "–", "close": "–"}
    return turn_row(decision) | {
        "histogram": charts.histogram_text(decision.histogram, scale),
        "close": formats.number(rounded(decision.values["close"], scale)),
    }


def statistics_row(snapshot: AnalysisSnapshot, line: LatestRate) -> Row:
    stats, scale = snapshot.stats, scale_of(line.value)
    values = {name: formats.number(rounded(stats[name], scale)) for name in ("min", "max", "mean", "first")}
    change = rounded(stats["change"], scale)
    return values | {
        "days": stats["window_days"],
        "until": formats.day(date.fromisoformat(stats["as_of"])),
        "change": formats.signed(change),
        "percent": formats.percent(Decimal(repr(stats["change_pct"]))),
        "direction": rows.direction(change),
        "points": formats.whole(stats["points"]),
    }
