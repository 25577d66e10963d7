"""What of an invoice is taxed: its lines, less what advances have taxed already, or the payments of an advance."""

from collections.abc import Iterator
from decimal import Decimal

from markets.queries.tax.faults import MissingInputError
from markets.queries.tax.invoice.amounts import Part, tax_in
from markets.queries.tax.invoice.asked import OSS, TAX_FIELDS, Invoice, Line

Rates = list[Decimal | None]


def of_payments(invoice: Invoice, rates: list[Decimal]) -> Iterator[Part]:
    """A payment is gross, and its tax is in it."""
    for payment, rate in zip(invoice.payments, rates, strict=True):
        vat = payment.vat or invoice.lines[0].vat
        if vat in TAX_FIELDS and vat != OSS:
            tax = tax_in(payment.gross, Decimal(vat))
            yield Part(TAX_FIELDS[vat], Decimal(vat), payment.gross - tax, rate, tax=tax)


def percent_of(line: Line) -> Decimal:
    """Of a line with tax; of OSS that of another country."""
    return line.percent if line.percent is not None else Decimal(line.vat)


def of_lines(invoice: Invoice, rates: Rates) -> Iterator[Part]:
    for line, rate in zip(invoice.lines, rates, strict=True):
        if line.vat in TAX_FIELDS:
            yield Part(TAX_FIELDS[line.vat], percent_of(line), line.net, rate, line.is_before)
    for number, advance in enumerate(invoice.advances):
        if advance.vat in TAX_FIELDS:
            percent, rate = of_what(invoice, rates, number)
            yield Part(TAX_FIELDS[advance.vat], percent, advance.net, rate, is_before=True)


def of_what(invoice: Invoice, rates: Rates, number: int) -> tuple[Decimal, Decimal | None]:
    """Percent and rate of what an advance is taken off: of its line, or of all lines with its rate of tax."""
    advance = invoice.advances[number]
    pairs = zip(invoice.lines, rates, strict=True)
    of_lines = {
        (percent_of(line), rate) for line, rate in pairs if line.vat == advance.vat and advance.no in (None, line.no)
    }
    if len(of_lines) != 1:
        field = f"advances[{number}].no"
        raise MissingInputError("Say of which line the advance is: there is no single rate", {"missing": [field]})
    return of_lines.pop()
