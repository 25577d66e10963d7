"""The gaps that a window of publications closes, and those that its refused rates open."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date

from markets.models import Gap, Instrument, Source
from markets.store import gaps, outbox
from markets.store.gaps import Missing
from markets.store.validation import Accepted, Refused

# A table of a source and the days, both inclusive, of which everything that was published has been fetched.
Covered = tuple[str, date, date]


def settle(source: Source, accepted: Accepted, refused: Refused, covered: Covered | None, has_gaps: bool) -> None:
    """Close what has come and record what was refused, in the transaction of the rows."""
    missing = missing_of(refused) if refused else set()
    if has_gaps:
        close_gaps(source, accepted, covered, missing)
    gaps.record(source, Gap.Reason.REFUSED, missing)
    if has_gaps and covered:
        gaps.put_off_refused(source, gaps.of_days(*covered))


def missing_of(refused: Refused) -> set[Missing]:
    """The days of each instrument on which a rate may not in; of the whole table where nothing of a day may, or where
    nobody knows the code yet: a currency whose first rates were all refused is asked for again as well.
    """
    codes = {code for _, code, _ in refused}
    known = dict(Instrument.objects.filter(code__in=codes).values_list("code", "pk"))
    return {
        gaps.of_days(table.table, table.effective_date, table.until or table.effective_date, known.get(code))
        for table, code, _ in refused
        if table.until is None or table.until >= table.effective_date
    }


def close_gaps(source: Source, accepted: Accepted, covered: Covered | None, missing: Collection[Missing]) -> None:
    """Of the whole table by the days that were fetched, of one instrument by its own rates.

    Refused rates of codes that nobody knows are a gap of the whole table: it stays while one of them is refused again.
    """
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
    rows = [row for row in rows if not is_refused_again(row, missing)]
    arrived: dict[gaps.Key, list[gaps.Span]] = {(name, None): [span] for name, span in whole.items()}
    arrived |= rates_of({row.instrument_id for row in rows if row.instrument_id}, accepted)
    if covered:
        span = outbox.midnight(covered[1]), outbox.midnight(covered[2])
        refused = {one.instrument for one in missing}
        for row in rows:
            key = (row.table, row.instrument_id)
            if row.table == covered[0] and row.instrument_id not in refused and has_come(row, key in arrived, days):
                arrived[key] = [*arrived.get(key, []), span]
    gaps.close(rows, arrived)


def has_come(row: Gap, arrived: bool, days: Mapping[str, Sequence[date]]) -> bool:
    """Whether all that was fetched of a gap is good now: rates of it came, or nothing was published on its days.

    A holiday between two windows would stay a gap for ever.
    """
    first, last = row.from_time.date(), row.to_time.date()
    return arrived or not any(first <= day <= last for day in days[row.table][:-2])


def is_refused_again(row: Gap, missing: Collection[Missing]) -> bool:
    if row.reason != Gap.Reason.REFUSED or row.instrument_id is not None:
        return False
    return any(one.instrument is None and row.from_time <= one.first <= row.to_time for one in missing)


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
