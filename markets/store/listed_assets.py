"""The cached listing of a source: what it said that it lists when it was last asked."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from django.db import transaction

from markets import clock
from markets.instruments import names
from markets.models import ListedAsset, Source
from markets.records import Listed

SYMBOL = re.compile(r"[A-Z0-9]{1,12}\Z")
TICKER = re.compile(r"[\x21-\x7e]{1,60}\Z")
MAX_CODE, MAX_NAME = 20, 120
BATCH = 500
COLUMNS = ("code", "base", "quote", "kind", "name")


@dataclass(slots=True)
class ListedRow:
    """What one answer changed: lines that are new or different, lines that are gone, and tickers left out."""

    written: int = 0
    removed: int = 0
    left_out: list[str] = field(default_factory=list)


def keep(source: Source, entries: Iterable[Listed]) -> ListedRow:
    """Make the cached listing say what these lines say; the first of several lines of one code is the one that counts.

    Only differences are written: 17,000 coins change a few a day.
    """
    kept = ListedRow()
    wanted = {row.ticker: row for row in usable(source, entries, kept.left_out)}
    with transaction.atomic():
        Source.objects.select_for_update(no_key=True).get(pk=source.pk)
        there = {row.ticker: row for row in source.listed.all()}
        gone = [row.pk for ticker, row in there.items() if ticker not in wanted or differs(row, wanted[ticker])]
        new = [row for ticker, row in wanted.items() if ticker not in there or differs(there[ticker], row)]
        for start in range(0, len(gone), BATCH):
            ListedAsset.objects.filter(pk__in=gone[start : start + BATCH]).delete()
        ListedAsset.objects.bulk_create(new, batch_size=BATCH)
        Source.objects.filter(pk=source.pk).update(listed_at=clock.now())
    kept.written, kept.removed = len(new), len(there.keys() - wanted.keys())
    return kept


def differs(one: ListedAsset, other: ListedAsset) -> bool:
    return any(getattr(one, column) != getattr(other, column) for column in COLUMNS)


def usable(source: Source, entries: Iterable[Listed], left_out: list[str]) -> Sequence[ListedAsset]:
    """The lines that can become an instrument; tickers of the others go into `left_out`."""
    rows: dict[str, ListedAsset] = {}
    for entry in entries:
        if can_be_followed(entry) and entry.code not in rows:
            rows[entry.code] = ListedAsset(
                source=source,
                ticker=entry.ticker,
                code=entry.code,
                base=entry.base,
                quote=entry.quote,
                kind=entry.kind if entry.kind in (names.CRYPTO, names.METAL, names.PAIR) else "",
                name=names.printable(entry.name)[:MAX_NAME],
            )
        else:
            left_out.append(entry.ticker[:60])
    return list(rows.values())


def can_be_followed(entry: Listed) -> bool:
    """Whether our code can mean it. A coin that calls itself EUR would be taken for the euro."""
    symbols = SYMBOL.match(entry.base) and SYMBOL.match(entry.quote) and entry.base != entry.quote
    poses = entry.kind == names.CRYPTO and names.kind_of(entry.base) != names.CRYPTO
    return bool(symbols and not poses and len(entry.code) <= MAX_CODE and TICKER.match(entry.ticker))
