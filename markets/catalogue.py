"""What a newly met instrument is called, and which other spellings find it."""

from functools import cache

from babel import Locale

from markets.models import Alias, Instrument

GOLD = "XAU"


@cache
def locale(language: str) -> Locale:
    return Locale.parse(language)


def currency_name(code: str, language: str) -> str:
    """CLDR's name, or the code itself where CLDR knows none."""
    return str(locale(language).currencies.get(code, code))


def currency(code: str) -> Instrument:
    return Instrument(
        code=code,
        base=code,
        kind=Instrument.Kind.CURRENCY,
        name_pl=currency_name(code, "pl"),
        name_en=currency_name(code, "en"),
    )


def gold() -> Instrument:
    return Instrument(
        code=GOLD, base=GOLD, kind=Instrument.Kind.METAL, unit="g", scale=2, name_pl="złoto", name_en="gold"
    )


def spellings(instrument: Instrument) -> list[Alias]:
    """`USD/PLN` and `USDPLN` for USD; gold also as `GOLD` and `ZLOTO`."""
    names = [f"{instrument.base}/{instrument.quote}", f"{instrument.base}{instrument.quote}"]
    if instrument.code == GOLD:
        names += ["GOLD", "ZLOTO"]
    return [Alias(name=name, instrument=instrument) for name in names]


def find_or_create(codes: set[str], kind: str) -> tuple[dict[str, Instrument], list[str]]:
    """Instruments by code; a code never seen becomes an instrument, and is reported in the second value."""
    known = {row.code: row for row in Instrument.objects.filter(code__in=codes)}
    new = [gold() if kind == Instrument.Kind.METAL else currency(code) for code in sorted(codes - known.keys())]
    Instrument.objects.bulk_create(new)
    Alias.objects.bulk_create([alias for row in new for alias in spellings(row)], ignore_conflicts=True)
    return known | {row.code: row for row in new}, [row.code for row in new]


def find(text: str) -> Instrument | None:
    """By code or alias, whatever the case: `usd`, `USD/PLN`, `gold`."""
    wanted = text.strip().upper()
    by_code = Instrument.objects.filter(code=wanted).first()
    return by_code or Instrument.objects.filter(aliases__name=wanted).first()
