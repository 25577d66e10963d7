"""Which gaps of a table an operator wants to have asked for again, and as what the tasks and the job keep it."""

from dataclasses import dataclass
from datetime import date
from typing import Any, Self

from markets.models import Gap


@dataclass(frozen=True, slots=True)
class Wish:
    """The gaps of one table: of one instrument or all, of these days or all; `accepted` ones only where it says so."""

    instrument: int | None = None
    first: date = date.min
    last: date = date.max
    accepted: bool = False

    def holds(self, row: Gap) -> bool:
        """A gap of the whole table is one of each of its instruments."""
        if row.accepted_at is not None and not self.accepted:
            return False
        if self.instrument is not None and row.instrument_id not in {None, self.instrument}:
            return False
        return row.from_time.date() <= self.last and self.first <= row.to_time.date()

    def kept(self) -> dict[str, Any]:
        """As JSON."""
        days = {"from": self.first.isoformat(), "to": self.last.isoformat()}
        return {"instrument": self.instrument, "accepted": self.accepted} | days

    @classmethod
    def of(cls, kept: dict[str, Any]) -> Self:
        """From what `kept` answered."""
        days = date.fromisoformat(kept["from"]), date.fromisoformat(kept["to"])
        return cls(kept["instrument"], *days, kept["accepted"])
