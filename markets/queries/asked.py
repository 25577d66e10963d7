"""Questions of rates over several codes, bases and days: what is read for them, and the rows that answer them."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from markets.errors import QuestionError
from markets.instruments.names import GOLD
from markets.models import Alias, Instrument
from markets.queries import crosses, figures, filled, tables, unpublished
from markets.queries.crosses import ZLOTY, Pair
from markets.queries.figures import Span, Wanted, moved
from markets.queries.filled import Cell, Fill, Line
from markets.queries.found import of_codes
from markets.queries.rate_rows import proof_of
from markets.queries.rates import find_source, official
from markets.queries.unpublished import Known

DAY = timedelta(days=1)
# Days times pairs of one question: the whole history of six currencies. A hundred thousand take about a second.
MAX_CELLS = 100_000

# The rows of a page, made one after the other, and how many there are in all.
Answer = tuple[Iterator[dict[str, Any]], int]


@dataclass(frozen=True, slots=True)
class Asked:
    """What the parameters mean: the pairs in their order, and whose figures they need."""

    pairs: tuple[Pair, ...]
    wanted: Wanted

    @property
    def has_gold(self) -> bool:
        return any(GOLD in pair.legs for pair in self.pairs)


def understood(
    codes: Sequence[str], base: str | None, quotes: Sequence[str], wanted_of: Callable[[Sequence[Instrument]], Wanted]
) -> Asked:
    """Each of `codes` in each of `quotes`, by default in PLN; with `base`, that in each of `codes` and `quotes`.

    `wanted_of` makes the question for the instruments. Raises UnknownCodeError and QuestionError.
    """
    named = [*codes, *([base] if base else []), *quotes]
    known = found(named)
    tops = [known[base]] if base else [known[code] for code in codes]
    belows = [known[code] for code in (*codes, *quotes)] if base else [known[code] for code in quotes]
    once(tops)
    once(belows)
    instruments = [row for row in dict.fromkeys(known.values()) if row is not None]
    if any(row.kind == Instrument.Kind.PAIR for row in instruments):
        return Asked((of_pair(instruments, tops, belows),), wanted_of(instruments))
    pairs = tuple(crosses.pair(code_of(top), code_of(below)) for top in tops for below in belows or [None])
    return Asked(pairs, with_mids(wanted_of(instruments), pairs))


def with_mids(wanted: Wanted, pairs: Sequence[Pair]) -> Wanted:
    """Raises QuestionError where a rate would have to be computed from bid and ask."""
    if wanted.table == "C" and not all(pair.is_published for pair in pairs):
        raise QuestionError("table C has bid and ask and no mid, of which another rate could be computed")
    return wanted


def found(texts: Sequence[str]) -> dict[str, Instrument | None]:
    """The instrument of each text, None for PLN, which is none; two queries however many there are."""
    upper = {text: text.strip().upper() for text in texts}
    names = set(upper.values()) - {ZLOTY}
    by_name = {row.code: row for row in of_codes(names)}
    if missing := names - by_name.keys():
        aliases = Alias.objects.filter(name__in=missing).select_related("instrument")
        by_name |= {row.name: row.instrument for row in aliases}
    return {text: None if name == ZLOTY else official(by_name.get(name), text) for text, name in upper.items()}


def code_of(row: Instrument | None) -> str:
    return row.code if row else ZLOTY


def once(rows: Sequence[Instrument | None]) -> None:
    """Also under two of its names: raises QuestionError."""
    codes = [code_of(row) for row in rows]
    if twice := [code for code in dict.fromkeys(codes) if codes.count(code) > 1]:
        raise QuestionError(f"{', '.join(twice)} is named twice", {"twice": twice})


def of_pair(instruments: Sequence[Instrument], tops: Sequence[Any], belows: Sequence[Any]) -> Pair:
    """EURUSD of the ECB has its quote already."""
    one = next(row for row in instruments if row.kind == Instrument.Kind.PAIR)
    if len(tops) > 1 or belows:
        message = f"{one.code} is a pair: it is asked for alone, without base and quotes"
        raise QuestionError(message, {"code": one.code})
    return Pair(one.base, one.quote, one.code)


def no_more_than(days: int, pairs: int) -> None:
    if days * pairs > MAX_CELLS:
        message = f"{days} days of {pairs} rates are more than {MAX_CELLS}: ask for a shorter period or fewer codes"
        raise QuestionError(message, {"days": days, "rates": pairs, "most": MAX_CELLS})


def facts(wanted: Wanted, spans: Mapping[str, Span]) -> Known:
    """What explains a day without a figure: two queries."""
    today, due = unpublished.today_and_due()
    source = find_source(wanted.source) if wanted.source else None
    newest = tables.newest_days(wanted.audience, source)
    return Known(today, due, newest, spans, unpublished.holes(source))


def facts_of(asked: Asked) -> Known:
    """The same, and from when to when each code was quoted."""
    wanted = asked.wanted
    spans = figures.spans(wanted) if wanted.instruments else {}
    return facts(wanted, spans | (figures.gold_span(wanted) if asked.has_gold else {}))


def lines(asked: Asked, start: date, end: date) -> list[Line]:
    known = figures.read(asked.wanted, start, end)
    if asked.has_gold:
        known |= figures.read_gold(asked.wanted, start, end)
    return [Line.of(pair, known) for pair in asked.pairs]


def lines_around(asked: Asked, start: date, end: date, fill: Fill) -> list[Line]:
    """With what may be carried into these days, and what tells in which table a code stands."""
    return lines(asked, moved(start, -tables.LONGEST), moved(end, tables.LONGEST) if fill == "next" else end)


def every_day(asked: Asked, start: date, end: date, fill: Fill, page: slice) -> Answer:
    """A row for each calendar day and pair, day by day, of the page only; and how many there are in all."""
    days, width = (end - start).days + 1, len(asked.pairs)
    no_more_than(days, width)
    places = range(days * width)[page]
    if not places:
        return iter(()), days * width
    first, last = (start + DAY * (place // width) for place in (places[0], places[-1]))
    found, known = lines_around(asked, first, last, fill), facts_of(asked)
    cells = ((found[place % width], start + DAY * (place // width)) for place in places)
    return (row(asked, line, filled.cell(line, day, fill, known)) for line, day in cells), days * width


def published_days(asked: Asked, start: date, end: date, page: slice) -> Answer:
    """A row for each pair and each day on which it was published, day by day."""
    no_more_than((end - start).days + 1, len(asked.pairs))
    found = lines(asked, start, end)
    today, _ = unpublished.today_and_due()
    whole = [(day, place) for place, line in enumerate(found) for day in days_of(line, start, min(end, today))]
    whole.sort()
    return (row(asked, found[place], Cell(day, day)) for day, place in whole[page]), len(whole)


def row(asked: Asked, line: Line, cell: Cell) -> dict[str, Any]:
    """As the API answers it, with what more was asked for: since when it was known, where it came from."""
    found, figures = filled.row(line, cell), line.of_day(cell.day)
    if asked.wanted.as_of:
        moments = [figure.known_from for figure in figures if figure.known_from]
        found["known_from"] = max(moments, default=None)
    if asked.wanted.proof:
        [one] = figures if line.pair.is_published and figures else [None]
        found |= proof_of(one and one.rate, one and one.publication)
    return found


def days_of(line: Line, start: date, end: date) -> Iterable[date]:
    """A currency in itself is worth one on every day."""
    if line.pair.legs:
        return line.days
    return (start + DAY * number for number in range((end - start).days + 1))
