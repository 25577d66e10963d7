"""The explanation of one decision as the API gives it: in Polish and in English, with the bars that decided."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from django.utils import translation
from django.utils.translation import gettext as _

from markets import formats, timeframes
from signals import flip, ledger, rules, snapshots, tables
from signals.digits import plain, rounded
from signals.explain import TURNS
from signals.lookback import Seen, look_back
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
    rule = rules.find(row.rule)
    seen = look_back(row.instrument, row.timeframe, rule, row.as_of) if rule else []
    decided = [one for one in seen[-2:] if rule] if seen and seen[-1].moment == row.as_of else []
    scale = decimals(row, decided)
    return {
        "id": row.pk,
        "code": row.instrument.code,
        "rule": row.rule,
        "timeframe": row.timeframe,
        "as_of": shown(row.as_of, row.timeframe),
        "signal": row.signal,
        "edition": row.version,
        "backtested": row.backtested,
        "sentence": both(lambda: sentence(rule, row, decided[0].moment if len(decided) > 1 else None, scale)),
        "formula": both(lambda: list(rule.formula()) if rule else []),
        "parameters": dict(rule.arguments) if rule else {},
        "bars": [bar(rule, one, row.timeframe, scale) for one in decided if rule],
        "flip": turn(rule, row, scale) if rule else None,
        "rules": [vote for other in rules.active() for vote in stand(other, row)],
        "warnings": [both(said) for said in warnings(rule, row, decided)],
    }


def shown(moment: datetime, timeframe: str) -> Any:
    return moment.date() if timeframe == DAILY else moment


def decimals(row: Signal, decided: list[Seen]) -> int:
    """Of an official rate as published; of candles the most that one of the closes has."""
    if tables.is_official(row.instrument, row.timeframe):
        scales = tables.official(row.instrument).filter(effective_date__lte=row.as_of).values_list("scale", flat=True)
        return scales.last() or 0
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


def turn(rule: Rule, row: Signal, scale: int) -> dict[str, Any] | None:
    """What the next close after the newest bar must be for the opposite of the newest BUY or SELL."""
    newest = snapshots.states(row.instrument, row.timeframe).get(rule.name)
    decided = snapshots.newest_decision(row.instrument, rule, row.timeframe)
    if newest is None or not decided:
        return None
    seen = look_back(row.instrument, row.timeframe, rule, newest.as_of)
    if not seen or seen[-1].moment != newest.as_of:
        return None
    wanted = -TURNS[decided["turned"]]
    close = seen[-1].values["close"]
    later = newest.as_of + timedelta(seconds=timeframes.SECONDS[row.timeframe])
    price = flip.turning_close(rule, newest.row, close, later.timestamp(), wanted)
    return {
        "signal": LABELS[wanted],
        "after": shown(newest.as_of, row.timeframe),
        "price": None if price is None else f"{rounded(price, scale):f}",
        **both(lambda: flip.said(price, close, wanted, scale)),
    }


def stand(rule: Rule, row: Signal) -> Iterable[dict[str, Any]]:
    """How another rule stood on the same bar, where it applies to the series and was warm."""
    if row.timeframe not in rule.timeframes or rule.name == row.rule:
        return
    seen = look_back(row.instrument, row.timeframe, rule, row.as_of)
    if not seen or seen[-1].moment != row.as_of or len(seen) < rule.warm_up:
        return
    vote = rule.vote(seen[-1].values)
    if vote is not None:
        agrees = None if row.signal not in TURNS or not vote else vote == TURNS[row.signal]
        yield {"rule": rule.name, "label": rule.label, "stands": LABELS[vote], "agrees": agrees}


def warnings(rule: Rule | None, row: Signal, decided: list[Seen]) -> Iterable[Callable[[], str]]:
    """What a reader should know before relying on it."""
    if row.backtested:
        yield lambda: _("Wyliczono wstecz: tej decyzji nikt nie mógł zobaczyć, gdy ta świeca się zamykała.")
    if Signal.objects.filter(
        instrument=row.instrument, rule=row.rule, timeframe=row.timeframe, as_of=row.as_of, version__gt=row.version
    ).exists():
        yield lambda: _("Jest nowsze wydanie tej decyzji: źródło poprawiło liczby i reguła mówi teraz co innego.")
    kept = numbers(row)
    if rule and not decided and not kept.get("withdrawn"):
        yield lambda: _("Notowań, z których to wyliczono, nie ma już w bazie: zostały tylko liczby w tym wierszu.")
    bars = kept.get("bars")
    if not kept.get("withdrawn") and rule and isinstance(bars, int) and bars < rule.warm_up:
        yield lambda: _("Reguła miała mniej świec, niż potrzebuje.")
