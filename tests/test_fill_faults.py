"""A ticker or a window of candles that fails stops no other one of a back-fill, and the job says so at its end."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from markets.models import Candle, Gap, Job, Source, Tick
from miner import backfill
from miner.fetch import cooldown
from miner.fetch.errors import Unreachable
from miner.providers.coingecko import CoinGecko as CoinGeckoProvider
from tests.markets_fake import FakeMarket
from tests.replica import CoinGecko
from tests.test_fill import Play, days, market, of, play, work_off

pytestmark = pytest.mark.django_db

__all__ = ["market", "play"]


def failing_for(monkeypatch: pytest.MonkeyPatch, *tickers: str) -> None:
    fetch = CoinGeckoProvider.fetch_history

    def broken(self: CoinGeckoProvider, ticker: str, *args: Any) -> Any:
        if ticker in tickers:
            raise Unreachable("GET /coins: HTTP 500", status=500)
        return fetch(self, ticker, *args)

    monkeypatch.setattr(CoinGeckoProvider, "fetch_history", broken)


def test_a_coin_that_fails_stops_no_other_and_fails_the_job(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    failing_for(monkeypatch, "bitcoin")
    with play(CoinGecko()):
        assert backfill.prices("coingecko", ["bitcoin", "ethereum"], *days(5)) == "failed"
    assert set(Tick.objects.values_list("instrument__code", flat=True)) == {"ETHUSD"}
    job = Job.objects.get()
    assert (job.status, job.reason, job.notes) == (
        "failed",
        "unreachable",
        ["refused: bitcoin: GET /coins: HTTP 500"],
    )
    assert not cooldown.is_cooling_down(of("coingecko")), "it answers: live prices go on"


def test_a_coin_that_failed_before_the_time_was_over_fails_the_continued_job(
    play: Play, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    failing_for(monkeypatch, "bitcoin")
    settings.TASK_WORK *= 0
    with play(CoinGecko()):
        assert backfill.prices("coingecko", ["bitcoin", "ethereum"], *days(5)) == "running"
        assert work_off() == ["failed"]
    assert Job.objects.get().reason == "unreachable"
    assert set(Tick.objects.values_list("instrument__code", flat=True)) == {"ETHUSD"}


@pytest.mark.slow
def test_a_window_of_candles_that_fails_is_a_gap_and_those_after_it_are_brought(
    market: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch: Callable[..., Any] = FakeMarket.fetch_candles
    bad = datetime(2026, 9, 1, tzinfo=UTC)

    def broken(self: FakeMarket, ticker: str, timeframe: str, start: datetime, limit: int = 1000) -> Any:
        if start.date() == days(100)[0]:
            raise Unreachable("GET /klines: HTTP 500", status=500)
        return fetch(self, ticker, timeframe, start, limit)

    with monkeypatch.context() as patch:
        patch.setattr(FakeMarket, "fetch_candles", broken)
        assert backfill.candles("fake", ["1h"], *days(100)) == "failed"
    candles = Candle.objects.filter(instrument__code="BTCUSD")
    assert candles.count() == 1413
    gap = Gap.objects.get(instrument__code="BTCUSD")
    assert (gap.table, gap.reason, gap.cause) == ("candle:1h", "failed", "unreachable")
    assert gap.to_time < bad
    assert backfill.candles("fake", ["1h"], *days(100)) == "success"
    assert (candles.count(), Gap.objects.count()) == (2413, 0)
