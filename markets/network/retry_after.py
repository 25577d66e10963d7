"""How long a server asks to be left alone."""

from email.utils import parsedate_to_datetime

from markets import clock


def retry_after(value: str, longest: float) -> float | None:
    """Seconds to wait, at most so many, from either form of Retry-After (RFC 9110, 10.2.3); None if malformed."""
    value = value.strip()
    if value.isdecimal():
        return min(float(value), longest)
    try:
        when = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    return min(max(0.0, (when - clock.now()).total_seconds()), longest) if when.tzinfo else None
