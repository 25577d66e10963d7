"""What browsers, search engines and finders of holes ask every site for."""

from datetime import timedelta

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.templatetags.static import static
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from markets import clock

# The file must say until when it counts, and that should be less than a year ahead (RFC 9116, 2.5.5).
VALID = timedelta(days=180)
ROBOTS = "User-agent: *\nDisallow: /admin/\nDisallow: /metrics\n"
DAY = 86_400


@require_safe
@cache_control(public=True, max_age=DAY)
def robots(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
    return text(ROBOTS)


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
