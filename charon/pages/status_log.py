"""The message log on the status page: a filter, counts by family of channels, and the newest lines."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _

from charon.api import message_log
from charon.pages.listing import address_of
from markets import clock, formats
from markets.views import Row

# More channels of one family than these are one line of the page.
MANY = 5
# As long as the longest channel or summary that somebody would type.
LONGEST_TEXT = 80
KIND, CHANNEL, TEXT = "rodzaj", "kanal", "tekst"

Counted = tuple[str, str, int]


def kinds() -> dict[str, str]:
    return {
        "publish": _("wiadomość"),
        "signal": _("sygnał"),
        "error": _("błąd"),
        "cache_write": _("zapis pamięci podręcznej"),
        "cache_read": _("odczyt pamięci podręcznej"),
    }


@dataclass(frozen=True, slots=True)
class Wanted:
    """The filter of the address; what it does not name is not filtered by."""

    kind: str = ""
    channel: str = ""
    text: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "Wanted":
        kind = query.get(KIND, "")
        text = query.get(TEXT, "").strip()[:LONGEST_TEXT]
        return cls(kind if kind in kinds() else "", query.get(CHANNEL, "")[:LONGEST_TEXT], text)

    @property
    def is_set(self) -> bool:
        return self != Wanted()

    def address(self, path: str) -> str:
        return address_of(path, {KIND: self.kind, CHANNEL: self.channel, TEXT: self.text})

    def fits(self, row: message_log.Row, *, staff: bool) -> bool:
        """The public's text is looked for in what the public sees: answers about summaries would give them away."""
        place = message_log.place(row)
        seen = f"{place} {row['channel']} {row['source']} {row['summary']}" if staff else place
        return (
            self.kind in {"", row["type"]}
            and self.channel in {"", place, family(place)}
            and self.text.casefold() in seen.casefold()
        )


def context(wanted: Wanted, *, staff: bool) -> Row:
    """What the page shows of the newest entries that fit; nothing but `logged` while Redis is away."""
    entries = message_log.read(message_log.COUNTED)
    found = [row for row in entries or [] if wanted.fits(row, staff=staff)]
    activity = message_log.activity(found)
    return {
        "logged": entries is not None,
        "is_empty": not entries,
        "filtered": wanted.is_set,
        "text": wanted.text,
        "selects": selects(wanted, entries or []),
        "counts": [count_row(*line) for line in by_family(activity.counts)],
        "total": formats.plural(activity.total, _("wpis,wpisy,wpisów")),
        "newest": activity.newest,
        "lines": [line_row(entry) for entry in found[: message_log.SHOWN]] if staff else [],
        "staff": staff,
    }


def selects(wanted: Wanted, entries: list[message_log.Row]) -> list[Row]:
    """What there is to choose from in the log as it is, and what is chosen."""
    named = by_family(message_log.activity(entries).counts)
    channels = sorted({channel for _kind, channel, _count in named} | ({wanted.channel} - {""}))
    return [
        {"name": KIND, "label": _("Rodzaj"), "options": options(kinds(), wanted.kind)},
        {"name": CHANNEL, "label": _("Kanał"), "options": options({name: name for name in channels}, wanted.channel)},
    ]


def options(known: Mapping[str, str], chosen: str) -> list[tuple[str, str, bool]]:
    return [(value, text, value == chosen) for value, text in known.items()]


def by_family(counts: Iterable[Counted]) -> Iterator[Counted]:
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
    """With seconds: the lines of one minute have an order."""
    written = entry["timestamp"]
    return {
        **entry,
        "type": kinds().get(entry["type"], entry["type"]),
        "error": entry["type"] == "error",
        "iso": written.isoformat() if written else "",
        "when": f"{formats.moment(written)}:{written.astimezone(clock.WARSAW):%S}" if written else formats.DASH,
        "size": formats.whole(entry["payload_size"]),
    }
