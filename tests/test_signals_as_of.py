"""`as_of` of /signals and /signals/current: what had been decided at a moment, and which version counted then."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from markets import clock
from markets.jobs import runs
from markets.models import Job, Source
from markets.records import RateRecord, Table
from markets.redis import response_cache
from markets.store.publish import publish
from signals import tasks
from signals.models import Signal
from tests.cases import walk
from tests.market import instrument, source
from tests.test_api_errors import error
from tests.test_engine import START, wave
from tests.test_revisions_api import get

pytestmark = pytest.mark.django_db

At = Callable[[str], None]
FIRST, SECOND = "2026-11-20T12:00:00Z", "2026-11-21T12:00:00Z"
BEFORE = "2026-11-20T11:59:59Z"


def bring(nbp: Source, start: int, end: int) -> None:
    job = runs.start("nbp.A", nbp, Job.Trigger.COMMAND)
    tables = [Table("A", day, [RateRecord("USD", mid=value)]) for day, value in wave(end)[start:]]
    publish(tables, nbp, job)
    Job.objects.update(status=Job.Status.SUCCESS, lease_until=None)
    tasks.catch_up()


@pytest.fixture
def decided(nbp: Source, at: At) -> None:
    """600 bars on the first day, and 10 more on the second."""
    at("2026-11-20 13:00")
    bring(nbp, 0, 600)
    at("2026-11-21 13:00")
    bring(nbp, 600, 610)


def corrected() -> Signal:
    """A new version of the newest BUY, written on the second day."""
    row = Signal.objects.filter(signal="BUY").order_by("-as_of")[0]
    row.pk, row.version, row.signal, row.generated_at = None, 2, "HOLD", clock.now()
    row.save(force_insert=True)
    return row


def bar(count: int) -> str:
    return (START + timedelta(days=count - 1)).isoformat()


def test_only_what_had_been_decided_is_there(decided: None, client: Client) -> None:
    assert get(client, "/signals", as_of=BEFORE) == {"items": [], "count": 0}
    then, now = get(client, "/signals", as_of=FIRST), get(client, "/signals")
    assert (then["items"][0]["as_of"], now["items"][0]["as_of"]) == (bar(600), bar(610))
    assert then["count"] == Signal.objects.filter(as_of__lt="2021-08-28T00:00:00Z").count() < now["count"]
    assert get(client, "/signals", as_of=SECOND) == now


def test_a_day_is_meant_until_its_end_in_warsaw(decided: None, client: Client) -> None:
    assert get(client, "/signals", as_of="2026-11-19")["count"] == 0
    assert get(client, "/signals", as_of="2026-11-20")["items"][0]["as_of"] == bar(600)
    assert get(client, "/signals", as_of="2026-11-21")["items"][0]["as_of"] == bar(610)


def test_a_version_that_came_later_does_not_replace_the_one_that_counted_then(decided: None, client: Client) -> None:
    day = corrected().as_of.date().isoformat()
    one_bar = {"code": "USD", "from": day, "to": day}

    def editions(**asked: str) -> list[tuple[Any, ...]]:
        items = get(client, "/signals", **one_bar, **asked)["items"]
        return [(item["edition"], item["signal"], item["superseded"]) for item in items]

    assert editions(as_of=FIRST) == [(1, "BUY", False)]
    assert editions(as_of=SECOND) == editions() == [(2, "HOLD", False), (1, "BUY", True)]


def test_the_filters_hold_beside_it(decided: None, client: Client) -> None:
    rows = get(client, "/signals", as_of=FIRST, signal="SELL", code="usd", limit=2, offset=1)
    assert [item["signal"] for item in rows["items"]] == ["SELL"] * 2
    assert get(client, "/signals", as_of=FIRST, **{"from": bar(601)})["count"] == 0


def test_the_state_of_then_is_that_of_the_ledger(decided: None, client: Client) -> None:
    assert get(client, "/signals/current", as_of=BEFORE) == {"items": [], "count": 0}
    [then] = get(client, "/signals/current", as_of=FIRST)["items"]
    [now] = get(client, "/signals/current")["items"]
    newest = Signal.objects.get(as_of=f"{bar(600)}T00:00:00Z")
    assert (then["as_of"], then["signal"], then["status"]) == (bar(600), newest.signal, "ok")
    assert (then["bars"], then["warm_up"], then["generated_at"]) == (600, 250, FIRST)
    assert then["values"]["histogram"] == f"{newest.histogram:f}"
    assert (then["trend"], then["rating"]) == (None, None)
    [latest] = get(client, "/signals/current", as_of=SECOND)["items"]
    same = ("code", "rule", "timeframe", "as_of", "signal", "turned", "turned_on", "bars", "warm_up")
    assert [latest[name] for name in same] == [now[name] for name in same]
    assert set(latest) == set(now)
    assert latest["histogram"] == pytest.approx(now["histogram"], abs=1e-9)


@pytest.mark.slow
def test_the_newest_turn_is_the_one_that_counted_then(decided: None, client: Client) -> None:
    row = corrected()
    Signal.objects.filter(signal__in=("BUY", "SELL"), as_of__gt=row.as_of).delete()
    [then] = get(client, "/signals/current", as_of=FIRST)["items"]
    [later] = get(client, "/signals/current", as_of=SECOND)["items"]
    assert (then["turned"], then["turned_on"]) == ("BUY", row.as_of.date().isoformat())
    assert later["turned"] == "SELL"


def test_a_decision_whose_bar_left_its_series_is_no_state(decided: None, client: Client) -> None:
    row = Signal.objects.order_by("-as_of")[0]
    row.pk, row.version, row.signal, row.values = None, 2, "HOLD", {"withdrawn": True}
    row.save(force_insert=True)
    [state] = get(client, "/signals/current", as_of=SECOND)["items"]
    assert state["as_of"] == bar(600), "the newest bar before that has a row"


@pytest.mark.slow
def test_of_candles_the_newest_turn_is_shown(decided: None, client: Client) -> None:
    source("binance", ["BTCUSDT"], enabled=True)
    row = Signal.objects.create(
        instrument=instrument("BTCUSDT"), rule="macd_signal_cross_12_26_9", timeframe="4h",
        as_of="2026-11-20T08:00:00Z", signal="SELL", horizon_days=5, histogram="-0.5", values={"bars": 300},
        generated_at=FIRST,
    )  # fmt: skip
    answer = get(client, "/signals/current", as_of=FIRST, rule="macd_cross")
    states = {(item["code"], item["timeframe"]): item for item in answer["items"]}
    assert states["BTCUSDT", "4h"]["turned_on"] == states["BTCUSDT", "4h"]["as_of"] == "2026-11-20T08:00:00Z"
    assert states["BTCUSDT", "4h"]["signal"] == row.signal
    Source.objects.filter(code="binance").update(public_api=False)
    left = get(client, "/signals/current", as_of=FIRST, rule="macd_cross")["items"]
    assert [item["code"] for item in left] == ["USD"]


def test_decisions_of_a_source_that_is_not_public_stay_hidden(decided: None, client: Client) -> None:
    Source.objects.filter(code="nbp").update(public_api=False)
    assert get(client, "/signals", as_of=FIRST)["count"] == get(client, "/signals/current", as_of=FIRST)["count"] == 0


@pytest.mark.slow
def test_pages_of_the_state(decided: None, client: Client) -> None:
    assert get(client, "/signals/current", as_of=FIRST, offset=1) == {"items": [], "count": 1}


@pytest.mark.slow
def test_statements_are_as_many_for_all_rules_as_for_one(
    decided: None, client: Client, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(1):
        get(client, "/signals", as_of=SECOND, limit=1000)
    for rule in ("macd_cross", "all"):
        with django_assert_num_queries(2):
            get(client, "/signals/current", as_of=SECOND, rule=rule, limit=1000)


@pytest.mark.slow
def test_any_moment_may_be_asked_for_and_no_answer_is_kept_for_others(
    decided: None, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(response_cache, "answer", None)
    for path in ("/signals", "/signals/current"):
        answer = client.get(path, {"as_of": FIRST})
        assert answer.headers["Cache-Control"] == "public, max-age=60, stale-if-error=86400"
        again = client.get(path, {"as_of": FIRST}, headers={"If-None-Match": answer.headers["ETag"]})
        assert again.status_code == 304


@pytest.mark.slow
@walk("path", ["/signals", "/signals/current"])
@walk(
    ("as_of", "status"),
    [
        *(("", 422), ("now", 422), ("2026-11-20T12:00:00", 422), ("2026-02-30", 422), ("２０２６-11-20", 422)),
        *(("2026-11-20T12:00:00Z%00", 422), ("1" * 2000, 422), ("2026-11-22", 400), ("2026-11-21T13:00:00Z", 400)),
        *(("9999-12-31", 400), ("9999-12-31T23:59:59-01:00", 422), ("2026-11-20&as_of=2026-11-20", 422)),
    ],
)
def test_what_is_no_moment_of_the_past_is_refused(
    decided: None, client: Client, path: str, as_of: str, status: int
) -> None:
    error(client.get(f"{path}?as_of={as_of}"), status)


@pytest.mark.slow
@pytest.mark.parametrize("as_of", ["0001-01-01", "1984-01-01T00:00:00Z"])
def test_before_everything_there_is_nothing(decided: None, client: Client, as_of: str) -> None:
    assert get(client, "/signals", as_of=as_of)["count"] == 0


def test_a_rating_was_not_kept(decided: None, client: Client) -> None:
    assert "not kept" in error(client.get("/signals/current", {"as_of": FIRST, "rule": "rating"}), 400)["message"]
    rows = get(client, "/signals/current", as_of=FIRST, rule="all")["items"]
    assert {row["rule"] for row in rows} == {"macd_signal_cross_12_26_9"}
