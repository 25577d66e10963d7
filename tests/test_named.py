"""The tests that the documents of the requirements name, under these names.

Those of assets, prices and retention stand with their subject, those of what the evaluation of alerts does too.
"""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
import respx
from django.test import Client
from django_q.models import Schedule

from charon import metrics
from markets import clock
from markets.models import Job, Listing, Quote, Source, Tick
from markets.redis import market_keys
from markets.store.prices import save_prices
from miner import schedule, tasks
from miner.batch import queue as batch_queue
from miner.batch import run as batch_run
from miner.collect import prices as price_collector
from miner.fetch import cooldown
from miner.fetch.errors import Unreachable
from miner.models import SyncStatus
from miner.pulse import polls
from signals.alerts import tasks as alert_tasks
from signals.alerts.models import AlertEvent
from tests.alert_rows import alert_event
from tests.batch_market import Plan, open_plan
from tests.bodies import recorded
from tests.market import price, source
from tests.markets_fake import FakeMarket, open_market
from tests.test_api_errors import error
from tests.test_api_rates import get

pytestmark = pytest.mark.django_db

BODY = b'{"bitcoin": {"usd": 67321.5, "usd_24h_vol": 1.5, "usd_24h_change": -1.4093, "last_updated_at": 1793012400}}'


@pytest.fixture(autouse=True)
def noon(at: Callable[[str], None]) -> None:
    at("2026-10-26 12:00")  # 1793012400 in seconds since 1970


@pytest.fixture
def gecko(settings: Any) -> Source:
    settings.COINGECKO_BASE_URL = "https://coins.example/api/v3/"
    return source("coingecko", ["BTC"])


@pytest.fixture
def asked(respx_mock: respx.Router) -> respx.Route:
    return respx_mock.get(url__startswith="https://coins.example/api/v3/simple/price")


@pytest.fixture
def market(monkeypatch: pytest.MonkeyPatch) -> Source:
    return open_market(monkeypatch)


# Of S1: health and metrics


def test_health(client: Client) -> None:
    for path in ("/health", "/health/", "/api/v1/health"):
        response = client.get(path)
        assert (response.status_code, response.json()["status"]) == (200, "ok")


def test_metrics(client: Client, settings: Any) -> None:
    assert client.get("/metrics").status_code == 404, "closed unless the operator opens it"
    settings.ENABLE_METRICS_ENDPOINT = True
    metrics.REQUESTS.clear()
    client = Client()  # the middleware of the first one counts nothing
    client.get("/health")
    response = client.get("/metrics")
    assert (response.status_code, response.headers["Content-Type"].partition(";")[0]) == (200, "text/plain")
    assert b'charon_http_requests_total{method="GET",status="200",view="health"} 1.0' in response.content
    metrics.REQUESTS.clear()


# Of S1: prices


def test_prices_summary_stats(client: Client, gecko: Source) -> None:
    save_prices([price(value, 40 - 10 * number) for number, value in enumerate(("100", "130", "90", "120"))], gecko)
    assert get(client, "/prices/summary", asset="BTC", window="24h") == {
        "points": 4, "first": "100.00", "last": "120.00", "min": "90.00", "max": "130.00", "avg": "110.00",
    }  # fmt: skip


# Of S1: the worker


def test_worker_fetch_success(gecko: Source, asked: respx.Route) -> None:
    asked.respond(content=BODY)
    assert tasks.quotes("coingecko") == "1 of 1"
    row = Tick.objects.get()
    assert (row.instrument.code, row.price, row.observed_at) == ("BTCUSD", Decimal("67321.5"), clock.now())
    assert tasks.quotes("coingecko") == "1 of 1"
    assert (Tick.objects.count(), asked.call_count) == (1, 2), "the same moment is written once"
    assert SyncStatus.objects.get().state == "success"


def test_worker_fetch_waits_ten_seconds_and_asks_for_the_id_of_the_coin(gecko: Source, asked: respx.Route) -> None:
    asked.respond(content=BODY)
    tasks.quotes("coingecko")
    request = asked.calls.last.request
    assert (request.url.params["ids"], request.extensions["timeout"]["read"]) == ("bitcoin", 10)


def test_worker_fetch_backoff_on_429(gecko: Source, asked: respx.Route, at: Callable[[str], None]) -> None:
    asked.respond(429, headers={"Retry-After": "90"})
    assert tasks.quotes("coingecko") == "failed"
    assert asked.call_count == 1, "who asks too often is not asked again at once"
    at("2026-10-26 12:01:29")
    assert cooldown.is_cooling_down(gecko)
    assert "coingecko.quotes" not in {poll.name for poll in polls.wanted_polls()}
    at("2026-10-26 12:01:31")
    assert "coingecko.quotes" in {poll.name for poll in polls.wanted_polls()}
    assert not Tick.objects.exists()


