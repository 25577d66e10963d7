"""The shapes of questions about the tax rate and of their answers; those of invoices are in `tax_invoice_schemas`."""

import datetime as dt
import re
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

from ninja import Field, Schema
from pydantic import BeforeValidator, ConfigDict, WithJsonSchema, WrapValidator

from markets.api.price_schemas import Since
from markets.api.schemas import COMMON_ERRORS, Code, Day, Digits, Envelope, Fault, whole_number

TAX_ERRORS = {404: Envelope, 408: Envelope, **COMMON_ERRORS}
# Fifteen digits before the point are a quadrillion; table B has rates with eight decimals.
WHOLE_DIGITS, DECIMALS = 15, 10
NUMBER = re.compile(rf"-?[0-9]{{1,{WHOLE_DIGITS}}}(\.[0-9]{{1,{DECIMALS}}})?")
SURROGATE = re.compile(r"[\ud800-\udfff]")
NUMBER_SCHEMA = {
    "type": "string",
    "pattern": f"^{NUMBER.pattern}$",
    "maxLength": WHOLE_DIGITS + DECIMALS + 2,
}
NO_NUMBER = (
    f"is not a decimal number in a string: up to {WHOLE_DIGITS} digits, a point, and up to {DECIMALS} decimals, "
    'for example "1500.50"'
)


def decimal_text(value: Any) -> Decimal:
    """Text alone: a JSON number would have been a float somewhere on its way."""
    if isinstance(value, Decimal):
        return value
    if not isinstance(value, str) or not NUMBER.fullmatch(value):
        raise ValueError(NO_NUMBER)
    return Decimal(value)


def positive(value: Decimal) -> Decimal:
    if value <= 0:
        raise ValueError("must be more than 0")
    return value


def said(value: Any) -> Any:
    """One that a database can take, and a log can show."""
    if isinstance(value, str) and "\0" in value:
        raise ValueError("contains a NUL character")
    if isinstance(value, str) and SURROGATE.search(value):
        raise ValueError("is no text: half of a character stands alone")
    return value


Amount = Annotated[Decimal, BeforeValidator(decimal_text), WithJsonSchema(NUMBER_SCHEMA, mode="validation")]
Positive = Annotated[
    Decimal,
    BeforeValidator(lambda value: positive(decimal_text(value))),
    WithJsonSchema(NUMBER_SCHEMA, mode="validation"),
]
Name = Annotated[Code, BeforeValidator(said)]
Year = Annotated[int, Field(ge=1900, le=2200), BeforeValidator(whole_number)]
Choice = Literal["nbp", "ecb"]
Order = Literal["tax-first", "net-first"]


def part(description: str, example: Any) -> Any:
    return Field(None, description=description, json_schema_extra={"example": example})


class TaxInputs(Schema):
    """Whatever a rule may need; GET /tax-rules says which rule needs what."""

    code: Name | None = part(
        "ISO code of the currency, or an alias. A rule about one currency (the limits in EUR) needs none.", "USD"
    )
    date: Day | None = part("The day of the event: revenue, cost, operation, balance, due date.", "2026-10-26")
    amount: Amount | None = part("An amount in the currency, converted and rounded as the rule says.", "1500")
    tax_point: Day | None = part("The day on which VAT became due; `date` is taken for it.", "2026-07-31")
    invoice_date: Day | None = part("The day on which the invoice was issued (P_1).", "2026-08-05")
    payment_date: Day | None = part("The day of the payment.", "2026-04-07")
    original_tax_point: Day | None = part("Of a correction: the tax point of the original.", "2025-12-29")
    original_invoice_date: Day | None = part("Of a correction: the day of the original invoice.", "2025-12-29")
    year: Year | None = part("The tax year.", 2026)
    period_end: Day | None = part("The last day of the period of a return.", "2026-09-30")
    actual_rate: Positive | None = part("A rate of a bank document, or that of the original invoice.", "4.2776")
    reference: Name | None = part("The reference currency of a currency that the NBP does not quote.", "USD")
    cross_rate: Positive | None = part("What one unit costs in the reference currency.", "1.20")
    choice: Choice | None = part("Whose rate, where the law leaves it to the taxpayer.", "nbp")
    order: Order | None = part(
        "Which amount is rounded first where both orders are lawful: the tax in the currency, or the net in PLN.",
        "tax-first",
    )
    as_of: Since | None = part("What was known at this moment, UTC; a day is its beginning.", "2026-10-26T12:00:00Z")


class TaxQuery(TaxInputs):
    rule: Name = Field(
        description="The rule by its id or an alias: pit, vat, vat-ecb, same-day (GET /tax-rules lists all).",
        json_schema_extra={"example": "pit-revenue"},
    )


