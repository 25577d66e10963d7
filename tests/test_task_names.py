"""A task that waited in an installed queue is done by the release after it, whatever its function is called there."""

from pydoc import locate

import pytest
from django.conf import settings
from django_q.models import OrmQ
from django_q.signing import SignedPackage

from charon.processes.task_broker import GuardedORM
from charon.processes.task_names import MOVED, renamed
from markets import clock

pytestmark = pytest.mark.django_db


def put(func: str) -> None:
    """As the release before wrote it."""
    task = {"id": "1" * 32, "name": "old", "func": func, "args": ("nbp",), "kwargs": {}}
    lock = clock.now().replace(microsecond=0)
    OrmQ.objects.create(key=settings.MINER_QUEUE, payload=SignedPackage.dumps(task), lock=lock)


@pytest.mark.parametrize("old", MOVED)
def test_a_waiting_task_is_delivered_under_the_name_of_today(old: str) -> None:
    put(old)
    ((_, payload),) = GuardedORM(list_key=settings.MINER_QUEUE).dequeue() or []
    task = SignedPackage.loads(payload)
    assert callable(locate(task["func"])), task["func"]
    assert (task["func"], task["args"]) == (MOVED[old], ("nbp",))


def test_every_other_task_is_delivered_as_it_was_written() -> None:
    put("miner.tasks.mine")
    payload = OrmQ.objects.get().payload
    assert GuardedORM(list_key=settings.MINER_QUEUE).dequeue() == [(OrmQ.objects.get().pk, payload)]


def test_rubbish_in_the_queue_is_left_to_the_queue() -> None:
    assert renamed("rubbish") == "rubbish"
