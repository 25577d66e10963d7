"""The signal of an instrument's page: the badge, its explanation, the decisions and the statistics."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from charon.pages import charts, rows
from charon.pages.badge import ICONS, Badges, word
from markets import formats
from markets.decimals import scale_of
from markets.instruments import redenominations
from markets.instruments.names import GOLD
from markets.queries.drawn import Columns
from markets.queries.freshness import Freshness
from markets.queries.overview import LatestRate
from markets.views import Row
from signals import decided, explain, queries
from signals import history as signal_history
from signals.decided import Decided, Stated
from signals.digits import rounded
from signals.explain import Explanation
from signals.history import LEAD_DAYS
from signals.models import AnalysisSnapshot
from signals.rules import Rule
from signals.rules.macd_cross import MacdCross

States = Mapping[tuple[str, str], Stated]
SERIES_TABLE = {"A": "A", "B": "A", "gold": "gold"}
LEAD = timedelta(days=LEAD_DAYS)
# The newest decisions of 100 series in both languages.
KEPT = 4096


@dataclass(slots=True)
class Closes:
    """The days from `since` on that the daily rules decide on: mids of table A, or prices of gold, ascending."""

    code: str
    table: str
    columns: Columns
    since: date
    scale: int
    days: list[date] = field(init=False)
    closes: list[float] = field(init=False)
    scales: list[int] = field(init=False)

    def __post_init__(self) -> None:
        wanted, columns = SERIES_TABLE[self.table], self.columns
        rows = [
            row for row in range(columns.place(self.since.isoformat()), len(columns)) if columns.tables[row] == wanted
        ]
        self.days = [date.fromisoformat(columns.times[row]) for row in rows]
        self.closes = [columns.closes[row] for row in rows]
        self.scales = [columns.scales[row] for row in rows]

    def before(self, day: date) -> date | None:
        place = bisect_left(self.days, day)
        return self.days[place - 1] if place else None

    def scale_at(self, day: date) -> int:
        """Of what was published that day, or last before it."""
        place = bisect_right(self.days, day)
        return self.scales[place - 1] if place else self.scale

    def between(self, first: date, last: date) -> Iterator[tuple[date, float]]:
        span = slice(bisect_left(self.days, first), bisect_right(self.days, last))
        return zip(self.days[span], self.closes[span], strict=True)


def card(
    rule: Rule, states: States, turn: Decided | None, closes: Closes, line: LatestRate, truth: Freshness
) -> Row:  # fmt: skip
    """The badge of the dashboard, and behind it the explanation of the newest BUY or SELL."""
    newest = states.get((rule.name, decided.KEEPER))
    stands = {line.code: queries.signal_state(newest.status, newest.stats)} if newest else {}
    goes_on = not line.retired and line.table != "B"
    why = explained(rule, turn, closes, scale_of(line.value), goes_on=goes_on) if turn else None
    chip = Badges(stands, rule.label, truth).of(line)
    return {
        "chip": chip,
        "rule": rule.label,
        "identity": rule.name,
        "formula": rule.formula(),
        "warm_up": rule.warm_up,
        "why": why,
        "turn": turn_row(turn) if turn else None,
        "going_on": goes_on,
        "weekly": line.table == "B" and not line.retired,
        "retired": formats.day(line.day) if line.retired else "",
        "histogram": isinstance(rule, MacdCross),
        "lacking": lacking(newest, filling=truth.facts.backfill is not None),
        **trend(newest),
        **(bars_table(rule, why, line) if why else {}),
    }


def explained(rule: Rule, turn: Decided, closes: Closes, scale: int, *, goes_on: bool) -> Explanation | None:
    """The bars that decided, and of a series that goes on the newest one, from which the other signal is told."""
    breaks = [one.day for one in redenominations.breaks(closes.code)]
    last = closes.days[-1] if closes.days else turn.day
    together = goes_on and last - turn.day <= LEAD
    found = signal_history.bars(closes.between(turn.day - LEAD, last if together else turn.day), rule, breaks)
    if goes_on and not together:
        newest = signal_history.bars(closes.between(last - LEAD, last), rule, breaks)
        found.rows |= newest.rows
        found.state = newest.state
    return explain.explain(rule, turn.decision, found, scale)


def lacking(newest: Stated | None, *, filling: bool) -> Row:
    """Sentences in the place of decisions and of statistics that are not there."""
    if newest and newest.status == AnalysisSnapshot.Status.WARMING_UP and newest.stats:
        facts = {"bars": formats.whole(newest.stats["bars"]), "all": formats.whole(newest.stats["warm_up"])}
        decisions = _("Reguła zacznie dawać sygnały po %(all)s świecach; na razie jest ich %(bars)s.") % facts
    elif filling:
        decisions = _("Sygnały pojawią się po wczytaniu historii.")
    else:
        decisions = _("Sygnałów jeszcze nie wyliczono.")
    waiting = _("Statystyki pojawią się po wczytaniu historii.") if filling else _("Statystyk jeszcze nie wyliczono.")
    return {"decisions": decisions, "statistics": waiting}


def bars_table(rule: Rule, why: Explanation, line: LatestRate) -> Row:
    """A row a quantity and a column a bar: it fits a phone."""
    price = _("Cena") if line.code == GOLD else _("Kurs")
    names = [price, *explain.titles(rule)]
    columns = list(zip(*why.bars, strict=True))
    return {"bars_days": columns[0] if columns else (), "bars_rows": list(zip(names, columns[1:], strict=False))}


def trend(newest: Stated | None) -> Row:
    stats = newest.stats if newest else {}
    words = {"up": _("wzrostowy"), "down": _("spadkowy"), "flat": _("boczny")}
    bars = formats.plural(stats.get("bars", 0), _("świeca dzienna,świece dzienne,świec dziennych"))
    return {"trend": words.get(stats.get("trend", ""), ""), "bars": bars}


def turn_row(decision: Decided) -> Row:
    return {
        "href": reverse("signal", args=[decision.id]),
        "kind": decision.signal.lower(),
        "icon": ICONS[decision.signal],
        "text": word(decision.signal),
        "iso": decision.day.isoformat(),
        "day": formats.day(decision.day),
        "backtested": decision.backtested,
        "made": decision.generated_at,
    }


class Line(NamedTuple):
    """A decision as its row shows it; a withdrawn one has no close: its bar is none of the daily series any more."""

    number: int
    day: date
    signal: str
    close: float | None
    histogram: Decimal | None
    backtested: bool


def decision_rows(decisions: Sequence[Decided], rule: Rule, scale: int) -> SafeString:
    """The body of a table, as ready markup that escapes every word; the day leads to the explanation."""
    language, histogram = get_language() or "", isinstance(rule, MacdCross)
    return format_html_join(
        "\n", "{}", ((decision_line(line_of(one), scale, histogram, language),) for one in decisions)
    )


def line_of(one: Decided) -> Line:
    return Line(one.id, one.day, one.signal, one.values.get("close"), one.histogram, one.backtested)


@lru_cache(KEPT)
def decision_line(one: Line, scale: int, histogram: bool, language: str) -> SafeString:  # noqa: ARG001
    withdrawn = one.close is None
    close = formats.DASH if one.close is None else formats.number(rounded(one.close, scale))
    value = formats.DASH if withdrawn else charts.histogram_text(one.histogram, scale)
    return format_html(
        '<tr><th scope="row"><a href="{}"><time datetime="{}">{}</time></a></th>'
        '<td><span class="chip {}"><span aria-hidden="true">{}</span> {}</span></td><td class="number">{}</td>{}'
        "<td><small>{}</small></td></tr>",
        reverse("signal", args=[one.number]), one.day.isoformat(), formats.day(one.day),
        one.signal.lower(), ICONS[one.signal], word(one.signal), close,
        format_html('<td class="number">{}</td>', value) if histogram else "",
        _("wstecz") if one.backtested else _("na żywo"),
    )  # fmt: skip


def statistics(rule: Rule, states: States, line: LatestRate) -> list[Row]:
    found = (states.get((rule.name, window)) for window in decided.WINDOWS)
    return [statistics_row(one, line) for one in found if one and one.stats]


def statistics_row(state: Stated, line: LatestRate) -> Row:
    stats, scale = state.stats, scale_of(line.value)
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
