"""Narodowy Bank Polski, Web API: tables A, B, C and gold, in PLN per one unit (gold: per gram, 1000 fine).

Table A: working days 11:45 to 12:15, B: Wednesdays at the same hours (a day earlier before a holiday), C: working days
7:45 to 8:15, all Europe/Warsaw; the hour of gold is not documented. JSON numbers keep their last zeros. "Nothing
published" is a 404 whose text says "Brak danych"; a range that ends in the future is a 400. No key, no documented rate
limit; a request for whole tables covers 93 days at most. Documentation: https://api.nbp.pl/en.html
"""

import logging
from collections.abc import Callable
from datetime import date, time, timedelta
from decimal import Decimal
from functools import partial
from hashlib import sha256
from typing import Annotated

import msgspec

from markets.messages import Message
from markets.records import RateRecord, Table
from miner.fetch import days, http
from miner.fetch.errors import Refused, Unreadable
from miner.fetch.parsing import decode, label, number, sound
from miner.providers.base import GoldSource, Hours, RateSource, TableSeries, gettext_noop

logger = logging.getLogger(__name__)

NOTHING_PUBLISHED = "Brak danych"
# What it says of a range that ends after its own today.
AHEAD = "Invalid date range"
DAY = timedelta(days=1)
GOLD = "XAU"
NOT_EMPTY = msgspec.Meta(min_length=1)


class Mid(msgspec.Struct):
    """A line of table A or B. Figures stay raw: one that is not a number is refused alone, not with its table."""

    code: str
    mid: msgspec.Raw
    currency: str = ""


class BidAsk(msgspec.Struct):
    code: str
    bid: msgspec.Raw
    ask: msgspec.Raw
    currency: str = ""


class Sheet(msgspec.Struct):
    table: str
    no: str
    effectiveDate: date  # noqa: N815  the key of the wire


class Mids(Sheet):
    rates: Annotated[list[msgspec.Raw], NOT_EMPTY]


class BidsAsks(Sheet):
    tradingDate: date  # noqa: N815
    rates: Annotated[list[msgspec.Raw], NOT_EMPTY]


class Gold(msgspec.Struct):
    data: date
    cena: msgspec.Raw


class Dated(msgspec.Struct):
    """What a broken element says of its day."""

    effectiveDate: date | None = None  # noqa: N815
    data: date | None = None


KNOWN_UNTIL = date(2026, 10, 26)


class NBP(RateSource, GoldSource):
    code = "nbp"
    name = gettext_noop("Narodowy Bank Polski")
    url = "https://nbp.pl/statystyka-i-sprawozdawczosc/kursy/"
    unit = "PLN za 1 jednostkę waluty, złoto za 1 g"
    limits = "93 dni w jednym zapytaniu"
    licence = gettext_noop("Informacja publiczna; NBP podawany jako źródło")
    attribution = gettext_noop("Źródło: Narodowy Bank Polski")
    series = (
        TableSeries("A", "currency", date(2002, 1, 2), KNOWN_UNTIL, 93, Hours(time(11, 45), time(12, 45)), reread=7),
        TableSeries("gold", "metal", date(2013, 1, 2), KNOWN_UNTIL, 93, reread=7),
        TableSeries("C", "currency", date(2002, 1, 2), KNOWN_UNTIL, 93, Hours(time(7, 45), time(8, 45)), reread=7),
        # Every two weeks until July 2004. Since then Wednesdays, or the Tuesday or Monday before a holiday.
        TableSeries(
            "B", "currency", date(2002, 1, 2), KNOWN_UNTIL, 93, Hours(time(11, 45), time(12, 45), "3"), (0, 1, 2),
            longest_pause=16, silence=11, reread=8,
        ),
    )  # fmt: skip

    def fetch_rates(self, start: date, end: date, table: str = "A") -> list[Table]:
        read = partial(parse_tables, table=table, base_url=self.public_url)
        return self.ask(f"exchangerates/tables/{table}", start, end, read)

    def fetch_gold(self, start: date, end: date) -> list[Table]:
        return self.ask("cenyzlota", start, end, partial(parse_gold, base_url=self.public_url))

    def ask(self, path: str, start: date, end: date, parse: Callable[[bytes], list[Table]]) -> list[Table]:
        """The tables; [] for the NBP's own "nothing published". Another 404 is a refusal like any other.

        Where its clock is behind ours, our today is not there yet: then it is asked once more, up to yesterday, and
        today is a day that was refused in the NBP's own words.
        """
        try:
            return within(start, end, parse(self.body(path, start, end)))
        except Refused as error:
            if error.status != 400 or AHEAD not in error.body or start >= end:
                raise
            logger.warning("%s does not know %s yet and is asked up to the day before: %s", self.code, end, error)
            found = within(start, end - DAY, parse(self.body(path, start, end - DAY)))
            return [*found, Table(found[-1].table, end, [], fault=str(error), kind=found[-1].kind)] if found else []

    def body(self, path: str, start: date, end: date) -> bytes:
        try:
            return http.get(f"{self.base_url}{path}/{start}/{end}/?format=json")
        except Refused as error:
            if error.status == 404 and NOTHING_PUBLISHED in error.body:
                return b"[]"
            raise


