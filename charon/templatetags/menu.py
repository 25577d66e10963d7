"""The links of the menu; the one of the page itself is marked."""

from collections.abc import Callable

from django import template
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

register = template.Library()

Rows = tuple[tuple[str, str], ...]

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


@register.simple_tag(takes_context=True)
def menu(context: template.Context) -> SafeString:
    """The row of a wide window."""
    return links(context, FIRST, lambda name: "dock" if name in DOCK else "")


@register.simple_tag(takes_context=True)
def sheet(context: template.Context) -> SafeString:
    """What the row has no room for: on a phone also the rest of the row itself."""
    rest = tuple(row for row in FIRST if row[0] not in DOCK)
    narrow = {name for name, _word in rest}
    return links(context, (*rest, *MORE), lambda name: "narrow" if name in narrow else "")


def links(context: template.Context, rows: Rows, kind: Callable[[str], str]) -> SafeString:
    request: HttpRequest | None = context.get("request")
    path = request.path if request else ""
    found = ((link(reverse(name), _(word), kind(name), path),) for name, word in rows)
    return format_html_join("\n", "{}", found)


def link(href: str, word: str, kind: str, path: str) -> SafeString:
    """A page below an address of the menu, `/waluty/EUR/`, marks that address as the one it belongs to."""
    below = path.startswith(href) and href != reverse("dashboard")
    current = "page" if path == href else "true" if below else ""
    given = {"class": kind, "aria-current": current}
    named = format_html_join("", ' {}="{}"', ((name, value) for name, value in given.items() if value))
    return format_html('<a href="{}"{}>{}</a>', href, named, word)
