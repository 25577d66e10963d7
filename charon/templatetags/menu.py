"""The links of the menu; the one of the page itself is marked."""

from functools import lru_cache

from django import template
from django.http import HttpRequest
from django.urls import get_script_prefix, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext_noop
from django.utils.translation import gettext as _

register = template.Library()

# Name of a page, its word, and its class.
Rows = tuple[tuple[str, str, str], ...]

# Names of pages (charon.page_urls) and their words.
FIRST = (
    ("dashboard", gettext_noop("Pulpit")),
    ("currencies", gettext_noop("Waluty")),
    ("gold", gettext_noop("Złoto")),
    ("crypto", gettext_noop("Krypto")),
    ("tax", gettext_noop("Kurs podatkowy")),
    ("signals", gettext_noop("Sygnały")),
    ("alerts", gettext_noop("Alerty")),
)
MORE = (
    ("converter", gettext_noop("Przelicznik")),
    ("ui", gettext_noop("Obserwowane")),
    ("data", gettext_noop("Dane")),
    ("jobs", gettext_noop("Miner")),
    ("status", gettext_noop("Status")),
    ("method", gettext_noop("O danych")),
    ("api_guide", gettext_noop("API")),
)
# What a phone shows in its bar; the others stand in the sheet there.
DOCK = {"dashboard", "tax", "signals", "crypto"}
ROW: Rows = tuple((name, word, "dock" if name in DOCK else "") for name, word in FIRST)
SHEET: Rows = (
    *((name, word, "narrow") for name, word in FIRST if name not in DOCK),
    *((name, word, "") for name, word in MORE),
)


@register.simple_tag(takes_context=True)
def menu(context: template.Context) -> SafeString:
    """The row of a wide window."""
    return links(context, ROW)


@register.simple_tag(takes_context=True)
def sheet(context: template.Context) -> SafeString:
    """What the row has no room for: on a phone also the rest of the row itself."""
    return links(context, SHEET)


def links(context: template.Context, rows: Rows) -> SafeString:
    request: HttpRequest | None = context.get("request")
    path = request.path if request else ""
    language = get_language() or ""
    here = tuple(mark(href, path) for href in hrefs(rows, language, get_script_prefix()))
    return written(rows, here, language, get_script_prefix())


def mark(href: str, path: str) -> str:
    """A page below an address of the menu, `/waluty/EUR/`, marks that address as the one it belongs to."""
    if path == href:
        return "page"
    return "true" if path.startswith(href) and href != reverse("dashboard") else ""


@lru_cache
def hrefs(rows: Rows, language: str, prefix: str) -> tuple[str, ...]:  # noqa: ARG001  `reverse` reads both
    return tuple(reverse(name) for name, _word, _kind in rows)


# Rows, marks and languages: every page of the site together has some thirty.
@lru_cache(256)
def written(rows: Rows, marks: tuple[str, ...], language: str, prefix: str) -> SafeString:
    shown = zip(rows, hrefs(rows, language, prefix), marks, strict=True)
    return format_html_join(
        "\n", "{}", ((link(href, _(word), kind, current),) for (_name, word, kind), href, current in shown)
    )


def link(href: str, word: str, kind: str, current: str) -> SafeString:
    given = {"class": kind, "aria-current": current}
    named = format_html_join("", ' {}="{}"', ((name, value) for name, value in given.items() if value))
    return format_html('<a href="{}"{}>{}</a>', href, named, word)
