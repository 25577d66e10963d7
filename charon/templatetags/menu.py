"""The links of the menu, the page they stand on marked."""

from django import template
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

register = template.Library()

# Names of pages (charon.page_urls) and their words; the first row also stands where a menu has little room.
ROWS = {
    "first": (
        ("dashboard", gettext_noop("Pulpit")),
        ("currencies", gettext_noop("Waluty")),
        ("gold", gettext_noop("Złoto")),
        ("crypto", gettext_noop("Krypto")),
        ("tax", gettext_noop("Kurs podatkowy")),
        ("signals", gettext_noop("Sygnały")),
        ("alerts", gettext_noop("Alerty")),
    ),
    "more": (
        ("converter", gettext_noop("Przelicznik")),
        ("ui", gettext_noop("Obserwowane")),
        ("data", gettext_noop("Dane")),
        ("jobs", gettext_noop("Miner")),
        ("status", gettext_noop("Status")),
        ("method", gettext_noop("O danych")),
        ("api_guide", gettext_noop("API")),
    ),
}


@register.simple_tag(takes_context=True)
def menu(context: template.Context, row: str) -> SafeString:
    """A page below an address of the menu, `/waluty/EUR/`, marks that address as the one it belongs to."""
    request: HttpRequest | None = context.get("request")
    path = request.path if request else ""
    links = ((reverse(name), _(word)) for name, word in ROWS[row])
    return format_html_join("\n", "{}", ((link(href, word, path),) for href, word in links))


def link(href: str, word: str, path: str) -> SafeString:
    if path == href:
        return format_html('<a href="{}" aria-current="page">{}</a>', href, word)
    below = path.startswith(href) and href != reverse("dashboard")
    return format_html('<a href="{}"{}>{}</a>', href, SafeString(' aria-current="true"' if below else ""), word)
