"""The parameter `as_of`: a moment with its zone, or a day, which is meant with all of its hours in Poland."""

import re
from datetime import UTC, date, datetime, time
from typing import Annotated, Any

from ninja import Field
from pydantic import BeforeValidator

from markets import clock
from markets.errors import QuestionError

DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
# A plus sign in an address means a space.
MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(?P<zone>Z|[+ -][0-9]{2}:[0-9]{2})?"
)
FORMS = "is not a moment; write 2026-03-20T12:00:00Z, or a day: 2026-03-20"
NO_ZONE = "has no time zone; write 2026-03-20T12:00:00Z or 2026-03-20T13:00:00+01:00"


def as_of_moment(value: Any) -> datetime:
    """A moment in UTC, of a day its last one in Warsaw. Raises ValueError."""
    return moment_of(value, time.max)


def since_moment(value: Any) -> datetime:
    """A moment in UTC, of a day its first one in Warsaw. Raises ValueError."""
    return moment_of(value, time.min)


def moment_of(value: Any, of_day: time) -> datetime:
    text = str(value)
    found = MOMENT.fullmatch(text)
    if found and not found["zone"]:
        raise ValueError(NO_ZONE)
    try:
        if DAY.fullmatch(text):
            return in_warsaw(date.fromisoformat(text), of_day)
        if found:
            return datetime.fromisoformat(text.replace(" ", "+")).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise ValueError(FORMS)


def in_warsaw(day: date, hour: time) -> datetime:
    return datetime.combine(day, hour, clock.WARSAW).astimezone(UTC)


def checked(moment: datetime | None, name: str = "as_of") -> datetime | None:
    """Raises QuestionError for what lies ahead. Of today is answered what is known so far."""
    if moment is not None and moment > clock.now() + clock.SKEW and moment != in_warsaw(clock.today(), time.max):
        raise QuestionError(f"{name} ({moment.isoformat()}) has not come yet", {name: moment})
    return moment


AsOf = Annotated[
    datetime,
    BeforeValidator(as_of_moment),
    Field(
        description="What was known at this moment: ISO 8601 with a zone, or a day, which is meant until its end in "
        "Warsaw. Without it: what is known now.",
        json_schema_extra={"example": "2026-10-26T10:00:00Z"},
    ),
]
Since = Annotated[datetime, BeforeValidator(since_moment)]
