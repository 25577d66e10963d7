"""An invoice as it is asked about. Fields have English names here; the API and its refusals have those of FA(3)."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class Kind(StrEnum):
    """RodzajFaktury."""

    VAT = "VAT"
    ADVANCE = "ZAL"
    FINAL = "ROZ"
    SIMPLIFIED = "UPR"
    CORRECTION = "KOR"
    ADVANCE_CORRECTION = "KOR_ZAL"
    FINAL_CORRECTION = "KOR_ROZ"


CORRECTIONS = {Kind.CORRECTION, Kind.ADVANCE_CORRECTION, Kind.FINAL_CORRECTION}
# Lines of an order (Zamowienie) have no rate of their own, those of an invoice (FaWiersz) have.
OF_ADVANCES = {Kind.ADVANCE, Kind.ADVANCE_CORRECTION}


class Service(StrEnum):
    """The article of the VAT act that says when the tax point of a line is."""

    DELIVERY = "19a(1)"
    PERIOD = "19a(3)"
    ISSUE = "19a(5)(4)"  # rent, leasing, media, telecom
    EU_SALE = "20(1)"
    EU_PURCHASE = "20(5)"


# The element that holds the tax of a rate; zw, np, oo and 0 have no tax, and OSS has a percentage of another country.
TAX_FIELDS = {
    "23": "P_14_1", "22": "P_14_1", "8": "P_14_2", "7": "P_14_2", "5": "P_14_3", "4": "P_14_4", "oss": "P_14_5",
}  # fmt: skip
OSS = "oss"


@dataclass(frozen=True, slots=True)
class Line:
    """`day` is P_6A. `is_before` is StanPrzed: the row as it was before the correction. `percent` is P_12_XII (OSS)."""

    no: int
    net: Decimal
    vat: str
    service: Service = Service.PERIOD
    day: dt.date | None = None
    is_before: bool = False
    percent: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Payment:
    """Of an advance: P_6Z, P_15Z (gross, in the currency of the invoice), and the tax rate of what it is for."""

    day: dt.date
    gross: Decimal
    vat: str = ""


@dataclass(frozen=True, slots=True)
class Advance:
    """What earlier advances have taxed already: a final invoice (ROZ) converts the rest. `no`: of which line."""

    net: Decimal
    vat: str
    no: int | None = None


@dataclass(frozen=True, slots=True)
class Original:
    """What a correction corrects: its days, or the rate that stands in it. `is_rate_wrong`: the rate is corrected."""

    issued: dt.date
    tax_point: dt.date | None = None
    choice: str | None = None
    rate: Decimal | None = None
    table_no: str = ""
    is_rate_wrong: bool = False


@dataclass(frozen=True, slots=True)
class Invoice:
    """`issued` is P_1, `done` P_6, `period_end` the last day of OkresFa, `period` OkresFaKorygowanej (a collective
    correction), `paid_before` P_15ZK.
    """

    kind: Kind
    code: str
    issued: dt.date
    lines: tuple[Line, ...]
    choice: str = "nbp"
    order: str = "tax-first"
    done: dt.date | None = None
    period_end: dt.date | None = None
    period: str = ""
    paid_before: Decimal | None = None
    original: Original | None = None
    payments: tuple[Payment, ...] = ()
    advances: tuple[Advance, ...] = ()
    as_of: dt.datetime | None = None

    @property
    def is_correction(self) -> bool:
        return self.kind in CORRECTIONS
