"""The tax point of a line, and which article says at which rate it is converted (VAT 19a, 20, 31a, 31b)."""

import datetime as dt
from dataclasses import dataclass

from markets.queries.tax.invoice.asked import OSS, Invoice, Line, Original, Payment, Service
from markets.queries.tax.rule import Question

# Which article also may hold: the XML of an invoice cannot tell a service of 19a(3) from one of 19a(5)(4).
OTHER = {Service.PERIOD: Service.ISSUE, Service.ISSUE: Service.PERIOD}


@dataclass(frozen=True, slots=True)
class Rated:
    """`question` is None where the invoice has no rate (OSS: that of the end of the period, in the return)."""

    basis: str
    tax_point: dt.date | None = None
    question: Question | None = None
    service: Service | None = None


def of_line(invoice: Invoice, line: Line) -> Rated:
    if line.vat == OSS:
        return Rated("VAT art. 130c(7)")
    if not invoice.is_correction:
        return sale(invoice, tax_point(invoice, line, line.service), line.service)
    original = invoice.original
    if original is None or invoice.period:
        return collective(invoice)
    if original.is_rate_wrong and not line.is_before:
        return as_it_should_have_been(invoice, original)
    return corrected(invoice, original, line.day)


def other_of_line(invoice: Invoice, line: Line) -> Rated | None:
    """What else the law may mean: the other kind of service, or for a collective correction the original's rate."""
    if line.vat == OSS:
        return None
    if invoice.is_correction:
        original = invoice.original
        known = invoice.period and original and (original.rate is not None or original.tax_point or line.day)
        return corrected(invoice, original, line.day) if known and original else None
    if (other := OTHER.get(line.service)) is None or invoice.period_end is None:
        return None
    day = tax_point(invoice, line, other)
    return None if day == tax_point(invoice, line, line.service) else sale(invoice, day, other)


def tax_point(invoice: Invoice, line: Line, service: Service) -> dt.date:
    """Of a delivery its day, of a period its end; an invoice without both was issued on that day."""
    done = line.day or invoice.done or invoice.period_end or invoice.issued
    match service:
        case Service.ISSUE:
            return invoice.issued
        case Service.EU_SALE | Service.EU_PURCHASE:
            return min(invoice.issued, fifteenth_after(done))
        case _:
            return done


def fifteenth_after(day: dt.date) -> dt.date:
    """The 15th of the month after: 20(1) and 20(5). The calendar of Python ends with the year 9999."""
    if (day.year, day.month) == (dt.MAXYEAR, 12):
        return dt.date.max
    return (day.replace(day=1) + dt.timedelta(days=31)).replace(day=15)


def of_payment(invoice: Invoice, payment: Payment) -> Rated:
    """The day of the payment (19a(8)); an invoice that was issued before the money is converted as of its own day."""
    return sale(invoice, payment.day)


def sale(invoice: Invoice, day: dt.date, service: Service | None = None) -> Rated:
    return converted(invoice.code, day, invoice.issued, invoice.choice, invoice.as_of, service)


def as_it_should_have_been(invoice: Invoice, original: Original) -> Rated:
    day = original.tax_point or original.issued
    return converted(invoice.code, day, original.issued, invoice.choice, invoice.as_of)


def converted(
    code: str, day: dt.date, issued: dt.date, choice: str, as_of: dt.datetime | None, service: Service | None = None
) -> Rated:
    article = "31a(2)" if issued < day else "31a(1)"
    rule = "vat-ecb" if choice == "ecb" else "vat-early-invoice" if issued < day else "vat"
    asked = Question(rule, code, tax_point=day, invoice_date=issued, as_of=as_of)
    return Rated(f"VAT art. {article}{', sentence 2' if choice == 'ecb' else ''}", day, asked, service)


def corrected(invoice: Invoice, original: Original, day: dt.date | None) -> Rated:
    """31b(1): the rate of the original, whatever was published since; `day` is the tax point of one line of it."""
    point = day or original.tax_point
    asked = Question(
        "vat-correction",
        invoice.code,
        date=invoice.issued,
        original_tax_point=point,
        original_invoice_date=original.issued,
        actual_rate=original.rate,
        choice=original.choice,
        as_of=invoice.as_of,
    )
    return Rated("VAT art. 31b(1)", point, asked)


def collective(invoice: Invoice) -> Rated:
    """31b(2): a discount on all deliveries of a period may be converted as of the correction's own day."""
    asked = Question("vat-discount-sale", invoice.code, date=invoice.issued, choice=invoice.choice, as_of=invoice.as_of)
    return Rated("VAT art. 31b(2)", None, asked)
