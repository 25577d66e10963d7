"""The page about the data: sources and their hours, what is done to a figure, rules and formulas."""

from collections.abc import Iterable
from datetime import time
from decimal import Decimal

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.cache import cache_control
from django.views.decorators.http import conditional_page, require_safe

from charon.pages.charts.question import TIMEFRAMES
from markets import clock, formats
from markets.models import Source
from markets.queries import calendars, source_facts
from markets.queries.calendars import Timetable
from markets.queries.source_facts import SourceFacts
from markets.queries.tables import TIMETABLES
from markets.views import HtmxRequest, Row, page, shown_sources
from signals import rating
from signals.rules import RULES, Rule

# What each rule does, by its file; its parameters follow from the rule itself.
FORMULAS = {
    "macd_cross": gettext_noop(
        "MACD = EMA(szybka) − EMA(wolna) ceny zamknięcia; linia sygnału = EMA(MACD). KUP, gdy histogram (MACD"
        " − linia sygnału) przechodzi z ujemnego na dodatni, SPRZEDAJ odwrotnie."
    ),
    "rsi_reversal": gettext_noop(
        "RSI Wildera. KUP, gdy RSI wraca z dołu ponad próg wyprzedania, SPRZEDAJ, gdy wraca z góry pod próg wykupienia."
    ),
    "bollinger_reentry": gettext_noop(
        "Wstęgi Bollingera: średnia prosta ± wielokrotność odchylenia standardowego. KUP, gdy cena wraca do "
        "wnętrza spod dolnej wstęgi, SPRZEDAJ, gdy wraca znad górnej."
    ),
    "vwap_side": gettext_noop(
        "VWAP: średnia cena ważona obrotem od początku doby UTC. KUP, gdy cena przechodzi na jego górną "
        "stronę, SPRZEDAJ, gdy na dolną; tylko tam, gdzie znany jest obrót."
    ),
    "squeeze_fired": gettext_noop(
        "Ścisk: wstęgi Bollingera mieszczą się w kanale Keltnera. Gdy z niego wychodzą, kierunek wskazuje "
        "impet: w górę KUP, w dół SPRZEDAJ."
    ),
    "stoch_rsi_cross": gettext_noop(
        "Stochastyczny RSI: położenie RSI w jego własnym zakresie. KUP, gdy linia K przecina linię D od dołu "
        "w dolnej strefie, SPRZEDAJ, gdy od góry w górnej."
    ),
    "ribbon_trend": gettext_noop(
        "Wstążka ośmiu średnich wykładniczych. KUP, gdy wszystkie ułożą się rosnąco (krótsza nad dłuższą), "
        "SPRZEDAJ, gdy malejąco."
    ),
}
TABLES = {
    "A": gettext_noop("NBP, tabela A: kursy średnie walut wymienialnych"),
    "B": gettext_noop("NBP, tabela B: kursy średnie pozostałych walut"),
    "C": gettext_noop("NBP, tabela C: kursy kupna i sprzedaży"),
    "gold": gettext_noop("NBP: cena 1 g złota próby 1000"),
    "eurofxref": gettext_noop("EBC: kursy referencyjne euro"),
}


@require_safe
@cache_control(no_cache=True)
@conditional_page
def view(request: HtmxRequest) -> HttpResponse:
    """Two queries: the sources, and once more for the footer."""
    context: Row = {
        "known": [source_row(facts) for facts in source_facts.shown()],
        "tables": [table_row(letter, timetable) for letter, timetable in TIMETABLES.items()],
        "rules": [rule_row(file, configured()) for file, configured in RULES.items()],
        "grades": grades(),
        "sources": shown_sources(Source.objects.all()),
    }
    return page(request, "method/method.html", context, until=calendars.midnight_after(clock.now()))


def source_row(facts: SourceFacts) -> Row:
    return {"name": facts.name, "url": facts.url, "licence": facts.licence, "attribution": facts.attribution}


def table_row(letter: str, timetable: Timetable) -> Row:
    return {"name": _(TABLES[letter]), "days": days_of(timetable.weekdays), "hours": hours(timetable)}


def days_of(weekdays: Iterable[int]) -> str:
    days = tuple(weekdays)
    names = formats.chosen(None).weekdays
    if len(days) == 5:
        return _("dni robocze")
    return _("zwykle środa, przed świętem wcześniej") if days == (0, 1, 2) else ", ".join(names[day] for day in days)


def hours(timetable: Timetable) -> str:
    if timetable.start is None or timetable.end is None:
        return _("godziny nikt nie ogłasza")
    return f"{clock_time(timetable.start)}–{clock_time(timetable.end)}"


def clock_time(value: time) -> str:
    return f"{value:%H:%M}"


def rule_row(file: str, rule: Rule) -> Row:
    return {
        "label": rule.label,
        "formula": _(FORMULAS[file]),
        "frames": ", ".join(sorted(rule.timeframes, key=TIMEFRAMES.index)),
        "warm_up": formats.plural(rule.warm_up, _("świeca,świece,świec")),
    }


def grades() -> list[Row]:
    """The words of the rating and the numbers between which each is said, the best first."""
    strong, weak = (formats.number(Decimal(str(bound))) for bound in (rating.STRONG, rating.WEAK))
    minus = formats.MINUS
    return [
        {"word": _("zdecydowanie KUP"), "when": f"> {strong}"},
        {"word": _("KUP"), "when": f"{weak} … {strong}"},
        {"word": _("neutralnie"), "when": f"{minus}{weak} … {weak}"},
        {"word": _("SPRZEDAJ"), "when": f"{minus}{strong} … {minus}{weak}"},
        {"word": _("zdecydowanie SPRZEDAJ"), "when": f"< {minus}{strong}"},
    ]
