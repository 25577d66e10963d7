"""Narodowy Bank Polski, Web API: tables A, B, C and gold, in PLN per one unit (gold: per gram, 1000 fine).

Table A: working days 11:45 to 12:15, B: Wednesdays at the same hours (a day earlier before a holiday), C: working days
7:45 to 8:15, all Europe/Warsaw; the hour of gold is not documented. JSON numbers keep their last zeros. "Nothing
published" is a 404 whose text says "Brak danych"; a range that ends in the future is a 400. No key, no documented rate
limit; a request for whole tables covers 93 days at most. Documentation: https://api.nbp.pl/en.html
"""

from datetime import date, time
from decimal import Decimal
from hashlib import sha256
from itertools import pairwise
from typing import Annotated

import msgspec

from markets.records import RateRecord, Table
from miner.fetch import http
from miner.fetch.errors import Refused, Unreadable
from miner.fetch.parsing import decode, number
from miner.providers.base import GoldSource, Hours, RateSource, TableSeries

NOTHING_PUBLISHED = "Brak danych"
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
    rates: Annotated[list[Mid], NOT_EMPTY]


class BidsAsks(Sheet):
    tradingDate: date  # noqa: N815
    rates: Annotated[list[BidAsk], NOT_EMPTY]


class Gold(msgspec.Struct):
    data: date
    cena: msgspec.Raw


KNOWN_UNTIL = date(2026, 10, 26)


class NBP(RateSource, GoldSource):
    code = "nbp"
    name = "Narodowy Bank Polski"
    url = "https://nbp.pl/statystyka-i-sprawozdawczosc/kursy/"
    unit = "PLN za 1 jednostkę waluty, złoto za 1 g"
    limits = "93 dni w jednym zapytaniu"
    licence = "Informacja publiczna; NBP podawany jako źródło"
    attribution = "Źródło: Narodowy Bank Polski"
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
        body = self.ask(f"exchangerates/tables/{table}", start, end)
        return [] if body is None else within(start, end, parse_tables(body, table, self.public_url))

    def fetch_gold(self, start: date, end: date) -> list[Table]:
        body = self.ask("cenyzlota", start, end)
        return [] if body is None else within(start, end, parse_gold(body, self.public_url))

    def ask(self, path: str, start: date, end: date) -> bytes | None:
        """The body, or None for the NBP's own "nothing published"; another 404 is a refusal like any other."""
        try:
            return http.get(f"{self.base_url}{path}/{start}/{end}/?format=json")
        except Refused as error:
            if error.status == 404 and NOTHING_PUBLISHED in error.body:
                return None
            raise


def parse_tables(body: bytes, table: str, base_url: str) -> list[Table]:
    """The published tables, each with the sha256 of its own bytes: from its opening to its closing brace."""
    tables = []
    for element in decode(body, list[msgspec.Raw]):
        sheet: Mids | BidsAsks = decode(element, BidsAsks) if table == "C" else decode(element, Mids)
        if sheet.table != table:
            raise Unreadable(f"asked for table {table}, got {sheet.table}")
        tables.append(
            Table(
                table=table,
                effective_date=sheet.effectiveDate,
                rates=list(map(line_figure, sheet.rates)),
                number=sheet.no,
                trading_date=sheet.tradingDate if isinstance(sheet, BidsAsks) else None,
                url=f"{base_url}exchangerates/tables/{table}/{sheet.effectiveDate}/?format=json",
                sha256=sha256(element).hexdigest(),
            )
        )
    return tables


def parse_gold(body: bytes, base_url: str) -> list[Table]:
    tables = []
    for element in decode(body, list[msgspec.Raw]):
        price = decode(element, Gold)
        tables.append(
            Table(
                table="gold",
                effective_date=price.data,
                rates=[line_figure(Mid(GOLD, price.cena))],
                url=f"{base_url}cenyzlota/{price.data}/?format=json",
                sha256=sha256(element).hexdigest(),
                kind="metal",
            )
        )
    return tables


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


def within(start: date, end: date, tables: list[Table]) -> list[Table]:
    """The tables in the order of their days; a day that nobody asked for, or one twice, makes them all doubtful."""
    days = sorted(table.effective_date for table in tables)
    for day in days:
        if not start <= day <= end:
            raise Unreadable(f"asked for {start} to {end}, got {day}")
    if twice := [day for day, following in pairwise(days) if day == following]:
        raise Unreadable(f"more than one table of {twice[0]}")
    return sorted(tables, key=lambda table: table.effective_date)