class TaxLine(TaxInputs):
    """The same as one line of a body: nothing else is taken."""

    model_config = ConfigDict(extra="forbid")

    rule: Name = Field(description="The rule by its id or an alias.", json_schema_extra={"example": "pit-revenue"})


class LinesQuery(Schema):
    rule: Name | None = part("The rule of the lines that name none.", "pit-revenue")
    format: Literal["json", "csv"] | None = Field(
        None,
        description="How to answer; without it as `Accept` says, JSON unless that is text/csv.",
        json_schema_extra={"example": "csv"},
    )


def object_or_text(value: Any, _: Any) -> Any:
    """As it came: what is wrong with one line is told of that line (`markets.api.tax_answers`)."""
    if not isinstance(value, dict | str):
        raise ValueError("is a list of JSON objects, one a line")
    return value


OneLine = Annotated[TaxLine, WrapValidator(object_or_text)]


class TaxLines(Schema):
    model_config = ConfigDict(extra="forbid")

    lines: list[OneLine] = Field(
        min_length=1,
        description="Up to 500 questions. Each has the parameters of GET /tax-rate, decimals as strings.",
        examples=[[{"rule": "pit-revenue", "code": "USD", "date": "2026-10-26", "amount": "1500"}]],
    )


class RuleVersion(Schema):
    id: str = Field(description="The rule that answered, which may be another one than was asked.", examples=["vat"])
    statute: str = Field(description="Which act and article, as they stood.", examples=["PIT art. 11a(1)"])
    version_from: date = Field(description="Since when it reads so.", examples=["2012-01-01"])
    optional: bool = Field(description="Whether the law leaves it to the taxpayer.", examples=[False])


class Skipped(Schema):
    date: dt.date = Field(description="A day between the event and the rate.", examples=["2025-12-24"])
    reason: Literal[
        "weekend",
        "holiday",
        "not_a_table_day",
        "target_holiday",
        "no_publication",
        "not_yet_published",
        "missing_here",
    ] = Field(description="Why it has no table; no_publication is a working day without one.", examples=["holiday"])
    name: str | None = Field(
        None, description="Of a holiday, in Polish; of others there is none.", examples=["Wigilia"]
    )


class InLog(Schema):
    index: int = Field(description="Number of the entry in the public log.", examples=[9])
    size: int = Field(description="How many entries the log had.", examples=[10])
    root: str = Field(description="Root of the tree.", examples=["9f86d081884c7d659a2feaa0c55ad015"])
    path: list[str] = Field(description="Hashes from the entry to the root.", examples=[[]])


class Proof(Schema):
    publication: str | None = Field(
        description="Where the publication is described; null in an archive.",
        examples=["/api/v1/provenance/publication/123"],
    )
    sha256: str | None = Field(
        description="SHA-256 of the bytes of the table as it was published; null in an archive.",
        examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"],
    )
    log: InLog | None = Field(description="Its place in the public log; null where it is in none.", examples=[None])


class TaxLeg(Schema):
    code: str = Field(description="What is priced.", examples=["EUR"])
    quote: str = Field(description="What it is priced in.", examples=["PLN"])
    rate: Digits = Field(description="Of one unit.", examples=["4.2105"])
    unit: Literal[1] = Field(description="Always 1.", examples=[1])
    source: str = Field(description="Who published it; given: the caller.", examples=["ecb"])
    table: str | None = Field(description="The table it stands in.", examples=["eurofxref"])
    table_no: str | None = Field(description="Number of the table.", examples=[None])
    effective_date: date | None = Field(description="The day of the table.", examples=["2026-01-06"])
    edition: str | None = Field(None, description="The edition of an archive.", examples=[None])
    proof: Proof | None = Field(description="What proves it.")
    role: str | None = Field(None, description="Of a difference: earlier or later.", examples=["earlier"])
    amount_pln: Digits | None = Field(None, description="Of a difference: the amount at this rate.", examples=[None])


