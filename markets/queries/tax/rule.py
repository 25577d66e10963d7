"""What a rule of the tax rate is: its versions, the inputs that it needs, and which rate it chooses of a question.

A rule does not ask the tables: `choose` says in words of the law which rate is meant ("the newest of the NBP before
this day"), and `markets.queries.tax.answers` finds it. So a rule is a few lines, and tests of a rule need no database.
"""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum


class Sequence(StrEnum):
    """Whose publications decide."""

    NBP = "nbp"  # table A, or table B where the newest table A does not quote the code
    NBP_A = "nbp.a"  # table A alone
    ECB = "ecb"  # the reference rates of the ECB, EUR in PLN; another currency through EUR


class Relation(StrEnum):
    """Which publication of the sequence, seen from a day."""

    BEFORE = "before"  # the newest one strictly before it
    UP_TO = "up_to"  # the newest one of that day or before
    FIRST = "first"  # the oldest one of that day or after


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked. Only `rule` and `code` are always there; a rule names what it needs beside them."""

    rule: str
    code: str
    date: dt.date | None = None
    amount: Decimal | None = None
    tax_point: dt.date | None = None
    invoice_date: dt.date | None = None
    payment_date: dt.date | None = None
    original_tax_point: dt.date | None = None
    original_invoice_date: dt.date | None = None
    year: int | None = None
    period_end: dt.date | None = None
    actual_rate: Decimal | None = None
    reference: str | None = None
    cross_rate: Decimal | None = None
    choice: str | None = None  # nbp or ecb, where the law leaves it to the taxpayer
    order: str | None = None  # tax-first or net-first
    as_of: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Published:
    """A published rate. `code`: another currency than the one asked for (EUR of a limit)."""

    sequence: Sequence
    relation: Relation
    day: dt.date
    code: str = ""


@dataclass(frozen=True, slots=True)
class Given:
    """A rate of the caller: of a bank document, or of the original invoice."""

    rate: Decimal
    day: dt.date | None = None
    table_no: str = ""


@dataclass(frozen=True, slots=True)
class Cross:
    """A currency that nobody quotes, through a reference currency: its rate times what one unit costs in it."""

    reference: Published
    rate: Decimal


@dataclass(frozen=True, slots=True)
class Difference:
    """The same amount at two rates: what was booked, and what was paid. PLN of `later` less PLN of `earlier`."""

    earlier: "Published | Given"
    later: "Published | Given"


@dataclass(frozen=True, slots=True)
class Unless:
    """`usual`, unless `check` differs from it by more than `percent`: then `check` (customs thresholds)."""

    usual: Published
    check: Published
    percent: Decimal


Choice = Published | Given | Cross | Difference | Unless


@dataclass(frozen=True, slots=True)
class Version:
    """The law as it stood from `valid_from` to `valid_to` (None: still).

    `is_first_day_verified`: False where the first day is what we know and was read nowhere.
    """

    statute: str
    valid_from: dt.date
    valid_to: dt.date | None = None
    is_first_day_verified: bool = True


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Inputs that cannot all be true: their names, and a sentence that says why."""

    fields: tuple[str, ...]
    message: str


@dataclass(frozen=True, slots=True)
class Example:
    """A worked example: what is asked, and the published figures that answer it. Of a difference, those of `later`.

    `table_no` is empty for the ECB, and `day` None where the caller gave the rate.
    """

    asked: Question
    rate: str
    day: dt.date | None = None
    table_no: str = ""
    amount: str = ""  # what `asked.amount` becomes


class ReadIn(StrEnum):
    """Where we have the words of the law from."""

    STATUTE = "a public copy of the statute"
    PRACTICE = "press, rulings and practice; the statute itself was not read"


class Rounding(StrEnum):
    GROSZ = "half_up_0.01"
    ZLOTY = "half_up_1"
    THOUSAND = "half_up_1000"


@dataclass(frozen=True, slots=True)
class Rule:
    """`event` is the day that decides which version applies. `needs` are the names of Question that must be there
    ("a|b": one of them; "tax_point" and "period_end" are also taken from `date`), `takes` those that may be.
    `is_optional`: the law leaves it to the taxpayer. `fixed_code`: the only currency that the rule is about (EUR of the
    limits). `into`: the currency of the result; an amount in PLN is then divided (OSS). `amounts`: those of the law
    itself, in `fixed_code`. `instead`: the id of the rule that the law puts in its place for this question. `follows`:
    the rule whose days of force bind this one too. `inputs`: what an input means here, by its name.
    """

    id: str
    name_pl: str
    name_en: str
    versions: tuple[Version, ...]
    event: Callable[[Question], dt.date]
    choose: Callable[[Question], Choice]
    needs: tuple[str, ...] = ("date",)
    takes: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    fixed_code: str = ""
    rounding: Rounding = Rounding.GROSZ
    is_optional: bool = False
    warnings: Callable[[Question], list[str]] = field(default=lambda _: [])
    source: str = ReadIn.STATUTE
    into: str = "PLN"
    amounts: tuple[Decimal, ...] = ()
    instead: Callable[[Question], str] = field(default=lambda _: "")
    follows: str = ""
    contradictions: Callable[[Question], list[Contradiction]] = field(default=lambda _: [])
    inputs: Mapping[str, str] = field(default_factory=dict)
    example: Example | None = None
