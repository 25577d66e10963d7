"""How a poll went, as its worker records it."""

from typing import Any

from markets import clock
from markets.jobs import runs
from miner.models import Poll


def done(name: str, error: str = "") -> None:
    """A worker tells how a beat went."""
    changes: dict[str, Any] = {"error": runs.scrub(error)}
    if not error:
        changes["done_at"] = clock.now()
    Poll.objects.filter(name=name).update(**changes)
