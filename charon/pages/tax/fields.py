"""The fields of the question by their names in the address, in the order of the permalink, and who takes which."""

from enum import Enum
from typing import NamedTuple

from django.utils.translation import gettext_noop

from markets.queries.tax import registry
from markets.queries.tax.inputs import alternatives, used
from markets.queries.tax.rule import Rule


class Kind(Enum):
    DAY = "day"
    AMOUNT = "amount"
    TEXT = "text"
    YEAR = "year"
    CHOICE = "choice"


class Field(NamedTuple):
    """`input` is the name of Question; `example` is what the message of a fault shows, as it is typed in Polish."""

    input: str
    kind: Kind
    label: str
    example: str


DAY = "17.03.2025"
# Of Question: the days that are one and the same to a taxpayer who is asked for "the day".
DAYS = ("date", "tax_point", "period_end")
FIELDS: dict[str, Field] = {
    "waluta": Field("code", Kind.TEXT, gettext_noop("Waluta"), "USD"),
    "data": Field("date", Kind.DAY, gettext_noop("Dzień"), DAY),
    "regula": Field("rule", Kind.TEXT, gettext_noop("Reguła"), "pit"),
    "kwota": Field("amount", Kind.AMOUNT, gettext_noop("Kwota"), "1500,50"),
    "faktura": Field("invoice_date", Kind.DAY, gettext_noop("Dzień wystawienia faktury"), DAY),
    "zaplata": Field("payment_date", Kind.DAY, gettext_noop("Dzień zapłaty"), DAY),
    "obowiazek": Field("original_tax_point", Kind.DAY, gettext_noop("Obowiązek podatkowy faktury pierwotnej"), DAY),
    "pierwotna": Field("original_invoice_date", Kind.DAY, gettext_noop("Dzień faktury pierwotnej"), DAY),
    "rok": Field("year", Kind.YEAR, gettext_noop("Rok"), "2026"),
    "kurs": Field("actual_rate", Kind.AMOUNT, gettext_noop("Kurs z dokumentu (zł)"), "4,2512"),
    "odniesienie": Field("reference", Kind.TEXT, gettext_noop("Waluta odniesienia"), "USD"),
    "krzyzowy": Field("cross_rate", Kind.AMOUNT, gettext_noop("Cena jednostki w walucie odniesienia"), "1,20"),
    "zrodlo": Field("choice", Kind.CHOICE, gettext_noop("Źródło kursu"), "nbp"),
}
NAMES = {field.input: name for name, field in FIELDS.items()} | dict.fromkeys(DAYS, "data")
ALWAYS = ("waluta", "regula", "kwota")


def taken(rule: Rule) -> tuple[str, ...]:
    """The fields that mean something to a rule, in their order."""
    inputs = used(rule)
    return tuple(
        name for name, field in FIELDS.items() if name in ALWAYS or field.input in inputs or is_day(name, rule)
    )


def is_day(name: str, rule: Rule) -> bool:
    return name == "data" and not used(rule).isdisjoint(DAYS)


def needed(rule: Rule) -> tuple[str, ...]:
    """The fields that have no alternative."""
    names = [{NAMES[one] for one in alternatives(need)} for need in rule.needs]
    return ("waluta", *(found.pop() for found in names if len(found) == 1))


def takers(name: str) -> str:
    """The ids of the rules that take a field, for the script that shows and hides it."""
    return " ".join(rule.id for rule in registry.RULES.values() if name in taken(rule))
