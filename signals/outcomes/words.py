"""What may be said about a panel, in the language that is on: nothing that its numbers do not carry."""

from decimal import ROUND_HALF_UP, Decimal
from math import expm1

from django.utils.translation import gettext as _

from markets import formats
from signals.outcomes.models import Family, Outcome
from signals.outcomes.panel import ENOUGH

Says = Outcome.Says
# What has been told from chance, in either direction.
TOLD = (Says.BETTER, Says.WORSE)
TENTH, TEN_THOUSANDTH = Decimal("0.1"), Decimal("0.0001")


def verdict(row: Outcome) -> str:
    """The one sentence about a panel."""
    if row.says == Says.TOO_LITTLE:
        count = formats.plural(row.n, _("sygnał,sygnały,sygnałów"))
        return _("Za mało danych: %(count)s, potrzeba %(enough)s.") % {"count": count, "enough": ENOUGH}
    if row.says not in TOLD:
        count = formats.plural(row.panels, _("sprawdzony wynik,sprawdzone wyniki,sprawdzonych wyników"))
        return _("Nie odróżnia się od przypadku (%(count)s).") % {"count": count}
    text = (
        _("Odróżnia się od przypadku (p = %(p)s, poprawione na %(count)s). Po kosztach: %(net)s.")
        if row.says == Says.BETTER
        else _("Gorzej niż przypadek (p = %(p)s, poprawione na %(count)s). Po kosztach: %(net)s.")
    )
    return text % {"p": probability(row.p), "count": corrected(row.panels), "net": net(row)}


def corrected(panels: int) -> str:
    return formats.plural(panels, _("wynik,wyniki,wyników"))


def probability(value: float | None) -> str:
    """`0,0123`; 9,999 draws know no smaller one than 0.0001."""
    if value is None:
        return formats.DASH
    return formats.number(Decimal(repr(value)).quantize(TEN_THOUSANDTH, ROUND_HALF_UP))


def net(row: Outcome) -> str:
    return _("nie dotyczy") if row.net is None else move(row.net)


def move(value: float) -> str:
    """A logarithmic move as the percentage that it is: `+0,42%`."""
    return formats.percent(Decimal(repr(100 * expm1(value))))


def effect(value: float) -> str:
    """The same of a size, which has no sign: `0,42%`."""
    return move(abs(value)).removeprefix("+")


def share(value: float) -> str:
    """`53,1%` of a part of one."""
    return per_hundred(Decimal(repr(value)) * 100)


def per_hundred(value: Decimal) -> str:
    return f"{formats.number(value.quantize(TENTH, ROUND_HALF_UP))}%"


def after(row: Outcome) -> str:
    """`po 5 notowaniach`: official rates have no candles."""
    official = row.family == Family.OFFICIAL
    forms = _("notowaniu,notowaniach,notowaniach") if official else _("świecy,świecach,świecach")
    return _("po %(bars)s") % {"bars": formats.plural(row.horizon, forms)}


def origin(row: Outcome) -> str:
    return _("na żywo") if row.live else _("wyliczone wstecz")


def facts(row: Outcome) -> list[tuple[str, str]]:
    """Name and value of each figure that there is; below ENOUGH there is none but the number."""
    found = [(_("Sygnały"), formats.whole(row.n))]
    if row.says == Says.TOO_LITTLE:
        return found
    found.append((_("Efektywna liczba sygnałów"), formats.whole(round(row.n_eff))))
    if row.hit_rate is not None:
        found += [(_("Trafność"), share(row.hit_rate)), (_("Przedział ufności 95%"), interval(row))]
    moves = {
        _("Średnia zmiana"): row.mean,
        _("Mediana"): row.median,
        _("Najgorszy wynik"): row.worst,
        _("Zwykłe trzymanie"): row.holding,
    }
    found += [(name, move(value)) for name, value in moves.items() if value is not None]
    if row.percentile is not None:
        found.append((_("Lepiej niż tyle wejść losowych"), per_hundred(Decimal(repr(row.percentile)))))
    return [*found, (_("Po kosztach"), net(row)), *known_costs(row), *smallest(row)]


def interval(row: Outcome) -> str:
    """`48,2–57,9%`: in which the true hit rate lies in 95 of 100 cases."""
    if row.hit_low is None or row.hit_high is None:
        return formats.DASH
    return f"{share(row.hit_low).removesuffix('%')}–{share(row.hit_high)}"


def known_costs(row: Outcome) -> list[tuple[str, str]]:
    """How many decisions the figure after costs is of, where the costs of some alone are known."""
    if row.net is None or row.net_n == row.n:
        return []
    return [(_("Sygnały ze znanym kosztem"), formats.whole(row.net_n))]


def smallest(row: Outcome) -> list[tuple[str, str]]:
    """How large an edge would have been seen in 8 of 10 cases."""
    return [] if row.smallest is None else [(_("Najmniejszy widoczny efekt"), effect(row.smallest))]
