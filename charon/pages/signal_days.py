"""The days between which the list of signals is asked about, as they were typed."""

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from django.http import QueryDict
from django.utils.translation import gettext as _

from charon.pages import typed_day
from markets.clock import WARSAW

NAMES = ("od", "do")
# No bar is older, and none will be younger for long; beyond them lie days that no clock can convert.
FIRST, LAST = date(1900, 1, 1), date(2200, 1, 1)


@dataclass(frozen=True, slots=True)
class Days:
    """`typed` is what stands in the fields, by name; with a `fault` nothing is asked for. `wrong` are its fields."""

    typed: dict[str, str]
    columns: dict[str, datetime] = field(default_factory=dict)
    fault: str = ""
    wrong: tuple[str, ...] = ()


def days_of(asked: QueryDict) -> Days:
    """Both days included, as the clock in Poland has them: the bar of a day begins on it in Polish time too."""
    texts = {name: asked.get(name, "").replace("\0", "").strip()[: typed_day.LONGEST] for name in NAMES}
    found: dict[str, date] = {}
    for name, text in texts.items():
        try:
            found |= {name: typed_day.day(text)} if text else {}
        except typed_day.TypingError:
            fault = _("Nie ma takiego dnia: „%(text)s”. Wpisz na przykład %(example)s.")
            facts = {"text": text, "example": typed_day.shown(date(2026, 10, 15))}
            return Days(texts, fault=fault % facts, wrong=(name,))
    typed = texts | {name: typed_day.shown(day) for name, day in found.items()}
    if len(found) == 2 and found["od"] > found["do"]:
        return Days(typed, fault=_("Dzień „od” jest późniejszy niż dzień „do”."), wrong=NAMES)
    return Days(typed, columns_of(found))


def columns_of(found: dict[str, date]) -> dict[str, datetime]:
    columns = {}
    if "od" in found:
        columns["as_of__gte"] = midnight(found["od"])
    if "do" in found:
        columns["as_of__lt"] = midnight(min(found["do"], LAST) + timedelta(days=1))
    return columns


def midnight(day: date) -> datetime:
    return datetime.combine(max(min(day, LAST), FIRST), time(), WARSAW)
