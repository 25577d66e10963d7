"""What an alert says, in the language that is on: one sentence an event, with what it was and how it ended."""

from datetime import date, timedelta
from decimal import Decimal

from django.utils.translation import gettext as _

from markets import formats
from markets.queries.prices import plain
from signals import rules
from signals.alerts.models import AlertEvent, AlertState, Kind
from signals.models import Signal

HOUR = timedelta(hours=1)
RATING_DECIMALS = 2


def asset(event: AlertEvent) -> str:
    """`BTC`; of what watches the installation its part, or the kind where it has none."""
    if event.instrument is not None:
        return str(event.instrument.base)
    return event.subject or capital(Kind(event.kind).label)


def capital(text: object) -> str:
    return f"{str(text)[:1].upper()}{str(text)[1:]}"


def figure(value: Decimal | str | None, least: int = 0) -> str:
    """All its digits, at least so many decimals."""
    text = plain(Decimal(value), least) if value is not None else None
    return formats.number(Decimal(text)) if text else formats.DASH


def price(event: AlertEvent) -> str:
    quote = event.instrument.quote if event.instrument else ""
    return f"{figure(event.price, event.scale)}{formats.NBSP}{quote}"


def sentence(event: AlertEvent) -> str:
    """`BTC: +5,24% w 10 min, cena 64 123,40 USD (próg 5%)`, and so on for every kind."""
    if event.kind == Kind.MOVE:
        return move(event)
    if event.kind in {Kind.LEVEL, Kind.RATING}:
        return crossed(event)
    if event.kind == Kind.SIGNAL:
        return _("%(asset)s: nowy sygnał %(signal)s (%(rule)s, %(timeframe)s)") % {
            "asset": asset(event),
            "signal": Signal.Label(event.details["signal"]).label,
            "rule": rule_label(event.details["rule"]),
            "timeframe": event.details["timeframe"],
        }
    return installation(event)


def rule_label(name: str) -> str:
    """As people call it; a rule that is configured no more has its stored name."""
    found = rules.find(name)
    return found.label if found else name


def span(minutes: int) -> str:
    """`10 min`, `24 h`."""
    hours, rest = divmod(minutes, 60)
    in_hours = hours > 1 and not rest
    return f"{formats.whole(hours if in_hours else minutes)}{formats.NBSP}{'h' if in_hours else 'min'}"


def move(event: AlertEvent) -> str:
    return _("%(asset)s: %(change)s w %(minutes)s, cena %(price)s (próg %(threshold)s%%)") % {
        "asset": asset(event),
        "change": formats.percent(event.change_pct or Decimal(0)),
        "minutes": span(event.window_minutes or 0),
        "price": price(event),
        "threshold": figure(event.threshold_pct),
    }


def crossed(event: AlertEvent) -> str:
    facts = {"asset": asset(event), "level": figure(event.details["level"])}
    is_up = event.direction == "up"
    if event.kind == Kind.RATING:
        facts |= {"value": figure(rounded(event.price)), "timeframe": event.details["timeframe"]}
        above = _("%(asset)s: ocena wzrosła do %(value)s, próg %(level)s (%(timeframe)s)")
        below = _("%(asset)s: ocena spadła do %(value)s, próg %(level)s (%(timeframe)s)")
    else:
        facts["value"] = price(event)
        above = _("%(asset)s: cena %(value)s, powyżej poziomu %(level)s")
        below = _("%(asset)s: cena %(value)s, poniżej poziomu %(level)s")
    return (above if is_up else below) % facts


def rounded(value: Decimal | None) -> Decimal:
    return round(value or Decimal(0), RATING_DECIMALS)


def installation(event: AlertEvent) -> str:
    texts = {
        Kind.SOURCE_STALE: _("Źródło %(subject)s milczy"),
        Kind.PUBLICATION_LATE: _("Tabela %(subject)s się spóźnia"),
        Kind.GAP: _("Luka w danych: %(subject)s"),
        Kind.DISK: _("Na dysku kończy się miejsce"),
        Kind.QUEUE_AGE: _("Kolejka %(subject)s nie bierze zadań"),
        Kind.CHANNEL_BROKEN: _("Kanał %(subject)s nie działa"),
    }
    text = texts[Kind(event.kind)] % {"subject": event.subject}
    if detail := event.details.get("detail"):
        text = f"{text} ({day_of(detail) if event.kind == Kind.PUBLICATION_LATE else detail})"
    silent = suspended(event) if event.kind == Kind.SOURCE_STALE and event.resolved_at is None else ""
    return f"{text}; {silent}" if silent else text


def day_of(detail: str) -> str:
    """`ostatnia z 27.11.2026`: of the newest table that there is."""
    return _("ostatnia z %(day)s") % {"day": formats.day(date.fromisoformat(detail))}


def suspended(event: AlertEvent) -> str:
    """`wstrzymano 200 reguł`: how many rules nothing is said of until the source answers again; empty for none."""
    source = event.subject.partition(".")[0]
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
