"""A writer that is slower than the bank: what came meanwhile is written at once, and nothing is lost by it."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection

from markets.models import Job, Publication, Rate, Source
from markets.records import Table
from markets.store import publish, sharing, validation
from miner import sources
from miner.collect import tables as table_collector
from miner.collect import threads
from miner.fetch.errors import ExpectedData, Unreachable
from miner.providers.base import TableSeries
from miner.providers.nbp import NBP
from tests.replica import Replica

LAST = date(2026, 10, 26)
# Ten windows of a week.
HISTORY = replace(NBP.series[0], first=LAST - timedelta(days=69), window=7)


class AlreadyAnswered:
    """A pool whose every answer is there as soon as it is asked for."""

    def __init__(self, *_: object, **__: object) -> None:
        pass

    def submit(self, work: Callable[..., Any], *words: object) -> "Future[Any]":
        future: Future[Any] = Future()
        try:
            future.set_result(work(*words))
        except Exception as error:
            future.set_exception(error)
        return future

    def shutdown(self, **_: object) -> None:
        pass


@pytest.fixture
def saves(monkeypatch: pytest.MonkeyPatch, at: Callable[[str], None], replica: Replica) -> list[int]:
    """How many windows each save was given."""
    seen: list[int] = []
    save = publish.publish

    def counted(tables: Sequence[Table], source: Source, job: Job, **more: Any) -> publish.PublishResult:
        seen.append(more["windows"])
        return save(tables, source, job, **more)

    at("2026-10-26 13:00")
    monkeypatch.setattr(threads, "pool", AlreadyAnswered)
    monkeypatch.setattr(table_collector, "publish", counted)
    return seen


def mine(nbp: Source, series: TableSeries = HISTORY, connections: int = 4) -> Job:
    run = table_collector.Run(nbp, sources.provider_of(nbp), connections=connections)
    return table_collector.mine_series(run, series)


def days() -> list[date]:
    return list(Publication.objects.order_by("pk").values_list("effective_date", flat=True))


@pytest.mark.slow
def test_what_came_while_others_were_written_is_written_at_once_and_in_order(nbp: Source, saves: list[int]) -> None:
    job = mine(nbp)
    assert (job.status, job.windows, job.windows_done, job.requests) == ("success", 10, 10, 10)
    assert saves == [1, 7, 2], "the newest window is no neighbour of the others"
    assert days()[5:] == sorted(days()[5:])
    assert (len(days()), max(days())) == (50, LAST)


@pytest.mark.slow
@pytest.mark.parametrize("connections", [1, 2])
def test_few_connections_have_four_answers_written_at_once(nbp: Source, saves: list[int], connections: int) -> None:
    mine(nbp, connections=connections)
    assert saves == [1, 3, 4, 2]


@pytest.mark.slow
def test_one_transaction_holds_as_many_rates_as_the_other_writers_can_wait_for(
    nbp: Source, saves: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A week of table A has 5 days of 33 rates; one window is never cut."""
    monkeypatch.setitem(sharing.MOST_RATES, connection.vendor, 3 * 5 * 33)
    mine(nbp)
    assert saves == [1, 3, 3, 1, 2]
    monkeypatch.setitem(sharing.MOST_RATES, connection.vendor, 1)
    Rate.objects.all().delete()
    Publication.objects.all().delete()
    mine(nbp)
    assert saves[5:] == [1] * 10


@pytest.mark.slow
def test_what_was_fetched_is_validated_before_the_writer_takes_its_lock(
    nbp: Source, saves: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    depths: list[int] = []
    sift = validation.sift_tables

    def spy(*words: Any) -> validation.Sifted:
        depths.append(len(connection.savepoint_ids))
        return sift(*words)

    monkeypatch.setattr(validation, "sift_tables", spy)
    outside = len(connection.savepoint_ids)
    mine(nbp)
    assert (depths, len(saves)) == ([outside] * 10, 3), "each answer once"


@pytest.mark.slow
def test_a_failed_answer_in_the_backlog_waits_until_those_before_it_are_stored(
    nbp: Source, saves: list[int], replica: Replica, at: Callable[[str], None]
) -> None:
    replica.set_script([{"from": 7, "status": 500, "body": "oops"}])
    with pytest.raises(Unreachable):
        mine(nbp)
    job = Job.objects.get()
    assert (saves, job.windows_done, job.reason) == ([1, 5], 10, "unreachable")
    assert (len(days()), max(days())) == (30, LAST)
    replica.set_script([])
    at("2026-10-26 14:00")
    assert mine(nbp).status == "success"
    assert len(days()) == 50


@pytest.mark.slow
def test_a_silence_in_the_backlog_fails_the_run_and_keeps_all_other_windows(
    nbp: Source, saves: list[int], replica: Replica
) -> None:
    quiet = HISTORY.first + timedelta(days=35)
    for number in range(7):
        replica.withhold("A", quiet + timedelta(days=number))
    with pytest.raises(ExpectedData):
        mine(nbp, replace(HISTORY, silence=5))
    job = Job.objects.get()
    assert (saves, job.windows_done, job.reason) == ([1, 6, 1, 2], 10, "expected_data")
    assert {day for day in days() if quiet <= day < quiet + timedelta(days=7)} == set()
    assert max(days()) == LAST
