"""Where alerts are told, what went out, and when nothing is told."""

from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from ninja import Path, Query, Router

from markets import licence
from markets.access import ADD_SILENCE, END_SILENCE, READ_CHANNELS, READ_DELIVERIES, READ_SILENCES, name_of
from markets.api.asset_schemas import OPERATOR_ERRORS
from markets.api.export_query import Export
from markets.api.operator import Operator
from markets.api.responses import listing, nothing, own, page, private, reply
from markets.api.schemas import COMMON_ERRORS, Envelope, Paging
from signals.alerts import rule_store
from signals.alerts.deliver import silences
from signals.alerts.deliver.models import Attempt, Channel, Delivery, Silence
from signals.alerts.deliver.schemas import (
    ChannelPage,
    DeliveryPage,
    NewSilence,
    SilenceItem,
    SilencePage,
    SilencePath,
)
from signals.alerts.schemas import EventPath

router = Router(tags=["alerts"])
CHANNEL_COLUMNS = (
    *("id", "name", "kind", "target", "enabled", "kinds", "failures", "broken_since", "canary_at", "canary_ms"),
)


@router.get(
    "/alerts/channels",
    response={200: ChannelPage, **COMMON_ERRORS},
    operation_id="alert_channels",
    summary="Channels",
    auth=Operator(*READ_CHANNELS),
)
def channel_list(request: HttpRequest, paging: Query[Paging]) -> HttpResponse:
    """Operators only. Where alerts are told and how each channel does; nothing of its settings. They are set up in the
    admin.
    """
    return own(request, listing(paging, Channel.objects.order_by("name"), channel_rows))


def channel_rows(found: QuerySet[Channel]) -> list[dict[str, Any]]:
    return list(found.values(*CHANNEL_COLUMNS))


@router.get(
    "/alerts/{event_id}/deliveries",
    response={200: DeliveryPage, **OPERATOR_ERRORS},
    operation_id="alert_deliveries",
    summary="How an event was told",
    auth=Operator(*READ_DELIVERIES),
)
def delivery_list(request: HttpRequest, event: Path[EventPath], file: Query[Export]) -> HttpResponse:  # noqa: ARG001
    """Operators only. Every message of the event with every try. Messages that went out as one have the state of it."""
    found = rule_store.find_event(event.event_id, licence.audience(request))
    deliveries = found.deliveries.select_related("channel").prefetch_related("attempts").order_by("-created_at", "-id")
    items = list(delivery_rows(deliveries))
    return own(request, page(items, len(items)))


def delivery_rows(found: QuerySet[Delivery]) -> Iterator[dict[str, Any]]:
    for row in found:
        yield {
            "key": str(row.key),
            "channel_id": row.channel_id,
            "channel": row.channel.name,
            "step": row.step,
            "state": row.state,
            "held": row.held or None,
            "tries": row.tries,
            "due_at": row.due_at,
            "created_at": row.created_at,
            "sent_at": row.sent_at,
            "error": row.error,
            "attempts": [attempt_item(one) for one in sorted(row.attempts.all(), key=lambda one: (one.number, one.pk))],
        }


def attempt_item(row: Attempt) -> dict[str, Any]:
    return {
        "number": row.number,
        "started_at": row.started_at,
        "milliseconds": row.milliseconds,
        "status": row.status or None,
        "ok": row.ok,
        "error": row.error,
    }


@router.get(
    "/alerts/silences",
    response={200: SilencePage, **COMMON_ERRORS},
    operation_id="alert_silences",
    summary="Silences",
    auth=Operator(*READ_SILENCES),
)
def silence_list(request: HttpRequest, paging: Query[Paging]) -> HttpResponse:
    """For tokens with the scope `write`, and operators. Until when nothing is told; alerts are written all the same."""
    return own(request, listing(paging, silences.of(licence.audience(request)), silences.items))


@router.post(
    "/alerts/silences",
    response={201: SilenceItem, 408: Envelope, **OPERATOR_ERRORS},
    operation_id="alert_silence_add",
    summary="Silence alerts",
    auth=Operator(*ADD_SILENCE),
)
def silence_add(request: HttpRequest, new: NewSilence) -> HttpResponse:
    """For tokens with the scope `write`, and operators. What is left out matches everything: such a silence, one of
    what watches the installation and one of a single channel are for operators alone (403).

    400 when it would end before it begins, or is over already.
    """
    made = silences.create(new.dict(), licence.audience(request), name_of(request))
    [item] = silences.items(Silence.objects.filter(pk=made.pk))
    return private(reply(item, 201))


@router.delete(
    "/alerts/silences/{silence_id}",
    response={204: None, **OPERATOR_ERRORS},
    operation_id="alert_silence_end",
    summary="End a silence",
    auth=Operator(*END_SILENCE),
)
def silence_end(request: HttpRequest, silence: Path[SilencePath]) -> HttpResponse:
    """It ends now and stays in the list. One that is over already changes nothing."""
    silences.end_one(silence.silence_id, licence.audience(request))
    return nothing()