def parse_tables(body: bytes, table: str, base_url: str) -> list[Table]:
    """The published tables, each with the sha256 of its own bytes: from its opening to its closing brace."""
    return each(body, table, lambda element: parse_table(element, table, base_url))


def parse_gold(body: bytes, base_url: str) -> list[Table]:
    return each(body, "gold", lambda element: parse_price(element, base_url))


def each(body: bytes, table: str, read: Callable[[msgspec.Raw], Table]) -> list[Table]:
    """Every element as a table; one that cannot be read as a table with a fault, of its day if it says one."""
    tables = []
    for place, element in enumerate(decode(body, list[msgspec.Raw]), 1):
        try:
            tables.append(read(element))
        except Unreadable as error:
            name = label(element, "no", place)
            tables.append(
                Table(table, day_of(element), [], number=name, fault=Message("about", about=name, reason=str(error)))
            )
    return tables


def day_of(element: msgspec.Raw) -> date:
    try:
        found = decode(element, Dated)
    except Unreadable:
        return days.NO_DAY
    return found.effectiveDate or found.data or days.NO_DAY


def within(start: date, end: date, tables: list[Table]) -> list[Table]:
    """Each day once, ascending. A day that nobody asked for is one that cannot be read: 2062 may stand for 2026."""
    return days.one_a_day(days.placed([asked_for(table, start, end) for table in tables], start, end))


def asked_for(table: Table, start: date, end: date) -> Table:
    if start <= table.effective_date <= end:
        return table
    days_asked = {"first": start, "last": end, "day": table.effective_date}
    named = Message("other_day", name=table.number, **days_asked)
    fault = table.fault or (named if table.number else Message("other_day_unnamed", **days_asked))
    return Table(table.table, days.NO_DAY, [], table.number, fault=fault, kind=table.kind)


def parse_table(element: msgspec.Raw, table: str, base_url: str) -> Table:
    sheet: Mids | BidsAsks = decode(element, BidsAsks) if table == "C" else decode(element, Mids)
    if sheet.table != table:
        raise Unreadable(Message("other_table", table=table, other=sheet.table))
    return Table(
        table=table,
        effective_date=sheet.effectiveDate,
        rates=lines_of(sheet.rates, BidAsk if table == "C" else Mid),
        number=sheet.no,
        trading_date=sheet.tradingDate if isinstance(sheet, BidsAsks) else None,
        url=f"{base_url}exchangerates/tables/{table}/{sheet.effectiveDate}/?format=json",
        sha256=sha256(element).hexdigest(),
    )


def parse_price(element: msgspec.Raw, base_url: str) -> Table:
    price = decode(element, Gold)
    return Table(
        table="gold",
        effective_date=price.data,
        rates=[line_figure(Mid(GOLD, price.cena))],
        url=f"{base_url}cenyzlota/{price.data}/?format=json",
        sha256=sha256(element).hexdigest(),
        kind="metal",
    )


def lines_of(lines: list[msgspec.Raw], shape: type[Mid] | type[BidAsk]) -> list[RateRecord]:
    """Each line; one that cannot be read is refused alone, under what it calls itself."""
    faults: dict[str, str] = {}
    found = sound(lines, lambda line: line_figure(decode(line, shape)), faults, "code")
    return found + [RateRecord(code, fault=fault) for code, fault in faults.items()]


def line_figure(line: Mid | BidAsk) -> RateRecord:
    """One line with its numbers to the last zero; a value that is not a JSON number becomes a fault of this line."""
    try:
        if isinstance(line, Mid):
            return RateRecord(line.code, decimal(line.mid), name=line.currency)
        return RateRecord(line.code, bid=decimal(line.bid), ask=decimal(line.ask), name=line.currency)
    except ValueError as error:
        return RateRecord(line.code, name=line.currency, fault=str(error))


def decimal(raw: msgspec.Raw) -> Decimal:
    return number(bytes(raw).decode("utf-8", "replace"))
