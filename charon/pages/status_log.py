"""The message log on the status page: counts by family of channels, and the newest lines."""

from collections import Counter
from collections.abc import Iterable, Iterator

from django.utils.translation import gettext as _

from charon.api import message_log
from markets import clock, formats
from markets.views import Row

# More channels of one family than these are one line of the page.
MANY = 5


def kinds() -> dict[str, str]:
    return {
        "publish": _("wiadomość"),
        "signal": _("sygnał"),
        "error": _("błąd"),
        "cache_write": _("zapis pamięci podręcznej"),
        "cache_read": _("odczyt pamięci podręcznej"),
    }


def by_family(counts: Iterable[tuple[str, str, int]]) -> Iterator[tuple[str, str, int]]:
    """The most first; a channel for every asset would fill the page: many that differ in their end are one line."""
    lines = [(kind, channel, family(channel), count) for kind, channel, count in counts]
    sizes = Counter((kind, common) for kind, _channel, common, _count in lines)
    summed: Counter[tuple[str, str]] = Counter()
    for kind, channel, common, count in lines:
        summed[kind, common if sizes[kind, common] > MANY else channel] += count
    for (kind, channel), count in summed.most_common():
        yield kind, channel, count


def family(channel: str) -> str:
    """`asset:update:*` of `asset:update:BTCUSD`."""
    start, colon, _end = channel.rpartition(":")
    return f"{start}:*" if colon else channel


def count_row(kind: str, channel: str, count: int) -> Row:
    return {"type": kinds().get(kind, kind), "channel": channel, "count": formats.whole(count)}


def line_row(entry: message_log.Row) -> Row:
    written = entry["timestamp"]
    return {
        **entry,
        "type": kinds().get(entry["type"], entry["type"]),
        "error": entry["type"] == "error",
        "iso": written.isoformat() if written else "",
        "when": f"{written.astimezone(clock.WARSAW):%d.%m.%Y, %H:%M:%S}" if written else "–",
        "size": formats.whole(entry["payload_size"]),
    }
