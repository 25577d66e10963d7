"""The shapes of an invoice FA(3) and of its answer; the names in capitals are those of the schema of the ministry."""

from datetime import date
from typing import Annotated, Any, Literal

from ninja import Field, Schema
from pydantic import BeforeValidator, ConfigDict, StrictBool, WithJsonSchema

from markets.api.price_schemas import Since
from markets.api.schemas import Day, Digits
from markets.api.tax_schemas import Amount, Choice, Name, Order, Positive, TaxAnswer, said
from markets.queries.tax.invoice.asked import Advance, Invoice, Kind, Line, Original, Payment, Service

MAX_LINES = 500
# OkresFaKorygowanej is at most so long in FA(3).
MAX_PERIOD = 256
Vat = Literal["23", "22", "8", "7", "5", "4", "0", "zw", "np", "oo", "oss"]
KindName = Literal["VAT", "ZAL", "ROZ", "UPR", "KOR", "KOR_ZAL", "KOR_ROZ"]
ServiceName = Literal["19a(1)", "19a(3)", "19a(5)(4)", "20(1)", "20(5)"]


def number_of_line(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 10**14:
        raise ValueError("is not a whole number from 1 on")
    return value


def one(value: Any) -> bool:
    """StanPrzed is 1 or it is not there."""
    if value is None or value is True or value is False:
        return bool(value)
    if isinstance(value, int) and value == 1:
        return True
    raise ValueError("is 1 or null")


No = Annotated[
    int, BeforeValidator(number_of_line), WithJsonSchema({"type": "integer", "minimum": 1, "maximum": 10**14})
]
Before = Annotated[bool, BeforeValidator(one), WithJsonSchema({"anyOf": [{"const": 1}, {"type": "null"}]})]
Period = Annotated[str, Field(min_length=1, max_length=MAX_PERIOD), BeforeValidator(said)]


class Strict(Schema):
    model_config = ConfigDict(extra="forbid")


def part(default: Any, description: str, example: Any, **more: Any) -> Any:
    return Field(default, description=description, examples=[example], **more)


SERVICE = (
    "The article that says when the tax point is: 19a(1) delivery, 19a(3) end of a period, 19a(5)(4) rent, leasing, "
    "media and telecom (the day of the invoice), 20(1) and 20(5) intra-EU."
)


class InvoiceLine(Strict):
    no: No = part(..., "NrWierszaFa. Both rows of a correction may have the same.", 1)
    net: Amount = part(..., "Net amount in the currency; 0 and below are lawful.", "1000.00")
    vat: Vat = part(..., "Rate of the tax: percent, zw, np, oo, or oss with P_12_XII.", "23")
    service: ServiceName = part("19a(3)", SERVICE, "19a(3)")
    P_6A: Day | None = part(None, "The day of this line, where it is not that of all lines.", None)
    StanPrzed: Before = part(None, "1 in the row of the state before a correction.", None)
    P_12_XII: Amount | None = part(None, "Percentage of the country of consumption (OSS).", None)


class InvoicePayment(Strict):
    P_6Z: Day = part(..., "The day of the payment.", "2026-07-31")
    P_15Z: Amount = part(..., "Its gross amount in the currency.", "1230.00")
    vat: Vat | None = part(None, "Rate of the tax; that of the lines where they have one alone.", "23")


class InvoiceAdvance(Strict):
    net: Amount = part(..., "Net amount in the currency that advances have taxed.", "400.00")
    vat: Vat = part(..., "Rate of the tax.", "23")
    no: No | None = part(None, "Of which line; needed where lines of this tax have several rates.", 1)


class InvoiceOriginal(Strict):
    P_1: Day = part(
        ..., "The day of the original invoice; of a correction's correction that of the first one.", "2025-12-29"
    )
    tax_point: Day | None = part(None, "Its tax point.", "2025-12-29")
    choice: Choice | None = part(
        None, "Whose rate it had: nbp, unless `choice` of the invoice is ecb: then it has to be said.", "nbp"
    )
    rate: Positive | None = part(None, "The rate that stands in it, in place of `choice`.", None)
    table_no: Period | None = part(None, "The number of the table of that rate.", None)
    is_rate_wrong: StrictBool = Field(
        default=False, description="The rate itself is corrected: rows after have the right one.", examples=[False]
    )


class TaxInvoice(Strict):
    kind: KindName = part(..., "RodzajFaktury.", "VAT")
    code: Name = part(..., "KodWaluty.", "USD")
    P_1: Day = part(..., "The day of the invoice.", "2026-08-05")
    choice: Choice = part("nbp", "Whose rates the taxpayer has chosen.", "nbp")
    order: Order = part(
        "tax-first", "tax-first: P_14_x times the rate. net-first: the net amount in PLN is taxed.", "tax-first"
    )
    P_6: Day | None = part(None, "The day of the delivery or payment, if it is one for all.", None)
    period_end: Day | None = part(None, "The last day of the period (OkresFa).", "2026-07-31")
    OkresFaKorygowanej: Period | None = part(None, "A collective correction: its period. Art. 31b(2).", None)
    P_15ZK: Amount | None = part(None, "Of KOR_ZAL and KOR_ROZ: the amount before the correction.", None)
    original: InvoiceOriginal | None = part(None, "Of a correction: what it corrects.", None)
    payments: list[InvoicePayment] = part([], "Of a ZAL: 1 to 31 payments.", [])
    advances: list[InvoiceAdvance] = part([], "Of a ROZ: what advances have taxed.", [])
    lines: list[InvoiceLine] = part(
        [], f"Up to {MAX_LINES} rows.", [{"no": 1, "service": "19a(3)", "net": "1000.00", "vat": "23"}],
        max_length=MAX_LINES,
    )  # fmt: skip
    as_of: Since | None = part(None, "What was known at this moment.", None)

    def asked(self, code: str) -> Invoice:
        """The same in our words; `code` is that of the currency, whatever it was called."""
        return Invoice(
            kind=Kind(self.kind),
            code=code,
            issued=self.P_1,
            lines=tuple(line_of(line) for line in self.lines),
            choice=self.choice,
            order=self.order,
            done=self.P_6,
            period_end=self.period_end,
            period=self.OkresFaKorygowanej or "",
            paid_before=self.P_15ZK,
            original=original_of(self.original) if self.original else None,
            payments=tuple(Payment(one.P_6Z, one.P_15Z, one.vat or "") for one in self.payments),
            advances=tuple(Advance(one.net, one.vat, one.no) for one in self.advances),
            as_of=self.as_of,
        )


def line_of(line: InvoiceLine) -> Line:
    return Line(line.no, line.net, line.vat, Service(line.service), line.P_6A, bool(line.StanPrzed), line.P_12_XII)


def original_of(original: InvoiceOriginal) -> Original:
    table_no = original.table_no or ""
    days = original.P_1, original.tax_point
    return Original(*days, original.choice, original.rate, table_no, original.is_rate_wrong)


class OtherReading(Schema):
    service: ServiceName | None = Field(description="The other article of the tax point.", examples=["19a(5)(4)"])
    tax_point: date | None = Field(description="The tax point by it.", examples=["2026-08-05"])
    basis: str = Field(description="The article of the rate.", examples=["VAT art. 31a(1)"])
    rate: Digits = Field(description="PLN for one unit.", examples=["3.7468"])
    table_no: str | None = Field(description="Its table.", examples=["149/A/NBP/2026"])
    effective_date: date | None = Field(description="The day of the table.", examples=["2026-08-04"])


class RatedLine(Schema):
    no: int = Field(description="NrWierszaFa.", examples=[1])
    StanPrzed: Literal[1] | None = Field(description="1 in the row of the state before.", examples=[None])
    service: ServiceName | None = Field(description="As asked; null in a correction.", examples=["19a(3)"])
    tax_point: date | None = Field(description="The tax point; null where the rate has none.", examples=["2026-07-31"])
    basis: str = Field(description="The article of the rate.", examples=["VAT art. 31a(1)"])
    answer: TaxAnswer | None = Field(description="As of GET /tax-rate; null in OSS: the invoice has no rate.")
    alternative: OtherReading | None = Field(description="What else the law may mean: the invoice cannot tell.")


class RatedPayment(Schema):
    P_6Z: date = Field(description="The day of the payment.", examples=["2026-07-31"])
    P_15Z: Digits = Field(description="Its gross amount.", examples=["1230.00"])
    tax_point: date | None = Field(description="The day of the payment, 19a(8).", examples=["2026-07-31"])
    basis: str = Field(description="The article of the rate.", examples=["VAT art. 31a(1)"])
    answer: TaxAnswer = Field(description="As of GET /tax-rate.")


class XmlFragment(Schema):
    path: str = Field(description="The element, below Faktura.", examples=["Fa/P_14_1W"])
    value: str = Field(
        description="Its text: a point, no exponent, 2 decimals of amounts and up to 6 of rates.", examples=["865.81"]
    )


class InvoiceWarning(Schema):
    code: str = Field(description="For programs.", examples=["rate_truncated_in_xml"])
    message: str = Field(description="The same in words.", examples=["The XML takes 6 decimals"])
    path: str = Field(description="The element.", examples=["Fa/FaWiersz[1]/KursWaluty"])
    rate: Digits = Field(description="The exact rate, of which the tax was computed.", examples=["0.00021749"])
    value: str = Field(description="What the XML has.", examples=["0.000217"])


class DodatkowyOpis(Schema):
    NrWiersza: int | None = Field(description="Of which line.", examples=[1])
    Klucz: str = Field(description="The name.", examples=["Kurs waluty"])
    Wartosc: str = Field(description="The text.", examples=["1 IDR = 0.00021749 PLN, tabela 207/A/NBP/2026"])


class RatedInvoice(Schema):
    kind: KindName = Field(description="As asked.", examples=["VAT"])
    code: str = Field(description="The currency.", examples=["USD"])
    order: Order = Field(description="The order in which the tax was rounded.", examples=["tax-first"])
    lines: list[RatedLine] = Field(description="In the order of the XML: of a pair the state before first.")
    payments: list[RatedPayment] = Field(description="Of a ZAL.")
    totals: dict[str, Digits] = Field(
        description="P_14_x in the currency and P_14_xW in PLN; of a correction the differences.",
        examples=[{"P_14_1": "230.00", "P_14_1W": "865.81"}],
    )
    xml: list[XmlFragment] = Field(description="In the order of the schema FA(3) 1-0E.")
    dodatkowy_opis: list[DodatkowyOpis] = Field(description="What may be added where a rate was cut.")
    final: bool = Field(description="Whether no later table can change a rate.", examples=[True])
    warnings: list[InvoiceWarning] = Field(description="What the XML does not say.")
    notice: str = Field(description="What this is not.", examples=["Not tax advice"])
