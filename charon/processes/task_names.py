"""Where a task lives today, by the dotted name that an installed queue may still hold.

A task is stored under its name. One that waited while Charon was upgraded, or that a killed worker left behind, is
delivered by the new release: the broker gives it its new name then.
"""

from django_q.signing import SignedPackage

MOVED = {
    "miner.fill.tables": "miner.backfill.tables",
    "miner.fill.prices": "miner.backfill.prices",
    "miner.fill.candles": "miner.backfill.candles",
    "charon.heartbeat.beat": "charon.processes.queue_heartbeat.beat",
}


def renamed(payload: str) -> str:
    """The signed task under its name of today; what cannot be read is left to the queue, which records it."""
    try:
        task = SignedPackage.loads(payload)
    except Exception:  # unpickling runs code: whatever it raises, the queue's own reading raises it again
        return payload
    if task["func"] not in MOVED:
        return payload
    return str(SignedPackage.dumps(task | {"func": MOVED[task["func"]]}))
