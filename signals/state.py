"""What the next bar of a series needs of the bars before it, as a snapshot keeps it."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from signals.rules.rule import Row


@dataclass(slots=True)
class State:
    """Behind the bar `as_of`, the `bars`-th of its series; live decisions began on `live_since`, the first run.

    `inputs` is the newest hash of the chain over the bars from `first` on, empty in what an earlier release stored.
    `changed`: when other figures were last found under bars that had been decided on.
    """

    as_of: datetime
    live_since: date
    bars: int
    row: Row
    inputs: bytes = b""
    first: datetime | None = None
    changed: datetime | None = None

    @property
    def is_whole(self) -> bool:
        """Whether the next bar may follow it: not what `spoilt` left, nor what an earlier release stored."""
        return self.bars > 0 and bool(self.inputs)

    def dump(self) -> dict[str, Any]:
        return {
            "as_of": self.as_of.isoformat(),
            "live_since": self.live_since.isoformat(),
            "bars": self.bars,
            "row": list(self.row),
            "inputs": self.inputs.hex(),
            "first": self.first and self.first.isoformat(),
            "changed": self.changed and self.changed.isoformat(),
        }

    @classmethod
    def load(cls, stored: dict[str, Any]) -> "State":
        live_since = date.fromisoformat(stored["live_since"])
        if "averages" in stored:
            # As it was stored when MACD on days was all there was.
            as_of = datetime.fromisoformat(stored["day"]).replace(tzinfo=UTC)
            row = (*stored["averages"], float(stored["sign"]))
            return cls(as_of, live_since, int(stored["averages"][3]), row)
        return cls(
            datetime.fromisoformat(stored["as_of"]),
            live_since,
            stored["bars"],
            tuple(stored["row"]),
            bytes.fromhex(stored.get("inputs", "")),
            moment(stored.get("first")),
            moment(stored.get("changed")),
        )


def moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def spoilt(stored: dict[str, Any]) -> dict[str, Any]:
    """A stored state that no bar may follow: the series has to be computed as a whole."""
    return stored and {**State.load(stored).dump(), "bars": 0}
