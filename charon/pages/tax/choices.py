"""The rules as a taxpayer chooses them: plain names in groups, which rate each one means, and its article."""

from collections.abc import Iterator
from typing import NamedTuple

from django.utils.translation import gettext, gettext_noop

from markets import formats
from markets.queries.tax import registry
from markets.queries.tax.rule import Rule
from markets.views import Row

DEFAULT = "pit"


class Told(NamedTuple):
    """Of a rule: its name in the list, which rate it means, and where the law says so."""

    name: str
    rate: str
    statute: str


# What most people come for, by the value in the address. A cost has a rule of its own, whose rate is the same.
COMMON = (
    ("pit", gettext_noop("PIT: przychód lub koszt")),
    ("cit-revenue", gettext_noop("CIT: przychód lub koszt")),
    ("vat", gettext_noop("VAT: kurs NBP")),
    ("vat-ecb", gettext_noop("VAT: kurs EBC")),
    ("same-day", gettext_noop("Kurs z tego samego dnia")),
)
GROUPS = (
    ("PIT", ("pit-cost", "pit-deduction", "pit-fx-diff")),
    ("CIT", ("cit-cost", "cit-fx-diff", "limit-year-start")),
    (
        "VAT",
        (
            *("vat-early-invoice", "vat-income-tax", "vat-correction", "vat-discount-sale", "vat-discount-buy"),
            *("vat-import", "vat-mass-event", "vat-threshold", "vat-oss", "vat-sme"),
        ),
    ),
    (gettext_noop("Rachunkowość"), ("uor-operation", "uor-balance", "uor-actual", "uor-reference")),
    (gettext_noop("Cło"), ("customs", "customs-tariff", "customs-year")),
    (gettext_noop("Limity i rekompensaty"), ("limit-october", "late-payment")),
)

