"""The tax of an invoice, in its currency and in PLN, in both orders that the law allows."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal, localcontext

from markets.queries.tax.faults import TaxError

GROSZ = Decimal("0.01")
# TKwotowy of FA(3): sixteen digits before the point.
LARGEST = Decimal(10) ** 16
# Of sixteen digits times a rate with sixteen decimals no digit may be lost before the result is rounded.
PRECISION = 60


class AmountTooLargeError(TaxError):
    """`detail`: field, largest."""

    code = "amount_too_large"


@dataclass(frozen=True, slots=True)
class Part:
    """What is taxed at one rate: `field` is the element of the tax. `tax` is given where it is of a gross amount."""

    field: str
    percent: Decimal
    net: Decimal
    rate: Decimal | None
    is_before: bool = False
    tax: Decimal | None = None


@dataclass(slots=True)
class Sums:
    after: Decimal = Decimal(0)
    before: Decimal = Decimal(0)
    taxes: list[Decimal] = field(default_factory=list)


def half_up(amount: Decimal) -> Decimal:
    """To 0.01; half a grosz away from zero. A zero has no sign."""
    return amount.quantize(GROSZ, ROUND_HALF_UP) + 0


def tax_in(gross: Decimal, percent: Decimal) -> Decimal:
    """The tax in an amount that contains it (art. 106f(1)(4))."""
    with localcontext(prec=PRECISION):
        return half_up(gross * percent / (100 + percent))


def totals(parts: Iterable[Part], order: str) -> dict[str, Decimal]:
    """P_14_x and P_14_xW by the name of the element, ascending; of a correction the differences.

    Lines are added up by rate of tax and exchange rate and then rounded. P_14_5 (OSS) has no amount in PLN.
    """
    sums: dict[tuple[str, Decimal, Decimal | None], Sums] = defaultdict(Sums)
    found: dict[str, Decimal] = defaultdict(Decimal)
    with localcontext(prec=PRECISION):
        for part in parts:
            added = sums[part.field, part.percent, part.rate]
            if part.is_before:
                added.before += part.net
            else:
                added.after += part.net
            added.taxes += [] if part.tax is None else [part.tax]
        for (name, percent, rate), added in sums.items():
            tax = tax_of(added, percent)
            found[name] += tax
            if rate is not None:
                found[f"{name}W"] += in_pln(added, tax, percent, rate, order)
    return {name: fitting(name, found[name]) for name in sorted(found)}


def tax_of(added: Sums, percent: Decimal) -> Decimal:
    if added.taxes:
        return sum(added.taxes, Decimal(0))
    return half_up(added.after * percent / 100) - half_up(added.before * percent / 100)


def in_pln(added: Sums, tax: Decimal, percent: Decimal, rate: Decimal, order: str) -> Decimal:
    """tax-first: the rounded tax is converted. net-first: the net amount is converted, rounded, and then taxed."""
    if order == "tax-first":
        return half_up(tax * rate)
    return half_up(half_up((added.after - added.before) * rate) * percent / 100)


def fitting(name: str, amount: Decimal) -> Decimal:
    if abs(amount) >= LARGEST:
        raise AmountTooLargeError(
            f"{name} has more than the 16 digits before the point that FA(3) takes", {"field": name}
        )
    return amount
