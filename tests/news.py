"""The rows of the outbox that the engine works off."""

from django.db.models import QuerySet

from markets.models import OutboxEvent


def news() -> QuerySet[OutboxEvent]:
    return OutboxEvent.objects.filter(consumer="engine")


def open_news() -> QuerySet[OutboxEvent]:
    return news().filter(processed=None)
