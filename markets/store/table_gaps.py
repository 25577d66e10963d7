"""The gaps that a window of publications closes, and those that its refused rates open."""

from collections import defaultdict
from datetime import date

from markets.models import Gap, Instrument, Source
from markets.store import gaps, outbox
from markets.store.validation import Accepted, Refused

# A table of a source and the days, both inclusive, of which everything that was published has been fetched.
Covered = tuple[str, date, date]


def close_gaps(source: Source, accepted: Accepted, covered: Covered | None) -> None:
    """Of the whole table by the days that were fetched, of one instrument by its own rates."""
    days: dict[str, list[date]] = defaultdict(list)
    for table, _ in accepted:
        days[table.table].append(table.effective_date)
    if covered:
        days[covered[0]] += covered[1:]
    if not days:
        return
    whole = {name: (outbox.midnight(min(found)), outbox.midnight(max(found))) for name, found in days.items()}
    first, last = min(span[0] for span in whole.values()), max(span[1] for span in whole.values())
    rows = gaps.overlapping(source, whole, first, last)
    arrived: dict[gaps.Key, list[gaps.Span]] = {(name, None): [span] for name, span in whole.items()}
    gaps.close(rows, arrived | rates_of({row.instrument_id for row in rows if row.instrument_id}, accepted))


def rates_of(instruments: set[int], accepted: Accepted) -> dict[gaps.Key, list[gaps.Span]]:
    """The days on which these have rates, each a span of its own."""
    found: dict[gaps.Key, list[gaps.Span]] = defaultdict(list)
    if not instruments:
        return found
    codes = dict(Instrument.objects.filter(pk__in=instruments).values_list("code", "pk"))
    for table, rates in accepted:
        moment = outbox.midnight(table.effective_date)
        for rate in rates:
            if rate.code in codes:
                found[table.table, codes[rate.code]].append((moment, moment))
    return found


def record_refused(source: Source, refused: Refused) -> None:
    """A gap of the instrument where a rate may not in, and of the whole table where none of its day may.

    A code that nobody knows has no series to be missing in.
    """
    codes = {code for _, code, _ in refused}
    known: dict[str, int | None] = {"": None}
    known.update(Instrument.objects.filter(code__in=codes - {""}).values_list("code", "pk"))
    missing = [
        gaps.of_days(table.table, table.effective_date, table.until or table.effective_date, known[code])
        for table, code, _ in refused
        if code in known and (table.until is None or table.until >= table.effective_date)
    ]
    gaps.record(source, Gap.Reason.REFUSED, missing)
