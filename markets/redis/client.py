"""The Redis client, with a fallback while Redis is away.

Redis is optional. A failed call returns `otherwise` and logs one warning; for 10 s no thread calls again, then a single
one probes, and a line in the log reports the recovery. A command that Redis refuses (no memory, no permission) does not
start the cool-down. No function of Charon depends on the delivery of a message.
"""

import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from django.conf import settings

from markets import clock

if TYPE_CHECKING:
    import redis

logger = logging.getLogger(__name__)

T = TypeVar("T")
State = Literal["ok", "unreachable", "off"]

# After a failure no thread calls Redis for so long: a slow Redis costs one time-out per 10 s, not one per request.
COOL_DOWN_SECONDS = 10.0
# A full Redis refuses every write, a thousand times an hour: the log reports it once in so long.
QUIET_SECONDS = 600.0


@dataclass(slots=True)
class ConnectionState:
    """The circuit breaker of this process's Redis connection. `..._until` are times of the monotonic clock."""

    lost_at: datetime | None = None
    cooling_until: float = 0.0
    quiet_until: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def may_ask(self) -> bool:
        """Whether this thread may call Redis: while it is lost, one thread per COOL_DOWN_SECONDS."""
        if self.lost_at is None:
            return True
        with self.lock:
            now = time.monotonic()
            if now < self.cooling_until:
                return False
            self.cooling_until = now + COOL_DOWN_SECONDS
            return True

    def lose(self, error: Exception) -> None:
        with self.lock:
            self.cooling_until = time.monotonic() + COOL_DOWN_SECONDS
            first, self.lost_at = self.lost_at is None, self.lost_at or clock.now()
        if first:
            logger.warning("Redis cannot be used, Charon goes on without it: %s", type(error).__name__)

    def find(self) -> None:
        if self.lost_at is None:
            return
        with self.lock:
            back, self.lost_at = self.lost_at is not None, None
        if back:
            logger.info("Redis answers again")

    def refuse(self, error: Exception) -> None:
        with self.lock:
            now = time.monotonic()
            due, self.quiet_until = now >= self.quiet_until, max(self.quiet_until, now + QUIET_SECONDS)
        if due:
            logger.warning("Redis refuses something, Charon goes on without it: %s", refusal(error))


def refusal(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:160]


connection = ConnectionState()


def forget() -> None:
    """Reset the state after a fork: a child must not inherit the parent's failures and locks."""
    global connection
    connection = ConnectionState()


os.register_at_fork(after_in_child=forget)


def name(text: str) -> str:
    """The channel or key with the prefix of this installation (REDIS_PREFIX)."""
    return f"{settings.REDIS_PREFIX}{text}"


def get_redis_connection(alias: str) -> "redis.Redis":
    import django_redis  # as in `ask`

    return django_redis.get_redis_connection(alias)  # type: ignore[no-any-return]


def ask(work: Callable[["redis.Redis"], T], otherwise: T) -> T:
    """Returns `work(connection)`, or `otherwise` without Redis, or when Redis cannot be reached or refuses."""
    if not settings.REDIS_URL or not connection.may_ask():
        return otherwise
    import redis  # 12 MB and 0.06 s of each process, which an installation without Redis does not pay

    try:
        answer = work(get_redis_connection("default"))
    except redis.ResponseError as error:
        connection.find()
        connection.refuse(error)
        return otherwise
    except (redis.RedisError, OSError) as error:
        connection.lose(error)
        return otherwise
    connection.find()
    return answer


def state() -> State:
    """Pings Redis, unless it is known to be away; returns `ok`, `unreachable` or `off`."""
    if not settings.REDIS_URL:
        return "off"
    return "ok" if ask(lambda client: bool(client.ping()), otherwise=False) else "unreachable"


def settle(pipe: Any) -> list[Any]:
    """Run a pipeline and return all replies, errors included: one refused command does not fail the others."""
    answers: list[Any] = pipe.execute(raise_on_error=False)
    for answer in answers:
        if isinstance(answer, Exception):
            connection.refuse(answer)
            break
    return answers
