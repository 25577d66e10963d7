"""The page that says what works: problems, sources with 90 days, pieces of the system and the message log."""

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.cache import patch_cache_control
from django.views.decorators.http import conditional_page, require_safe

from charon.pages import problem_words, status_facts, status_log, status_rows
from markets.access import READ_LOG, user_may
from markets.views import BUSY, HtmxRequest, Row, shown_sources
from markets.views import page as page_of


@require_safe
@conditional_page
def page(request: HtmxRequest) -> HttpResponse:
    """For everybody; an account that may read the log of the work also sees the newest lines of the message log."""
    staff = user_may(request.user, *READ_LOG)
    wanted, status = status_log.Wanted.of(request.GET), status_facts.read()
    context: Row = {
        "ok": status.is_ok,
        "problems": problem_words.rows(status.problems, status.names),
        "parts": status_rows.parts(status),
        "rows": list(status_rows.sources(status)),
        **status_log.context(wanted, staff=staff),
        "here": wanted.address(reverse("status")),
        "sources": shown_sources(one.state.source for one in status.sources),
        "away": status.redis == "unreachable",
        "every": BUSY,
    }
    response = page_of(request, "status/status.html", context, until=None if staff else status.until)
    patch_cache_control(response, no_cache=True, **({"private": True} if signed_in(request) else {}))
    return response


def signed_in(request: HttpRequest) -> bool:
    return bool(getattr(request.user, "is_authenticated", False))
