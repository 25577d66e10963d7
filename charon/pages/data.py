"""The pages about the quality of the data: the gap map, what was corrected, and how far sources lie apart."""

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.cache import cache_control
from django.views.decorators.http import conditional_page, require_safe

from charon.pages import gap_map, listing, rows
from charon.pages.instrument_figures import table_words
from charon.pages.pairs import PAIRS
from markets import clock, formats
from markets.licence import Audience, may
from markets.models import Source
from markets.queries import calendars
from markets.queries.compare.readings import Band, Reading, Value, readings
from markets.queries.overrides import MANUAL
from markets.queries.revisions import ARCHIVE_REPLACED, CORRECTION, LEFT_OUT, Wanted, revision_items, revisions
from markets.views import HtmxRequest, Row, page, shown_sources

ROWS_A_PAGE = 50
# Of a value: a rate as the NBP publishes it, a price of a coin or of gold in cents.
RATE_DIGITS, PRICE_DIGITS = Decimal("0.0001"), Decimal("0.01")
TABS = (
    ("data", gettext_noop("Mapa luk")),
    ("revisions", gettext_noop("Korekty")),
    ("comparison", gettext_noop("Porównanie źródeł")),
)
KINDS = {
    CORRECTION: gettext_noop("korekta źródła"),
    ARCHIVE_REPLACED: gettext_noop("archiwum zastąpione kursem NBP"),
    LEFT_OUT: gettext_noop("źródło usunęło kurs"),
    MANUAL: gettext_noop("kurs ręczny operatora"),
}
HOURS = gettext_noop("NBP liczy kurs o 11:00, EBC o 14:15: to, co rynek zrobił w tym czasie, należy do różnicy.")
MARKETS = gettext_noop("Ceny z tej samej chwili; zakres liczony jest z cen o północy UTC. USDT i USD to nie to samo.")
GOLD_HOURS = gettext_noop(
    "NBP nie podaje godziny swojej ceny; druga strona to uncja z północy UTC razy kurs dolara NBP."
)


def tabs(current: str) -> list[Row]:
    return [{"name": _(words), "href": reverse(name), "current": name == current} for name, words in TABS]


@require_safe
@cache_control(no_cache=True)
@conditional_page
def gaps(request: HtmxRequest) -> HttpResponse:
    """Three queries: the sources, and two for the days of a year."""
    now, sources = clock.now(), list(Source.objects.filter(available=True))
    shown = [source for source in sources if may(source, Audience.PAGE)]
    asked = gap_map.choose(shown, request.GET, clock.today())
    context: Row = {
        "tabs": tabs("data"),
        "map": gap_map.context(asked, now) if asked else None,
        "licences": [licence_row(source) for source in sources],
        "sources": shown_sources(sources),
    }
    until = calendars.next_turn(now, [asked.series.timetable] if asked else [])
    return page(request, "quality/gaps.html", context, until=until)


def licence_row(source: Source) -> Row:
    """What its terms, or the operator, let everybody see."""
    allowed = [_("strony") if may(source, Audience.PAGE) else "", _("API") if may(source, Audience.API) else ""]
    return {
        "name": source.name,
        "url": source.url,
        "licence": source.licence or formats.DASH,
        "shown": ", ".join(filter(None, allowed)) or _("nic: licencja pozwala tylko operatorom"),
    }


@require_safe
@cache_control(no_cache=True)
@conditional_page
def corrections(request: HtmxRequest) -> HttpResponse:
    """At most four queries: the keys of a page, their rows of two tables, the sources."""
    read = listing.page_of(revisions(Wanted(), Audience.PAGE), request.GET, reverse("revisions"), ROWS_A_PAGE)
    context: Row = {
        "tabs": tabs("revisions"),
        "rows": [correction_row(item) for item in revision_items(read.rows)],
        "read": read,
        "sources": shown_sources(Source.objects.all()),
    }
    return page(request, "quality/revisions.html", context, until=calendars.midnight_after(clock.now()))


