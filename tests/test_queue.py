"""The priority queue: no duplicates, a thousand places, three tries, and nobody gets another's item."""

import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from markets import clock
from markets.models import Instrument, Listing, Source
from miner.batch import queue as batch_queue
from miner.batch import rotation
from miner.batch import run as batch_run
from miner.fetch.errors import Refused, Unreachable
from miner.models import QueueItem
from tests.batch_market import Plan, StandIn, open_plan
from tests.markets_fake import open_market
from tests.processes import ROOT, environment, manage

pytestmark = pytest.mark.django_db

CRITICAL, HIGH, MEDIUM, LOW = Listing.Priority


def listing(nbp: Source, code: str, priority: int = MEDIUM) -> Listing:
    instrument = Instrument.objects.create(code=code, base=code, kind="pair", name_pl=code, name_en=code)
    return Listing.objects.create(instrument=instrument, source=nbp, ticker=f"C:{code}", priority=priority)


def tickers(items: list[QueueItem]) -> list[str]:
    return [item.listing.ticker for item in items]


def test_the_urgent_come_first_and_the_oldest_of_equals(nbp: Source, at: Callable[[str], None]) -> None:
    for minute, (code, priority) in enumerate([("AAA", LOW), ("BBB", MEDIUM), ("CCC", HIGH), ("DDD", MEDIUM)]):
        at(f"2026-11-20 12:0{minute}")
        batch_queue.enqueue(listing(nbp, code, priority))
    assert tickers(batch_queue.dequeue(4)) == ["C:CCC", "C:BBB", "C:DDD", "C:AAA"]


def test_a_listing_waits_once_and_the_more_urgent_priority_holds(nbp: Source) -> None:
    one = listing(nbp, "AAA", LOW)
    assert batch_queue.enqueue(one) is True
    assert batch_queue.enqueue(one, HIGH) is False
    assert batch_queue.enqueue(one, LOW) is False
    assert [(item.priority, batch_queue.size()) for item in batch_queue.dequeue(5)] == [(HIGH, 1)]


