"""What the next bar of a series needs of the bars before it, as a snapshot keeps it."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from signals.rules.rule import Row


@dataclass(slots=True)
class State:
    """Behind the bar `as_of`, the `bars`-th of its series; live decisions began on `live_since`, the first run."""

    as_of: datetime
    live_since: date
    bars: int
    row: Row

    def dump(self) -> dict[str, Any]:
        return {
            "as_of": self.as_of.isoformat(),
            "live_since": self.live_since.isoformat(),
            "bars": self.bars,
            "row": list(self.row),
        }

    @classmethod
    def load(cls, stored: dict[str, Any]) -> "State":
        live_since = date.fromisoformat(stored["live_since"])
        if "averages" in stored:
            # As it was stored when MACD on days was all there was.
            as_of = datetime.fromisoformat(stored["day"]).replace(tzinfo=UTC)
            row = (*stored["averages"], float(stored["sign"]))
            return cls(as_of, live_since, int(stored["averages"][3]), row)
        return cls(datetime.fromisoformat(stored["as_of"]), live_since, stored["bars"], tuple(stored["row"]))