@pytest.mark.parametrize("status", [500, 502, 503])
def test_worker_fetch_backoff_on_5xx(gecko: Source, asked: respx.Route, status: int) -> None:
    asked.side_effect = [httpx.Response(status), httpx.Response(status), httpx.Response(200, content=BODY)]
    assert tasks.quotes("coingecko") == "1 of 1"
    assert (asked.call_count, Tick.objects.count()) == (3, 1)
    row = Job.objects.get()
    assert (row.status, row.requests, row.retries) == ("success", 3, 2)


def test_worker_fetch_backoff_on_5xx_ends_after_four_tries(gecko: Source, asked: respx.Route) -> None:
    asked.respond(500)
    assert tasks.quotes("coingecko") == "failed"
    assert asked.call_count == 4, "the first one, and again after 1, 2 and 4 s"
    assert cooldown.is_cooling_down(gecko)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (httpx.ConnectTimeout("no road"), "unreachable"),
        (httpx.Response(200, content=b"<html>"), "unreadable"),
        (httpx.Response(400, content=recorded("coingecko", "400_vs_currency.json")), "refused"),
    ],
)
def test_worker_fetch_errors(gecko: Source, asked: respx.Route, answer: Any, reason: str) -> None:
    asked.side_effect = [answer] * 4
    assert tasks.quotes("coingecko") == "failed"
    assert (Job.objects.get().status, Job.objects.get().reason) == ("failed", reason)
    assert SyncStatus.objects.get().state == "failed"
    assert not Tick.objects.exists()


def test_beat_schedule_assets_interval(gecko: Source) -> None:
    schedule.write(gecko)
    assert Schedule.objects.get(name="coingecko.quotes").minutes == 5
    Source.objects.filter(pk=gecko.pk).update(polling_interval=120)
    gecko.refresh_from_db()
    schedule.write(gecko)
    assert Schedule.objects.get(name="coingecko.quotes").minutes == 2


def test_integration_worker_db_api(client: Client, gecko: Source, asked: respx.Route) -> None:
    asked.respond(content=BODY)
    tasks.quotes("coingecko")
    assert get(client, "/prices", asset="BTC", window="24h") == [{"ts": "2026-10-26T11:00:00Z", "price": "67321.50"}]
    assert get(client, "/prices/summary", asset="BTC", window="24h")["points"] == 1


# Of S2


def test_priority_queue(market: Source) -> None:
    urgent = {"C:EURUSD": Listing.Priority.LOW, "X:BTCUSD": Listing.Priority.HIGH, "C:XAUUSD": Listing.Priority.MEDIUM}
    rows = {row.ticker: row for row in Listing.objects.filter(source=market)}
    for ticker, priority in urgent.items():
        assert batch_queue.enqueue(rows[ticker], priority)
    assert not batch_queue.enqueue(rows["C:EURUSD"], Listing.Priority.LOW), "no duplicates"
    first = batch_queue.peek()
    assert first is not None
    assert (first.listing.ticker, batch_queue.size(), batch_queue.is_empty()) == ("X:BTCUSD", 3, False)
    [item] = batch_queue.dequeue(1)
    assert batch_queue.requeue(item, "No data"), "three more tries, each a step less urgent"
    order = []
    while items := batch_queue.dequeue(1):
        order.append((items[0].listing.ticker, items[0].priority, items[0].retry_count, items[0].last_error))
        batch_queue.done(items[0])
    assert sorted(order[:2]) == [("C:XAUUSD", 3, 0, ""), ("X:BTCUSD", 3, 1, "No data")]
    assert order[2:] == [("C:EURUSD", 4, 0, "")]
    assert (batch_queue.stats().total_processed, batch_queue.clear(), batch_queue.is_empty()) == (3, 0, True)


