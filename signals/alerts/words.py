"""What an alert says, in the language that is on: on the page, in the feed and in messages alike.

An event is the mapping of its columns (`COLUMNS`), as pages read it; `of_event` makes it of a row.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, TypeAlias

from django.utils.translation import gettext as _

from markets import formats
from markets.queries.prices import plain
from signals import rules
from signals.alerts.models import AlertEvent, AlertState, Direction, Kind
from signals.models import Signal

Event: TypeAlias = Mapping[str, Any]
COLUMNS = (
    *("kind", "subject", "instrument__base", "instrument__quote", "window_minutes", "threshold_pct", "change_pct"),
    *("direction", "price", "scale", "details", "resolved_at"),
)
HOUR = timedelta(hours=1)
RATING_DECIMALS = 2
# Of a price that has more than the satoshi so many digits are shown, as on the pages of coins.
MOST_DECIMALS, FEWEST_DIGITS = 8, 6


def of_event(event: AlertEvent) -> Event:
    asset = event.instrument
    names = {"instrument__base": asset.base if asset else None, "instrument__quote": asset.quote if asset else None}
    return names | {name: getattr(event, name) for name in COLUMNS if name not in names}


def asset(event: Event) -> str:
    """`BTC`; of what watches the installation its part, or the kind where it has none."""
    return event["instrument__base"] or event["subject"] or capital(Kind(event["kind"]).label)


def capital(text: object) -> str:
    return f"{str(text)[:1].upper()}{str(text)[1:]}"


def figure(value: Decimal | str | None, least: int = 0) -> str:
    """All its digits, at least so many decimals."""
    text = plain(decimal_of(value), least) if value is not None else None
    return formats.number(Decimal(text)) if text else formats.DASH


def decimal_of(text: object) -> Decimal:
    """What the details keep as digits; 0 for what they have lost."""
    try:
        return Decimal(plain(Decimal(str(text)), 0) or 0)
    except InvalidOperation:
        return Decimal(0)


def price(event: Event) -> str:
    """As its source published it; more decimals than the satoshi has are a double that the source has computed."""
    value: Decimal | None = event["price"]
    if value is None:
        return formats.DASH
    shown = Decimal(plain(value, event["scale"]) or 0)
    if -int(shown.as_tuple().exponent) > MOST_DECIMALS:
        decimals = max(event["scale"], min(MOST_DECIMALS, FEWEST_DIGITS - 1 - shown.adjusted()))
        shown = shown.quantize(Decimal(1).scaleb(-decimals))
    return formats.money(shown, event["instrument__quote"] or "")


def sentence(event: Event) -> str:
    """`BTC: +5,24% w 10 min, cena 64 123,40 USD (próg 5%)`, and so on for every kind."""
    said = what(event)
    return f"{asset(event)}: {said}" if event["kind"] in OF_ASSETS else said


def what(event: Event) -> str:
    """The same without the asset, for a table that has a column of it."""
    return OF_ASSETS.get(event["kind"], installation)(event)


def rule_label(name: str) -> str:
    """As people call it; a rule that is configured no more has its stored name."""
    found = rules.find(name)
    return found.label if found else name


def decided(event: Event) -> str:
    details = event["details"]
    signal = details.get("signal", "")
    return _("nowy sygnał %(signal)s (%(rule)s, %(timeframe)s)") % {
        "signal": Signal.Label(signal).label if signal in Signal.Label.values else signal,
        "rule": rule_label(details.get("rule", "")),
        "timeframe": candles(details.get("timeframe", "")),
    }


def candles(timeframe: str) -> str:
    """`świece dzienne`."""
    names = {
        "1d": _("świece dzienne"),
        "4h": _("świece 4-godzinne"),
        "1h": _("świece godzinne"),
        "5m": _("świece 5-minutowe"),
    }
    return names.get(timeframe, timeframe)


def span(minutes: int) -> str:
    """`10 min`, `24 h`."""
    hours, rest = divmod(minutes, 60)
    in_hours = hours > 1 and not rest
    return f"{formats.whole(hours if in_hours else minutes)}{formats.NBSP}{'h' if in_hours else 'min'}"


def moved(event: Event) -> str:
    return _("%(change)s w %(minutes)s, cena %(price)s (próg %(threshold)s%%)") % {
        "change": formats.percent(event["change_pct"] or Decimal(0)),
        "minutes": span(event["window_minutes"] or 0),
        "price": price(event),
        "threshold": figure(event["threshold_pct"]),
    }


def crossed(event: Event) -> str:
    facts = {"level": figure(event["details"].get("level", 0)), "value": price(event)}
    above, below = _("cena %(value)s, powyżej poziomu %(level)s"), _("cena %(value)s, poniżej poziomu %(level)s")
    return (above if event["direction"] == Direction.UP else below) % facts


def rated(event: Event) -> str:
    details = event["details"]
    facts = {"value": figure(rounded(event["price"])), "level": figure(details.get("level", 0))}
    facts["timeframe"] = candles(details.get("timeframe", ""))
    above = _("ocena wzrosła do %(value)s, próg %(level)s (%(timeframe)s)")
    below = _("ocena spadła do %(value)s, próg %(level)s (%(timeframe)s)")
    return (above if event["direction"] == Direction.UP else below) % facts


OF_ASSETS = {Kind.MOVE: moved, Kind.LEVEL: crossed, Kind.SIGNAL: decided, Kind.RATING: rated}


def rounded(value: Decimal | None) -> Decimal:
    return round(value or Decimal(0), RATING_DECIMALS)


def installation(event: Event) -> str:
    texts = {
        Kind.SOURCE_STALE: _("Źródło %(subject)s milczy"),
        Kind.PUBLICATION_LATE: _("Tabela %(subject)s się spóźnia"),
        Kind.GAP: _("Luka w danych: %(subject)s"),
        Kind.DISK: _("Na dysku kończy się miejsce"),
        Kind.QUEUE_AGE: _("Kolejka %(subject)s nie bierze zadań"),
        Kind.CHANNEL_BROKEN: _("Kanał %(subject)s nie działa"),
    }
    text = texts[Kind(event["kind"])] % {"subject": event["subject"]}
    if detail := event["details"].get("detail"):
        text = f"{text} ({day_of(detail) if event['kind'] == Kind.PUBLICATION_LATE else detail})"
    return text


def day_of(detail: str) -> str:
    """`ostatnia z 27.11.2026`: of the newest table that there is."""
    return _("ostatnia z %(day)s") % {"day": formats.day(date.fromisoformat(detail))}


def suspended(event: Event) -> str:
    """`wstrzymano 200 reguł`: how many rules nothing is said of until the source answers again; empty for none.

    One statement: for the messages that are sent, not for the rows of a page.
    """
    if event["kind"] != Kind.SOURCE_STALE or event["resolved_at"] is not None:
        return ""
    source = event["subject"].partition(".")[0]
    states = AlertState.objects.filter(state=AlertState.State.SUSPENDED, source__code=source)
    count = states.values("rule").distinct().count()
    if not count:
        return ""
    return _("wstrzymano %(rules)s") % {"rules": formats.plural(count, _("regułę,reguły,reguł"))}


def end(event: AlertEvent) -> str:
    """`ustąpił po 3 minutach`."""
    if event.resolved_at is None:
        return _("ustąpił")
    lasted = event.resolved_at - event.observed_at
    minutes, hours = int(lasted / timedelta(minutes=1)), int(lasted / HOUR)
    if minutes < 1:
        return _("ustąpił po chwili")
    if hours < 2:
        time = formats.plural(minutes, _("minucie,minutach,minutach"))
    elif hours < 48:
        time = formats.plural(hours, _("godzinie,godzinach,godzinach"))
    else:
        time = formats.plural(lasted.days, _("dniu,dniach,dniach"))
    return _("ustąpił po %(time)s") % {"time": time}
