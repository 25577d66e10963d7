"""What browsers, search engines and finders of holes ask every site for."""

from datetime import timedelta

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.templatetags.static import static
from django.urls import reverse
from django.utils import translation
from django.utils.html import escape
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from charon.feeds.atom import origin_of
from markets import clock
from markets.queries import currencies

# The file must say until when it counts, and that should be less than a year ahead (RFC 9116, 2.5.5).
VALID = timedelta(days=180)
# Pages by name that no search engine need read.
CLOSED = ("admin:index", "ui_settings")
# Pages by name that a search engine should know, beside those of the currencies.
PAGES = (
    "dashboard",
    "currencies",
    "gold",
    "crypto",
    "tax",
    "converter",
    "signals",
    "alerts",
    "data",
    "method",
    "api_guide",
)
LANGUAGES = ("pl", "en")
NAMESPACES = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:xhtml="http://www.w3.org/1999/xhtml"'
DAY = 86_400


@require_safe
@cache_control(public=True, max_age=DAY)
def robots(request: HttpRequest) -> HttpResponse:
    closed = [in_language(language, name, ()) for name in CLOSED for language in LANGUAGES]
    rules = "".join(f"Disallow: {path}\n" for path in [*closed, "/metrics"])
    return text(f"User-agent: *\n{rules}Sitemap: {origin_of(request)}{reverse('sitemap')}\n")


@require_safe
@cache_control(public=True, max_age=DAY)
def sitemap(request: HttpRequest) -> HttpResponse:
    """Every public page in both languages, the currencies of the tables among them; one query."""
    origin = origin_of(request)
    found = [(name, ()) for name in PAGES] + [("currency", (code,)) for code in currencies.quoted_codes()]
    entries = "".join(entry(origin, name, args) for name, args in found)
    body = f'<?xml version="1.0" encoding="utf-8"?>\n<urlset {NAMESPACES}>\n{entries}</urlset>\n'
    return HttpResponse(body, content_type="application/xml; charset=utf-8")


def entry(origin: str, name: str, args: tuple[str, ...]) -> str:
    addresses = {language: f"{origin}{in_language(language, name, args)}" for language in LANGUAGES}
    links = "".join(
        f'<xhtml:link rel="alternate" hreflang="{language}" href="{escape(address)}"/>'
        for language, address in addresses.items()
    )
    return "".join(f"<url><loc>{escape(address)}</loc>{links}</url>\n" for address in addresses.values())


def in_language(language: str, name: str, args: tuple[str, ...]) -> str:
    with translation.override(language):
        return reverse(name, args=args)


@require_safe
@cache_control(public=True, max_age=DAY)
def favicon(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
    """For those who do not read the page, which names the picture."""
    return redirect(static("favicon.svg"))


@require_safe
@cache_control(public=True, max_age=DAY)
def security(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
    """RFC 9116. Without SECURITY_CONTACT 404: the address of an account is nobody's to publish."""
    if not settings.SECURITY_CONTACT:
        raise Http404(_("Nie ma takiej strony"))
    expires = (clock.now() + VALID).replace(hour=0, minute=0, second=0, microsecond=0)
    lines = [f"Contact: {settings.SECURITY_CONTACT}", f"Expires: {expires:%Y-%m-%dT%H:%M:%SZ}"]
    if settings.PUBLIC_URL:
        lines.append(f"Canonical: {settings.PUBLIC_URL}/.well-known/security.txt")
    return text("\n".join([*lines, "Preferred-Languages: pl, en", ""]))


def text(body: str) -> HttpResponse:
    return HttpResponse(body, content_type="text/plain; charset=utf-8")
