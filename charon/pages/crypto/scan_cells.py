"""The cells of one coin in the scanner: what the engine keeps of its newest candle, as words and as a sort key."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal

from django.utils.translation import gettext as _

from charon.pages import sparkline
from charon.pages.crypto import words
from markets import formats
from markets.views import Row
from signals import rules, stands
from signals.digits import rounded
from signals.rules import Rule
from signals.stands import Stand, Stands

# The columns that the engine fills, by the file of their rule.
RULES = {"rsi": "rsi_reversal", "vwap": "vwap_side", "bands": "bollinger_reentry", "squeeze": "squeeze_fired"}
RATING = "rating"
RSI_PLACES = 1


@dataclass(frozen=True, slots=True)
class Cell:
    """`text` for eyes; `why` where there is no figure; `key` sorts, None comes last; `more` is for the template."""

    text: str = ""
    why: str = ""
    key: float | None = None
    more: Row = field(default_factory=dict)


def known_rules() -> dict[str, Rule | None]:
    """By column; None for a rule that this installation has not."""
    return {column: rules.find(file) for column, file in RULES.items()}


def cells(found: Stands, timeframe: str, known: Mapping[str, Rule | None]) -> dict[str, Cell]:
    make = {"rsi": rsi, "vwap": vwap, "bands": bands, "squeeze": squeeze}
    shown = {column: cell_of(make[column], found, timeframe, rule) for column, rule in known.items()}
    return shown | {RATING: rating(stands.rated(found, timeframe))}


def cell_of(make: Callable[[Stand], Cell], found: Stands, timeframe: str, rule: Rule | None) -> Cell:
    if rule is None or timeframe not in rule.timeframes:
        return Cell(why=_("nie dotyczy"))
    stand = stands.named(found, rule, timeframe)
    missing = words.why_not(stand)
    return Cell(why=missing) if stand is None or missing else make(stand)


def rsi(stand: Stand) -> Cell:
    value = stand.stats.get("rsi")
    return empty() if value is None else Cell(formats.number(rounded(value, RSI_PLACES)), key=value)


def vwap(stand: Stand) -> Cell:
    """How far the price lies from the day's VWAP, in percent of it, and on which side the rule sees it."""
    value, last, vote = stand.stats.get("vwap"), stand.stats.get("last"), stand.stats.get("vote")
    if not value or last is None:
        return empty()
    if not vote:
        return Cell(why=_("początek doby"))
    away = Decimal(repr((last / value - 1) * 100))
    side = _("nad") if vote > 0 else _("pod")
    return Cell(side, key=float(away), more={"percent": formats.percent(away), "way": "up" if vote > 0 else "down"})


def bands(stand: Stand) -> Cell:
    """Where between the bands the close lies: 0% is the lower one, 100% the upper one."""
    lower, upper, last = (stand.stats.get(name) for name in ("lower", "upper", "last"))
    if lower is None or upper is None or last is None or upper <= lower:
        return empty()
    share = (last - lower) / (upper - lower)
    within = min(max(Decimal(repr(share)), Decimal(0)), Decimal(1))
    text = f"{formats.whole(int((Decimal(repr(share)) * 100).quantize(Decimal(1), ROUND_HALF_UP)))}%"
    outside = _("pod dolną") if share < 0 else _("nad górną") if share > 1 else ""
    return Cell(text, key=share, more={"x": sparkline.dot(within), "outside": outside})


def squeeze(stand: Stand) -> Cell:
    """Whether one lasts and for how long, else how long ago the last one ended."""
    lasts, ended = stands.squeeze_of(stand)
    if lasts:
        text = formats.plural(lasts, _("świeca,świece,świec"))
        return Cell(_("trwa: %s") % text, key=1000.0 + lasts, more={"on": True})
    if ended is None:
        return Cell(_("nie było jej"), key=-100_000.0)
    if not ended:
        return Cell(_("właśnie minęła"), key=0.0)
    return Cell(_("%s temu") % formats.plural(ended, _("świecę,świece,świec")), key=-float(ended))


def rating(stand: Stand | None) -> Cell:
    missing = words.why_not(stand)
    shown = words.rating(stand)
    if shown is None or stand is None:
        return Cell(why=missing or _("za mało reguł"))
    return Cell(str(shown["text"]), key=float(stand.stats["rating"]), more=shown)


def empty() -> Cell:
    return Cell(why=_("jeszcze nie wyliczono"))
