"""Every page of charon.page_urls with the arguments that the tests ask it with, and what a reader sees of it."""

from collections.abc import Iterator
from html.parser import HTMLParser

from django.urls import URLPattern, reverse
from django.utils import translation

from charon.page_urls import page_urls

# Arguments of pages that need some; a query may follow. A page with several shapes has several lines.
EXAMPLES: dict[str, list[tuple[dict[str, object], str]]] = {
    "dashboard": [({}, ""), ({}, "?tabela=wszystkie&filtr=eu&sort=-zmiana"), ({}, "?tabela=przypiete")],
    "currencies": [({}, ""), ({}, "?tabela=A&sort=nazwa"), ({}, "?filtr=%3Cb%3E")],
    "table_day": [({"table": "A", "day": "2026-11-20"}, ""), ({"table": "C", "day": "2026-11-20"}, "")],
    "signal": [({"number": 1}, "")],
    "signals": [({}, ""), ({}, "?instrument=USD&regula=macd_cross&od=2026-10-01")],
    "alerts": [({}, ""), ({}, "?instrument=USD")],
    "currency": [
        ({"code": "USD"}, ""),
        ({"code": "USD"}, "?zakres=Max&rok=2026&miesiac=10"),
        ({"code": "EUR"}, "?od=2026-09-01&do=2026-10-30&porownaj=USD&regula=rsi_reversal"),
        ({"code": "AED"}, ""),
    ],
    "tax": [({}, ""), ({}, "?waluta=USD&data=2026-11-17&regula=pit&kwota=1500")],
    "tax_invoice": [({}, ""), ({}, "?wystawiono=2026-11-17&waluta=USD&netto=1000&vat=23")],
    "converter": [({}, ""), ({}, "?kwota=100&z=USD&na=EUR&data=2026-11-17")],
    "crypto": [({}, ""), ({}, "?sort=-rsi&interwal=4h")],
    "coin": [({"symbol": "BTCUSD"}, ""), ({"symbol": "XAUUSD"}, ""), ({"symbol": "BTCUSDT"}, "?okno=7d&interwal=5m")],
    "ui_asset": [({"symbol": "BTC"}, "")],
}
# Answers that are no pages: data for scripts, redirects, pages of one signed address.
NO_PAGES = {"chart_data", "chart_table", "ui_alerts", "acknowledge", "alert_preview"}
# Pages for accounts; test_admin and others ask them.
STAFF = {"ui_settings"}


def names() -> list[str]:
    built = [one for one in page_urls if isinstance(one, URLPattern)]
    return [str(one.name) for one in built if one.name not in NO_PAGES | STAFF]


def addresses(language: str) -> list[str]:
    """Every page in a language, each with its examples."""
    with translation.override(language):
        asked = ((name, *example) for name in names() for example in EXAMPLES.get(name, [({}, "")]))
        return [reverse(name, kwargs=kwargs) + query for name, kwargs, query in asked]


class Reader(HTMLParser):
    """The words of a page for eyes and for screen readers; elements with a `lang` of their own are left out."""

    SPOKEN = ("aria-label", "title", "alt", "placeholder", "content", "data-label")
    VOID = {"meta", "link", "img", "br", "input", "hr", "path", "circle", "col", "source", "wbr"}
    SILENT = {"script", "style", "code", "pre", "kbd", "samp"}

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.open: list[tuple[str, bool]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        foreign = tag in self.SILENT or (tag != "html" and "lang" in given) or "translate" in given
        if tag not in self.VOID:
            self.open.append((tag, foreign))
        if foreign or self.silent or (tag == "meta" and given.get("name") != "description"):
            return
        self.words += [value for name in self.SPOKEN if (value := given.get(name))]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An empty element of SVG."""

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop()[0] != tag:
            pass

    @property
    def silent(self) -> bool:
        return any(foreign for _tag, foreign in self.open)

    def handle_data(self, data: str) -> None:
        if data.strip() and not self.silent:
            self.words.append(data)


def words_of(content: str) -> Iterator[str]:
    reader = Reader()
    reader.feed(content)
    yield from reader.words
