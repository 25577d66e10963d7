"""The operations of the batch: a run by hand, its answer, and what is said of the queue and the budget."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from threading import Barrier, BrokenBarrierError
from typing import Any

import pytest
from django.conf import settings as conf
from django.db import connections
from django.test import Client
from django_q.models import OrmQ
from pytest_django import DjangoDbBlocker

from markets import clock
from markets.jobs import runs
from markets.models import Job, Source
from miner import tasks
from miner.batch import api
from miner.batch import run as batch_run
from miner.pulse import polls
from tests.batch_market import Plan, open_plan, secondary
from tests.databases import file_database

pytestmark = pytest.mark.django_db


@pytest.fixture
def market(monkeypatch: pytest.MonkeyPatch, nbp: Source) -> Source:
    return open_plan(monkeypatch)


@pytest.fixture
def token(settings: Any) -> dict[str, str]:
    settings.API_TOKEN = "only-for-this-test"
    return {"Authorization": "Bearer only-for-this-test"}


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A queue that works while it is being asked."""
    names = {"miner.tasks.priority_batch": tasks.priority_batch}
    monkeypatch.setattr(api, "async_task", lambda func, *args, **_: names[func](*args))


def test_a_run_by_hand_answers_its_result(client: Client, market: Source, token: dict[str, str], at_once: None) -> None:
    response = client.post("/batch/run", headers=token)
    body = response.json()
    assert (response.status_code, body["success"], body["message"]) == (200, True, "3 updated, 0 failed")
    assert body["result"]["batch_id"] == body["batch_id"]
    status = client.get("/batch/status").json()
    assert (status["batch_id"], status["status"]) == (body["batch_id"], "success")
    assert [asset["symbol"] for asset in status["priority_assets"]] == ["BTCUSD", "EURUSD", "XAUUSD"]
    assert Job.objects.get(job_type="batch.priority").trigger == "operator"


def test_a_run_that_takes_longer_says_where_to_look(
    client: Client, market: Source, token: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "WAIT_SECONDS", 0.0)
    response = client.post("/batch/run", headers=token)
    assert (response.status_code, response.json()["success"]) == (202, None)
    assert response.headers["Location"] == "/api/v1/batch/status"
    again = client.post("/batch/run", headers=token)
    assert (again.status_code, again.json()["error"]["code"]) == (409, "already_running")


def test_a_run_during_a_batch_is_refused(client: Client, market: Source, token: dict[str, str]) -> None:
    runs.start("batch.priority", None, Job.Trigger.SCHEDULE)
    assert client.post("/batch/run", headers=token).status_code == 409


def test_a_dead_batch_keeps_nobody_from_a_run(
    client: Client, market: Source, token: dict[str, str], at_once: None
) -> None:
    dead = runs.start("batch.priority", None, Job.Trigger.SCHEDULE)
    Job.objects.filter(pk=dead.pk).update(lease_until=clock.now() - timedelta(seconds=1))
    assert client.post("/batch/run", headers=token).status_code == 200
    dead.refresh_from_db()
    assert (dead.status, dead.reason) == ("failed", "lost")


def test_a_run_that_another_batch_was_faster_than_is_found_by_its_id(
    client: Client, market: Source, token: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "WAIT_SECONDS", 0.0)
    number = client.post("/batch/run", headers=token).json()["batch_id"]
    with runs.job("batch.priority"):
        assert tasks.priority_batch(*OrmQ.objects.get().task["args"]) is None
        assert tasks.priority_batch() is None  # the timetable's: nobody was told of it
    status = client.get("/batch/status").json()
    assert (status["batch_id"], status["status"]) == (number, "skipped")
    row = Job.objects.get(details__batch_id=number)
    assert (row.trigger, row.error) == ("operator", "another batch was running")
    assert Job.objects.filter(job_type="batch.priority").count() == 2
    assert Plan.asked == []


def test_who_waits_for_such_a_run_is_told_that_another_runs(
    client: Client, market: Source, token: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def overtaken(func: str, *args: Any, **_: Any) -> None:
        with runs.job("batch.priority"):
            tasks.priority_batch(*args)

    monkeypatch.setattr(api, "async_task", overtaken)
    response = client.post("/batch/run", headers=token)
    assert (response.status_code, response.json()["error"]["code"]) == (409, "already_running")


@pytest.fixture
def connect(tmp_path: Path, django_db_blocker: DjangoDbBlocker) -> Iterator[Callable[[], None]]:
    """Leads the thread that calls it to one database with all others: a file, or on PostgreSQL that of the test."""
    if not conf.SQLITE:
        yield lambda: None
        return
    with file_database(tmp_path / "charon.sqlite3", django_db_blocker):
        there = connections["default"]

        def lead() -> None:
            connections["default"] = type(there)(there.settings_dict, "default")

        yield lead


@pytest.mark.django_db(transaction=True)
def test_of_two_operators_at_once_one_runs_the_batch(
    connect: Callable[[], None], token: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, look = Barrier(2), polls.open_groups

    def look_together() -> set[str]:
        found = look()
        with suppress(BrokenBarrierError):  # the other one is not let in
            gate.wait(timeout=0.5)
        return found

    def post() -> int:
        connect()
        try:
            return Client().post("/batch/run", headers=token).status_code
        finally:
            connections.close_all()

    monkeypatch.setattr(api, "WAIT_SECONDS", 0.0)
    monkeypatch.setattr(polls, "open_groups", look_together)
    with ThreadPoolExecutor(2) as pool:
        answers = [pool.submit(post) for _ in range(2)]
    assert sorted(answer.result() for answer in answers) == [202, 409]
    assert OrmQ.objects.count() == 1


def test_strangers_run_nothing(client: Client, market: Source) -> None:
    assert client.post("/batch/run").status_code == 401
    assert client.post("/batch/run", headers={"Authorization": "Bearer x"}).status_code == 401
    assert Plan.asked == []


def test_the_queue_and_the_budget_are_answered(client: Client, market: Source, at: Callable[[str], None]) -> None:
    at("2026-11-20 13:00")
    secondary(market)
    tasks.enqueue_secondary()
    at("2026-11-20 13:01")
    assert client.get("/batch/queue/stats").json() == {
        "size": 2,
        "max_size": 1000,
        "by_priority": {"CRITICAL": 0, "HIGH": 0, "MEDIUM": 2, "LOW": 0},
        "oldest_age_seconds": 60.0,
        "total_enqueued": 2,
        "total_processed": 0,
        "total_dropped": 0,
    }
    batch_run.run()
    rows = {row["source"]: row for row in client.get("/batch/rate-limit").json()["items"]}
    assert rows["fake"] == {
        "source": "fake",
        "limit": 5,
        "window_seconds": 60,
        "current_calls": 1,
        "remaining": 4,
        "reset_at": "2026-11-20T12:02:00Z",
        "total_calls": 1,
        "total_waits": 0,
    }
