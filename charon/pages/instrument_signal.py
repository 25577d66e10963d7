"""The signal of an instrument's page: the badge, its explanation, the decisions and the statistics."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache

from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from charon.pages.badge import ICONS, Badges, word
from charon.pages.instrument_figures import retired_since
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
from signals.explain import Explanation
from signals.history import LEAD_DAYS
from signals.models import AnalysisSnapshot
from signals.rules import Rule
from signals.rules.macd_cross import MacdCross

States = Mapping[tuple[str, str], Stated]
SERIES_TABLE = {"A": "A", "B": "A", "gold": "gold"}
LEAD = timedelta(days=LEAD_DAYS)
# Each keeps 420 days, 40 kB; without it 420 steps of the rule cost a tenth of the page.
EXPLANATIONS = 64


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
        "retired": retired_since(line),
        "histogram": isinstance(rule, MacdCross),
        "lacking": lacking(newest, filling=truth.facts.backfill is not None),
        **trend(newest),
        **(bars_table(rule, why, line) if why else {}),
    }


@dataclass(frozen=True, slots=True)
class Asked:
    """What an explanation depends on: of the rule and of the decision the texts, and the days that they decided on."""

    rule: Rule = field(compare=False)
    turn: Decided = field(compare=False)
    name: str
    row: str
    code: str
    days: tuple[date, ...]
    closes: tuple[float, ...]
    scale: int
    goes_on: bool
    language: str

    def between(self, first: date, last: date) -> Iterator[tuple[date, float]]:
        span = slice(bisect_left(self.days, first), bisect_right(self.days, last))
        return zip(self.days[span], self.closes[span], strict=True)


def explained(rule: Rule, turn: Decided, closes: Closes, scale: int, *, goes_on: bool) -> Explanation | None:
    days = tuple(closes.days), tuple(closes.closes)
    return explanation(
        Asked(rule, turn, rule.name, str(turn), closes.code, *days, scale, goes_on, get_language() or "")
    )


@lru_cache(EXPLANATIONS)
def explanation(asked: Asked) -> Explanation | None:
    """The bars that decided, and of a series that goes on the newest one, from which the other signal is told."""
    rule, turn = asked.rule, asked.turn
    breaks = [one.day for one in redenominations.breaks(asked.code)]
    last = asked.days[-1] if asked.days else turn.day
    together = asked.goes_on and last - turn.day <= LEAD
    found = signal_history.bars(asked.between(turn.day - LEAD, last if together else turn.day), rule, breaks)
    if asked.goes_on and not together:
        newest = signal_history.bars(asked.between(last - LEAD, last), rule, breaks)
        found.rows |= newest.rows
        found.state = newest.state
    return explain.explain(rule, turn.decision, found, asked.scale)


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
