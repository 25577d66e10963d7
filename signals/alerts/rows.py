"""Rules and events as the API returns them, and which of them may be shown."""

from collections.abc import Iterator
from typing import Any

from django.db.models import Q, QuerySet

from markets.licence import Audience, shown_to
from markets.queries.kept import KeptQuestion
from markets.queries.prices import percent, plain
from signals.alerts import words
from signals.alerts.models import PUBLIC_KINDS, AlertEvent, AlertRule, Kind
from signals.api_rows import closed, closed_markets

# Kinds whose figures are a source's own; those of decisions are made of a whole series.
OF_PRICES = (Kind.MOVE, Kind.LEVEL)
OF_DECISIONS = (Kind.SIGNAL, Kind.RATING)
EVENT_COLUMNS = (
    *("id", "rule_number", "instrument__code", "created_at", "window_minutes", "threshold_pct", "change_pct"),
    *("direction", "price", "scale", "state", "kind", "source__code", "subject"),
    *("observed_at", "resolved_at", "acknowledged_at"),
)
# Of the five on the dashboard, with what `signals.alerts.words` needs.
SAID_COLUMNS = ("id", "instrument__code", "created_at", *words.COLUMNS)
MOST_NEWEST = 5
RULE_COLUMNS = (
    *("id", "kind", "name", "instrument__code", "source__code", "window_minutes", "threshold_pct", "direction"),
    *("level", "rule", "timeframe", "hysteresis_pct", "cooldown_minutes", "enabled", "automatic", "created_at"),
)


def events(asker: Audience) -> QuerySet[AlertEvent]:
    """What this asker may see: the operators' kinds are about the installation and theirs alone."""
    rows = AlertEvent.objects.order_by("-created_at", "-id")
    if asker is Audience.OPERATOR:
        return rows
    # Whether one whose instrument is gone might be shown nobody can say any more.
    of_decisions = Q(kind__in=OF_DECISIONS, instrument__isnull=False) & ~(
        Q(instrument__in=closed(asker)) | Q(instrument__in=closed_markets(asker))
    )
    return rows.filter((Q(kind__in=OF_PRICES) & shown_to(asker)) | of_decisions)


NEWEST = KeptQuestion(lambda: events(Audience.PAGE).values_list(*SAID_COLUMNS)[:MOST_NEWEST])


def newest_events() -> list[dict[str, Any]]:
    """The five newest that everybody may see; one query."""
    return [dict(zip(SAID_COLUMNS, row, strict=True)) for row in NEWEST.rows()]


def rules(asker: Audience) -> QuerySet[AlertRule]:
    rows = AlertRule.objects.order_by("-created_at", "-id")
    return rows if asker is Audience.OPERATOR else rows.filter(kind__in=PUBLIC_KINDS)


def event_rows(rows: QuerySet[AlertEvent]) -> Iterator[dict[str, Any]]:
    for values in rows.values(*EVENT_COLUMNS):
        yield {
            "id": values["id"],
            "rule_id": values["rule_number"],
            "asset": values["instrument__code"] or asset_that_was(values),
            "created_at": values["created_at"],
            "window_minutes": values["window_minutes"],
            "threshold_pct": plain(values["threshold_pct"], 0),
            "change_pct": percent(values["change_pct"]),
            "direction": values["direction"] or None,
            "price": plain(values["price"], values["scale"]),
            "state": values["state"],
            "kind": values["kind"],
            "source": values["source__code"],
            "subject": values["subject"],
            "observed_at": values["observed_at"],
            "resolved_at": values["resolved_at"],
            "acknowledged_at": values["acknowledged_at"],
        }


def asset_that_was(values: dict[str, Any]) -> str | None:
    """The code of an instrument that is gone; what watches the installation is about none."""
    return values["subject"] if values["kind"] in PUBLIC_KINDS else None


def rule_rows(rows: QuerySet[AlertRule]) -> Iterator[dict[str, Any]]:
    for values in rows.values(*RULE_COLUMNS):
        yield {
            "id": values["id"],
            "kind": values["kind"],
            "name": values["name"],
            "asset": values["instrument__code"],
            "source": values["source__code"],
            "window_minutes": values["window_minutes"],
            "threshold_pct": plain(values["threshold_pct"], 0),
            "direction": values["direction"],
            "level": plain(values["level"], 0),
            "rule": values["rule"] or None,
            "timeframe": values["timeframe"] or None,
            "hysteresis_pct": plain(values["hysteresis_pct"], 0),
            "cooldown_minutes": values["cooldown_minutes"],
            "enabled": values["enabled"],
            "automatic": values["automatic"],
            "created_at": values["created_at"],
        }
