"""The NBP Web API as a pure function: a request in, an answer out.

Where the public record is silent the replica decides: 93 and 367 days count both ends; a range is judged before its
length, and both before the currency; a range that begins before the first table answers what there is from then on;
`last/n` of a currency looks at the last n tables of its letter; table letters beyond one character are echoed too.
XML is left out: whoever asks for it gets 501.
"""

import base64
import hashlib
import re
from dataclasses import dataclass
from datetime import date
from urllib.parse import parse_qs, unquote

from tests.replica.bank import Bank
from tests.replica.tables import Letter, Table, labelled

A_DAY = r"\d{4}-\d{2}-\d{2}"
ROUTE = re.compile(
    r"/api/(?:exchangerates/tables/(?P<table>\w+)|exchangerates/rates/(?P<series>\w+)/(?P<code>[a-z]{3})|cenyzlota)"
    rf"(?:/(?P<today>today)|/last/(?P<last>\d{{1,9}})|/(?P<start>{A_DAY})(?:/(?P<end>{A_DAY}))?)?/?",
    re.IGNORECASE | re.ASCII,
)
LETTERS: dict[str, Letter] = {"A": "A", "B": "B", "C": "C"}
ROWS_OF_TABLES = {"A": 67, "B": 14, "C": 67}
DAYS_OF_TABLES, DAYS_OF_SERIES, ROWS_OF_SERIES = 93, 367, 255

Headers = dict[str, str]


@dataclass(frozen=True)
class Answer:
    status: int
    reason: bytes
    headers: Headers
    body: bytes


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


class Refused(Exception):
    def __init__(self, status: int, word: str, reason: str, body: str = "") -> None:
        super().__init__(reason)
        self.answer = plain(status, reason, body or f"{status} {word} - {reason}")


class NoRoute(Refused):
    def __init__(self) -> None:
        super().__init__(404, "NotFound", "Not Found", "404 NotFound")


class NoData(Refused):
    def __init__(self) -> None:
        super().__init__(404, "NotFound", "Not Found - Brak danych")


class BadRequest(Refused):
    def __init__(self, reason: str) -> None:
        super().__init__(400, "BadRequest", reason)


def plain(status: int, reason: str, body: str) -> Answer:
    """The reason phrase leaves in CP1250 and the body in UTF-8, as the service does it."""
    headers = {"Content-Type": "text/plain; charset=utf-8"}
    return Answer(status, reason.encode("cp1250", "replace"), headers, body.encode())


def ok(body: bytes) -> Answer:
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    headers = {
        "Cache-Control": "no-cache",
        "Pragma": "no-cache",
        "Expires": "-1",
        "ETag": f'"{digest}"',
        "Content-Type": "application/json; charset=utf-8",
        "Set-Cookie": "balancer=1; path=/",
    }
    return Answer(200, b"OK", headers, body)


def not_allowed() -> Answer:
    answer = plain(405, "Method Not Allowed", "405 MethodNotAllowed")
    return Answer(answer.status, answer.reason, {**answer.headers, "Allow": "GET"}, answer.body)


def answer(bank: Bank, target: str, today: date, accept: str = "") -> Answer:
    path, _, query = target.partition("?")
    if wants_xml(query, accept):
        return plain(501, "Not Implemented", "501 NotImplemented - this replica answers JSON only")
    try:
        question = read(unquote(path))
        return ok(written(question, asked_for(bank, question, today)))
    except Refused as refused:
        return refused.answer


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
        tables = [table for table in tables if code in table.figures]
    if not tables:
        raise NoData
    if code is None:
        return b"[" + b",".join(table.json for table in tables) + b"]"
    rows = ",".join(table.row(code) for table in tables)
    return f'{{"table":"{question.letter}",{labelled(code)},"rates":[{rows}]}}'.encode()
