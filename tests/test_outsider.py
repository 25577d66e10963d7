"""Whoever reads Redis computes what Charon computes."""

import inspect
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from math import sin
from typing import Any

import pytest
from django.test import Client

from markets.redis import market_keys
from markets.store.candles import save_bars
from signals import rules, tasks
from signals.rules.bollinger_reentry import BollingerReentry
from signals.rules.rsi_reversal import RsiReversal
from tests import outsider
from tests.market import bar as candle
from tests.market import instrument as find
from tests.market import source
from tests.own_redis import imitated
from tests.test_docs import read

FIRST = datetime(2026, 10, 18, 12, tzinfo=UTC)


def wave(count: int) -> Iterator[Any]:
    """Candles of an hour; in some nothing was traded, and the last one is still open."""
    for n in range(count):
        close = f"{90000 + 2000 * sin(n / 9) + 700 * sin(n / 2.3):.2f}"
        start = f"{FIRST + timedelta(hours=n):%Y-%m-%d %H:%M}"
        yield candle(start, close, "99000", "80000", close, volume="0" if n % 17 == 5 else "12.5")


@pytest.mark.slow
@pytest.mark.django_db
def test_an_outsider_computes_the_same_from_redis(
    settings: Any, monkeypatch: pytest.MonkeyPatch, at: Callable[[str], None], client: Client
) -> None:
    for rule in (BollingerReentry, RsiReversal):
        monkeypatch.setitem(rules.RULES, rule.__name__, rule.configured)
    at("2026-10-26 12:30")
    market = source("binance", ["BTCUSDT"])
    with imitated(settings, monkeypatch) as redis:
        listening = outsider.listen(redis, "BTCUSDT")
        assert next(listening) == {}
        for candles in (list(wave(192))[:-1], list(wave(192))[-1:]):
            save_bars(candles, market)
            tasks.catch_up()
            market_keys.keep_candles(market, "1h", {find("BTCUSDT").pk: "BTCUSDT"})
            theirs = next(listening)
        answer = client.get("/signals/current", {"rule": "all"}).json()["items"]
    ours = {row["rule"]: row for row in answer if (row["code"], row["timeframe"]) == ("BTCUSDT", "1h")}
    bands, strength = ours["bollinger_reentry_20_2"], ours["rsi_reversal_14_30_70"]
    assert datetime.fromtimestamp(theirs["open"] / 1000, UTC).isoformat() == bands["as_of"].replace("Z", "+00:00")
    assert theirs["bollinger"] == pytest.approx(
        [float(bands["values"][name]) for name in ("lower", "middle", "upper")], rel=0, abs=1e-8
    )
    assert theirs["rsi"] == pytest.approx(float(strength["values"]["rsi"]), rel=0, abs=1e-8)


def test_the_outsider_of_the_page_is_the_one_that_is_tested() -> None:
    source = inspect.getsource(outsider)
    assert f"```python\n{source}```" in read("docs/technical.md")
    assert len(source.splitlines()) <= 40