def test_a_full_queue_drops_with_a_warning(
    nbp: Source, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(batch_queue, "MAX_SIZE", 2)
    kept = [batch_queue.enqueue(listing(nbp, code)) for code in ("AAA", "BBB", "CCC")]
    assert kept == [True, True, False]
    assert "The queue is full (2); C:CCC was dropped" in caplog.text
    assert batch_queue.stats().total_dropped == 1


def test_a_claimed_item_is_nobody_elses_until_its_claim_is_over(nbp: Source, at: Callable[[str], None]) -> None:
    at("2026-11-20 12:00")
    batch_queue.enqueue(listing(nbp, "AAA"))
    assert tickers(batch_queue.dequeue()) == ["C:AAA"]
    at("2026-11-20 12:01")
    assert batch_queue.dequeue() == []
    at("2026-11-20 12:03")
    assert tickers(batch_queue.dequeue()) == ["C:AAA"]
    assert batch_queue.dequeue() == []


def test_a_failure_lowers_the_priority_keeps_the_error_and_ends_after_three_tries(
    nbp: Source, caplog: pytest.LogCaptureFixture
) -> None:
    batch_queue.enqueue(listing(nbp, "AAA", HIGH))
    seen = []
    for _ in range(3):
        (item,) = batch_queue.dequeue()
        assert batch_queue.requeue(item, "No data") is True
        row = QueueItem.objects.get()
        seen.append((row.priority, row.retry_count, row.last_error))
    assert seen == [(MEDIUM, 1, "No data"), (LOW, 2, "No data"), (LOW, 3, "No data")]
    (item,) = batch_queue.dequeue()
    assert batch_queue.requeue(item, "No data") is False
    assert "C:AAA failed 4 times and was dropped: No data" in caplog.text
    assert batch_queue.is_empty()


def test_done_is_counted_once(nbp: Source) -> None:
    batch_queue.enqueue(listing(nbp, "AAA"))
    (item,) = batch_queue.dequeue()
    batch_queue.done(item)
    batch_queue.done(item)
    assert (batch_queue.stats().total_enqueued, batch_queue.stats().total_processed) == (1, 1)


def test_released_items_keep_their_place(nbp: Source, at: Callable[[str], None]) -> None:
    at("2026-11-20 12:00")
    batch_queue.enqueue(listing(nbp, "AAA"))
    (item,) = batch_queue.dequeue()
    batch_queue.release(item)
    waiting = batch_queue.peek()
    assert waiting is not None
    assert (waiting.listing.ticker, waiting.retry_count) == ("C:AAA", 0)
    assert tickers(batch_queue.dequeue()) == ["C:AAA"]


def test_what_waits_for_another_source_keeps_its_place(nbp: Source, archive: Source) -> None:
    batch_queue.enqueue(listing(nbp, "AAA", HIGH))
    batch_queue.enqueue(listing(archive, "BBB", LOW))
    assert tickers(batch_queue.dequeue(5, [archive])) == ["C:BBB"]
    assert batch_queue.dequeue(5, []) == []
    assert tickers(batch_queue.dequeue(5, [archive, nbp])) == ["C:AAA"]


def test_the_stats_have_every_field_of_the_contract(nbp: Source, at: Callable[[str], None]) -> None:
    at("2026-11-20 12:00")
    batch_queue.enqueue(listing(nbp, "AAA", HIGH))
    at("2026-11-20 12:01")
    batch_queue.enqueue(listing(nbp, "BBB", LOW))
    assert batch_queue.stats() == batch_queue.Stats(
        size=2,
        max_size=1000,
        by_priority={"CRITICAL": 0, "HIGH": 1, "MEDIUM": 0, "LOW": 1},
        oldest_age_seconds=60.0,
        total_enqueued=2,
        total_processed=0,
        total_dropped=0,
    )
    assert batch_queue.clear() == 2
    assert batch_queue.stats().oldest_age_seconds is None


# Its items, served by the batch


@pytest.fixture
def market(monkeypatch: pytest.MonkeyPatch, nbp: Source) -> Source:
    """EURUSD and XAUUSD wait in the queue, BTCUSD is critical."""
    source = open_plan(monkeypatch)
    Listing.objects.filter(source=source).exclude(ticker="X:BTCUSD").update(priority=MEDIUM)
    rotation.enqueue_secondary()
    return source


def test_a_failure_in_the_queue_does_not_keep_the_batch_from_the_critical(market: Source) -> None:
    Plan.prices["C:EURUSD"] = Unreachable("GET /forex: HTTP 500", status=500)
    rotation.process_queue(2)
    states = {item.listing.ticker: (item.retry_count, item.claimed_until) for item in QueueItem.objects.all()}
    assert states == {"C:EURUSD": (1, None), "C:XAUUSD": (0, None)}
    assert not any("C:XAUUSD" in tickers for tickers in Plan.asked)
    result = batch_run.run()
    assert result is not None
    assert (result.priority_updated, result.priority_failed) == (["BTCUSD"], [])


def test_a_rest_that_the_source_asks_for_holds_for_the_batch_as_well(market: Source) -> None:
    Plan.prices["C:EURUSD"] = Unreachable("GET /forex: HTTP 429", 60, 429)
    rotation.process_queue(1)
    Plan.asked.clear()
    result = batch_run.run()
    assert result is not None
    assert (result.priority_updated, [row["symbol"] for row in result.priority_failed]) == ([], ["BTCUSD"])
    assert Plan.asked == []


def test_what_is_said_of_one_item_stops_no_other(market: Source) -> None:
    Plan.prices["C:EURUSD"] = Refused("GET /forex: HTTP 404", 404)
    assert rotation.process_queue(2).queue_processed == 1
    assert [item.listing.ticker for item in QueueItem.objects.all()] == ["C:EURUSD"]


@pytest.mark.parametrize("choice", [{"enabled": False}, {"paused_until": clock.now() + timedelta(days=900)}])
def test_items_of_a_source_that_is_off_or_paused_wait_and_hold_up_no_others(
    market: Source, monkeypatch: pytest.MonkeyPatch, choice: dict[str, Any]
) -> None:
    open_market(monkeypatch, StandIn)
    StandIn.prices["btc_usd"] = Decimal(89990)
    batch_queue.enqueue(Listing.objects.get(ticker="btc_usd"), LOW)
    Source.objects.filter(pk=market.pk).update(**choice)
    assert rotation.process_queue(2).queue_processed == 1
    assert StandIn.asked == [("btc_usd",)]
    assert Plan.asked == []
    assert (batch_queue.stats().size, batch_queue.stats().total_processed) == (2, 1)
    Source.objects.filter(pk=market.pk).update(enabled=True, paused_until=None)
    assert rotation.process_queue(2).queue_processed == 2


FILL = """
import django
django.setup()
from markets.models import Instrument, Listing, Source
from miner.batch import queue
for number in range(40):
    row = Instrument.objects.create(code=f"X{number}", base="X", kind="pair", name_pl="x", name_en="x")
    queue.enqueue(Listing.objects.create(instrument=row, source=Source.objects.get(code="nbp"), ticker=f"X{number}"))
"""
WORKER = """
import django
django.setup()
from miner.batch import queue
while items := queue.dequeue(2):
    for item in items:
        print(item.listing.ticker)
        queue.done(item)
"""


@pytest.mark.processes
def test_two_workers_never_take_the_same_item_and_the_queue_survives_its_processes(tmp_path: Path) -> None:
    env = environment(tmp_path, PYTHONPATH=str(ROOT))
    for command in ("migrate", "sync"):
        assert manage(command, env=env).returncode == 0
    subprocess.run([sys.executable, "-c", FILL], env=env, cwd=ROOT, check=True, timeout=60)
    workers = [
        subprocess.Popen([sys.executable, "-c", WORKER], env=env, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    taken = [name for worker in workers for name in worker.communicate(timeout=60)[0].split()]
    assert sorted(taken) == sorted(f"X{number}" for number in range(40))
