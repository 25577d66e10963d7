"""How every rule stands on a coin's candles, with the sentence of its newest BUY or SELL and the way to its page."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from charon.pages.badge import word
from charon.pages.crypto import scan_cells, words
from charon.pages.instrument_rules import MOST_VALUES
from markets import formats
from markets.views import Row
from signals import rating, reasons, rules, stands
from signals.digits import rounded, small
from signals.rules import Rule
from signals.rules.rule import Value
from signals.stands import Stand, Stands


def context(found: Stands, timeframe: str, scale: int) -> Row:
    """One query, where some rule has turned."""
    applied = [rule for rule in rules.active() if timeframe in rule.timeframes]
    stood = {rule.name: stands.named(found, rule, timeframe) for rule in applied}
    turned = [pk for stand in stood.values() if (pk := turned_id(stand)) is not None]
    why = reasons.reasons(turned, {rule.name: rule for rule in applied}) if turned else {}
    return {
        "rules": [rule_row(rule, stood[rule.name], why, scale) for rule in applied] if found else [],
        "rating": rating_row(stands.rated(found, timeframe)),
        "beside_rules": [rule.label for rule in rules.active() if timeframe not in rule.timeframes],
    }


def turned_id(stand: Stand | None) -> int | None:
    return stand.stats.get("turned_id") if stand is not None and stand.is_warm else None


def rule_row(rule: Rule, stand: Stand | None, why: Mapping[int, str], scale: int) -> Row:
    number = turned_id(stand)
    return {
        "name": rule.name,
        "label": rule.label,
        "chip": words.chip(stand) if stand else None,
        "missing": "" if stand else _("jeszcze nie wyliczono"),
        "values": list(values(rule, stand.stats, scale)) if stand and stand.is_warm else [],
        "why": why.get(number, "") if number else "",
        "turned": word(stand.stats["turned"]) if stand and number else "",
        "href": reverse("signal", args=[number]) if number else "",
    }


def values(rule: Rule, stats: Mapping[str, Any], scale: int) -> Iterable[tuple[str, str]]:
    titled = [value for value in rule.values if value.title and stats.get(value.name) is not None]
    for value in titled if len(titled) <= MOST_VALUES else (titled[0], titled[-1]):
        yield value.title, value_text(value, stats[value.name], scale)


def value_text(value: Value, number: float, scale: int) -> str:
    """Oscillators run from 0 to 100 whatever the price is; everything else is a price."""
    if value.name in {"rsi", "k", "d"}:
        return formats.number(rounded(number, scan_cells.RSI_PLACES))
    return small(number, scale) if value.signed else formats.number(rounded(number, scale))


def rating_row(stand: Stand | None) -> Row | None:
    """The rating with the sentence of its votes."""
    shown = words.rating(stand)
    if shown is None or stand is None:
        return None
    counts = {name: int(stand.stats.get(name, 0)) for name in ("buy", "sell", "neutral", "rules")}
    told = rating.Rating(stand.stats["rating"], rating.Label(stand.stats["label"]), **counts)
    return shown | {"sentence": rating.sentence(told)}
