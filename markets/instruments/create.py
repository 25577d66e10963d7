"""Instruments, their aliases and their listings come into being here, from what a source publishes or lists."""

from collections.abc import Collection, Iterable, Sequence

from markets.instruments import names
from markets.models import Alias, Instrument, Listing, Source
from markets.records import Listed
from markets.redis.generations import changed

# Decimals that are usual for a price; what has more is shown with all of them.
SCALES = {names.CRYPTO: 2, names.METAL: 2, names.PAIR: 5}
YEN_SCALE, COIN_IN_COIN_SCALE = 3, 8


def currency(code: str) -> Instrument:
    return Instrument(
        code=code,
        base=code,
        kind=Instrument.Kind.CURRENCY,
        name_pl=names.currency_name(code, "pl"),
        name_en=names.currency_name(code, "en"),
    )


def gold() -> Instrument:
    name_pl, name_en = names.METALS[names.GOLD]
    return Instrument(
        code=names.GOLD,
        base=names.GOLD,
        kind=Instrument.Kind.METAL,
        unit="g",
        scale=2,
        name_pl=name_pl,
        name_en=name_en,
    )


def market(code: str) -> Instrument:
    """`BTCUSD`, `EURUSD`, `XAUUSD`, told by the code alone."""
    return priced(Listed(code, *names.split(code)))


def priced(entry: Listed) -> Instrument:
    """One of the base in units of the quote, metals by the troy ounce."""
    kind = entry.kind or names.kind_of(entry.base)
    name_pl, name_en = names.names(entry.base, entry.quote, kind, entry.name)
    return Instrument(
        code=entry.code,
        base=entry.base,
        quote=entry.quote,
        kind=kind,
        unit=names.OUNCE if kind == names.METAL else "1",
        scale=scale_of(kind, entry.quote),
        name_pl=name_pl,
        name_en=name_en,
    )


def scale_of(kind: str, quote: str) -> int:
    if kind == names.PAIR and quote == "JPY":
        return YEN_SCALE
    in_coins = quote not in names.QUOTES and names.kind_of(quote) == names.CRYPTO
    return COIN_IN_COIN_SCALE if in_coins else SCALES[kind]


def create(code: str, kind: str) -> Instrument:
    """What the NBP prices, in PLN, or what is traded: a pair, whatever it is made of."""
    if kind == Instrument.Kind.PAIR and len(code) > len(names.GOLD):
        return market(code)
    return gold() if kind == Instrument.Kind.METAL else currency(code)


def find_or_create(codes: set[str], kind: str) -> tuple[dict[str, Instrument], list[str]]:
    """Instruments by code; a code never seen becomes an instrument, and is reported in the second value."""
    known = {row.code: row for row in Instrument.objects.filter(code__in=codes)}
    new = [create(code, kind) for code in sorted(codes - known.keys())]
    add(new)
    return known | {row.code: row for row in new}, [row.code for row in new]


def add(instruments: Sequence[Instrument]) -> None:
    """Save new instruments with every spelling of them that means nothing else yet."""
    Instrument.objects.bulk_create(instruments)
    Alias.objects.bulk_create([alias for row in instruments for alias in spellings(row)], ignore_conflicts=True)
    changed([row.pk for row in instruments])


def spellings(instrument: Instrument) -> list[Alias]:
    found = names.spellings(instrument.code, instrument.base, instrument.quote, instrument.kind)
    return [Alias(name=name, instrument=instrument) for name in found]


def list_at(source: Source, entries: Collection[Listed], tracked: Collection[str] | None = None) -> list[str]:
    """Write what the source lists into the tables; returns the codes that are new there.

    `tracked` are the spellings that are followed from the start, None follows all. A listing that exists keeps its
    ticker, its priority and whether it is followed: operators own those.
    """
    wanted = None if tracked is None else {name.strip().upper() for name in tracked}
    there = set(source.listings.values_list("instrument__code", flat=True))
    new = [entry for entry in entries if entry.code not in there]
    instruments = of_entries(new)
    listings = [
        Listing(
            instrument=instruments[entry.code],
            source=source,
            ticker=entry.ticker,
            priority=entry.priority,
            tracked=wanted is None or bool(wanted & spellings_of(entry)),
        )
        for entry in new
    ]
    Listing.objects.bulk_create(listings, ignore_conflicts=True)
    name_by_tickers(new, instruments)
    return [entry.code for entry in new]


def of_entries(entries: Iterable[Listed]) -> dict[str, Instrument]:
    """The instruments that these lines price, by code; those that do not exist yet are created."""
    by_code = {entry.code: entry for entry in entries}
    known = {row.code: row for row in Instrument.objects.filter(code__in=by_code)}
    new = [priced(by_code[code]) for code in sorted(by_code.keys() - known.keys())]
    add(new)
    return known | {row.code: row for row in new}


def spellings_of(entry: Listed) -> set[str]:
    """Every spelling of what this line prices, its code and the source's own ticker among them."""
    kind = entry.kind or names.kind_of(entry.base)
    return {entry.code, entry.ticker.upper(), *names.spellings(entry.code, entry.base, entry.quote, kind)}


def name_by_tickers(entries: Iterable[Listed], instruments: dict[str, Instrument]) -> None:
    """A ticker finds its instrument as well, unless it is taken, too long, or means an official rate."""
    tickers = {entry.ticker.upper(): instruments[entry.code] for entry in entries}
    taken = set(Instrument.objects.filter(code__in=tickers).values_list("code", flat=True))
    free = {name: row for name, row in tickers.items() if name not in taken and len(name) <= names.MAX_NAME}
    aliases = [Alias(name=name, instrument=row) for name, row in free.items() if not names.is_reserved(name)]
    Alias.objects.bulk_create(aliases, ignore_conflicts=True)
