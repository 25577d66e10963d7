"""What the worker tells Prometheus of tasks, queues, the outbox, jobs, gaps and messages."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import OperationalError, connection
from django_q.models import OrmQ
from django_q.signals import post_execute, post_execute_in_worker, pre_execute
from django_q.tasks import async_task
from prometheus_client import generate_latest

from charon import queue_state
from charon.models import TaskCount
from charon.processes import task_counts, worker_metrics
from markets import clock
from markets.models import Gap, Job, OutboxEvent, Source
from markets.records import RateRecord
from tests.deliveries import channel
from tests.test_pages_instrument import save, table

pytestmark = pytest.mark.django_db


def values() -> dict[str, float]:
    text = generate_latest(worker_metrics.registry(closes=False)).decode()
    lines = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in lines}


@pytest.fixture
def counted() -> Iterator[None]:
    task_counts.connect()
    yield
    pre_execute.disconnect(task_counts.begin)
    post_execute_in_worker.disconnect(task_counts.end)
    post_execute.disconnect(task_counts.count)


def test_every_task_that_ends_is_counted_with_the_time_that_it_worked(counted: None) -> None:
    for _ in range(3):
        async_task("miner.tasks.ping", sync=True)
    told = values()
    assert told['charon_tasks_total{result="success",task="miner.tasks.ping"}'] == 3
    assert told['charon_task_seconds_count{task="miner.tasks.ping"}'] == 3
    assert told['charon_task_seconds_bucket{le="60.0",task="miner.tasks.ping"}'] == 3
    assert 0 < told['charon_task_seconds_sum{task="miner.tasks.ping"}'] < 60


def test_failures_count_apart_and_share_the_histogram() -> None:
    for result, seconds in (("success", 0.02), ("success", 0.05), ("failure", 30.0), ("failure", 61.0)):
        task_counts.add("miner.tasks.mine", result, seconds)
    told = values()
    assert told['charon_tasks_total{result="failure",task="miner.tasks.mine"}'] == 2
    counts = {limit: told[f'charon_task_seconds_bucket{{le="{limit}",task="miner.tasks.mine"}}'] for limit in
              ("0.01", "0.05", "20.0", "40.0", "60.0", "+Inf")}  # fmt: skip
    assert counts == {"0.01": 0, "0.05": 2, "20.0": 2, "40.0": 3, "60.0": 3, "+Inf": 4}
    assert told['charon_task_seconds_sum{task="miner.tasks.mine"}'] == pytest.approx(91.07)


def test_a_count_of_a_release_with_other_limits_begins_anew() -> None:
    TaskCount.objects.create(task="miner.tasks.mine", result="success", count=7, seconds=3, buckets=[7])
    assert 'charon_tasks_total{result="success",task="miner.tasks.mine"}' in values()
    task_counts.add("miner.tasks.mine", "success", 1)
    told = values()
    assert told['charon_tasks_total{result="success",task="miner.tasks.mine"}'] == 8
    assert told['charon_task_seconds_count{task="miner.tasks.mine"}'] == 1
    assert told['charon_task_seconds_sum{task="miner.tasks.mine"}'] == 1


def test_a_database_that_is_away_costs_the_count_and_not_the_cluster(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away(*_: object) -> None:
        raise OperationalError("gone")

    monkeypatch.setattr(task_counts, "add", away)
    monkeypatch.setattr(connection, "close", lambda: None)
    task_counts.count({"func": "miner.tasks.ping", "success": True})
    assert "A task was not counted: OperationalError" in caplog.text


def test_the_worker_tells_how_many_tasks_wait_and_for_how_long(settings: Any) -> None:
    settings.MINER_QUEUE, settings.BRAIN_QUEUE = "miner", "brain"
    now = clock.now()
    for queue, seconds in (("miner", 90), ("miner", 30), ("brain", -60), ("elsewhere", 5)):
        OrmQ.objects.create(key=queue, payload="x", lock=now - timedelta(seconds=seconds))
    told = values()
    assert told['charon_queue_tasks{queue="miner"}'] == 2
    assert 90 <= told['charon_queue_oldest_seconds{queue="miner"}'] < 150
    assert (told['charon_queue_tasks{queue="brain"}'], told['charon_queue_oldest_seconds{queue="brain"}']) == (1, 0)
    assert not any("elsewhere" in name for name in told)


def test_news_are_as_old_as_their_first_row_however_often_they_are_widened(
    nbp: Source, at: Callable[[str], None]
) -> None:
    for moment, day in (("2026-11-19 12:00", 19), ("2026-11-20 12:00", 20)):
        at(moment)
        save(nbp, [table(date(2026, 11, day), RateRecord("USD", mid=Decimal("3.9")))])
    told = values()
    assert told['charon_outbox_events{consumer="engine"}'] == 1
    assert told['charon_outbox_oldest_seconds{consumer="engine"}'] == 86_400
    OutboxEvent.objects.filter(consumer="engine").update(tries=5)
    OutboxEvent.objects.filter(consumer="alerts").update(processed=clock.now())
    told = values()
    assert told['charon_outbox_given_up{consumer="engine"}'] == 1
    assert (
        told['charon_outbox_events{consumer="alerts"}'] == told['charon_outbox_oldest_seconds{consumer="alerts"}'] == 0
    )


def test_jobs_of_a_day_are_counted_and_what_people_looked_up_makes_no_labels(
    nbp: Source, at: Callable[[str], None]
) -> None:
    at("2026-11-20 12:00")
    for job_type, status, hours, more in (
        ("nbp.A", "success", 1, {"source": nbp, "rows_written": 35}),
        ("nbp.A", "skipped", 2, {"source": nbp, "repeats": 3}),
        ("nbp.A", "success", 25, {"source": nbp, "rows_written": 900}),
        ("assets.DOGE", "success", 1, {}),
        ("assets.PEPE", "success", 1, {}),
    ):
        moment = clock.now() - timedelta(hours=hours)
        Job.objects.create(job_type=job_type, status=status, started_at=moment, finished_at=moment, **more)
    told = values()
    assert told['charon_jobs_day{job_type="nbp.A",source="nbp",status="success"}'] == 1
    assert told['charon_jobs_day{job_type="nbp.A",source="nbp",status="skipped"}'] == 4
    assert told['charon_jobs_day{job_type="assets",source="",status="success"}'] == 2
    assert told['charon_rows_written_day{job_type="nbp.A",source="nbp"}'] == 35
    assert told['charon_job_last_success_age_seconds{job_type="nbp.A"}'] == 3600
    assert "DOGE" not in "".join(told)


def test_gaps_that_nobody_has_accepted_and_channels_that_fail_are_told(nbp: Source, at: Callable[[str], None]) -> None:
    at("2026-11-20 12:00")
    Gap.objects.all().delete()
    for accepted in (None, clock.now()):
        span = {"from_time": clock.now(), "to_time": clock.now()}
        Gap.objects.create(source=nbp, table="A", reason="empty", accepted_at=accepted, **span)
    channel("desk", failing_since=clock.now() - timedelta(minutes=20))
    channel("other", broken_since=clock.now(), failing_since=clock.now() - timedelta(hours=2))
    told = values()
    assert told['charon_gaps_open{reason="empty",source="nbp",table="A"}'] == 1
    assert told['charon_channels{channel_kind="played"}'] == 2
    assert told['charon_channels_broken{channel_kind="played"}'] == 1
    assert told['charon_channel_failing_seconds{channel_kind="played"}'] == 7200


def test_the_worker_says_so_when_the_database_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_: object) -> None:
        raise OperationalError

    monkeypatch.setattr(queue_state, "queues", away)
    assert values() == {"charon_database_up": 0}
