"""Alerts and their rules in words: what happened, what is watched."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.translation import gettext as _

from charon.pages.badge import word
from markets import formats
from markets.queries.prices import plain
from signals import rules
from signals.alerts.models import AlertRule, Direction, Kind
from signals.models import Signal

HOUR_MINUTES, DAY_MINUTES = 60, 24 * 60
TENTH = Decimal("0.1")


def window(minutes: int) -> str:
    """`10 minut`, `1 godziny`, `7 dni`: the genitive, as after `w ciągu`."""
    if minutes % DAY_MINUTES == 0:
        return formats.plural(minutes // DAY_MINUTES, _("dnia,dni,dni"))
    if minutes % HOUR_MINUTES == 0:
        return formats.plural(minutes // HOUR_MINUTES, _("godziny,godzin,godzin"))
    return formats.plural(minutes, _("minuty,minut,minut"))


def share(value: Decimal) -> str:
    """`5%`, `5,2381%`: the digits that it has."""
    return f"{formats.number(Decimal(plain(value, 0) or 0))}%"


def money(value: Decimal, scale: int, quote: str) -> str:
    return formats.money(Decimal(plain(value, scale) or 0), quote)


def rule_label(name: str) -> str:
    """As people call it; a rule that is configured no more has its stored name."""
    found = rules.find(name)
    return found.label if found else name


def what_happened(event: Mapping[str, Any]) -> str:
    """`wzrost o 5,24% w ciągu 10 minut, cena 64 123,40 USD`; of the columns of an AlertEvent."""
    by_kind = {Kind.MOVE: moved, Kind.LEVEL: crossed, Kind.SIGNAL: decided, Kind.RATING: rated}
    return by_kind[Kind(event["kind"])](event)


def moved(event: Mapping[str, Any]) -> str:
    change = abs(event["change_pct"] or Decimal(0)).quantize(formats.HUNDREDTH)
    facts = {
        "change": f"{formats.number(change)}%",
        "window": window(event["window_minutes"] or 0),
        "price": price_of(event),
    }
    if event["direction"] == Direction.UP:
        return _("wzrost o %(change)s w ciągu %(window)s, cena %(price)s") % facts
    return _("spadek o %(change)s w ciągu %(window)s, cena %(price)s") % facts


def crossed(event: Mapping[str, Any]) -> str:
    facts = {
        "level": formats.money(decimal_of(event["details"].get("level")), quote_of(event)),
        "price": price_of(event),
    }
    if event["direction"] == Direction.UP:
        return _("cena wzrosła powyżej poziomu %(level)s: %(price)s") % facts
    return _("cena spadła poniżej poziomu %(level)s: %(price)s") % facts


def decided(event: Mapping[str, Any]) -> str:
    details = event["details"]
    label = details.get("signal", "")
    facts = {
        "signal": word(label) if label in Signal.Label.values else label,
        "rule": rule_label(details.get("rule", "")),
        "timeframe": details.get("timeframe", ""),
    }
    return _("nowy sygnał %(signal)s reguły %(rule)s (interwał %(timeframe)s)") % facts


def rated(event: Mapping[str, Any]) -> str:
    facts = {
        "level": formats.number(decimal_of(event["details"].get("level"))),
        "rating": formats.signed((event["price"] or Decimal(0)).quantize(formats.HUNDREDTH)),
    }
    if event["direction"] == Direction.UP:
        return _("ocena wzrosła powyżej %(level)s: %(rating)s") % facts
    return _("ocena spadła poniżej %(level)s: %(rating)s") % facts


def price_of(event: Mapping[str, Any]) -> str:
    return money(event["price"] or Decimal(0), event["scale"], quote_of(event))


def quote_of(event: Mapping[str, Any]) -> str:
    return event["instrument__quote"] or ""


def decimal_of(text: object) -> Decimal:
    """What the details keep as digits; 0 for what they have lost."""
    try:
        return Decimal(plain(Decimal(str(text)), 0) or 0)
    except InvalidOperation:
        return Decimal(0)


def what_is_watched(rule: AlertRule) -> str:
    """`zmiana o co najmniej 5% w ciągu 1 godziny, w górę lub w dół`."""
    by_kind = {Kind.MOVE: watched_move, Kind.LEVEL: watched_level, Kind.SIGNAL: watched_signal}
    return by_kind.get(Kind(rule.kind), watched_rating)(rule)


def watched_move(rule: AlertRule) -> str:
    texts = {
        Direction.UP: _("wzrost o co najmniej %(threshold)s w ciągu %(window)s"),
        Direction.DOWN: _("spadek o co najmniej %(threshold)s w ciągu %(window)s"),
        Direction.BOTH: _("wzrost albo spadek o co najmniej %(threshold)s w ciągu %(window)s"),
    }
    facts = {"threshold": share(rule.threshold_pct or Decimal(0)), "window": window(rule.window_minutes or 0)}
    return texts[Direction(rule.direction)] % facts


def watched_level(rule: AlertRule) -> str:
    texts = {
        Direction.UP: _("cena powyżej poziomu %(level)s"),
        Direction.DOWN: _("cena poniżej poziomu %(level)s"),
        Direction.BOTH: _("cena przechodzi przez poziom %(level)s"),
    }
    level = formats.money(decimal_of(rule.level), rule.instrument.quote if rule.instrument else "")
    return texts[Direction(rule.direction)] % {"level": level}


def watched_signal(rule: AlertRule) -> str:
    facts = {"rule": rule_label(rule.rule), "timeframe": rule.timeframe}
    return _("nowy sygnał reguły %(rule)s (interwał %(timeframe)s)") % facts


def watched_rating(rule: AlertRule) -> str:
    texts = {
        Direction.UP: _("ocena powyżej %(level)s (interwał %(timeframe)s)"),
        Direction.DOWN: _("ocena poniżej %(level)s (interwał %(timeframe)s)"),
        Direction.BOTH: _("ocena przechodzi przez %(level)s (interwał %(timeframe)s)"),
    }
    facts = {"level": formats.number(decimal_of(rule.level)), "timeframe": rule.timeframe}
    return texts[Direction(rule.direction)] % facts
