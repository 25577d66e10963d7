"""The badge of a signal: how an instrument stands under a rule, in words and with an icon."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _

from markets import formats
from markets.queries.freshness import Freshness
from markets.queries.overview import LatestRate
from markets.views import Row
from signals.models import AnalysisSnapshot, Signal
from signals.queries import SignalState

ICONS = {"BUY": "▲", "HOLD": "■", "SELL": "▼"}
# In the order of a sorted column: sell, hold, buy; what has no signal has no place.
RANKS = {"SELL": "1", "HOLD": "2", "BUY": "3"}


@dataclass(frozen=True, slots=True)
class Badges:
    """What is needed to say of any instrument how it stands."""

    standings: Mapping[str, SignalState]
    rule: str
    truth: Freshness

    @property
    def filling(self) -> bool:
        return self.truth.facts.backfill is not None

    def of(self, line: LatestRate) -> Row:
        """`text` under a `kind` for its colour, `icon`, `since`, and `old` where the figures behind it are."""
        return badge(line, self.standings.get(line.code), self.old(line), filling=self.filling)

    def old(self, line: LatestRate) -> str:
        """Words where a newer figure should be here, or is here and not decided on yet; table B is not decided on."""
        return _("na starych danych") if self.is_old(line) else ""

    def is_old(self, line: LatestRate) -> bool:
        state = self.standings.get(line.code)
        behind = state is not None and state.as_of is not None and state.as_of < line.day
        return line.table != "B" and (line.day < self.truth.fresh_from or behind)


def badge(line: LatestRate, state: SignalState | None, old: str, *, filling: bool) -> Row:
    if line.retired:
        return plain(_("wycofana, ostatni kurs z %s") % formats.day(line.day))
    if line.table == "B":
        return plain(_("nie dotyczy"), _("Reguła dzienna nie dotyczy tabeli B."))
    if state is None or state.status == AnalysisSnapshot.Status.NOT_APPLICABLE:
        return plain(_("czeka na historię") if filling else _("jeszcze nie wyliczono"))
    if state.status == AnalysisSnapshot.Status.WARMING_UP:
        return plain(_("Za mało danych: %(bars)s z %(all)s świec") % {"bars": state.bars, "all": state.warm_up})
    if not state.signal:  # the rule failed on all that there is
        return plain(_("jeszcze nie wyliczono"))
    return {
        "kind": state.signal.lower(),
        "icon": ICONS[state.signal],
        "text": word(state.signal),
        "since": since(state),
        "old": old,
        "day": formats.day(state.as_of or line.day),
        "rank": RANKS[state.signal],
    }


def plain(text: str, since: str = "") -> Row:
    """Words in the place of a signal."""
    return {"kind": "none", "icon": "", "text": text, "since": since, "old": "", "day": "", "rank": ""}


def word(signal: str) -> str:
    return str(Signal.Label(signal).label)


def since(state: SignalState) -> str:
    """`od 15.10.2026`, and of a pause which turn it follows: `po sygnale KUP z 15.10.2026`."""
    if state.turned_on is None:
        return ""
    day = formats.day(state.turned_on)
    if state.signal == state.turned and state.as_of == state.turned_on:
        return _("od %s") % day
    return _("po sygnale %(signal)s z\u00a0%(day)s") % {"signal": word(state.turned), "day": day}
