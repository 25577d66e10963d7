"""What a chart is asked for, as the address of its page has it: unknown values are as if they were not there."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from urllib.parse import urlencode

from django.http import QueryDict

from markets.queries.history import DEFAULT_RANGE, RANGES
from signals import rules
from signals.drawn import INDICATORS
from signals.models import DAILY
from signals.rules import Rule

TIMEFRAMES = ("5m", "1h", "4h", "1d")
DEFAULT_TIMEFRAME = "1h"
DEFAULT_SHOWN = ("macd",)
NONE = "brak"
# Beyond them there is nothing to draw, and near the year 9999 no stretch can be widened nor put into another zone.
YEARS = range(1900, 2200)


@dataclass(frozen=True, slots=True)
class Question:
    """`first` and `last` are moments of the asked stretch, or None; `timeframe` is empty for official days.

    `primary` is the name of the rule that an address does not name: to make the rules anew at each address costs 1 ms.
    """

    code: str
    period: str
    first: datetime | None
    last: datetime | None
    shown: tuple[str, ...]
    compared: str
    logarithmic: bool
    rule: Rule
    primary: str
    timeframe: str = ""
    source: str = ""

    @property
    def candles(self) -> bool:
        return bool(self.timeframe)

    @property
    def bars(self) -> str:
        """The timeframe as the rules call it."""
        return self.timeframe or DAILY


def asked(query: QueryDict, code: str, candles: bool = False) -> Question:
    period, timeframe = query.get("zakres", ""), query.get("interwal", "")
    first, last = moment(query.get("od", "")), moment(query.get("do", ""), end=True)
    if first is not None and last is not None and first >= last:
        first = last = None
    primary = rules.primary()
    compared = query.get("porownaj", "").strip().upper()[:32]
    return Question(
        code=code,
        period=period if period in RANGES else DEFAULT_RANGE,
        first=first,
        last=last,
        shown=switched(query),
        compared="" if compared == code or "\0" in compared else compared,
        logarithmic=query.get("skala", "") == "log",
        rule=found_rule(query.get("regula", "")) or primary,
        primary=primary.name,
        timeframe=(timeframe if timeframe in TIMEFRAMES else DEFAULT_TIMEFRAME) if candles else "",
        source=query.get("zrodlo", "").strip().lower()[:32] if candles else "",
    )


def found_rule(text: str) -> Rule | None:
    return rules.find(text) if text else None


def switched(query: QueryDict) -> tuple[str, ...]:
    """`wskazniki=macd,rsi`, also a parameter each, as a form sends them; one that is empty: none."""
    if "wskazniki" not in query:
        return DEFAULT_SHOWN
    wanted = ",".join(query.getlist("wskazniki")).split(",")
    return tuple(name for name in INDICATORS if name in wanted)


def moment(text: str, end: bool = False) -> datetime | None:
    """`2026-10-26`, or `2026-10-26T10:00Z`; a day as an end is its last minute. None for what is neither."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    if found.year not in YEARS:
        return None
    if end and len(text) == len("2026-10-26"):
        found += timedelta(hours=23, minutes=59)
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def text_of(value: datetime, question: Question) -> str:
    """As `moment` reads it and as the address writes it."""
    return f"{value:%Y-%m-%dT%H:%MZ}" if question.candles and question.timeframe != DAILY else f"{value:%Y-%m-%d}"


def midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def parameters(question: Question, **changes: str) -> str:
    """The question as the end of an address, in one order and without what is so by default; "" without any."""
    shown = ",".join(question.shown) or NONE
    facts: Mapping[str, str] = {
        "interwal": question.timeframe if question.timeframe not in {"", DEFAULT_TIMEFRAME} else "",
        "zrodlo": question.source,
        "zakres": question.period if question.period != DEFAULT_RANGE else "",
        "od": text_of(question.first, question) if question.first else "",
        "do": text_of(question.last, question) if question.last else "",
        "wskazniki": shown if question.shown != DEFAULT_SHOWN else "",
        "porownaj": question.compared,
        "skala": "log" if question.logarithmic else "",
        "regula": question.rule.name if question.rule.name != question.primary else "",
    }
    kept = {name: value for name, value in {**facts, **changes}.items() if value}
    return f"?{urlencode(kept, safe=',:')}" if kept else ""
