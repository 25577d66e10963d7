"""An asset begins to be followed: its instrument, listings, name and aliases are written together or not at all."""

from collections.abc import Collection
from typing import NoReturn

from django.db import transaction

from markets.errors import ConflictError
from markets.instruments import create, names
from markets.instruments.find import find, find_listed
from markets.models import Alias, Instrument, ListedAsset
from markets.records import Listed
from markets.redis.generations import changed
from markets.store import listings


@transaction.atomic
def follow(symbol: str, name: str = "", aliases: Collection[str] = ()) -> Instrument | None:
    """Follow what the symbol means at every source that lists it; None when no source is known to list it.

    Raises ConflictError when it is followed already, when it means an official rate, or when an alias is taken.
    """
    instrument = listed_instrument(symbol)
    if instrument is None:
        return None
    if not listings.follow(instrument):
        raise ConflictError(f"{instrument.code} is followed already", {"symbol": instrument.code})
    rename(instrument, name)
    add_aliases(instrument, aliases)
    return instrument


def listed_instrument(symbol: str) -> Instrument | None:
    """An instrument that some source lists; one that only the cached listings know is created."""
    instrument = find(symbol)
    if instrument is not None and instrument.listings.exists():
        return instrument
    found = find_listed(symbol)
    if not found:
        return None
    entries = {row.source: entry_of(row) for row in found}
    refuse_taken(found[0])
    for source, entry in entries.items():
        create.list_at(source, [entry], tracked=())
    return Instrument.objects.get(code=found[0].code)


def entry_of(row: ListedAsset) -> Listed:
    return Listed(row.ticker, row.base, row.quote, row.name, row.kind)


def refuse_taken(row: ListedAsset) -> None:
    """Raise ConflictError when the code means something else already: `USDPLN` is the official dollar."""
    meant = find(row.code)
    if names.is_reserved(row.code) or (meant is not None and (meant.base, meant.quote) != (row.base, row.quote)):
        code = meant.code if meant else row.code
        raise ConflictError(f"{row.code} means {code} already", {"symbol": code})


def check_aliases(symbol: str, aliases: Collection[str]) -> None:
    """Raise ConflictError for the first alias that means another instrument than the symbol does, or may come to."""
    meant = find(symbol)
    for alias in aliases:
        holder = find(alias)
        if holder is not None and holder != meant:
            refuse_alias(alias, holder.code)
        if holder is None and names.is_reserved(alias.upper()):
            refuse_alias(alias, alias.upper())


def refuse_alias(alias: str, code: str) -> NoReturn:
    raise ConflictError(f"The alias {alias} means {code} already", {"alias": alias, "symbol": code})


def add_aliases(instrument: Instrument, aliases: Collection[str]) -> None:
    check_aliases(instrument.code, aliases)
    there = {instrument.code, *instrument.aliases.values_list("name", flat=True)}
    new = dict.fromkeys(alias.upper() for alias in aliases)
    Alias.objects.bulk_create([Alias(name=alias, instrument=instrument) for alias in new if alias not in there])


def rename(instrument: Instrument, name: str) -> None:
    """Operators give one name; it stands in both languages."""
    if name := names.printable(name):
        instrument.name_pl = instrument.name_en = name
        instrument.save(update_fields=["name_pl", "name_en"])
        changed([instrument.pk])
