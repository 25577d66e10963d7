"""Gold in another unit or currency than the NBP publishes, and gold as a currency to convert from or to."""

from dataclasses import replace
from decimal import Decimal
from typing import Any, Literal

from markets.instruments.names import GOLD, GOLD_NAMES
from markets.queries.asked import Asked, code_of, found
from markets.queries.crosses import ZLOTY, Pair
from markets.queries.figures import Wanted
from markets.queries.overview import TROY_OUNCE

Unit = Literal["g", "kg", "oz"]
# The troy ounce is exact by definition (31.1034768 g); the NBP's price is for one gram, 1000 fine.
GRAMS: dict[str, Decimal] = {"g": Decimal(1), "kg": Decimal(1000), "oz": TROY_OUNCE}


def is_gold(text: str) -> bool:
    name = text.strip().upper()
    return name == GOLD or name in GOLD_NAMES


def priced_in(currency: str, unit: str, wanted: Wanted) -> Asked:
    """One unit of gold in that currency; raises UnknownCodeError. `wanted` says of which source."""
    [instrument] = found([currency]).values()
    code = code_of(instrument)
    pair = Pair(GOLD, code, GOLD, "" if code == ZLOTY else code, GRAMS[unit])
    instruments = [instrument] if instrument else []
    return Asked((pair,), replace(wanted, instruments=instruments))


def row(rate: dict[str, Any], unit: str) -> dict[str, Any]:
    """A row of a rate as one of /gold."""
    return {
        "date": rate["date"],
        "effective_date": rate["effective_date"],
        "price": rate["mid"],
        "unit": unit,
        "currency": rate["quote"],
        **{name: rate[name] for name in ("source", "filled", "stale", "reason", "reason_name", "derived", "legs")},
        **({"known_from": rate["known_from"]} if "known_from" in rate else {}),
    }
