"""The events in pages of other origins: live answers them by the same rule as the API."""

from typing import Any

import pytest

from charon.api.addresses import STREAM
from charon.api.sse_hub import Hub
from tests import test_live
from tests.test_live import ADDRESSES, Call, Radio, play

with_redis = test_live.with_redis  # a fixture

OURS, OTHER = "https://rates.example.org", "https://evil.example"


def told_of_origins(headers: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.startswith("access-control-")}


@pytest.mark.parametrize("path", ADDRESSES)
def test_a_page_of_an_allowed_origin_may_listen(settings: Any, path: str) -> None:
    settings.CORS_ALLOWED_ORIGINS = [OURS]

    async def scene(hub: Hub, radio: Radio) -> None:
        status, before = await Call(hub, path, "OPTIONS", origin=OURS, asks_for="GET").begin()
        assert (status, before["access-control-allow-origin"], before["allow"]) == (204, OURS, "GET, HEAD, OPTIONS")
        assert {"authorization", "last-event-id"} <= set(before["access-control-allow-headers"].split(", "))
        assert "GET" in before["access-control-allow-methods"].split(", ")
        status, stream = await Call(hub, path, origin=OURS).begin()
        assert (status, stream["content-type"]) == (200, "text/event-stream; charset=utf-8")
        assert (stream["access-control-allow-origin"], stream["vary"].lower()) == (OURS, "origin")
        assert "access-control-allow-credentials" not in {**before, **stream}
        status, refused = await Call(hub, path, origin=OURS, query="kinds=none").begin()
        assert (status, refused["access-control-allow-origin"]) == (422, OURS)

    play(scene)


def test_a_page_of_another_origin_is_told_nothing(settings: Any) -> None:
    settings.CORS_ALLOWED_ORIGINS = [OURS]

    async def scene(hub: Hub, radio: Radio) -> None:
        for origin in (OTHER, "null", f"{OURS}.evil.example", ""):
            _, before = await Call(hub, STREAM, "OPTIONS", origin=origin, asks_for="GET").begin()
            _, stream = await Call(hub, origin=origin).begin()
            assert "access-control-allow-origin" not in {**before, **stream}
            assert stream["vary"].lower() == "origin"

    play(scene)


def test_without_allowed_origins_live_says_nothing_of_them_and_with_a_star_all_may_listen(settings: Any) -> None:
    async def scene(hub: Hub, radio: Radio) -> None:
        _, stream = await Call(hub, origin=OURS).begin()
        assert (told_of_origins(stream), "vary" in stream) == ({}, False)
        status, before = await Call(hub, STREAM, "OPTIONS", origin=OURS, asks_for="GET").begin()
        assert (status, told_of_origins(before)) == (204, {})
        settings.CORS_ALLOW_ALL_ORIGINS = True
        _, stream = await Call(hub, origin=OTHER).begin()
        assert stream["access-control-allow-origin"] == "*"

    play(scene)


def test_what_may_be_done_is_no_content() -> None:
    async def scene(hub: Hub, radio: Radio) -> None:
        call = Call(hub, "/health", "OPTIONS")
        status, headers = await call.begin()
        assert (status, await call.text()) == (204, b"")
        assert not {"content-type", "content-length"} & set(headers)

    play(scene)