class TaxAnswer(Schema):
    rule: RuleVersion = Field(description="The rule and its version in force.")
    input: dict[str, Any] = Field(
        description="What was asked, as it was understood.",
        examples=[{"code": "USD", "date": "2025-12-29", "amount": "1500"}],
    )
    rate: Digits = Field(description="PLN for one unit, with its published digits.", examples=["3.5848"])
    unit: Literal[1] = Field(description="Units of the currency that the rate is for: always 1.", examples=[1])
    derived: bool = Field(description="Whether it was computed of several published rates.", examples=[False])
    source: str = Field(description="Who published it; given: a rate of the caller.", examples=["nbp"])
    table: str | None = Field(description="The table it stands in.", examples=["A"])
    table_no: str | None = Field(
        description="Number of the table; null in an archive and for the ECB.", examples=["248/A/NBP/2025"]
    )
    effective_date: date | None = Field(description="The day of the table.", examples=["2025-12-23"])
    edition: str | None = Field(
        description="The edition of the archive that a figure without an official number is of.", examples=[None]
    )
    skipped: list[Skipped] = Field(description="The days between, newest first.")
    amount_pln: Digits | None = Field(
        description="The amount in PLN; null without an amount, and where the result is in EUR.", examples=["5377.20"]
    )
    into: str = Field(description="The currency of the result: PLN, of OSS EUR.", examples=["PLN"])
    amount_into: Digits | None = Field(description="The amount in that currency.", examples=["5377.20"])
    rounding: str = Field(description="How the amount was rounded.", examples=["half_up_0.01"])
    final: bool = Field(description="Whether no later table can change the answer.", examples=[True])
    why_not_final: str | None = Field(description="Why not.", examples=[None])
    ambiguous: bool = Field(description="Whether the law can be read so that another table applies.", examples=[False])
    warnings: list[str] = Field(
        description="What to look at; archive_only: no official number is known here.", examples=[["archive_only"]]
    )
    proof: Proof | None = Field(description="What proves the rate; null for a rate of the caller.")
    citation: str = Field(
        description="What an invoice or a ledger quotes.",
        examples=["Tabela nr 248/A/NBP/2025 z dnia 2025-12-23, 1 USD = 3,5848 PLN"],
    )
    legs: list[TaxLeg] = Field(description="What a derived rate, or a difference, is made of; else empty.")
    notice: str = Field(description="What this is not.", examples=["Not tax advice"])


class AnsweredLine(Schema):
    line: int = Field(description="Number of the line, from 1 on; in a table the header counts.", examples=[2])
    answer: TaxAnswer | None = Field(description="As of GET /tax-rate; null where the line is refused.")
    error: Fault | None = Field(description="Why it is refused, in the shape of every error.", examples=[None])


class Totals(Schema):
    answered: int = Field(description="Lines with an answer.", examples=[2])
    refused: int = Field(description="Lines with an error.", examples=[1])
    amount_pln: Digits = Field(description="Sum of the amounts in PLN.", examples=["10754.40"])
    final: bool = Field(description="Whether all answers are final.", examples=[True])


class TaxAnswers(Schema):
    items: list[AnsweredLine] = Field(description="In the order of the lines.")
    count: int = Field(description="All lines.", examples=[3])
    totals: Totals = Field(description="What they come to.")


class InputItem(Schema):
    name: str = Field(description="The parameter.", examples=["date"])
    type: str = Field(description="string, date, decimal, integer or datetime.", examples=["date"])
    required: bool = Field(
        description="Whether there is no answer without it, or without one of `one_of`.", examples=[True]
    )
    one_of: list[str] = Field(description="Any of these is enough; empty where it stands alone.", examples=[[]])
    description: str = Field(description="What it means for this rule.", examples=["Day of the event."])


class VersionItem(Schema):
    statute: str = Field(description="Act and article.", examples=["PIT art. 11a(1)"])
    valid_from: date = Field(description="Since when.", examples=["2012-01-01"])
    valid_to: date | None = Field(description="Until when; null: still.", examples=[None])
    is_first_day_verified: bool = Field(description="False where the first day was read nowhere.", examples=[False])


class RuleExample(Schema):
    asked: dict[str, str] = Field(description="A question.", examples=[{"rule": "pit-revenue", "code": "USD"}])
    expected: dict[str, str | None] = Field(description="Its answer.", examples=[{"rate": "3.5848"}])


class TaxRuleItem(Schema):
    id: str = Field(description="The name of the rule.", examples=["pit-revenue"])
    name_pl: str = Field(description="What it is about, in Polish.", examples=["przychód w walucie obcej (PIT)"])
    name_en: str = Field(description="The same in English.", examples=["revenue in a foreign currency (PIT)"])
    aliases: list[str] = Field(description="Other names.", examples=[["pit"]])
    statute: str = Field(description="Act and article today.", examples=["PIT art. 11a(1)"])
    versions: list[VersionItem] = Field(description="Oldest first; days before the first are refused.")
    source: str = Field(description="Where the text was read.", examples=["statute, public copy"])
    table: str = Field(description="Whose tables decide.", examples=["NBP table A"])
    code: str | None = Field(description="The only currency that it is about.", examples=[None])
    into: str = Field(description="The currency of the result.", examples=["PLN"])
    amounts: list[Digits] = Field(description="Amounts of the law itself.", examples=[[]])
    rounding: str = Field(description="How amounts are rounded.", examples=["half_up_0.01"])
    is_optional: bool = Field(description="Whether the law leaves it to the taxpayer.", examples=[False])
    inputs: list[InputItem] = Field(description="What it needs and takes.")
    example: RuleExample | None = Field(description="A worked example.")


class TaxRulePage(Schema):
    items: list[TaxRuleItem] = Field(description="All rules, in the order of the acts.")
    count: int = Field(description="All rules, before paging.", examples=[30])
