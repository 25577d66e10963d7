"""Silences are made and ended: what may be silenced by whom."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.db.models import Q, QuerySet

from markets import clock
from markets.errors import ForbiddenError, QuestionError, UnknownCodeError
from markets.licence import Audience
from markets.queries.prices import find_asset
from signals.alerts import rule_store
from signals.alerts.deliver.models import Channel, Silence
from signals.alerts.models import PUBLIC_KINDS

COLUMNS = ("id", "kind", "instrument__code", "rule", "channel", "begins_at", "until", "author", "comment")


def of(asker: Audience) -> QuerySet[Silence]:
    """Those that this asker could have made: what only operators are told only they silence."""
    rows = Silence.objects.order_by("-until", "-id")
    if asker is Audience.OPERATOR:
        return rows
    return rows.filter(Q(kind__in=PUBLIC_KINDS) | Q(kind="", rule__kind__in=PUBLIC_KINDS), channel=None)


def create(said: Mapping[str, Any], asker: Audience, who: str) -> Silence:
    """`said`: the fields of `schemas.NewSilence`. Raises QuestionError and its kin for what cannot be."""
    now = clock.now()
    begins, until = said["begins_at"] or now, said["until"]
    if until <= max(now, begins):
        message = "until must be after now, and after begins_at"
        raise QuestionError(message, [{"field": "until", "message": message}])
    rule = rule_store.find_rule(said["rule_id"], asker) if said["rule_id"] else None
    kind = said["kind"] or ""
    is_public = kind in PUBLIC_KINDS or (not kind and rule is not None)
    if asker is not Audience.OPERATOR and (not is_public or said["channel_id"]):
        raise ForbiddenError(
            "A silence of all kinds, of what watches the installation, or of one channel is for operators; name a kind "
            "or a rule"
        )
    return Silence.objects.create(
        kind=kind,
        instrument=find_asset(said["asset"]) if said["asset"] else None,
        rule=rule,
        channel=find_channel(said["channel_id"]) if said["channel_id"] else None,
        begins_at=begins,
        until=until,
        author=who[: rule_store.LONGEST_WHO],
        comment=said["comment"] or "",
    )


def find_channel(number: int) -> Channel:
    channel = Channel.objects.filter(pk=number).first()
    if channel is None:
        raise UnknownCodeError(f"There is no channel {number}", None)
    return channel


def end(rows: QuerySet[Silence]) -> int:
    """They stay to be read; one that was over already keeps its end. Answers how many ended."""
    now = clock.now()
    lasting = Silence.objects.filter(pk__in=list(rows.filter(until__gt=now).values_list("pk", flat=True)))
    lasting.filter(begins_at__gt=now).update(begins_at=now)
    return lasting.update(until=now)


def end_one(number: int, asker: Audience) -> None:
    found = of(asker).filter(pk=number)
    if not found.exists():
        raise UnknownCodeError(f"There is no silence {number}", None)
    end(found)


def items(rows: QuerySet[Silence]) -> Iterator[dict[str, Any]]:
    for values in rows.values(*COLUMNS):
        yield {
            "id": values["id"],
            "kind": values["kind"] or None,
            "asset": values["instrument__code"],
            "rule_id": values["rule"],
            "channel_id": values["channel"],
            "begins_at": values["begins_at"],
            "until": values["until"],
            "author": values["author"],
            "comment": values["comment"],
        }
