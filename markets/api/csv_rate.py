"""One rate as one bare number, for a cell of a spreadsheet: `=IMPORTDATA("https://…/csv/rate?code=USD&date=2026-03-23")`."""

from datetime import date
from decimal import Decimal
from typing import Literal

from django.http import HttpRequest, HttpResponse
from ninja import Field, Query, Router, Schema

from markets import clock, licence
from markets.api.responses import DAILY, told
from markets.api.schemas import SERIES_ERRORS, Code, Day
from markets.errors import QuestionError
from markets.instruments.names import GOLD
from markets.licence import Audience
from markets.models import Instrument, Rate
from markets.models.querysets import RateQuerySet
from markets.queries import rates, tables
from markets.queries.found import find
from markets.queries.tax.answers import answer
from markets.queries.tax.rule import Question

router = Router(tags=["rates"])

# A number with a comma is no cell of CSV, which would be two.
KINDS = {".": "text/csv; charset=utf-8", ",": "text/plain; charset=utf-8"}
TEXT = {"schema": {"type": "string", "pattern": r"^[0-9]+([.,][0-9]+)?$"}, "example": "3.7747"}
# The archive begins in 1984 and the oldest rates of the ECB in 1999.
BEGINNING = date(1900, 1, 1)


class CsvRate(Schema):
    code: Code = Field(
        description="ISO code of the currency, or an alias; XAU is a gram of gold.",
        json_schema_extra={"example": "USD"},
    )
    date: Day | None = Field(
        None,
        description="The day whose rate this is; with `rule` the day of the event. Without it the newest "
        "rate, at most 14 days old (table B: 21).",
        json_schema_extra={"example": "2024-01-31"},
    )
    rule: str | None = Field(
        None,
        min_length=1,
        max_length=40,
        description="The rate that this tax rule means (see /tax-rules); for most of them that of another day.",
        json_schema_extra={"example": "pit"},
    )
    dec: Literal[".", ","] = Field(
        ".", description="The decimal mark, as the spreadsheet reads it.", json_schema_extra={"example": ","}
    )


class NoRateError(QuestionError):
    """Nothing was published for that day, or lately; `detail` has the newest day before that has a rate."""

    status = 404
    code = "no_rate"


def operation(path: str, *, described: bool) -> None:
    router.get(
        path,
        response=SERIES_ERRORS,
        operation_id=path.strip("/").replace("/", "_"),
        summary="One number",
        include_in_schema=described,
        openapi_extra={"responses": {200: {"description": "OK", "content": {"text/csv": TEXT, "text/plain": TEXT}}}},
    )(bare_number)


def bare_number(request: HttpRequest, asked: Query[CsvRate]) -> HttpResponse:
    """The rate alone, with its published digits: PLN for one unit. What has no rate is an error and never another day.

    Where the day has none, `detail` names the one before. A `rule` chooses its day itself; `/tax-rate` shows which one,
    and why.
    """
    audience = licence.audience(request)
    number = of_rule(asked, audience) if asked.rule else published(asked, audience)
    return told(request, HttpResponse(number.replace(".", asked.dec), content_type=KINDS[asked.dec]), DAILY)


def of_rule(asked: CsvRate, audience: Audience) -> str:
    return str(answer(Question(str(asked.rule), asked.code, asked.date), audience)["rate"])


def published(asked: CsvRate, audience: Audience) -> str:
    """The canonical mid of the day, or the newest there is, as long as it may stand for today."""
    gold = find(asked.code)
    instrument = gold if gold and gold.code == GOLD else rates.find_currency(asked.code)
    today = clock.today()
    found = newest(rows_of(instrument, asked.date or today, audience))
    if found is None:
        raise no_rate(instrument, asked.date, None)
    day, mid, scale, table = found
    if asked.date not in {None, day} or (asked.date is None and today - day > tables.carry_of(table)):
        raise no_rate(instrument, asked.date, day)
    return str(rates.digits(mid, scale))


def rows_of(instrument: Instrument, last: date, audience: Audience) -> RateQuerySet[Rate]:
    if instrument.code == GOLD:
        return rates.gold(BEGINNING, last, audience=audience)
    return rates.rates(instrument, BEGINNING, last, audience=audience)


def newest(rows: RateQuerySet[Rate]) -> tuple[date, Decimal | None, int, str] | None:
    found = rows.exclude(mid=None).order_by("-effective_date").values_list("effective_date", "mid", "scale", "table")
    return found.first()


def no_rate(instrument: Instrument, day: date | None, before: date | None) -> NoRateError:
    """Without a day the newest is one that is quoted no more, or that its source has left behind."""
    if before is None:
        return NoRateError(f"There is no rate of {instrument.code}{f' up to {day}' if day else ''}", {"before": None})
    if day is None:
        message = f"The newest rate of {instrument.code} is of {before}, too old to stand for today: name its date"
        return NoRateError(message, {"before": before})
    return NoRateError(
        f"No rate of {instrument.code} was published for {day}; the one before is of {before}", {"before": before}
    )


operation("/csv/rate", described=True)
operation("/csv/kurs", described=False)
