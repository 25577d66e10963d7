"""Long work in slices: short tasks go first, and a slice ends while one waits."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import pytest
from django.conf import settings
from django_q.conf import Conf
from django_q.models import OrmQ
from django_q.signing import SignedPackage
from django_q.tasks import async_task

from charon.processes import task_broker
from charon.processes.task_broker import GuardedORM
from markets import clock
from miner import slices, tasks
from miner.slices import Slice
from tests.cases import walk

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 10, 26, 12, tzinfo=clock.WARSAW)
SHORT = "miner.tasks.quotes"


class Hands:
    """Both clocks, moved by hand."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds


@pytest.fixture
def hands(monkeypatch: pytest.MonkeyPatch) -> Hands:
    found = Hands()
    monkeypatch.setattr(clock, "now", found.now)
    monkeypatch.setattr("miner.slices.time.monotonic", found.monotonic)
    monkeypatch.setattr(Conf, "POLL", 0)
    return found


@pytest.fixture
def queue(hands: Hands) -> GuardedORM:
    return GuardedORM(list_key=settings.MINER_QUEUE)


@pytest.fixture
def put(hands: Hands) -> Callable[[str], None]:
    def enqueue(func: str) -> None:
        async_task(func, cluster=settings.MINER_QUEUE)
        hands.seconds += 1

    return enqueue


def handed_out(queue: GuardedORM) -> list[str]:
    return [SignedPackage.loads(payload)["func"] for _, payload in queue.dequeue() or []]


@walk("long", sorted(slices.LONG))
def test_a_short_task_overtakes_a_long_one_that_was_due_before_it(
    queue: GuardedORM, put: Callable[[str], None], long: str
) -> None:
    put(long)
    put(long)
    put(SHORT)

    assert [*handed_out(queue), *handed_out(queue), *handed_out(queue)] == [SHORT, long, long]


def test_a_long_task_that_has_waited_two_minutes_is_overtaken_no_more(
    queue: GuardedORM, put: Callable[[str], None], hands: Hands
) -> None:
    put("miner.tasks.mine")
    hands.seconds += task_broker.LONGEST_PASSED_OVER.total_seconds()
    put(SHORT)

    assert handed_out(queue) == ["miner.tasks.mine"]


def test_of_long_tasks_the_continuation_of_a_job_comes_first(queue: GuardedORM, hands: Hands) -> None:
    """An archive is whole before other sources begin."""
    mine = partial(async_task, "miner.tasks.mine", cluster=settings.MINER_QUEUE)
    mine("ecb")
    hands.seconds += 1
    mine("nbp_archive", resume=7)
    hands.seconds += 1
    async_task("miner.backfill.candles", "binance", job=8, cluster=settings.MINER_QUEUE)
    hands.seconds += 1

    given = [SignedPackage.loads(payload)["args"][0] for _ in range(3) for _, payload in queue.dequeue() or []]

    assert given == ["nbp_archive", "binance", "ecb"]


def test_a_row_that_nobody_can_read_is_handed_out_to_fail(queue: GuardedORM, hands: Hands) -> None:
    OrmQ.objects.create(key=settings.MINER_QUEUE, payload="rubbish", lock=hands.now() - timedelta(seconds=1))

    row = queue.next_due()

    assert row is not None
    assert row.payload == "rubbish"


def test_every_long_task_is_one_of_ours() -> None:
    from django.utils.module_loading import import_string

    assert all(callable(import_string(name)) for name in slices.LONG)
    assert tasks.mine is import_string("miner.tasks.mine")


def test_a_slice_ends_at_its_deadline_when_nothing_waits(hands: Hands) -> None:
    work = Slice(40)
    hands.seconds = 39.9
    assert not work.is_over()
    hands.seconds = 40
    assert work.is_over()


def test_a_slice_has_its_least_time_and_then_gives_way_to_short_work(put: Callable[[str], None], hands: Hands) -> None:
    work = Slice(40)
    put(SHORT)
    hands.seconds = slices.LEAST - 0.1
    assert not work.is_over()
    hands.seconds = slices.LEAST
    assert work.is_over()


def test_a_slice_gives_way_to_short_work_that_waits_behind_it_in_the_hands_of_the_cluster(
    queue: GuardedORM, put: Callable[[str], None], hands: Hands
) -> None:
    put(SHORT)
    assert handed_out(queue) == [SHORT]
    work = Slice(40)

    hands.seconds += slices.LEAST

    assert work.is_over()


def test_a_slice_goes_on_for_other_long_work_and_for_what_has_just_become_due(
    put: Callable[[str], None], hands: Hands
) -> None:
    work = Slice(40)
    put("miner.tasks.mine")
    hands.seconds = slices.LEAST
    async_task(SHORT, cluster=settings.MINER_QUEUE)

    assert not work.is_over()


def test_a_task_whose_worker_died_does_not_cut_slices_short_for_ever(
    queue: GuardedORM, put: Callable[[str], None], hands: Hands
) -> None:
    put(SHORT)
    assert handed_out(queue) == [SHORT]
    hands.seconds += slices.LONGEST_WORK.total_seconds() + 1
    work = Slice(40)
    hands.seconds += slices.LEAST

    assert not work.is_over()


def test_a_command_gives_way_to_nothing(put: Callable[[str], None], hands: Hands) -> None:
    work = Slice()
    put(SHORT)
    hands.seconds += 3600

    assert not work.is_over()
