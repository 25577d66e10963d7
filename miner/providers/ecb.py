"""European Central Bank, euro reference rates: units of a currency for 1 EUR, of which PLN is a rate of the euro.

Published about 16:00 Frankfurt time on TARGET working days; until then, and on closing days, the daily file shows the
day before. Three files: the newest day, about 90 days, and everything since 1999-01-04 (a zip of one CSV), all newest
first. They write one number in different ways (1.1790, 1.179); dead currencies say N/A. No key, no documented limit.
Documentation: https://www.ecb.europa.eu/stats/policy_and_exchange_rates/euro_reference_exchange_rates/
"""

import zlib
from datetime import date, time, timedelta
from hashlib import sha256
from io import BytesIO
from xml.parsers import expat
from zipfile import BadZipFile, ZipFile

from markets.messages import Message
from markets.network.body_text import plain
from markets.records import RateRecord, Table
from miner.fetch import days, http
from miner.fetch.errors import Unreadable
from miner.fetch.parsing import number
from miner.providers.base import Hours, RateSource, TableSeries, gettext_noop

TABLE = "eurofxref"
DAILY, RECENT, HISTORY, MEMBER = "-daily.xml", "-hist-90d.xml", "-hist.zip", "eurofxref-hist.csv"
# Which day the file of 90 days begins with is not documented to the day.
RECENT_DAYS = timedelta(days=85)
# The history of 2026 is 2 MB; a zip can promise anything.
MAX_BYTES = 16 * 1024 * 1024
CUBE = "http://www.ecb.int/vocabulary/2002-08-01/eurofxref Cube"
NO_RATE = "N/A"
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip


class ECB(RateSource):
    code = "ecb"
    name = gettext_noop("Europejski Bank Centralny")
    url = "https://www.ecb.europa.eu/stats/policy_and_exchange_rates/euro_reference_exchange_rates/html/index.en.html"
    unit = "jednostki waluty za 1 EUR"
    limits = "pliki: ostatni dzień, 90 dni, całość od 1999 r."
    licence = gettext_noop("Kursy informacyjne; wolno używać z podaniem źródła (EBC)")
    attribution = gettext_noop("Źródło: Europejski Bank Centralny")
    # Closed at most from Thursday to Tuesday (Easter) or between two Christmas weekends: 5 days.
    series = (
        TableSeries(
            TABLE, "pair", date(1999, 1, 4), date(2026, 4, 13), 366, Hours(time(16, 0), time(17, 0)), longest_pause=5,
            closed="ECB",
        ),
    )  # fmt: skip

    def __init__(self, base_url: str = "", key: str = "") -> None:
        super().__init__(base_url, key)
        # The whole history, kept for the windows of one run: it is one file, however little of it is wanted.
        self.history: tuple[bytes, str] | None = None
        self.newest = date.min

    def fetch_rates(self, start: date, end: date, table: str = TABLE) -> list[Table]:
        if table != TABLE:
            raise ValueError(f"the ECB has no table {table}")
        return days.one_a_day(days.inside(days.placed(self.tables(start, end), start, end), start, end))

    def tables(self, start: date, end: date) -> list[Table]:
        """The smallest file that holds the days; its newest one tells what day it is at the ECB."""
        if self.history is None or end > self.newest:
            daily = parse_xml(*self.ask(DAILY))
            self.newest = max(table.effective_date for table in daily)
            if start >= self.newest:
                return daily
            if self.newest - start <= RECENT_DAYS:
                return parse_xml(*self.ask(RECENT))
            body, url = self.ask(HISTORY)
            self.history = unzip(body), url
        return parse_csv(*self.history, start, end)

    def ask(self, file: str) -> tuple[bytes, str]:
        accept = "application/zip" if file == HISTORY else "application/xml"
        return http.get(f"{self.base_url}{TABLE}{file}", accept), f"{self.public_url}{TABLE}{file}"


