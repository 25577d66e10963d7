"""The NBP Web API as a pure function: a request in, an answer out.

Where the public record is silent the replica decides: 93 and 367 days count both ends; a range is judged before its
length, and both before the currency; a range that begins before the first table answers what there is from then on;
`last/n` of a currency looks at the last n tables of its letter; table letters beyond one character are echoed too.
XML is left out: whoever asks for it gets 501.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

from tests.replica.answer import Answer, Refused, content, etag, plain, with_headers
from tests.replica.bank import Bank
from tests.replica.service import Service
from tests.replica.tables import Letter, Table, labelled
from tests.replica.wire import Request

A_DAY = r"\d{4}-\d{2}-\d{2}"
ROUTE = re.compile(
    r"/api/(?:exchangerates/tables/(?P<table>\w+)|exchangerates/rates/(?P<series>\w+)/(?P<code>[a-z]{3})|cenyzlota)"
    rf"(?:/(?P<today>today)|/last/(?P<last>\d{{1,9}})|/(?P<start>{A_DAY})(?:/(?P<end>{A_DAY}))?)?/?",
    re.IGNORECASE | re.ASCII,
)
LETTERS: dict[str, Letter] = {"A": "A", "B": "B", "C": "C"}
ROWS_OF_TABLES = {"A": 67, "B": 14, "C": 67}
DAYS_OF_TABLES, DAYS_OF_SERIES, ROWS_OF_SERIES = 93, 367, 255

WARSAW = ZoneInfo("Europe/Warsaw")


@dataclass(frozen=True)
class Question:
    """`days` and `rows` are the limits that hold for it."""

    letter: Letter
    code: str | None
    days: int
    rows: int
    start: date | None
    end: date | None
    last: int | None
    today: bool


class NoRoute(Refused):
    def __init__(self) -> None:
        super().__init__(plain(404, "Not Found", "404 NotFound"))


class NoData(Refused):
    def __init__(self) -> None:
        super().__init__(plain(404, "Not Found - Brak danych", "404 NotFound - Not Found - Brak danych"))


class BadRequest(Refused):
    def __init__(self, reason: str) -> None:
        super().__init__(plain(400, reason, f"400 BadRequest - {reason}"))


class NBP(Service):
    """`bank` is what it publishes; `today` the day in Warsaw, where it is not to be that of the clock.

    `goes_on`: made-up tables follow the last real one. A day's tables are out from its midnight on.
    """

    name = "nbp"
    base = "/api/"
    told: ClassVar = ("correct", "withhold", "publish", "empty", "mend")

    def __init__(self, today: date | None = None, goes_on: bool = False) -> None:
        self.bank = Bank(goes_on)
        self.today = today
        self.correct, self.withhold, self.publish = self.bank.correct, self.bank.withhold, self.bank.publish
        self.empty, self.mend = self.bank.empty, self.bank.mend

    def today_at(self, now: datetime) -> date:
        return self.today or now.astimezone(WARSAW).date()

    def answer(self, request: Request, now: datetime) -> Answer:
        if request.method != "GET":
            return with_headers(plain(405, "Method Not Allowed", "405 MethodNotAllowed"), {"Allow": "GET"})
        if wants_xml(request.target.partition("?")[2], request.headers.get("accept", "")):
            return plain(501, "Not Implemented", "501 NotImplemented - this replica answers JSON only")
        try:
            question = read(request.path)
            return ok(written(question, asked_for(self.bank, question, self.today_at(now))))
        except Refused as refused:
            return refused.answer


def ok(body: bytes) -> Answer:
    headers = {
        "Cache-Control": "no-cache",
        "Pragma": "no-cache",
        "Expires": "-1",
        "ETag": etag(body),
        "Set-Cookie": "balancer=1; path=/",
    }
    return with_headers(content("application/json; charset=utf-8", body), headers)


def wants_xml(query: str, accept: str) -> bool:
    asked = parse_qs(query.lower()).get("format")
    return asked == ["xml"] if asked else "xml" in accept and "json" not in accept and "*/*" not in accept


def read(path: str) -> Question:
    found = ROUTE.fullmatch(path)
    if found is None:
        raise NoRoute
    start, end, last = day(found["start"]), day(found["end"] or found["start"]), found["last"]
    if last is not None and int(last) == 0:
        raise NoRoute
    letter = letter_of(found["table"] or found["series"])
    whole = found["table"] is not None
    return Question(
        letter=letter,
        code=found["code"] and found["code"].upper(),
        days=DAYS_OF_TABLES if whole else DAYS_OF_SERIES,
        rows=ROWS_OF_TABLES[letter] if whole else ROWS_OF_SERIES,
        start=start,
        end=end,
        last=None if last is None else int(last),
        today=found["today"] is not None,
    )


def day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise NoRoute from None


def letter_of(asked: str | None) -> Letter:
    if asked is None:
        return "gold"
    if asked.upper() not in LETTERS:
        raise BadRequest(f"Bad Request - Nieprawidłowa wartość parametru: {{table}}='{asked}'")
    return LETTERS[asked.upper()]


def asked_for(bank: Bank, question: Question, today: date) -> list[Table]:
    if question.last is not None:
        limit = question.rows
        if question.last > limit:
            raise BadRequest(
                f"Przekroczony limit {limit} wyników / Maximum size of {limit} data series has been exceeded"
            )
        return bank.latest(question.letter, question.last, today)
    if question.start and question.end:
        judge(question.start, question.end, question.days, today)
        return bank.between(question.letter, question.start, question.end)
    if question.today:
        return bank.between(question.letter, today, today)
    return bank.latest(question.letter, 1, today)


def judge(start: date, end: date, limit: int, today: date) -> None:
    if start > end or end > today:
        raise BadRequest("Błędny zakres dat / Invalid date range")
    if (end - start).days + 1 > limit:
        raise BadRequest(f"Przekroczony limit {limit} dni / Limit of {limit} days has been exceeded")


def written(question: Question, tables: list[Table]) -> bytes:
    code = question.code
    if code:
        tables = [table for table in tables if code in table.rates]
    if not tables:
        raise NoData
    if code is None:
        return b"[" + b",".join(table.json for table in tables) + b"]"
    rows = ",".join(table.row(code) for table in tables)
    return f'{{"table":"{question.letter}",{labelled(code)},"rates":[{rows}]}}'.encode()
