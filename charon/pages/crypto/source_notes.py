"""What a reader has to know of the sources of markets: which are hidden, silent, or still loading their history."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from markets import formats
from markets.queries.followed import Followed, SourceFacts
from markets.queries.market_state import Fault, Filling
from markets.views import Row


def notes(sources: Mapping[str, SourceFacts], faults: Iterable[Fault], fillings: Iterable[Filling]) -> Row:
    """`down`: sources without new prices, since when; `filling`: histories that are being loaded."""
    return {
        "down": [down_row(one, sources[one.source]) for one in faults if may_be_named(one.source, sources)],
        "filling": [filling_row(one, sources[one.source]) for one in fillings if one.source in sources],
    }


def may_be_named(code: str, sources: Mapping[str, SourceFacts]) -> bool:
    """A hidden source costs a reader nothing."""
    return code in sources and sources[code].is_public


def down_row(fault: Fault, source: SourceFacts) -> Row:
    text = _("%s: pobieranie się nie udaje od") if fault.failed else _("%s: ceny są nieaktualne od")
    return {"text": text % _(source.name), "since": fault.since, "failed": fault.failed}


def filling_row(filling: Filling, source: SourceFacts) -> Row:
    facts: dict[str, Any] = {
        "source": _(source.name),
        "done": formats.whole(filling.done),
        "total": formats.plural(filling.total, _("zakresu dat,zakresów dat,zakresów dat")),
    }
    text = _("Wczytuję historię %(source)s: %(done)s z %(total)s.") % facts
    return {"text": text, "done": filling.done, "total": filling.total}


def hidden(one: Followed, sources: Mapping[str, SourceFacts]) -> list[SourceFacts]:
    """Those that price it and whose licence keeps them from pages."""
    listed = [sources[code] for code in one.sources if code in sources]
    return [source for source in listed if not source.is_public]


def is_closed(one: Followed, sources: Mapping[str, SourceFacts]) -> bool:
    """Whether decisions on its candles are not shown: one source that may have made them is hidden."""
    return any(source.enabled for source in hidden(one, sources))


def why_no_price(one: Followed, sources: Mapping[str, SourceFacts]) -> str:
    """Words in the place of a price."""
    listed = [sources[code] for code in one.sources if code in sources]
    if listed and len(hidden(one, sources)) == len(listed):
        return _("cena niepubliczna: licencja źródła")
    if listed and not any(source.enabled and source.available for source in listed):
        return _("brak danych: źródło jest wyłączone")
    return _("brak danych")


def hidden_row(source: SourceFacts) -> Row:
    """What the licence keeps from the public, and by which switch an operator decides otherwise."""
    return {"code": source.code, "name": _(source.name), "enabled": source.enabled, "licence": source.licence}


def hidden_rows(there: Sequence[Followed], sources: Mapping[str, SourceFacts]) -> list[Row]:
    named = {source.code: source for one in there for source in hidden(one, sources)}
    return [hidden_row(source) for source in named.values()]
