"""Redis for one test: a real server that may be stopped, or fakeredis without a server."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import fakeredis
import pytest
from django_redis import get_redis_connection

from markets.redis import client as redis_client
from tests.servers import Redis, redis_server


@contextmanager
def used(settings: Any, outgoing: set[tuple[str, int]], *options: str) -> Iterator[Redis]:
    """A Redis server for this test, set up in the settings as an operator would."""
    with redis_server(*options) as server:
        outgoing.add(("127.0.0.1", server.port))
        settings.REDIS_URL = server.url
        waits = {"SOCKET_CONNECT_TIMEOUT": 0.25, "SOCKET_TIMEOUT": 0.25}
        settings.CACHES = {
            "default": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": server.url, "OPTIONS": waits}
        }
        redis_client.forget()
        try:
            yield server
        finally:
            get_redis_connection("default").connection_pool.disconnect()
            redis_client.forget()


@contextmanager
def imitated(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[fakeredis.FakeRedis]:
    """A fakeredis client that all callers of the Redis client get; yields it, so that a test can read it."""
    with fakeredis.FakeRedis(server=fakeredis.FakeServer()) as client:
        settings.REDIS_URL = "redis://redis:6379/0"
        monkeypatch.setattr(redis_client, "get_redis_connection", lambda _alias: client)
        redis_client.forget()
        yield client
    redis_client.forget()
