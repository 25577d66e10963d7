"""How followed series stand under every rule, as the engine keeps it: what the scanner and a coin's page show."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from markets.licence import Audience
from markets.models import Instrument
from markets.queries.asked_once import NUMBER, TEXTS, QuestionOf
from signals import ratings
from signals.api_rows import closed, closed_markets
from signals.models import AnalysisSnapshot
from signals.rules.rule import Rule

# Of the row that `signals.rules.squeeze_fired` keeps: bars of the squeeze that lasts, bars since one ended (1: now).
LASTING, ENDED = 0, 1


@dataclass(frozen=True, slots=True)
class Stand:
    """The newest state of a series under a rule, or its rating; `kept` are the numbers that the next bar needs."""

    code: str
    rule: str
    timeframe: str
    status: str
    stats: dict[str, Any]
    kept: tuple[float, ...]
    generated_at: datetime

    @property
    def is_warm(self) -> bool:
        return self.status == AnalysisSnapshot.Status.OK

    @property
    def bars(self) -> tuple[int, int]:
        """How many the series has, and how many the rule needs."""
        return int(self.stats.get("bars", 0)), int(self.stats.get("warm_up", 0))


Stands = dict[tuple[str, str], Stand]


def stands(
    instruments: Collection[int] | QuerySet[Instrument, Any], asker: Audience, timeframes: Collection[str] = ()
) -> dict[int, Stands]:
    """By instrument, then by (rule, timeframe); what may not be shown is left out. One query."""
    return arranged(question(instruments, asker, timeframes))


def questions_of_coin(kind: str, base: str, timeframe: str) -> "QuerySet[Any, Any]":
    return question(Instrument.objects.filter(kind=kind, base=base).values("pk"), Audience.PAGE, [timeframe])


OF_COIN = QuestionOf(questions_of_coin, *TEXTS)
OF_ONE = QuestionOf(lambda pk, timeframe: question([pk], Audience.PAGE, [timeframe]), NUMBER, TEXTS[0])


FOLLOWED = QuestionOf(
    lambda timeframe: question(
        Instrument.objects.filter(kind=Instrument.Kind.CRYPTO, listings__tracked=True).values("pk"),
        Audience.PAGE,
        [timeframe],
    ),
    TEXTS[0],
)


def of_followed_coins(timeframe: str) -> dict[int, Stands]:
    """As pages may show them; one query."""
    return arranged(FOLLOWED.rows_of(timeframe))


def of_coin(kind: str, base: str, timeframe: str) -> dict[int, Stands]:
    """All pairs of a coin, as pages may show them; one query."""
    return arranged(OF_COIN.rows_of(kind, base, timeframe))


def of_one(instrument: int, timeframe: str) -> dict[int, Stands]:
    """As pages may show it; one query."""
    return arranged(OF_ONE.rows_of(instrument, timeframe))


def question(
    instruments: Collection[int] | QuerySet[Instrument, Any], asker: Audience, timeframes: Collection[str]
) -> QuerySet[Any, Any]:
    wanted = Q(timeframe__in=timeframes) if timeframes else Q()
    rows = AnalysisSnapshot.objects.filter(
        wanted, instrument__in=instruments, window__in=AnalysisSnapshot.KEEPERS
    ).exclude(Q(instrument__in=closed(asker)) | Q(instrument__in=closed_markets(asker)))
    columns = ("instrument_id", "instrument__code", "rule", "timeframe", "status", "stats", "state", "generated_at")
    return rows.values_list(*columns)


def arranged(rows: Iterable[tuple[Any, ...]]) -> dict[int, Stands]:
    found: dict[int, Stands] = defaultdict(dict)
    for pk, code, rule, timeframe, status, stats, state, at in rows:
        kept = tuple(state.get("row", ())) if state else ()
        found[pk][rule, timeframe] = Stand(code, rule, timeframe, status, stats or {}, kept, at)
    return found


def named(found: Stands, rule: Rule, timeframe: str) -> Stand | None:
    return found.get((rule.name, timeframe))


def rated(found: Stands, timeframe: str) -> Stand | None:
    return found.get((ratings.NAME, timeframe))


def squeeze_of(stand: Stand) -> tuple[int, int | None]:
    """Bars of the squeeze that lasts (0: none does), and bars since the last one ended (None: none has)."""
    if len(stand.kept) <= ENDED:
        return 0, None
    ended = int(stand.kept[ENDED])
    return int(stand.kept[LASTING]), ended - 1 if ended else None