RULES = {
    "pit-revenue": Told(
        gettext_noop("Przychód w walucie obcej (PIT)"),
        gettext_noop("Kurs średni NBP z ostatniego dnia roboczego przed dniem uzyskania przychodu."),
        gettext_noop("art. 11a ust. 1 ustawy o PIT"),
    ),
    "pit-cost": Told(
        gettext_noop("Koszt w walucie obcej (PIT)"),
        gettext_noop("Kurs średni NBP z ostatniego dnia roboczego przed dniem kosztu, w księdze przed dniem faktury."),
        gettext_noop("art. 11a ust. 2 ustawy o PIT"),
    ),
    "pit-deduction": Told(
        gettext_noop("Odliczenie lub podatek zapłacony za granicą (PIT)"),
        gettext_noop("Kurs średni NBP z ostatniego dnia roboczego przed dniem wydatku albo zapłaty podatku."),
        gettext_noop("art. 11a ust. 3 ustawy o PIT"),
    ),
    "pit-fx-diff": Told(
        gettext_noop("Różnice kursowe (PIT, ryczałt)"),
        gettext_noop(
            "Kurs średni NBP z dnia przed fakturą i z dnia przed zapłatą, a przy zapłacie kurs banku, jeśli był."
        ),
        gettext_noop("art. 24c ustawy o PIT, art. 6 ust. 1c ustawy o ryczałcie"),
    ),
    "cit-revenue": Told(
        gettext_noop("Przychód w walucie obcej (CIT)"),
        gettext_noop("Kurs średni NBP z ostatniego dnia roboczego przed dniem uzyskania przychodu."),
        gettext_noop("art. 12 ust. 2 ustawy o CIT"),
    ),
    "cit-cost": Told(
        gettext_noop("Koszt w walucie obcej (CIT)"),
        gettext_noop("Kurs średni NBP z ostatniego dnia roboczego przed dniem poniesienia kosztu."),
        gettext_noop("art. 15 ust. 1 ustawy o CIT"),
    ),
    "cit-fx-diff": Told(
        gettext_noop("Różnice kursowe (CIT)"),
        gettext_noop(
            "Kurs średni NBP z dnia przed fakturą i z dnia przed zapłatą, a przy zapłacie kurs banku, jeśli był."
        ),
        gettext_noop("art. 15a ust. 2–5 ustawy o CIT"),
    ),
    "limit-year-start": Told(
        gettext_noop("Limit przychodów dla stawki 9% (CIT)"),
        gettext_noop("Kurs średni euro w NBP z pierwszego dnia roboczego roku podatkowego, limit w tysiącach złotych."),
        gettext_noop("art. 19 ust. 1 pkt 2 ustawy o CIT"),
    ),
    "vat": Told(
        gettext_noop("Podstawa opodatkowania w walucie obcej (VAT)"),
        gettext_noop(
            "Kurs średni NBP z ostatniego dnia roboczego przed obowiązkiem podatkowym albo przed wcześniejszą fakturą."
        ),
        gettext_noop("art. 31a ust. 1 ustawy o VAT"),
    ),
    "vat-early-invoice": Told(
        gettext_noop("Faktura przed obowiązkiem podatkowym (VAT)"),
        gettext_noop("Kurs średni NBP z ostatniego dnia roboczego przed wystawieniem faktury."),
        gettext_noop("art. 31a ust. 2 ustawy o VAT"),
    ),
    "vat-ecb": Told(
        gettext_noop("Kurs Europejskiego Banku Centralnego (VAT)"),
        gettext_noop(
            "Ostatni kurs EBC przed obowiązkiem podatkowym albo przed wcześniejszą fakturą; inne waluty przez euro."
        ),
        gettext_noop("art. 31a ust. 1–2 ustawy o VAT, zdanie drugie"),
    ),
    "vat-income-tax": Told(
        gettext_noop("Kurs stosowany w podatku dochodowym (VAT)"),
        gettext_noop(
            "Kurs średni NBP z ostatniego dnia roboczego przed dniem uzyskania przychodu; wybór wiąże 12 miesięcy."
        ),
        gettext_noop("art. 31a ust. 2a–2d ustawy o VAT"),
    ),
    "vat-correction": Told(
        gettext_noop("Faktura korygująca: kurs faktury pierwotnej (VAT)"),
        gettext_noop("Kurs faktury pierwotnej: podany albo wyznaczony z jej dat."),
        gettext_noop("art. 31b ust. 1 ustawy o VAT"),
    ),
    "vat-discount-sale": Told(
        gettext_noop("Zbiorcza faktura korygująca z rabatem (VAT)"),
        gettext_noop("Kurs NBP albo EBC z ostatniego dnia roboczego przed wystawieniem korekty."),
        gettext_noop("art. 31b ust. 2 ustawy o VAT"),
    ),
    "vat-discount-buy": Told(
        gettext_noop("Rabat przy WNT lub imporcie usług (VAT)"),
        gettext_noop("Kurs NBP albo EBC z ostatniego dnia roboczego przed dokumentem rabatu."),
        gettext_noop("art. 31b ust. 3 ustawy o VAT"),
    ),
    "vat-import": Told(
        gettext_noop("Import towarów (VAT)"),
        gettext_noop("Kurs celny miesiąca, w którym powstał dług celny."),
        gettext_noop("art. 31a ust. 3 ustawy o VAT"),
    ),
    "vat-mass-event": Told(
        gettext_noop("Imprezy masowe (VAT)"),
        gettext_noop("Kurs celny miesiąca obowiązku podatkowego."),
        gettext_noop("art. 31a ust. 4 ustawy o VAT"),
    ),
    "vat-threshold": Told(
        gettext_noop("Progi kwotowe w euro (VAT)"),
        gettext_noop("Kurs EBC z pierwszego dnia roboczego października roku poprzedniego, próg w pełnych złotych."),
        gettext_noop("art. 31a ust. 5 ustawy o VAT"),
    ),
    "vat-oss": Told(
        gettext_noop("Procedura OSS: przeliczenie na euro (VAT)"),
        gettext_noop(
            "Kurs EBC z ostatniego dnia okresu albo pierwszy następny; kwotę w złotych dzieli się przez kurs euro."
        ),
        gettext_noop("art. 130c ust. 7 ustawy o VAT"),
    ),
    "vat-sme": Told(
        gettext_noop("Procedura SME (VAT)"),
        gettext_noop("Pierwszy kurs EBC w roku."),
        gettext_noop("art. 113a ust. 8 ustawy o VAT"),
    ),
    "uor-operation": Told(
        gettext_noop("Operacja w ciągu roku (rachunkowość)"),
        gettext_noop("Kurs średni NBP z ostatniego dnia roboczego przed dniem operacji."),
        gettext_noop("art. 30 ust. 2 pkt 2 ustawy o rachunkowości"),
    ),
    "uor-balance": Told(
        gettext_noop("Wycena na dzień bilansowy (rachunkowość)"),
        gettext_noop("Kurs średni NBP z dnia bilansowego albo ostatni przed nim."),
        gettext_noop("art. 30 ust. 1 pkt 1 ustawy o rachunkowości"),
    ),
    "uor-actual": Told(
        gettext_noop("Kurs faktycznie zastosowany (rachunkowość)"),
        gettext_noop("Kurs z dokumentu banku, po którym walutę rzeczywiście kupiono lub sprzedano."),
        gettext_noop("art. 30 ust. 2 pkt 1 ustawy o rachunkowości"),
    ),
    "uor-reference": Told(
        gettext_noop("Waluta nieogłaszana przez NBP (rachunkowość)"),
        gettext_noop("Kurs wskazanej waluty odniesienia razy to, ile kosztuje w niej jednostka waluty."),
        gettext_noop("art. 30 ust. 3 ustawy o rachunkowości"),
    ),
    "customs": Told(
        gettext_noop("Kurs celny"),
        gettext_noop("Kurs średni NBP z przedostatniej środy poprzedniego miesiąca, na cały miesiąc."),
        gettext_noop("art. 53 ust. 1 lit. a UKC, art. 146 rozporządzenia wykonawczego"),
    ),
    "customs-tariff": Told(
        gettext_noop("Kwoty w euro w taryfie celnej"),
        gettext_noop(
            "Ostatni kurs EBC przed przedostatnim dniem poprzedniego miesiąca; od 15. nowszy, gdy różni się o ponad 5%."
        ),
        gettext_noop("art. 53 ust. 1 lit. b UKC, art. 48 ust. 1 rozporządzenia wykonawczego"),
    ),
    "customs-year": Told(
        gettext_noop("Kwoty w euro w prawie celnym na rok"),
        gettext_noop("Kurs EBC z pierwszego dnia roboczego października roku poprzedniego."),
        gettext_noop("art. 53 ust. 2 UKC, art. 48 ust. 2 rozporządzenia wykonawczego"),
    ),
    "limit-october": Told(
        gettext_noop("Limity roczne w euro (mały podatnik, księgi, ryczałt)"),
        gettext_noop(
            "Kurs średni euro w NBP z pierwszego dnia roboczego października roku poprzedniego, w tysiącach złotych."
        ),
        gettext_noop("każdy limit według swojej ustawy"),
    ),
    "late-payment": Told(
        gettext_noop("Rekompensata za koszty odzyskiwania należności"),
        gettext_noop("Kurs średni euro w NBP z ostatniego dnia roboczego miesiąca przed terminem zapłaty."),
        gettext_noop("art. 10 ust. 1a ustawy o opóźnieniach w transakcjach handlowych"),
    ),
    "same-day": Told(
        gettext_noop("Dług w walucie płacony w złotych"),
        gettext_noop(
            "Kurs średni NBP z dnia wymagalności albo ostatni przed nim; przy spóźnionej zapłacie z dnia zapłaty."
        ),
        gettext_noop("art. 358 § 2–3 kodeksu cywilnego"),
    ),
}


def groups(chosen: str) -> Iterator[Row]:
    """The groups of the list; the first has no name. `chosen` is the name of a rule, `pit-revenue` or `pit` alike."""
    current = registry.NAMES[chosen].id if chosen in registry.NAMES else ""
    common = [option(value, name, current) for value, name in COMMON]
    yield {"name": "", "options": common}
    for name, ids in GROUPS:
        yield {"name": gettext(name), "options": [option(one, RULES[one].name, current) for one in ids]}


def option(value: str, name: str, current: str) -> Row:
    return {"value": value, "name": gettext(name), "current": registry.NAMES[value].id == current}


def explained(rule: Rule) -> Row:
    """What a rule means: the target of the link beside an answer."""
    told = RULES[rule.id]
    return {
        "id": rule.id,
        "name": gettext(told.name),
        "rate": gettext(told.rate),
        "statute": gettext(told.statute),
        "since": formats.day(rule.versions[0].valid_from),
    }


def all_explained() -> list[Row]:
    return [explained(rule) for rule in registry.RULES.values()]
