"""The markets' part of the seed: prices, candles, the queue, budgets, beats and a batch."""

from datetime import datetime, timedelta
from decimal import Decimal

from markets import clock
from markets.jobs import runs
from markets.models import Job, Listing, Source
from markets.records import Price
from markets.store.candles import save_bars
from markets.store.prices import save_prices
from markets.store.retention import prune
from miner import sources
from miner.batch import queue as batch_queue
from miner.batch import run as batch_run
from miner.batch.result import JOB, BatchResult
from miner.collect import sync_status
from miner.fetch import cooldown, rate_limit
from miner.fetch.errors import ProviderError
from miner.models import SyncStatus
from miner.pulse import grid, polls, results
from tests.saved.figures import SECONDS, bars, ticks

States = SyncStatus.State


def now() -> datetime:
    return clock.now()


def source(code: str) -> Source:
    return Source.objects.get(code=code)


def fill() -> None:
    prices()
    candles()
    states()
    work()


def prices() -> None:
    """Four markets; the newest price of one of them is the close of the day before. Old ticks have become candles."""
    this = now()
    old = this - timedelta(days=40)
    save_prices(ticks("btc_usd", "66000", old, 6, 20), source("deribit"))
    prune(30)
    save_prices(ticks("bitcoin", "67321.5", this, 8, 10) + ticks("ethereum", "2601", this, 3, 10), source("coingecko"))
    save_prices(ticks("btc_usd", "67330", this, 4, 1), source("deribit"))
    save_prices([price("BTCUSDT", "67318.5", bid="67318.49", ask="67318.51", volume="1024.5")], source("binance"))
    of_the_day = {"open": "1.1610", "high": "1.1655", "low": "1.1602", "close": "1.1649"}
    forex = [price("C:EURUSD", "1.1649", **of_the_day), price("C:XAUUSD", "4012.35", close="4012.35")]
    save_prices(forex, source("polygon"))


def price(ticker: str, text: str, **more: str) -> Price:
    values = {name: Decimal(word) for name, word in more.items()}
    return Price(ticker, Decimal(text), now(), change=Decimal("-1.4093"), end_of_day="close" in more, **values)


def candles() -> None:
    """Of every length: closed, open, and some in which nothing was traded; one was corrected later."""
    found = [one for timeframe in SECONDS for one in bars("BTCUSDT", timeframe, now(), 12)]
    with runs.job("binance.fill.1d", source("binance"), Job.Trigger.OPERATOR) as job:
        save_bars(found, source("binance"), job)


def states() -> None:
    """Listings in every state, a queue with all its priorities, one source that rests and one that is used up."""
    rows = list(Listing.objects.select_related("source").order_by("source__code", "ticker"))
    tracked = [row for row in rows if row.tracked]
    for number, state in enumerate((States.SUCCESS, States.FAILED, States.IN_PROGRESS, States.PENDING)):
        failed = state == States.FAILED
        sync_status.mark(tracked[number::4], state, "unreachable" if failed else "", "no answer" if failed else "")
    for number, row in enumerate([row for row in rows if row.source.code == "polygon"][:6]):
        batch_queue.enqueue(row, number % 4 + 1)
    first, second = batch_queue.dequeue(2)
    batch_queue.done(first)
    batch_queue.requeue(second, "no answer")
    rate_limit.take(source("polygon"), sources.allowance_of(source("polygon")), 3, critical=True)
    cooldown.block(source("coingecko"), 90)


def work() -> None:
    """What pulse and the timetable have asked for, how it went, and a batch."""
    polls.hold_lease("pulse of this house")
    asked = grid.enqueue_due(polls.pulse_polls())
    for poll in polls.wanted_polls(cooling=True):
        if poll.is_scheduled:
            results.done(poll.name)
    results.done(asked[0])
    results.done(asked[1], ProviderError("no answer"))
    # PostgreSQL keeps the keys of an object in this order, whatever order they came in.
    error = {"error": "no answer", "symbol": "XAUUSD"}
    result = BatchResult("5eedba7c4", ["EURUSD"], [error], 1, 4, 3, 1, [error], {"BTCUSD": "deribit"})
    with runs.job(JOB, trigger=Job.Trigger.OPERATOR) as job:
        batch_run.keep(job, result)
