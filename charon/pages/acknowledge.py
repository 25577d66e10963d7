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
from markets.decimals import published
from markets.views import Row, shown_sources
from signals.alerts import rule_store
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
        "title": event.get_kind_display(),
        "subject": event.instrument.name if event.instrument else event.subject,
        "code": event.instrument.code if event.instrument else "",
        "lines": [(name, value) for name, value in facts(event) if value],
        "sources": shown_sources([event.source] if event.source else []),
    }


def facts(event: AlertEvent) -> list[tuple[str, str]]:
    """What is known of it, as pages write it; empty where there is nothing."""
    price = published(event.price, event.scale)
    return [
        (_("Z chwili"), formats.moment(event.observed_at)),
        (_("Zmiana"), change_of(event)),
        (_("Cena"), "" if price is None else formats.number(price)),
        (_("Szczegóły"), str(event.details.get("detail", ""))),
        (_("Ustąpił"), told(event.resolved_at)),
        (_("Potwierdzono"), told(event.acknowledged_at)),
    ]


def change_of(event: AlertEvent) -> str:
    """`+5,24% (okno: 1 h 0 min)`."""
    if event.change_pct is None:
        return ""
    change = formats.percent(event.change_pct)
    if not event.window_minutes:
        return change
    return _("%(change)s (okno: %(window)s)") % {
        "change": change,
        "window": formats.duration(event.window_minutes * 60),
    }


def told(moment: datetime | None) -> str:
    return formats.moment(moment) if moment else ""
