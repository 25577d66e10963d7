"""Fragments of FA(3): the elements of rates and of tax in PLN, in the order of the schema and with its decimals."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any

from markets.queries.tax.invoice.amounts import PRECISION
from markets.queries.tax.invoice.asked import OF_ADVANCES, Invoice, Kind

# TIlosci of the schema 1-0E; IDR of table A, VND and IRR of table B have eight.
DECIMALS = 6
Answer = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Written:
    """A rate, where it is written, as the answer shows it, its table, and of which line it is (NrWierszaFa)."""

    path: str
    rate: Decimal
    shown: str
    table_no: str | None
    no: int | None = None


def amount_text(amount: Decimal) -> str:
    """TKwotowy: two decimals, a point, no exponent."""
    return f"{amount:.2f}"


def rate_text(rate: Decimal) -> str:
    """TIlosci: the digits as published, six decimals at most, no exponent."""
    exponent = rate.as_tuple().exponent
    if not isinstance(exponent, int) or -exponent <= DECIMALS:
        return f"{rate:f}"
    with localcontext(prec=PRECISION):
        return f"{rate.quantize(Decimal(1).scaleb(-DECIMALS), ROUND_HALF_UP):f}"


def fragments(totals: Mapping[str, Decimal], rates: Iterable[Written]) -> list[dict[str, str]]:
    """The tax in PLN stands before every rate."""
    in_pln = [{"path": f"Fa/{name}", "value": amount_text(totals[name])} for name in totals if name.endswith("W")]
    return [*in_pln, *({"path": one.path, "value": rate_text(one.rate)} for one in rates)]


def rates(invoice: Invoice, lines: list[Answer | None], payments: list[Answer]) -> Iterator[Written]:
    """In the order of the schema. `lines` and `payments` are their answers, None for a line without a rate (OSS)."""
    if len(payments) == 1:
        yield written("Fa/KursWalutyZ", payments[0])
    if invoice.paid_before is not None and invoice.kind is not Kind.CORRECTION:
        of_before = [answer for line, answer in zip(invoice.lines, lines, strict=True) if line.is_before]
        first = next((answer for answer in [*of_before, *lines] if answer), None)
        if first:
            yield written("Fa/KursWalutyZK", first)
    if len(payments) > 1:
        for place, answer in enumerate(payments, 1):
            yield written(f"Fa/ZaliczkaCzesciowa[{place}]/KursWalutyZW", answer)
    if invoice.kind not in OF_ADVANCES:
        for place, line in enumerate(invoice.lines):
            if of_line := lines[place]:
                yield written(f"Fa/FaWiersz[{place + 1}]/KursWaluty", of_line, line.no)


def written(path: str, answer: Answer, no: int | None = None) -> Written:
    return Written(path, exact_rate(answer), answer["rate"], answer["table_no"], no)


def exact_rate(answer: Answer) -> Decimal:
    """What the tax is computed with. A rate of the ECB goes through the euro: its quotient has no last digit."""
    legs = answer["legs"]
    if not answer["derived"] or len(legs) != 2:
        return Decimal(answer["rate"])
    with localcontext(prec=PRECISION):
        return Decimal(legs[0]["rate"]) / Decimal(legs[1]["rate"])


def truncated(rates: Iterable[Written]) -> list[Written]:
    return [one for one in rates if Decimal(rate_text(one.rate)) != one.rate]


def warning(one: Written, code: str) -> dict[str, Any]:
    """Six decimals are not the published rate: the tax was computed with `rate`, and the XML says `value`."""
    message = f"The XML takes {DECIMALS} decimals; the tax in PLN was computed with the exact rate of {code}"
    exact = {"path": one.path, "rate": one.shown, "value": rate_text(one.rate)}
    return {"code": "rate_truncated_in_xml", "message": message} | exact


def description(one: Written, code: str) -> dict[str, Any]:
    """A DodatkowyOpis that says the whole rate."""
    table = f", tabela {one.table_no}" if one.table_no else ""
    return {"NrWiersza": one.no, "Klucz": "Kurs waluty", "Wartosc": f"1 {code} = {one.shown} PLN{table}"}
