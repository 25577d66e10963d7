"""Alerts and their rules in words: what happened, what is watched."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from markets import formats
from markets.queries.prices import plain
from signals.alerts import words
from signals.alerts.models import AlertRule, Direction, Kind

HOUR_MINUTES, DAY_MINUTES = 60, 24 * 60


def window(minutes: int) -> str:
    """`10 minut`, `1 godziny`, `7 dni`: the genitive, as after `w ciągu`."""
    if minutes % DAY_MINUTES == 0:
        return formats.plural(minutes // DAY_MINUTES, _("dnia,dni,dni"))
    if minutes % HOUR_MINUTES == 0:
        return formats.plural(minutes // HOUR_MINUTES, _("godziny,godzin,godzin"))
    return formats.plural(minutes, _("minuty,minut,minut"))


def bars(timeframe: str) -> str:
    """`dziennych`: the genitive and locative, as after `świec` and `na świecach`."""
    names = {"1d": _("dziennych"), "4h": _("4-godzinnych"), "1h": _("godzinnych"), "5m": _("5-minutowych")}
    return names.get(timeframe, timeframe)


def share(value: Decimal) -> str:
    """`5%`, `5,2381%`: the digits that it has."""
    return f"{formats.number(Decimal(plain(value, 0) or 0))}%"


def what_happened(event: Mapping[str, Any]) -> str:
    """`+5,24% w 10 min, cena 64 123,40 USD (próg 5%)`; of the columns of an AlertEvent (`words.COLUMNS`)."""
    return words.what(event)


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
    level = formats.money(words.decimal_of(rule.level), rule.instrument.quote if rule.instrument else "")
    return texts[Direction(rule.direction)] % {"level": level}


def watched_signal(rule: AlertRule) -> str:
    facts = {"rule": words.rule_label(rule.rule), "bars": bars(rule.timeframe)}
    return _("nowy sygnał reguły %(rule)s na świecach %(bars)s") % facts


def watched_rating(rule: AlertRule) -> str:
    texts = {
        Direction.UP: _("ocena świec %(bars)s powyżej %(level)s"),
        Direction.DOWN: _("ocena świec %(bars)s poniżej %(level)s"),
        Direction.BOTH: _("ocena świec %(bars)s przechodzi przez %(level)s"),
    }
    facts = {"level": formats.number(words.decimal_of(rule.level)), "bars": bars(rule.timeframe)}
    return texts[Direction(rule.direction)] % facts
