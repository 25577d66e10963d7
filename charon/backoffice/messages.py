"""The message log of Redis in the admin: the newest entries, by type and by part."""

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from charon.api import message_log
from markets import formats
from markets.access import READ_LOG, user_may

TYPES = ("publish", "cache_write", "cache_read", "signal", "error")
PARTS = ("market-data", "ta-service", "dashboard")
LIMIT = 200


def page(request: HttpRequest) -> HttpResponse:
    """For who may read the log by the API."""
    if not user_may(request.user, *READ_LOG):
        raise PermissionDenied
    kind, part = chosen(request, "type", TYPES), chosen(request, "source", PARTS)
    entries = message_log.read(LIMIT, kind, part)
    context = {
        **admin.site.each_context(request),
        "title": _("Dziennik wiadomości"),
        "lines": [row(entry) for entry in entries or []],
        "available": entries is not None,
        "limit": LIMIT,
        "kind": kind,
        "part": part,
        "types": TYPES,
        "parts": PARTS,
    }
    return TemplateResponse(request, "admin/message_log.html", context)


def chosen(request: HttpRequest, name: str, known: tuple[str, ...]) -> str:
    """A filter that nobody knows is none."""
    value = request.GET.get(name, "")
    return value if value in known else ""


def row(entry: message_log.Row) -> dict[str, object]:
    moment = entry["timestamp"]
    return {
        "when": formats.moment(moment) if moment else formats.DASH,
        "type": entry["type"] or formats.DASH,
        "source": entry["source"] or formats.DASH,
        "channel": entry["channel"] or formats.DASH,
        "summary": entry["summary"] or formats.DASH,
        "size": formats.whole(entry["payload_size"]),
    }
