"""The new dotted names of tasks that were moved, for queues that still hold the old names.

The queue stores a task by its dotted name. A task that waited during an upgrade, or that a killed worker left, is
delivered by the new release: the broker replaces its name then. Without this it would fail as unknown.
"""

from django_q.signing import SignedPackage

MOVED = {
    "miner.fill.tables": "miner.backfill.tables",
    "miner.fill.prices": "miner.backfill.prices",
    "miner.fill.candles": "miner.backfill.candles",
    "charon.heartbeat.beat": "charon.processes.queue_heartbeat.beat",
}


def renamed(payload: str) -> str:
    """The signed task with its new name; an unreadable one is returned as it is, and the queue records the failure."""
    try:
        task = SignedPackage.loads(payload)
    except Exception:  # unpickling runs code: whatever it raises, the queue's own reading raises it again
        return payload
    if task["func"] not in MOVED:
        return payload
    return str(SignedPackage.dumps(task | {"func": MOVED[task["func"]]}))
