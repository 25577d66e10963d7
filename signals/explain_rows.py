"""The explanation of one decision as the API gives it: in Polish and in English, with the bars that decided."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import translation
from django.utils.translation import gettext as _

from markets import formats, timeframes
from signals import beside, flip, ledger, lookback, rules, snapshots
from signals.beside import Beside
from signals.digits import plain, rounded
from signals.explain import TURNS
from signals.lookback import Seen, Stretch, look_back
from signals.models import DAILY, Signal
from signals.rules.rule import Rule

LANGUAGES = ("pl", "en")
LABELS = {1: "BUY", 0: "NEUTRAL", -1: "SELL"}


def both(say: Callable[[], Any]) -> dict[str, Any]:
    """The same said in each language."""
    said = {}
    for language in LANGUAGES:
        with translation.override(language):
            said[language] = say()
    return said


def explanation(row: Signal) -> dict[str, Any]:
    """What the API answers about a row of the ledger; a rule that is no longer configured has no sentence."""
    return explained(facts_of(row))


def explained(found: "Facts") -> dict[str, Any]:
    row = found.row
    return {
        "id": row.pk,
        "code": row.instrument.code,
        "rule": row.rule,
        "timeframe": row.timeframe,
        "as_of": shown(row.as_of, row.timeframe),
        "signal": row.signal,
        "edition": row.version,
        "backtested": row.backtested,
        "sentence": both(lambda: sentence(found.rule, row, found.before, found.scale)),
        "formula": both(lambda: list(found.rule.formula()) if found.rule else []),
        "parameters": dict(found.rule.arguments) if found.rule else {},
        "bars": [bar(found.rule, one, row.timeframe, found.scale) for one in found.decided if found.rule],
        "flip": turn(found),
        "rules": list(stands(found)),
        "warnings": [both(said) for said in warnings(found)],
    }


@dataclass(frozen=True, slots=True)
class Facts:
    """What an explanation is made of: `decided` are the bar before and the bar of the row as they stand today, fewer
    where they are gone.
    """

    row: Signal
    rule: Rule | None
    stretch: Stretch
    decided: list[Seen]
    scale: int
    beside: Beside

    @property
    def before(self) -> datetime | None:
        return self.decided[0].moment if len(self.decided) > 1 else None


def facts_of(row: Signal) -> Facts:
    """Two statements, of candles three; one less of a row that `beside.annotated` has read."""
    rule = rules.find(row.rule)
    series = lookback.series_of(row.instrument, row.timeframe)
    stretch = lookback.read(series, row.as_of, rules.active())
    seen = look_back(stretch, rule) if rule else []
    decided = seen[-2:] if seen and seen[-1].moment == row.as_of else []
    return Facts(row, rule, stretch, decided, decimals(stretch, decided), beside.of(row))


def shown(moment: datetime, timeframe: str) -> Any:
    return moment.date() if timeframe == DAILY else moment


def decimals(stretch: Stretch, decided: list[Seen]) -> int:
    """Of an official rate as published; of candles the most that one of the closes has."""
    if stretch.series.official:
        return stretch.scale
    return max((len(plain(one.values["close"]).partition(".")[2]) for one in decided), default=2)


def sentence(rule: Rule | None, row: Signal, before: datetime | None, scale: int) -> str:
    """Why; a HOLD, a withdrawn row and one of a rule that nobody knows any more have a reason of their own."""
    kept = numbers(row)
    if kept.get("withdrawn"):
        return _("Decyzję wycofano: jej notowania nie ma już w szeregu, z którego liczy reguła.")
    if rule is None:
        return _("Reguły z tymi parametrami nie ma już wśród włączonych.")
    if row.signal == Signal.Label.HOLD:
        return _("Na tej świecy nie zaszedł ani warunek kupna, ani warunek sprzedaży, dlatego reguła mówi TRZYMAJ.")
    columns = {name: getattr(row, name) for name in ledger.COLUMNS if getattr(row, name) is not None}
    try:
        text, facts = rule.explain(kept | columns, row.signal, scale)
    except (LookupError, TypeError, ValueError, ArithmeticError):  # not as a rule wrote it: `replay` names such rows
        return _("W tym wierszu brakuje liczb, z których wynikała decyzja, albo nie są to liczby.")
    days = {"day_before": when(before, row.timeframe), "day": when(row.as_of, row.timeframe)}
    return text % {**facts, **days}


def numbers(row: Signal) -> dict[str, Any]:
    """What the row keeps; nothing where somebody has put another thing in its place."""
    return row.values if isinstance(row.values, dict) else {}


def when(moment: datetime | None, timeframe: str) -> str:
    if moment is None:
        return _("poprzednia świeca")
    return formats.day(moment.date()) if timeframe == DAILY else formats.moment(moment)


def bar(rule: Rule, seen: Seen, timeframe: str, scale: int) -> dict[str, Any]:
    return {
        "as_of": shown(seen.moment, timeframe),
        "close": f"{rounded(seen.values['close'], scale):f}",
        "values": {
            value.name: None if seen.values[value.name] is None else plain(seen.values[value.name])
            for value in rule.values
        },
    }


def turn(found: Facts) -> dict[str, Any] | None:
    """What the next close after the newest bar must be for the opposite of the newest BUY or SELL; two statements."""
    row, rule, turned = found.row, found.rule, found.beside.turned
    newest = snapshots.states(row.instrument, row.timeframe).get(rule.name) if rule else None
    if rule is None or newest is None or not turned:
        return None
    seen = look_back(lookback.read(found.stretch.series, newest.as_of, [rule]), rule)
    if not seen or seen[-1].moment != newest.as_of:
        return None
    wanted = -TURNS[turned]
    close = seen[-1].values["close"]
    later = newest.as_of + timedelta(seconds=timeframes.SECONDS[row.timeframe])
    price = flip.turning_close(rule, newest.row, close, later.timestamp(), wanted)
    return {
        "signal": LABELS[wanted],
        "after": shown(newest.as_of, row.timeframe),
        "price": None if price is None else f"{rounded(price, found.scale):f}",
        **both(lambda: flip.said(price, close, wanted, found.scale)),
    }


def stands(found: Facts) -> Iterable[dict[str, Any]]:
    """How each other rule stood on the same bar, where it applies to the series and was warm."""
    row = found.row
    for rule in rules.active():
        if row.timeframe not in rule.timeframes or rule.name == row.rule:
            continue
        seen = look_back(found.stretch, rule)
        if not seen or seen[-1].moment != row.as_of or len(seen) < rule.warm_up:
            continue
        vote = rule.vote(seen[-1].values)
        if vote is not None:
            agrees = None if row.signal not in TURNS or not vote else vote == TURNS[row.signal]
            yield {"rule": rule.name, "label": rule.label, "stands": LABELS[vote], "agrees": agrees}


def warnings(found: Facts) -> Iterable[Callable[[], str]]:
    """What a reader should know before relying on it."""
    row, rule, kept = found.row, found.rule, numbers(found.row)
    if row.backtested:
        yield lambda: _("Wyliczono wstecz: tej decyzji nikt nie mógł zobaczyć, gdy ta świeca się zamykała.")
    if found.beside.newer:
        yield lambda: _("Jest nowsze wydanie tej decyzji: źródło poprawiło liczby i reguła mówi teraz co innego.")
    if rule and not found.decided and not kept.get("withdrawn"):
        yield lambda: _("Notowań, z których to wyliczono, nie ma już w bazie: zostały tylko liczby w tym wierszu.")
    bars = kept.get("bars")
    if not kept.get("withdrawn") and rule and isinstance(bars, int) and bars < rule.warm_up:
        yield lambda: _("Reguła miała mniej świec, niż potrzebuje.")
