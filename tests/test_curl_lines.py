"""The literal lines of the documents, by document: addresses as they stand there, fields, names in Redis, variables.

S4's and S0's own spellings of variables stand in docs/configuration.md.
"""

import json
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from markets import events
from markets.models import Job, Source
from markets.records import RateRecord, Table
from markets.redis import market_keys
from markets.store.prices import save_prices
from markets.store.publish import publish
from miner import schedule, sources, tasks
from miner.batch import api as batch_api
from miner.collect import candles as candle_collector
from signals.tasks import catch_up
from tests.alert_rows import alert_event
from tests.batch_market import open_plan
from tests.market import price, source
from tests.markets_fake import open_market
from tests.own_redis import imitated
from tests.processes import environment, manage
from tests.test_engine import wave

pytestmark = pytest.mark.django_db

TOKEN = {"Authorization": "Bearer only-for-this-test"}
BODY: Any = {"content_type": "application/json", "headers": TOKEN}


@pytest.fixture(autouse=True)
def noon(at: Callable[[str], None], settings: Any) -> None:
    settings.API_TOKEN = "only-for-this-test"
    at("2026-10-26 12:00")


@pytest.fixture
def redis(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    with imitated(settings, monkeypatch) as one:
        yield one


@pytest.fixture
def figures(nbp: Source, job: Job) -> Job:
    """The dollar and gold, of January 2024 and up to today, with decisions."""
    last = date(2026, 10, 26)
    for code, kind, table in (("USD", "currency", "A"), ("XAU", "metal", "gold")):
        days = [(last - timedelta(days=back), value) for back, (_, value) in enumerate(wave(1100))]
        publish([Table(table, day, [RateRecord(code, mid=value)], kind=kind) for day, value in days], nbp, job)
    Job.objects.update(status=Job.Status.SUCCESS, lease_until=None)
    sources.sync()
    catch_up()
    return job


@pytest.fixture
def coins(db: None) -> Source:
    row = source("coingecko", ["BTC"])
    save_prices([price("67000", 90), price("67321.5", 1)], row)
    return row


def asked(client: Client, line: str) -> Any:
    """The body of `GET /path?query`; with a slash at the end of the path it is the same."""
    method, _, address = line.partition(" ")
    assert method == "GET"
    path, mark, query = address.partition("?")
    answers = [client.get(one + mark + query, headers=TOKEN) for one in (path, path + "/", f"/api/v1{path}")]
    assert [answer.status_code for answer in answers] == [200, 200, 200], (line, answers[0].content)
    return answers[0].json()


# What S0 asks: rates, gold and signals


@pytest.mark.slow
def test_s0_rates(client: Client, figures: Job) -> None:
    told = asked(client, "GET /rates?code=USD&from=2024-01-01&to=2024-02-01")
    assert told["count"] == 32, "each day of this test has its table"
    days = [row["effective_date"] for row in told["items"]]
    assert (days[0], days[-1], {row["code"] for row in told["items"]}) == ("2024-01-01", "2024-02-01", {"USD"})


def test_s0_gold(client: Client, figures: Job) -> None:
    told = asked(client, "GET /gold?from=2024-01-01&to=2024-02-01")
    assert told["count"] == 32
    assert {row["unit"] for row in told["items"]} == {"g"}


@pytest.mark.slow
def test_s0_signals_of_the_dollar_and_of_gold(client: Client, figures: Job) -> None:
    for code in ("USD", "XAU"):
        rows = asked(client, f"GET /signals?code={code}&limit=100")["items"]
        assert 0 < len(rows) <= 100
        assert {row["signal"] for row in rows} <= {"BUY", "SELL", "HOLD"}
        assert {"macd", "signal_line", "histogram", "generated_at", "horizon_days"} <= rows[0].keys()


@pytest.mark.slow
def test_s0_sources_statistics_and_health(client: Client, figures: Job) -> None:
    assert asked(client, "GET /health")["status"] == "ok"
    assert "nbp" in {row["code"] for row in asked(client, "GET /sources")["items"]}
    assert {"jobs", "mean_duration_seconds", "rows_written"} <= asked(client, "GET /stats/miner").keys()
    schedule.write_all()
    assert "nbp" in {row["name"] for row in asked(client, "GET /stats/upcoming")["items"]}


def test_s0_post_sources(client: Client, nbp: Source) -> None:
    assert client.post("/sources", {"code": "nbp"}, **BODY).status_code == 409, "it is there already"
    assert client.post("/sources", {"code": "nbp"}, content_type="application/json").status_code == 401


@pytest.mark.slow
def test_s0_the_channel_rates_ingested(figures: Job, redis: Any) -> None:
    figures.details = {"kind": "currency", "brought": {"USD": ["2024-01-01", "2024-02-01", 93]}}
    told = heard(redis, "rates.ingested", lambda: events.announce(figures))
    assert told == {
        "type": "currency", "asset": "USD", "from": "2024-01-01", "to": "2024-02-01", "rows": 93, "job_id": figures.pk,
    }  # fmt: skip


@pytest.mark.slow
def test_s0_the_channel_signals_updated(figures: Job, redis: Any) -> None:
    rule = "macd_signal_cross_12_26_9"
    decision = events.Decision("USD", rule, "1d", date(2026, 10, 26), "BUY", 1, public=True)
    told = heard(redis, "signals.updated", lambda: events.decided([decision]))
    assert (told["asset"], told["signal"]) == ("USD", "BUY")


@pytest.mark.slow
def test_s0_the_keys_of_cached_answers(client: Client, figures: Job, redis: Any, settings: Any) -> None:
    for line in ("/rates?code=USD&from=2024-01-01&to=2024-02-01", "/gold?from=2024-01-01&to=2024-02-01",
                 "/signals?code=USD&limit=100"):  # fmt: skip
        client.get(line)
    keys = ("cache:rates:USD:2024-01-01:2024-02-01", "cache:gold:2024-01-01:2024-02-01", "cache:signals:USD:100")
    assert [0 < redis.ttl(key) <= 300 for key in keys] == [True, True, True]


def heard(redis: Any, channel: str, work: Callable[[], object]) -> Any:
    with redis.pubsub(ignore_subscribe_messages=True) as ear:
        ear.subscribe(channel)
        ear.get_message()
        work()
        return json.loads(ear.get_message()["data"], parse_float=Decimal)


# What S1 asks: prices and assets


@pytest.mark.parametrize("window", ["1h", "24h", "7d", "60m"])
def test_s1_prices_of_a_window_are_a_bare_array(client: Client, coins: Source, window: str) -> None:
    rows = asked(client, f"GET /prices?asset=BTC&window={window}")
    assert [list(row) for row in rows] == [["ts", "price"]] * (1 if window in {"1h", "60m"} else 2)


def test_s1_summary(client: Client, coins: Source) -> None:
    told = asked(client, "GET /prices/summary?asset=BTC&window=24h")
    assert list(told) == ["points", "first", "last", "min", "max", "avg"]
    assert told["points"] == 2


def test_s1_assets_are_read_added_and_removed(client: Client, coins: Source) -> None:
    assert [row["symbol"] for row in asked(client, "GET /assets")] == ["BTCUSD"]
    assert client.post("/assets", {"symbol": "ETH"}, **BODY).status_code == 201
    assert client.post("/assets", {"symbol": "ETH"}, **BODY).status_code == 409
    assert client.post("/assets", {"symbol": ""}, **BODY).status_code == 422
    assert client.delete("/assets/ETH", headers=TOKEN).status_code in {200, 204}


def test_s1_alerts_are_bare_arrays_with_the_fields_that_are_asked_for(client: Client, coins: Source) -> None:
    assert asked(client, "GET /alerts?asset=BTC&limit=50") == []
    event = alert_event()
    told = asked(client, "GET /alerts?asset=BTC&limit=20")
    assert [row["id"] for row in told] == [event.pk]
    assert {"window_minutes", "threshold_pct", "change_pct", "direction", "price", "created_at"} <= told[0].keys()


def test_s1_alerts_are_made_and_removed(client: Client, coins: Source) -> None:
    body = {"asset": "BTC", "window_minutes": 60, "threshold_pct": 5, "direction": "up"}
    made = client.post("/alerts", body, **BODY)
    assert made.status_code == 201
    assert [row["id"] for row in asked(client, "GET /alerts/rules")["items"]] == [made.json()["id"]]
    assert client.post("/alerts", body | {"asset": "NOTHING"}, **BODY).status_code == 404
    assert client.post("/alerts", body | {"window_minutes": 0}, **BODY).status_code == 400
    assert client.delete(f"/alerts/{made.json()['id']}", headers=TOKEN).status_code == 204


def test_s1_defaults_of_alerts(client: Client, db: None) -> None:
    body = {"window_minutes": 30, "threshold_pct": 2.5}
    assert client.put("/config/alerts-defaults", body, **BODY).status_code == 200
    told = asked(client, "GET /config/alerts-defaults")
    assert (told["window_minutes"], told["threshold_pct"]) == (30, "2.5")


def test_s1_metrics(client: Client, settings: Any) -> None:
    settings.ENABLE_METRICS_ENDPOINT = True
    assert client.get("/metrics").headers["Content-Type"].startswith("text/plain")


# What S2 asks: the batch


def test_s2_batch(client: Client, nbp: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    open_plan(monkeypatch)
    monkeypatch.setattr(batch_api, "async_task", lambda _, *args, **__: tasks.priority_batch(*args))
    run = client.post("/batch/run", headers=TOKEN).json()
    assert list(run) == ["success", "batch_id", "result", "message"]
    assert run["result"].keys() == {"duration_ms", "updated", "failed", "api_calls_used"}
    told = asked(client, "GET /batch/status")
    assert set(told) >= {
        "batch_id", "status", "last_run", "next_run", "priority_assets", "queue_size", "api_calls_remaining",
    }  # fmt: skip
    assert set(told["last_batch"]) >= {
        "batch_id", "started_at", "completed_at", "duration_ms", "priority_updated", "priority_failed",
        "queue_processed", "queue_remaining", "api_calls_used", "rate_limit_waits", "errors",
    }  # fmt: skip
    stats = asked(client, "GET /batch/queue/stats")
    assert {"size", "max_size", "by_priority", "oldest_age_seconds", "total_enqueued", "total_processed"} <= set(stats)
    budget = asked(client, "GET /batch/rate-limit")
    assert (budget["limit"], budget["window_seconds"], budget["current_calls"]) == (5, 60, 2)
    assert {"remaining", "reset_at", "total_calls", "total_waits"} < set(budget)


def test_s2_the_channel_of_an_asset(redis: Any) -> None:
    told = heard(redis, "asset:update:EURUSD", lambda: market_keys.priced([("EURUSD", price("1.08", bid="1.07"))]))
    assert (told["type"], told["symbol"], list(told["data"])) == (
        "price_update", "EURUSD", ["bid", "ask", "spread", "last_price", "timestamp"],
    )  # fmt: skip


# What S3 asks: candles and the message log


@pytest.mark.slow
def test_s3_keys_channels_and_log(client: Client, monkeypatch: pytest.MonkeyPatch, redis: Any, settings: Any) -> None:
    market = open_market(monkeypatch)
    settings.MESSAGE_LOG_DETAIL = "reads"
    for timeframe, seconds in (("5m", 120), ("1h", 300), ("4h", 600)):
        told = heard(redis, f"market:update:{timeframe}", partial(candle_collector.refresh, market, timeframe))
        assert told["timeframe"] == timeframe
        assert isinstance(json.loads(redis.get(f"market:ohlcv:BTCUSD:{timeframe}") or b""), list)
        assert redis.ttl(f"market:ohlcv:BTCUSD:{timeframe}") == seconds
    market_keys.keep_prices([("BTCUSD", price("67321.5"))])
    kept = json.loads(redis.get("market:price:BTCUSD") or b"")
    assert (list(kept), redis.ttl("market:price:BTCUSD")) == (["price", "change24h", "volume", "timestamp"], 60)
    entry = {name.decode() for _, fields in redis.xrange("redis:message_log") for name in fields}
    assert entry == {"type", "channel", "source", "summary", "payload_size", "timestamp"}
    line = "/api/redis/log?limit=100&type=signal&source=ta-service"
    assert client.get(line, headers=TOKEN).json() == {"items": [], "count": 0, "available": True}
    events.decided([events.Decision("USD", "macd_cross", "1d", date(2026, 10, 26), "BUY", 1, public=True)])
    [row] = client.get(line, headers=TOKEN).json()["items"]
    assert (row["type"], row["source"], row["channel"]) == ("signal", "ta-service", "signals.updated")


# What S4 asks: the documentation


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
def test_s4_documentation(client: Client, path: str) -> None:
    response = client.get(path, follow=True)
    assert (response.status_code, response.headers["Content-Type"].partition(";")[0]) == (200, "text/html")


# Variables

VARIABLES = {
    "S0": """REFRESH_SECONDS=3600 NBP_BASE_URL=https://api.nbp.pl/api/ MACD_FAST=12 MACD_SLOW=26 MACD_SIGNAL=9
        REDIS_URL=redis://redis:6379/0 REDIS_ENABLED=1 REDIS_CACHE_TTL=300
        REDIS_PUBSUB_CHANNEL_RATES=rates.ingested REDIS_PUBSUB_CHANNEL_SIGNALS=signals.updated""",
    "S1": "ENABLE_METRICS_ENDPOINT=1 ASSETS=BTC,ETH FETCH_INTERVAL_SECONDS=300 RETENTION_DAYS=30",
    "S2": """BATCH_INTERVAL_MINUTES=5 BATCH_QUEUE_INTERVAL_SECONDS=15 BATCH_QUEUE_MAX_ITEMS=2 BATCH_ENQUEUE_MINUTES=30
        POLYGON_API_KEY=none-of-anybody POLYGON_BASE_URL=https://api.polygon.io POLYGON_CALLS_PER_MINUTE=5""",
    "S3": "MESSAGE_LOG_DETAIL=keys MARKET_DATA_PORT=8895",
    "S4": """HOST=0.0.0.0 PORT=8000 DEBUG=0 DB_HOST=postgres DB_PORT=5432 DB_USER=app DB_PASSWORD=app
        DB_NAME=crypto_prices LOG_LEVEL=INFO LOG_FORMAT=json DERIBIT_BASE_URL=https://www.deribit.com/api/v2/""",
}


@pytest.mark.processes
@pytest.mark.parametrize("document", VARIABLES)
def test_the_environment_lines_of_the_documents_start(tmp_path: Path, document: str) -> None:
    env = environment(tmp_path) | dict(line.split("=", 1) for line in VARIABLES[document].split())
    said = manage("shell", "-v0", "-c", "from django.conf import settings; print(settings.VERSION)", env=env)
    assert (said.returncode, said.stderr) == (0, "")