def test_asset_updater(market: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(market_keys, "priced", lambda prices: told.extend(code for code, _ in prices))
    FakeMarket.prices.update({"X:BTCUSD": Decimal("90000.5"), "C:EURUSD": None})
    result = price_collector.refresh(market, price_collector.due(market))
    assert (result.updated, result.failed, told) == (["BTCUSD"], {"EURUSD": "No data", "XAUUSD": "No data"}, ["BTCUSD"])
    quote = Quote.objects.get()
    assert (quote.instrument.code, quote.price, quote.bid, quote.ask) == (
        "BTCUSD",
        *map(Decimal, ("90000.5", "90000.5", "90001.5")),
    )
    states = {row.listing.ticker: (row.state, row.error) for row in SyncStatus.objects.select_related("listing")}
    assert (states["X:BTCUSD"], states["C:EURUSD"]) == (("success", ""), ("failed", "No data"))
    FakeMarket.prices["X:BTCUSD"] = Unreachable("GET /x: no answer in time")
    price_collector.refresh(market, price_collector.due(market))
    states = {row.listing.ticker: (row.state, row.error) for row in SyncStatus.objects.select_related("listing")}
    assert set(states.values()) == {("failed", "GET /x: no answer in time")}


def test_batch_orchestrator(nbp: Source, monkeypatch: pytest.MonkeyPatch, client: Client) -> None:
    open_plan(monkeypatch)
    schedule.write_all()
    minutes = dict(Schedule.objects.filter(name__startswith="batch.").values_list("name", "minutes"))
    assert minutes == {"batch.priority": 5, "batch.secondary": 30}
    assert (polls.queue_poll().name, polls.queue_poll().every) == ("batch.queue", 15)
    Plan.prices["X:BTCUSD"] = Unreachable("GET /crypto: no answer in time")
    result = batch_run.run("abc")
    assert result is not None
    assert (sorted(result.priority_updated), [row["symbol"] for row in result.priority_failed]) == (
        ["EURUSD", "XAUUSD"],
        ["BTCUSD"],
    )
    status = client.get("/batch/status").json()
    assert (status["status"], status["last_batch"]["batch_id"], status["queue_size"]) == ("running", "abc", 0)
    job = Job.objects.get(job_type="batch.priority")
    Job.objects.filter(pk=job.pk).update(status="running", lease_until=clock.now() + timedelta(minutes=1))
    assert batch_run.run("another") is None, "one at a time"


# Of S1: alerts


def test_alerts_compute_env_window_threshold(gecko: Source, settings: Any) -> None:
    settings.ALERT_WINDOW_MINUTES, settings.ALERT_THRESHOLD_PCT = 10, 2.0
    for value, minutes_ago in (("100", 25), ("101", 20), ("103", 11), ("104", 5), ("106", 1)):
        save_prices([price(value, minutes_ago)], gecko)
        alert_tasks.evaluate_news()
    event = AlertEvent.objects.get()
    assert (event.subject, event.window_minutes, event.threshold_pct) == ("BTCUSD", 10, Decimal(2))
    assert (event.change_pct, event.observed_at) == (Decimal("2.9126"), clock.now() - timedelta(minutes=1))


def test_alert_metrics_increment(client: Client, gecko: Source, settings: Any) -> None:
    settings.ENABLE_METRICS_ENDPOINT = True

    def said() -> tuple[float, float]:
        lines = Client().get("/metrics").content.decode().splitlines()
        values = dict(line.rsplit(" ", 1) for line in lines if line.startswith("alert"))
        return float(values.get('alerts_total{kind="move"}', 0)), float(values["alert_compute_seconds_count"])

    assert said() == (0, 0)
    for value, minutes_ago in (("100", 10), ("110", 5)):
        save_prices([price(value, minutes_ago)], gecko)
        alert_tasks.evaluate_news()
    assert said() == (1, 2)
    metrics.REQUESTS.clear()


def test_get_alerts_empty(client: Client, gecko: Source) -> None:
    for path in ("/alerts", "/alerts?asset=BTC&limit=20"):
        response = client.get(path)
        assert (response.status_code, response.json(), response.headers["X-Total-Count"]) == (200, [], "0")


def test_get_alerts_invalid_asset(client: Client, gecko: Source) -> None:
    told = error(client.get("/alerts?asset=BTX&limit=20"), 404)
    assert (told["code"], told["message"]) == ("unknown_code", "There is no asset 'BTX'")
    assert "BTCUSD" in told["detail"]["nearest"]
    for asset in ("", "x" * 33):
        assert error(client.get("/alerts", {"asset": asset}), 422)["detail"][0]["field"] == "asset"


def test_alerts_limit_order(client: Client, gecko: Source) -> None:
    for minutes_ago in (3, 1, 5, 2, 4):
        alert_event(minutes_ago=minutes_ago)
    for limit in (2, 20, 50):
        response = client.get("/alerts", {"asset": "BTC", "limit": limit})
        moments = [row["created_at"] for row in response.json()]
        assert moments == [f"2026-10-26T10:{60 - minutes_ago}:00Z" for minutes_ago in range(1, 6)][:limit]
        assert response.headers["X-Total-Count"] == "5"
    for wrong in ("0", "-1", "10001", "many"):
        assert error(client.get("/alerts", {"asset": "BTC", "limit": wrong}), 422)["detail"][0]["field"] == "limit"
