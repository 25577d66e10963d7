"""The contracts of docs/technical.md are those of the code."""

import asyncio
import json
import re
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.conf import settings

from charon.api import sse_hub
from charon.api.addresses import STREAM
from charon.api.live_question import MAX_CODES
from charon.management.commands.live import MUTE_SECONDS
from markets import events
from markets.models import Job, Source
from markets.records import RateRecord, Table
from markets.redis import live_events, pubsub
from markets.store.publish import publish
from tests.test_docs import blocks, read, section, table
from tests.test_live import Call, Radio

PAGE = "docs/technical.md"


def told(number: int) -> dict[str, Any]:
    return dict(json.loads(blocks(PAGE, "json")[number]))


def kinds(body: dict[str, Any]) -> list[tuple[str, type]]:
    return [(name, type(value)) for name, value in body.items()]


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """(channel, message) of what would be published."""
    out: list[tuple[str, dict[str, Any]]] = []

    def publish(channel: str, bodies: Any, *_: Any) -> int:
        out.extend((channel, body) for body in bodies)
        return len(out)

    monkeypatch.setattr(pubsub, "publish", publish)
    monkeypatch.setattr(live_events, "send", lambda _: None)
    return out


def test_the_message_of_new_figures(nbp: Source, job: Job, sent: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "REDIS_URL", "redis://127.0.0.1:9/0")
    publish([Table("A", date(2024, 1, 2), [RateRecord("USD", mid=Decimal("3.9432"))])], nbp, job)
    events.announce(job)
    ((channel, body),) = sent
    assert channel == "rates.ingested"
    assert kinds(body) == kinds(told(0))


def test_the_message_of_new_decisions(sent: list[Any]) -> None:
    shown = told(1)
    events.decided([events.Decision(**shown | {"as_of": date.fromisoformat(shown["as_of"])}, public=True)])
    assert sent == [("signals.updated", shown)]


def test_the_fields_of_the_message_log() -> None:
    fields = pubsub.Entry("publish", "x", "market-data", "", 0).fields()
    assert [row[0].strip("`") for row in table(section(PAGE, "### The message log"))] == list(fields)
    assert f"`{pubsub.LOG}`, trimmed to about {pubsub.LOG_LENGTH:,} entries" in read(PAGE)
    assert f"at most {pubsub.SUMMARY_LENGTH} characters" in read(PAGE)


def test_the_numbers_of_the_stream() -> None:
    text = section(PAGE, "## Events for browsers")
    assert f"`{sse_hub.RETRY.decode().strip()}`" in text
    assert f"the newest {sse_hub.KEPT:,} events" in text
    assert f"after {MUTE_SECONDS} s" in text
    assert set(re.findall(r"`(\w+)`", re.findall(r"`kinds` of (.*?);", text)[0])) == set(live_events.KINDS)
    assert f"at most {MAX_CODES} codes" in text
    assert f"after {sse_hub.PING_SECONDS:.0f} s of silence" in text
    assert f"the oldest of {sse_hub.WAITING} waiting events" in text
    assert f"at most {sse_hub.LISTENERS:,}" in text
    assert f"`GET {STREAM}`" in text


def test_the_health_of_live() -> None:
    async def ask() -> dict[str, Any]:
        call = Call(sse_hub.Hub(Radio()), "/health")
        await call.begin()
        return dict(json.loads(await call.text()))

    assert kinds(asyncio.run(ask())) == kinds(told(2))


def test_every_variable_of_the_page_is_a_setting() -> None:
    named = set(re.findall(r"`((?:REDIS|MARKET|LIVE|ENABLE)_[A-Z_]+)`", read(PAGE)))
    assert {"REDIS_PREFIX", "REDIS_CACHE_TTL", "MARKET_PRICE_TTL"} <= named
    assert all(hasattr(settings, name) for name in named)
    assert f"`MARKET_PRICE_TTL` ({settings.MARKET_PRICE_TTL} s)" in read(PAGE)
    assert f"`REDIS_CACHE_TTL` ({settings.REDIS_CACHE_TTL} s)" in read(PAGE)