def correction_row(item: Mapping[str, Any]) -> Row:
    day: date = item["effective_date"]
    return {
        "code": item["code"],
        "href": rows.page_of(item["code"]),
        "iso": day.isoformat(),
        "day": formats.day(day),
        "table": table_words(item["table"]),
        "kind": _(KINDS[item["kind"]]),
        "changes": list(changes(item["old"] or {}, item["new"])),
        "seen_at": item["seen_at"],
    }


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    """`kurs średni 3,8647 → 3,8650`, for each of the three figures that is another one."""
    names = {"mid": _("kurs średni"), "bid": _("kupno"), "ask": _("sprzedaż")}
    for name, label in names.items():
        before, after = old.get(name), new.get(name)
        if before != after:
            yield f"{label} {digits(before)} → {digits(after)}"


def digits(text: str | None) -> str:
    return formats.DASH if text is None else formats.number(Decimal(text))


@require_safe
@cache_control(no_cache=True)
@conditional_page
def comparison(request: HtmxRequest) -> HttpResponse:
    """Six queries: five for all pairs, and the sources."""
    sources = list(Source.objects.all())
    names = {source.code: source.name for source in sources}
    context: Row = {
        "tabs": tabs("comparison"),
        "pairs": [pair_row(reading, names) for reading in readings(Audience.PAGE)],
        "sources": shown_sources(sources),
    }
    return page(request, "quality/comparison.html", context, until=calendars.midnight_after(clock.now()))


def pair_row(reading: Reading, names: Mapping[str, str]) -> Row:
    """The difference in basis points within the band of its year, and on which side of it."""
    return {
        "name": _(PAIRS[reading.pair.name]),
        "note": _(note_of(reading)),
        "sides": [side_row(value, reading, names) for value in reading.both],
        "difference": formats.DASH if reading.bps is None else in_points(formats.signed(reading.bps)),
        "band": band_words(reading.band) if reading.band else "",
        "days": formats.plural(reading.days, _("dzień,dni,dni")),
        "light": light_of(reading),
        "state": state_of(reading),
        "dot": place(reading),
    }


def in_points(words: str) -> str:
    return _("%s pb") % words


def band_words(band: Band) -> str:
    return in_points(f"{formats.signed(band.low)} … {formats.signed(band.high)}")


def note_of(reading: Reading) -> str:
    if reading.pair.name == "gold":
        return GOLD_HOURS
    return MARKETS if reading.pair.is_market else HOURS


def side_row(value: Value, reading: Reading, names: Mapping[str, str]) -> Row:
    moment, code = value.legs[0].at, value.side.source.source
    is_price = reading.pair.is_market or reading.pair.name == "gold"
    return {
        "source": names.get(code, code),
        "value": formats.number(value.amount.quantize(PRICE_DIGITS if is_price else RATE_DIGITS)),
        "moment": moment,
        "day": formats.day(reading.day) if reading.day and moment is None else "",
    }


def light_of(reading: Reading) -> str:
    if reading.bps is None or reading.band is None or reading.is_stale:
        return "muted"
    return "warn" if reading.outside else "good"


def state_of(reading: Reading) -> str:
    if reading.bps is None:
        return _("brak danych do porównania")
    if reading.is_stale:
        return _("dane nieaktualne")
    if reading.band is None:
        return _("za mało dni, żeby powiedzieć, co jest zwykłe")
    return _("poza zwykłym zakresem") if reading.outside else _("w zwykłym zakresie")


def place(reading: Reading) -> str:
    """Where the difference lies on a bar of 200 units whose middle half is the band; empty without a band."""
    if reading.bps is None or reading.band is None:
        return ""
    width = reading.band.high - reading.band.low
    share = (reading.bps - reading.band.low) / width if width else Decimal("0.5")
    return f"{min(max(50 + 100 * share, Decimal(4)), Decimal(196)):.1f}"
