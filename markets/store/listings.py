"""What saving prices and saving candles have in common: who is meant by a ticker, and what came of it."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from django.db import transaction

from markets.jobs import job_results
from markets.messages import Message
from markets.models import Instrument, Job, Listing, Source
from markets.store import gaps


@dataclass(slots=True)
class SaveResult:
    """What one save did. `refused` and `gaps` are sentences; `unknown` are tickers that the source does not list,
    `against` has what was refused of a price by its ticker.

    `inserted` are new rows, `replaced` open candles that moved on, `revised` closed ones that their source changed,
    `quotes` the newest prices that were written.
    """

    inserted: int = 0
    replaced: int = 0
    revised: int = 0
    quotes: int = 0
    refused: list[Message] = field(default_factory=list)
    against: dict[str, Message] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)

    @property
    def written(self) -> int:
        return self.inserted + self.replaced + self.revised

    def refuse(self, ticker: str, reason: str) -> None:
        """Nobody can tell them apart again from the words: a ticker may have a colon in it."""
        self.against[ticker] = Message("about", about=ticker, reason=reason)
        self.refused.append(self.against[ticker])


def summed(parts: Iterable[SaveResult]) -> SaveResult:
    """What several parts of one save did, together."""
    whole = SaveResult()
    for part in parts:
        whole.inserted += part.inserted
        whole.replaced += part.replaced
        whole.revised += part.revised
        whole.quotes += part.quotes
        whole.refused += part.refused
        whole.against |= part.against
        whole.unknown = sorted({*whole.unknown, *part.unknown})
        whole.gaps += part.gaps
    return whole


def lock(source: Source) -> bool:
    """One writer a source at a time on PostgreSQL; SQLite has IMMEDIATE transactions. Answers whether the source has
    gaps that rows might close.
    """
    rows = Source.objects.select_for_update(no_key=True).filter(pk=source.pk)
    has_gaps: bool = rows.annotate(has_gaps=gaps.EXIST).get().has_gaps
    return has_gaps


def instruments(source: Source, tickers: Collection[str], outcome: SaveResult) -> dict[str, int]:
    """Instruments by ticker. One that is not listed would update nothing without a word: the outcome names it."""
    listed = Listing.objects.filter(source=source, ticker__in=tickers)
    found: dict[str, int] = dict(listed.values_list("ticker", "instrument_id"))
    outcome.unknown = sorted(set(tickers) - found.keys())
    for ticker in outcome.unknown:
        outcome.refuse(ticker, Message("not_listed", source=source.code))
    return found


def record(job: Job | None, outcome: SaveResult) -> None:
    """In the job's row and in the caller's transaction; raises LeaseLost when the job was given up meanwhile."""
    if job is not None:
        job_results.progress(job, rows_written=outcome.written, revised=outcome.revised, refused=outcome.refused)


def follow(instrument: Instrument) -> bool:
    """Have every source that lists it asked for it from now on; False when one is asked already."""
    with transaction.atomic():
        rows = list(Listing.objects.select_for_update().filter(instrument=instrument))
        if any(row.tracked for row in rows):
            return False
        Listing.objects.filter(instrument=instrument).update(tracked=True)
    return True


def leave(instrument: Instrument) -> bool:
    """Ask nobody for it any more and keep what there is; False when nobody was asked."""
    return bool(Listing.objects.filter(instrument=instrument, tracked=True).update(tracked=False))
