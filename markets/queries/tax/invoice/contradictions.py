"""What of an invoice cannot all be true, or is missing: every field that has to do with it is named."""

from collections import Counter
from collections.abc import Iterator

from markets.queries.tax.faults import ContradictionError, MissingInputError
from markets.queries.tax.invoice.asked import OSS, Invoice, Kind

# ZaliczkaCzesciowa may come so often in FA(3).
MOST_PAYMENTS = 31
Fault = tuple[list[str], str]


def check(invoice: Invoice) -> None:
    """Raises ContradictionError with all the fields, or MissingInputError with the first ones that are not there."""
    if faults := [*of_kind(invoice), *of_days(invoice), *of_lines(invoice)]:
        fields = list(dict.fromkeys(name for names, _ in faults for name in names))
        raise ContradictionError("; ".join(words for _, words in faults), {"fields": fields})
    for names, words in missing(invoice):
        raise MissingInputError(words, {"missing": names})


def of_kind(invoice: Invoice) -> Iterator[Fault]:
    kind = invoice.kind
    if invoice.code == "PLN":
        yield ["code"], "An invoice in PLN has no rate"
    if invoice.payments and kind is not Kind.ADVANCE:
        yield ["kind", "payments"], f"payments are of a ZAL, and this is a {kind}"
    if len(invoice.payments) > MOST_PAYMENTS:
        yield ["payments"], f"FA(3) has {MOST_PAYMENTS} payments at most, and these are {len(invoice.payments)}"
    for place, payment in enumerate(invoice.payments):
        if ({payment.vat} if payment.vat else {line.vat for line in invoice.lines}) == {OSS}:
            yield [f"payments[{place}].vat"], "OSS has no rate and no tax in PLN in FA(3): leave its payments out"
    if invoice.advances and kind is not Kind.FINAL:
        yield ["kind", "advances"], f"advances are taken off a ROZ, and this is a {kind}"
    if not invoice.is_correction:
        if invoice.original:
            yield ["kind", "original"], f"A {kind} corrects nothing"
        if invoice.period or invoice.paid_before is not None:
            yield ["kind", "OkresFaKorygowanej", "P_15ZK"], f"These are of a correction, and this is a {kind}"


def of_days(invoice: Invoice) -> Iterator[Fault]:
    done, end, original = invoice.done, invoice.period_end, invoice.original
    if done and end:
        yield ["P_6", "period_end"], "FA(3) has the day of the delivery (P_6) or a period (OkresFa), never both"
    for place, line in enumerate(invoice.lines):
        field = f"lines[{place}].P_6A"
        if line.day and done and line.day != done:
            yield ["P_6", field], f"P_6 is the day of all lines, and {field} is another one"
        if line.day and end and line.day > end:
            yield ["period_end", field], f"{field} is after the end of the period"
    if done and len(invoice.payments) == 1 and invoice.payments[0].day != done:
        yield ["P_6", "payments[0].P_6Z"], "P_6 of an advance is the day of its payment"
    if original and original.issued > invoice.issued:
        yield ["P_1", "original.P_1"], "A correction is not issued before what it corrects"
    if original and original.choice and original.rate is not None:
        yield ["original.choice", "original.rate"], "The rate is looked up (choice) or given (rate), not both"


def of_lines(invoice: Invoice) -> Iterator[Fault]:
    seen = Counter((line.no, line.is_before) for line in invoice.lines)
    if twice := sorted({no for (no, _), times in seen.items() if times > 1}):
        yield ["lines.no"], f"A number of a line comes twice: {', '.join(map(str, twice))}"
    for place, line in enumerate(invoice.lines):
        if line.is_before and not invoice.is_correction:
            yield ["kind", f"lines[{place}].StanPrzed"], "Only a correction has rows of the state before it"
        if (line.percent is not None) != (line.vat == OSS):
            yield [f"lines[{place}].vat", f"lines[{place}].P_12_XII"], "P_12_XII is the percentage of `oss`"
    numbers = {line.no for line in invoice.lines}
    for place, advance in enumerate(invoice.advances):
        if advance.no is not None and advance.no not in numbers:
            yield ["lines.no", f"advances[{place}].no"], f"There is no line {advance.no}"


def missing(invoice: Invoice) -> Iterator[Fault]:
    kind = invoice.kind
    if kind is not Kind.ADVANCE and not invoice.lines:
        yield ["lines"], "There are no lines"
    if kind is Kind.ADVANCE and not invoice.payments:
        yield ["payments"], "A ZAL is about payments: name their days (P_6Z) and amounts (P_15Z)"
    for place, payment in enumerate(invoice.payments):
        if not payment.vat and len({line.vat for line in invoice.lines}) != 1:
            yield [f"payments[{place}].vat"], "Say the rate of tax of the payment: the lines have no single one"
    if kind is Kind.ADVANCE_CORRECTION and invoice.paid_before is None:
        yield ["P_15ZK"], "A KOR_ZAL says what was paid before it; KursWalutyZK stands behind P_15ZK"
    if invoice.is_correction:
        yield from missing_of_original(invoice)


def missing_of_original(invoice: Invoice) -> Iterator[Fault]:
    original = invoice.original
    if not invoice.period:
        if original and invoice.choice == "ecb" and original.choice is None and original.rate is None:
            yield ["original.choice", "original.rate"], "`choice` is that of today: say which one the original had"
        if original is None:
            yield ["original"], "A correction keeps the rate of its original: name P_1 and tax_point, or the rate"
        elif original.rate is None and original.tax_point is None:
            yield ["original.tax_point", "original.rate"], "Name the tax point of the original, or the rate in it"
    if original and original.is_rate_wrong and (original.rate is None or original.tax_point is None):
        yield ["original.rate", "original.tax_point"], "A wrong rate is corrected from `rate` to that of `tax_point`"
    if original and original.is_rate_wrong and not any(line.is_before for line in invoice.lines):
        yield ["lines.StanPrzed"], "A wrong rate is corrected by pairs of rows: the one before it has StanPrzed 1"
