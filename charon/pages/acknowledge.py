"""The page behind the link in a message: what happened, and a button that says that somebody knows.

A scanner of mail follows every link: only the button acts.
"""

from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from markets import formats
from markets.views import Row, shown_sources
from signals.alerts import rule_store, words
from signals.alerts.deliver import links
from signals.alerts.models import AlertEvent

# Who has the link acknowledges, whoever that is.
WHO = "odnośnik"


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def page(request: HttpRequest, token: str) -> HttpResponse:
    event = event_of(token)
    if event is not None and request.method == "POST":
        rule_store.mark([event.pk], WHO)
        return unlisted(redirect(request.path))
    context, status = (context_of(event), 200) if event else ({}, 404)
    return unlisted(render(request, "alerts/acknowledge.html", context, status=status))


def event_of(token: str) -> AlertEvent | None:
    number = links.event_of(token)
    if number is None:
        return None
    return AlertEvent.objects.select_related("instrument", "source").filter(pk=number).first()


def unlisted(response: HttpResponse) -> HttpResponse:
    """The address is a key: no search engine keeps it."""
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response


def context_of(event: AlertEvent) -> Row:
    return {
        "event": event,
        "acknowledged": event.acknowledged_at is not None,
        "title": words.capital(event.get_kind_display()),
        "what": words.capital(words.what(words.of_event(event))),
        "subject": event.instrument.name if event.instrument else event.subject,
        "code": event.instrument.code if event.instrument else "",
        "lines": [(name, formats.moment(value)) for name, value in moments(event) if value],
        "sources": shown_sources([event.source] if event.source else []),
    }


def moments(event: AlertEvent) -> list[tuple[str, datetime | None]]:
    return [
        (_("Z chwili"), event.observed_at),
        (_("Ustąpił"), event.resolved_at),
        (_("Potwierdzono"), event.acknowledged_at),
    ]