def parse_xml(body: bytes, url: str) -> list[Table]:
    """The days of a file as they stand, each with the sha256 of its own element, `<Cube time=...>` to `</Cube>`."""
    tables: list[Table] = []
    body = plain(body)
    cubes: list[tuple[dict[str, str], int]] = []
    lines: list[tuple[str, str]] = []
    reader = expat.ParserCreate("utf-8", " ")

    def begin(name: str, attributes: dict[str, str]) -> None:
        if name == CUBE:
            cubes.append((attributes, reader.CurrentByteIndex))
            if "currency" in attributes:
                lines.append((attributes["currency"], attributes.get("rate", "")))

    def end(name: str) -> None:
        attributes, opened = cubes.pop() if name == CUBE else ({}, 0)
        if "time" in attributes:
            element = body[opened : body.find(b">", reader.CurrentByteIndex) + 1]
            tables.append(table_of(attributes["time"], lines, element, url))
            lines.clear()

    def refuse(*_: object) -> None:
        raise Unreadable(Message("hidden_entities"))

    reader.StartElementHandler, reader.EndElementHandler = begin, end
    reader.StartDoctypeDeclHandler = refuse
    try:
        reader.Parse(body, True)  # noqa: FBT003
    except expat.ExpatError as error:
        raise Unreadable(Message("not_xml", words=str(error))) from None
    if not tables:
        raise Unreadable(Message("no_day"))
    return with_a_sound_one(tables)


def parse_csv(body: bytes, url: str, start: date = date.min, end: date = date.max) -> list[Table]:
    """These days of a file as they stand, each with the sha256 of its own line; both dialects, `,` and `, `.

    Of the other days there is the day alone.
    """
    head, *lines = [line for line in plain(body).decode(errors="surrogateescape").splitlines() if line] or [""]
    codes = [cell.strip() for cell in head.split(",")]
    if codes[0] != "Date" or not lines:
        raise Unreadable(Message("no_table"))
    return with_a_sound_one([line_of(line, codes[1:], url, start, end) for line in lines])


def line_of(line: str, codes: list[str], url: str, start: date, end: date) -> Table:
    text, _, rest = line.partition(",")
    day = day_of(text)
    if day and not start <= day <= end:
        return Table(TABLE, day, [], kind="pair")
    cells = [cell.strip() for cell in rest.split(",")]
    named = [(code, cell) for code, cell in zip(codes, cells, strict=False) if code and cell != NO_RATE]
    table = table_of(text, named, line.encode(errors="surrogateescape"), url)
    if len(cells) != len(codes) and not table.fault:
        return days.broken(table, Message("figures_and_codes", figures=len(cells), codes=len(codes)))
    return table


def table_of(text: str, lines: list[tuple[str, str]], element: bytes, url: str) -> Table:
    """One day; with a fault if it is none or has no rate."""
    day = day_of(text)
    table = Table(
        table=TABLE,
        effective_date=day or days.NO_DAY,
        rates=[rate(code, text) for code, text in lines],
        url=url,
        sha256=sha256(element).hexdigest(),
        kind="pair",
    )
    if day is None:
        return days.broken(table, Message("not_a_day", value=ascii(text)[1:-1][:20]))
    return table if lines else days.broken(table, Message("no_figure"))


def with_a_sound_one(tables: list[Table]) -> list[Table]:
    if all(table.fault for table in tables):
        raise Unreadable(Message("about", about=f"{tables[0].effective_date}", reason=tables[0].fault))
    return tables


def rate(code: str, text: str) -> RateRecord:
    """PLN for one euro is a rate of `EUR`; a rate that is no number is refused alone, not with its table."""
    ours = "EUR" if code == "PLN" else f"EUR{code}"
    try:
        return RateRecord(ours, mid=number(text))
    except ValueError as error:
        return RateRecord(ours, fault=str(error))


def day_of(text: str) -> date | None:
    """`2026-04-13`, or `13 April 2026`."""
    try:
        if " " in text.strip():
            day, month, year = text.split()
            return date(int(year), MONTHS.index(month) + 1, int(day))
        return date.fromisoformat(text.strip())
    except ValueError:
        return None


def unzip(body: bytes) -> bytes:
    """The one member, no more than MAX_BYTES of it, whatever the zip says of its size."""
    try:
        with ZipFile(BytesIO(body)) as archive, archive.open(MEMBER) as file:
            text = file.read(MAX_BYTES + 1)
    except (BadZipFile, KeyError, EOFError, NotImplementedError, RuntimeError, OSError, zlib.error) as error:
        raise Unreadable(Message("not_a_zip", name=MEMBER, words=str(error))) from None
    if len(text) > MAX_BYTES:
        raise Unreadable(Message("file_too_long", name=MEMBER, size=MAX_BYTES))
    return text
