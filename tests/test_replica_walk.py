"""One walk behind all prices: it is the same for everybody, whoever asks and how."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import numpy as np
import pytest

from tests.replica import SERVICES, Server, walk
from tests.replica.coins import COINS
from tests.replica.walk import ANCHOR, MINUTE, Pair, usd, usd_between, usd_on

NOW = datetime(2026, 11, 17, 15, 42, 38, tzinfo=UTC)
BASIS_POINT = 1e-4


@pytest.fixture
def house(outgoing: set[tuple[str, int]]) -> Iterator[dict[str, Server]]:
    with ExitStack() as stack:
        servers = {name: stack.enter_context(Server(service(), now=NOW)) for name, service in SERVICES.items()}
        outgoing |= {("127.0.0.1", server.port) for server in servers.values()}
        yield servers


def asked(server: Server, path: str) -> Any:
    answer = httpx.get(f"{server.url}{path}", verify=False)
    assert answer.status_code == 200, answer.text
    return answer.json()


def prices_of(house: dict[str, Server], code: str) -> dict[str, float]:
    """The dollars that each service says one coin costs at the moment."""
    coin, name = COINS[code].id, code.lower()
    klines = asked(house["binance"], f"api/v3/klines?symbol={code}USDT&interval=1h&limit=1")
    ticker = asked(house["polygon"], f"v2/snapshot/locale/global/markets/crypto/tickers/X:{code}USD?apiKey=good")
    return {
        "coingecko": asked(house["coingecko"], f"simple/price?ids={coin}&vs_currencies=usd&precision=full")[coin][
            "usd"
        ],
        "deribit": asked(house["deribit"], f"public/get_index_price?index_name={name}_usd")["result"]["index_price"],
        "ticker": float(asked(house["binance"], f"api/v3/ticker/price?symbol={code}USDT")["price"]),
        "candle": float(klines[0][4]),
        "polygon": ticker["ticker"]["lastTrade"]["p"],
    }


@pytest.mark.parametrize("minutes", [0, 1, 77, 1440, 40_000])
@pytest.mark.parametrize("code", ["BTC", "ETH"])
def test_services_agree_on_a_coin_within_ten_basis_points(house: dict[str, Server], code: str, minutes: int) -> None:
    for server in house.values():
        server.set_now(NOW + timedelta(minutes=minutes))
    prices = prices_of(house, code)
    assert max(prices.values()) / min(prices.values()) - 1 < 10 * BASIS_POINT, prices
    assert len(set(prices.values())) > 1


def test_a_finished_candle_goes_through_the_points_of_the_index(house: dict[str, Server]) -> None:
    chart = dict(asked(house["deribit"], "public/get_index_chart_data?index_name=btc_usd&range=1h")["result"])
    for opened, _, high, low, *_ in asked(house["binance"], "api/v3/klines?symbol=BTCUSDT&interval=5m&limit=9")[1:-1]:
        assert float(low) * 0.999 < chart[opened + 120_000] < float(high) * 1.001


def test_the_euro_of_the_market_is_that_of_the_central_bank() -> None:
    assert Pair("EUR", "USD").at(ANCHOR * MINUTE) == pytest.approx(4.4026 / 3.9293)


@pytest.mark.parametrize(
    ("code", "low", "high"), [("BTC", 50_000, 150_000), ("ETH", 1500, 6000), ("EUR", 1.0, 1.25), ("XAU", 4000, 6000)]
)
def test_levels_stay_where_they_are_usual(code: str, low: float, high: float) -> None:
    prices = usd_on(code, ANCHOR + np.arange(-400, 400) * 1440)
    assert low < prices.min() < prices.max() < high


def test_a_minute_is_the_same_whichever_way_it_is_asked_for() -> None:
    many = usd_between("BTC", ANCHOR - 9000, ANCHOR)
    few = usd_on("BTC", ANCHOR - np.arange(0, 9000, 777))
    one = [usd("BTC", (ANCHOR - at) * MINUTE) for at in range(0, 9000, 777)]
    assert many[::-777].tolist() == few.tolist() == one


def test_inside_a_minute_the_price_moves_evenly() -> None:
    start, middle, end = (usd("BTC", ANCHOR * MINUTE + 60 * n + second) for n, second in ((0, 0), (0, 30), (1, 0)))
    assert start != end
    assert middle == pytest.approx((start * end) ** 0.5)


def test_the_walk_moves_as_markets_do() -> None:
    minutes = np.diff(np.log(usd_between("BTC", ANCHOR - 300_000, ANCHOR)))
    days = np.diff(np.log(usd_on("BTC", ANCHOR + np.arange(-1000, 0) * 1440)))
    assert 2 * BASIS_POINT < minutes.std() < 5 * BASIS_POINT
    assert 0.01 < days.std() < 0.03
    assert abs(minutes).max() < 0.01


def test_codes_do_not_walk_together_but_for_those_that_are_pegged() -> None:
    minutes = ANCHOR + np.arange(-500, 0) * 1440
    bitcoin, ether = (np.diff(np.log(usd_on(code, minutes))) for code in ("BTC", "ETH"))
    assert abs(np.corrcoef(bitcoin, ether)[0, 1]) < 0.2
    krone = Pair("EUR", "DKK").on(minutes)
    assert krone.max() / krone.min() - 1 < BASIS_POINT
    assert Pair("PAXG", "XAU").on(minutes).tolist() == pytest.approx([1.0] * 500)


def test_a_replica_without_a_moment_of_its_own_lives_in_the_real_one(house: dict[str, Server]) -> None:
    before = datetime.now(UTC)
    house["deribit"].set_now(None)
    out = asked(house["deribit"], "public/get_index_price?index_name=btc_usd")["usOut"]
    assert before.timestamp() - 1 < out / 1e6 < before.timestamp() + 60


def test_a_scripted_jump_is_seen_at_every_service_and_ends(
    house: dict[str, Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = NOW.timestamp()
    before, other = prices_of(house, "BTC"), prices_of(house, "ETH")
    monkeypatch.setattr(walk, "moves", [walk.Move("BTC", now - 60, now + 60, 1.06)])
    moved = prices_of(house, "BTC")
    assert {name: round(moved[name] / before[name], 4) for name in before} == dict.fromkeys(before, 1.06)
    assert prices_of(house, "ETH") == other
    for server in house.values():
        server.set_now(NOW + timedelta(minutes=5))
    after = prices_of(house, "BTC")
    monkeypatch.setattr(walk, "moves", [])
    assert prices_of(house, "BTC") == after


def test_a_jump_is_exact_to_the_second(monkeypatch: pytest.MonkeyPatch) -> None:
    calm = [usd("BTC", NOW.timestamp() + second) for second in range(3)]
    monkeypatch.setattr(walk, "moves", [walk.Move("BTC", NOW.timestamp() + 1, NOW.timestamp() + 2, 2.0)])
    assert [usd("BTC", NOW.timestamp() + second) for second in range(3)] == [calm[0], 2 * calm[1], calm[2]]
