"""The queue in the database: what is delivered, how often, and what happens to a task that kills its workers."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django_q.conf import Conf
from django_q.models import OrmQ, Task
from django_q.monitor import monitor
from django_q.queues import Queue
from django_q.signing import SignedPackage
from django_q.tasks import async_task

from charon.processes import task_broker
from charon.processes.task_broker import GuardedORM
from markets import clock

pytestmark = pytest.mark.django_db


class Clock:
    def __init__(self) -> None:
        self.time = datetime(2026, 10, 26, 12, tzinfo=clock.WARSAW)

    def __call__(self) -> datetime:
        return self.time

    def pass_by(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock that moves when told; looking into an empty queue takes no time."""
    now = Clock()
    monkeypatch.setattr(clock, "now", now)
    monkeypatch.setattr(Conf, "POLL", 0)
    return now


@pytest.fixture
def queue(time: Clock) -> GuardedORM:
    return GuardedORM(list_key="charon")


@pytest.fixture
def put(time: Clock) -> Callable[..., str]:
    """Enqueue a task, a second before now; its id."""

    def enqueue(func: str = "math.sqrt", *args: object, cluster: str = "charon") -> str:
        task = async_task(func, *args, cluster=cluster, group="numbers")
        time.pass_by(1)
        return str(task)

    return enqueue


def taken(queue: GuardedORM) -> list[str]:
    """The ids of the tasks that one look at the queue hands out."""
    return [SignedPackage.loads(payload)["id"] for _, payload in queue.dequeue() or []]


def test_a_task_is_delivered_once(queue: GuardedORM, put: Callable[..., str]) -> None:
    task = put()
    assert taken(queue) == [task]
    assert taken(queue) == []


@pytest.mark.django_db(transaction=True)  # whoever saves results closes the connection afterwards
def test_a_result_takes_the_task_off_the_queue(queue: GuardedORM, put: Callable[..., str]) -> None:
    task = put("math.sqrt", 4)
    [(row, payload)] = queue.dequeue() or []
    results = Queue()
    results.put(SignedPackage.loads(payload) | {"ack_id": row, "success": True, "result": 2, "stopped": clock.now()})
    results.put("STOP")
    monitor(results, queue)
    assert not OrmQ.objects.exists()
    assert (Task.objects.get().pk, Task.objects.get().success, Task.objects.get().attempt_count) == (task, True, 1)


def test_a_task_whose_worker_died_comes_back_after_300_seconds(
    queue: GuardedORM, put: Callable[..., str], time: Clock
) -> None:
    task = put()
    assert taken(queue) == [task]
    time.pass_by(299)
    assert taken(queue) == []
    time.pass_by(2)
    assert taken(queue) == [task]


def test_a_task_that_kills_its_worker_three_times_fails_and_is_gone(
    queue: GuardedORM, put: Callable[..., str], time: Clock
) -> None:
    task = put("os.abort", 1, cluster="charon")
    for _ in range(3):
        assert taken(queue) == [task]
        time.pass_by(301)
    assert taken(queue) == []
    assert not OrmQ.objects.exists()
    failed = Task.objects.get()
    assert (failed.pk, failed.func, failed.args, failed.group, failed.cluster) == (
        task, "os.abort", (1,), "numbers", "charon",
    )  # fmt: skip
    assert (failed.success, failed.attempt_count, failed.stopped) == (False, 3, clock.now())
    assert failed.result == "No result came back of 3 tries: its worker or the queue died. Not tried again."


def test_the_others_go_on_while_one_kills_its_workers(queue: GuardedORM, put: Callable[..., str], time: Clock) -> None:
    killers = [put("os.abort"), put("os.abort")]
    for _ in range(3):
        assert [*taken(queue), *taken(queue)] == killers
        time.pass_by(301)
    good = put()
    assert taken(queue) == [good]
    assert sorted(Task.objects.filter(success=False).values_list("pk", flat=True)) == sorted(killers)


def test_a_task_that_succeeded_at_last_is_not_called_failed(
    queue: GuardedORM, put: Callable[..., str], time: Clock
) -> None:
    """Its result was saved, and the process that saves results died before it cleared the queue."""
    task = put()
    for _ in range(3):
        taken(queue)
        time.pass_by(301)
    Task.objects.create(id=task, name="n", func="f", started=clock.now(), stopped=clock.now(), success=True)
    assert taken(queue) == []
    assert (OrmQ.objects.exists(), Task.objects.get().success) == (False, True)


def test_a_payload_that_cannot_be_read_is_recorded(queue: GuardedORM, time: Clock) -> None:
    row = OrmQ.objects.create(key="charon", payload="rubbish", lock=clock.now())
    time.pass_by(1)
    assert queue.dequeue() == [(row.pk, "rubbish")]
    queue.fail(row.pk)
    failed = Task.objects.get()
    assert (failed.pk, failed.name, failed.func) == (f"{row.pk:032d}", f"unreadable-{row.pk}", "BadSignature")
    assert (failed.success, failed.attempt_count, OrmQ.objects.exists()) == (False, 1, False)
    assert failed.result == "It was written with another SECRET_KEY, or cannot be read; not tried."


def test_a_payload_that_kills_the_reader_is_given_up_too(queue: GuardedORM, time: Clock) -> None:
    row = OrmQ.objects.create(key="charon", payload="rubbish", lock=clock.now().replace(microsecond=3))
    time.pass_by(1)
    assert taken(queue) == []
    assert Task.objects.get().name == f"unreadable-{row.pk}"


def test_the_tasks_of_another_queue_and_those_locked_stay_untouched(
    queue: GuardedORM, put: Callable[..., str], time: Clock
) -> None:
    put(cluster="brain")
    locked = clock.now() + timedelta(seconds=60)
    OrmQ.objects.create(key="charon", payload="locked", lock=locked.replace(microsecond=3))
    before = list(OrmQ.objects.order_by("pk").values_list("pk", "key", "lock", "payload"))
    assert taken(queue) == []
    assert list(OrmQ.objects.order_by("pk").values_list("pk", "key", "lock", "payload")) == before


def test_the_oldest_is_delivered_first(queue: GuardedORM, put: Callable[..., str], time: Clock) -> None:
    dead = put()
    assert taken(queue) == [dead]
    time.pass_by(100)
    waiting = [put(), put()]
    time.pass_by(200)
    assert [*taken(queue), *taken(queue), *taken(queue)] == [*waiting, dead]


def test_two_clusters_do_not_share_a_task(
    queue: GuardedORM, put: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other takes it between our look and our update."""
    put()
    second = GuardedORM(list_key="charon")
    ours, delivered = queue.timeout, []

    def late(row: OrmQ) -> datetime:
        delivered.append(second.dequeue())
        return ours(row)

    monkeypatch.setattr(queue, "timeout", late)
    assert queue.dequeue() is None
    assert [len(rows or []) for rows in delivered] == [1]


def test_a_stop_by_the_operator_is_no_death(queue: GuardedORM, put: Callable[..., str], time: Clock) -> None:
    task = put()
    for _ in range(5):
        assert taken(queue) == [task]
        task_broker.discount_interrupted(["charon"])
        time.pass_by(301)
    assert not Task.objects.exists()
