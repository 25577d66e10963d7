"""One published table (or one gold price), its figures kept as text and its JSON rendered once."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Literal

from tests.replica.names import name

Letter = Literal["A", "B", "C", "gold"]
Figures = tuple[str, ...]
GOLD_CODE = "XAU"


@dataclass(frozen=True)
class Table:
    letter: Letter
    number: str
    day: date
    trading_day: date | None
    rates: Mapping[str, Figures]

    @cached_property
    def json(self) -> bytes:
        if self.letter == "gold":
            return f'{{"data":"{self.day}","cena":{self.rates[GOLD_CODE][0]}}}'.encode()
        trading = f'"tradingDate":"{self.trading_day}",' if self.trading_day else ""
        rows = ",".join(f"{{{labelled(code)},{priced(figures)}}}" for code, figures in self.rates.items())
        head = f'"table":"{self.letter}","no":"{self.number}",{trading}"effectiveDate":"{self.day}"'
        return f'{{{head},"rates":[{rows}]}}'.encode()

    def row(self, code: str) -> str:
        return f'{{"no":"{self.number}","effectiveDate":"{self.day}",{priced(self.rates[code])}}}'


def labelled(code: str) -> str:
    return f'"currency":{json.dumps(name(code), ensure_ascii=False)},"code":"{code}"'


def priced(figures: Figures) -> str:
    """The text goes out as it came in: a float between would lose trailing zeros."""
    if len(figures) == 1:
        return f'"mid":{figures[0]}'
    return f'"bid":{figures[0]},"ask":{figures[1]}'
