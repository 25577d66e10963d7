"""The euro reference rates of the ECB: five files in their dialects.

A day is out at 16:00 in Frankfurt if TARGET works on it; until then, and on days without one, the files end with the
day before. Where the record is silent the replica decides: the file of 90 days reaches back 90 calendar days from its
newest one; anything else under the path is 404 with an HTML page; answers carry neither ETag nor Last-Modified.
"""

import io
import zipfile
from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta
from typing import ClassVar
from zoneinfo import ZoneInfo

from tests.replica import fixings
from tests.replica.answer import Answer, Headers, content, with_headers
from tests.replica.service import Service
from tests.replica.wire import Request

FRANKFURT = ZoneInfo("Europe/Berlin")
OUT_AT = time(16, 0)
RECENT = timedelta(days=90)
HEAD = (
    '<gesmes:Envelope xmlns:gesmes="http://www.gesmes.org/xml/2002-08-01" '
    'xmlns="http://www.ecb.int/vocabulary/2002-08-01/eurofxref">'
)
DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>'
Day = tuple[date, dict[str, str]]


class ECB(Service):
    name = "ecb"
    base = "/stats/eurofxref/"
    told: ClassVar = ("withhold", "publish", "correct")

    def __init__(self) -> None:
        self._withheld: set[date] = set()
        self._corrected: dict[date, dict[str, str]] = {}
        self._kept: dict[tuple[str, date], Answer] = {}

    def withhold(self, day: date) -> None:
        """That day is not out, whatever the clock says."""
        self._withheld.add(day)
        self._kept.clear()

    def publish(self, day: date) -> None:
        self._withheld.discard(day)
        self._kept.clear()

    def correct(self, day: date, code: str, figure: str) -> None:
        if code not in fixings.fixing(day):
            raise KeyError(f"no {code} on {day}")
        self._corrected.setdefault(day, {})[code] = figure
        self._kept.clear()

    def answer(self, request: Request, now: datetime) -> Answer:
        files: dict[str, Callable[[date], Answer]] = {
            "eurofxref-daily.xml": lambda last: xml(indented(self.day(last))),
            "eurofxref-hist-90d.xml": lambda last: xml(compact(self.days(last - RECENT, last))),
            "eurofxref-hist.xml": lambda last: xml(compact(self.days(fixings.BEGINNING, last))),
            "eurofxref-hist.zip": lambda last: packed("eurofxref-hist.csv", history(self.days(date.min, last)), last),
            "eurofxref.zip": lambda last: packed("eurofxref.csv", short(self.day(last)), last),
        }
        if request.method not in {"GET", "HEAD"}:
            return page(405, "Method Not Allowed", {"Allow": "GET, HEAD"})
        name = request.path.removeprefix(self.base)
        if name not in files:
            return page(404, "Page not found")
        last = self.newest(now)
        if (name, last) not in self._kept:
            self._kept[name, last] = files[name](last)
        return self._kept[name, last]

    def newest(self, now: datetime) -> date:
        local = now.astimezone(FRANKFURT)
        last = local.date() - timedelta(days=local.time() < OUT_AT)
        return next(day for day in fixings.days(fixings.BEGINNING, last) if day not in self._withheld)

    def day(self, day: date) -> Day:
        return day, {**fixings.fixing(day), **self._corrected.get(day, {})}

    def days(self, first: date, last: date) -> list[Day]:
        return [self.day(day) for day in fixings.days(first, last) if day not in self._withheld]


def xml(text: str) -> Answer:
    return content("text/xml", text.encode())


def page(status: int, title: str, headers: Headers | None = None) -> Answer:
    body = f"<!DOCTYPE html><html><head><title>{title}</title></head></html>".encode()
    return with_headers(Answer(status, title.encode(), {"Content-Type": "text/html"}, body), headers or {})


def packed(member: str, text: str, day: date) -> Answer:
    """The same bytes for the same text: the member bears the day, not the moment of the request."""
    buffer = io.BytesIO()
    stamp = zipfile.ZipInfo(member, (day.year, day.month, day.day, 16, 0, 0))
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(stamp, text.encode("ascii"), zipfile.ZIP_DEFLATED)
    return content("application/zip", buffer.getvalue(), packs=False)


def indented(day: Day) -> str:
    """The style of the daily file: tabs, single quotes, every decimal."""
    rates = "".join(f"\t\t\t<Cube currency='{code}' rate='{text}'/>\n" for code, text in day[1].items())
    return (
        f"{DECLARATION}\n{HEAD}\n\t<gesmes:subject>Reference rates</gesmes:subject>\n\t<gesmes:Sender>\n"
        "\t\t<gesmes:name>European Central Bank</gesmes:name>\n\t</gesmes:Sender>\n\t<Cube>\n"
        f"\t\t<Cube time='{day[0]}'>\n{rates}\t\t</Cube>\n\t</Cube>\n</gesmes:Envelope>"
    )


def compact(days: Iterable[Day]) -> str:
    """The style of the other two: one line, double quotes, no zeros at the end."""
    cubes = "".join(f'<Cube time="{day}">{"".join(map(cube, rates.items()))}</Cube>' for day, rates in days)
    return (
        f"{DECLARATION}{HEAD}<gesmes:subject>Reference rates</gesmes:subject><gesmes:Sender>"
        f"<gesmes:name>European Central Bank</gesmes:name></gesmes:Sender><Cube>{cubes}</Cube></gesmes:Envelope>"
    )


def cube(rate: tuple[str, str]) -> str:
    return f'<Cube currency="{rate[0]}" rate="{bare(rate[1])}"/>'


def bare(figure: str) -> str:
    return figure.rstrip("0").rstrip(".") if "." in figure else figure


def history(days: Iterable[Day]) -> str:
    """Every currency there ever was, `N/A` where there is none, and a comma at the end of each line."""
    lines = [",".join(["Date", *fixings.CODES, ""])]
    for day, rates in days:
        figures = (bare(rates[code]) if code in rates else "N/A" for code in fixings.CODES)
        lines.append(",".join([str(day), *figures, ""]))
    return "\n".join(lines) + "\n"


def short(day: Day) -> str:
    """The other dialect: comma and space, an English date, every decimal."""
    in_words = f"{day[0].day} {day[0]:%B %Y}"
    lines = [["Date", *day[1], ""], [in_words, *day[1].values(), ""]]
    return "".join(f"{', '.join(line)}\n" for line in lines)
