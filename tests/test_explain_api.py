"""`/signals/{id}/explain`: why, in both languages, with the bars that decided and what would turn it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from math import sin
from typing import Any

import pytest
from django.test import Client

from markets.models import Candle, Instrument, Job, Rate, Source
from markets.records import RateRecord, Table
from markets.store.prices import save_bars
from markets.store.publish import publish
from signals import engine, flip, rules, snapshots, tasks
from signals.explain_rows import explanation
from signals.models import Signal
from signals.rules.bollinger_reentry import BollingerReentry
from signals.rules.macd_cross import MacdCross
from signals.rules.rule import Bar
from signals.rules.vwap_side import VwapSide
from tests.cases import walk
from tests.market import bar as candle
from tests.market import source
from tests.test_engine import wave

pytestmark = pytest.mark.django_db


@pytest.fixture
def brought(nbp: Source, job: Job, at: Callable[[str], None]) -> None:
    at("2026-11-20 13:00")
    publish([Table("A", day, [RateRecord("USD", mid=value)]) for day, value in wave(600)], nbp, job)
    Job.objects.update(status=Job.Status.SUCCESS, lease_until=None)
    tasks.catch_up()


def newest(**fields: Any) -> Signal:
    return Signal.objects.filter(**fields).order_by("-as_of", "-version")[0]


def explained(client: Client, row: Signal) -> dict[str, Any]:
    response = client.get(f"/api/v1/signals/{row.pk}/explain")
    assert response.status_code == 200, response.content
    return dict(response.json())


@pytest.mark.usefixtures("brought")
@pytest.mark.parametrize("label", ["BUY", "SELL"])
def test_a_decision_says_why_in_polish_and_in_english(client: Client, label: str) -> None:
    row = newest(signal=label)
    found = explained(client, row)
    before, after = found["bars"]
    assert [found["signal"], found["as_of"]] == [label, after["as_of"]]
    assert Decimal(before["values"]["histogram"]) * Decimal(after["values"]["histogram"]) < 0
    words = {"BUY": ("dodatni", "KUP.", "positive", "BUY."), "SELL": ("ujemny", "SPRZEDAJ.", "negative", "SELL.")}
    polish, polish_end, english, english_end = words[label]
    assert polish in found["sentence"]["pl"]
    assert found["sentence"]["pl"].endswith(polish_end)
    assert english in found["sentence"]["en"]
    assert found["sentence"]["en"].endswith(english_end)
    assert f"{row.as_of:%d.%m.%Y}" in found["sentence"]["pl"]
    assert f"{row.as_of.day} {row.as_of:%b %Y}" in found["sentence"]["en"]
    assert found["parameters"] == {"fast": "12", "slow": "26", "signal": "9"}
    assert found["formula"]["pl"] != found["formula"]["en"]
    assert after["close"] == f"{Rate.objects.get(effective_date=row.as_of).published('mid'):f}"


@pytest.mark.usefixtures("brought")
def test_the_price_that_would_turn_it_turns_it_and_the_one_before_it_does_not(client: Client) -> None:
    turned = newest(signal__in=["BUY", "SELL"])
    told = explained(client, turned)["flip"]
    state = snapshots.states(turned.instrument, "1d")[turned.rule]
    rule, wanted = rules.primary(), 1 if turned.signal == "SELL" else -1
    close = float(Rate.objects.order_by("-effective_date")[0].mid or 0)
    price = flip.turning_close(rule, state.row, close, 0.0, wanted)
    assert price is not None
    assert told["signal"] == {1: "BUY", -1: "SELL"}[wanted]
    assert abs(Decimal(told["price"]) - Decimal(price)) <= Decimal("0.0001")
    nearer = price + (close - price) * 1e-9
    assert [rule.step(state.row, Bar(one))[2] for one in (price, nearer)] == [wanted, 0]


@pytest.mark.usefixtures("brought")
def test_it_is_the_price_that_the_formula_of_macd_gives() -> None:
    rule = rules.primary()
    assert isinstance(rule, MacdCross)
    row = snapshots.states(Instrument.objects.get(code="USD"), "1d")[rule.name].row
    values = {"signal_line": row[2], "ema_fast": row[0], "ema_slow": row[1]}
    close, wanted = float(Rate.objects.order_by("-effective_date")[0].mid or 0), -1 if row[4] > 0 else 1
    by_halves = flip.turning_close(rule, row, close, 0.0, wanted)
    assert by_halves == pytest.approx(rule.turning_close(values), rel=1e-10)


@pytest.mark.usefixtures("brought")
def test_no_price_within_a_fifth_is_said_and_not_a_number(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flip, "REACH", 1e-9)
    told = explained(client, newest(signal="BUY"))["flip"]
    assert told["price"] is None
    assert told["pl"].startswith("W zasięgu 20% nie ma")
    assert told["en"].startswith("No next price within 20%")


@pytest.mark.slow
@pytest.mark.usefixtures("brought")
def test_what_a_reader_should_know_is_a_warning(client: Client) -> None:
    row = newest(signal="BUY", backtested=True)
    assert [one["en"][:17] for one in explained(client, row)["warnings"]] == ["Computed backward"]
    Rate.objects.filter(effective_date__lte=row.as_of).delete()
    row.pk, row.version = None, 2
    row.save()
    first = Signal.objects.get(as_of=row.as_of, version=1)
    told = explanation(first)
    assert told["bars"] == []
    assert [one["en"].split()[0] for one in told["warnings"]] == ["Computed", "There", "The"]
    assert "TRZYMAJ" in explained(client, newest(signal="HOLD"))["sentence"]["pl"]


def test_a_candle_is_named_by_its_hour(client: Client, at: Callable[[str], None]) -> None:
    at("2026-10-26 12:30")
    closes = [100 + abs(n % 80 - 40) for n in range(330)]
    opens = [datetime(2026, 10, 12, tzinfo=UTC) + timedelta(hours=n) for n in range(330)]
    rows = [candle(f"{time:%Y-%m-%d %H:%M}", *[str(c)] * 4) for time, c in zip(opens, closes, strict=True)]
    save_bars(rows, source("binance", ["BTCUSDT"]))
    bitcoin = Instrument.objects.get(code="BTCUSDT")
    assert Candle.objects.filter(closed=True).count() == 330
    assert engine.decide(bitcoin, "1h") > 0
    row = newest(timeframe="1h", signal="BUY")
    found = explained(client, row)
    assert found["as_of"] == f"{row.as_of:%Y-%m-%dT%H:%M:%S}Z"
    assert len(found["bars"]) == 2
    assert found["flip"]["after"].endswith("Z")
    Source.objects.filter(code="binance").update(public_api=False)
    other = newest(timeframe="1h", signal="SELL")
    assert client.get(f"/signals/{other.pk}/explain").status_code == 404, "the licence of the candles"


@pytest.mark.usefixtures("brought")
@walk(("number", "status"), [("999999", 404), ("0", 422), ("x", 422), ("1_0", 422)])
def test_a_number_without_a_row_is_404_and_what_is_no_number_422(client: Client, number: str, status: int) -> None:
    response = client.get(f"/signals/{number}/explain")
    assert response.status_code == status
    assert set(response.json()) == {"error"}


@pytest.mark.usefixtures("brought")
@pytest.mark.parametrize("kept", [{"histogram": Decimal(0)}, {"values": {"close": 3.9}}])
def test_a_histogram_that_rounds_to_zero_and_a_row_of_the_first_release_are_explained(
    client: Client, kept: dict[str, Any]
) -> None:
    row = newest(signal="BUY")
    Signal.objects.filter(pk=row.pk).update(**kept)
    assert "KUP." in explained(client, row)["sentence"]["pl"]


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Puts rules into the registry, which the tests keep to MACD."""

    def register(*added: Any) -> None:
        monkeypatch.setattr(rules, "RULES", {one.__name__: one.configured for one in added})

    return register


def waves(at: Callable[[str], None]) -> Instrument:
    """Thirty days of hours that swing about a longer wave."""
    at("2026-10-26 12:30")
    opens = [datetime(2026, 9, 26, 12, tzinfo=UTC) + timedelta(hours=n) for n in range(720)]
    closes = [f"{100 + 3 * sin(n / 2) + 10 * sin(n / 37):.4f}" for n in range(720)]
    rows = [candle(f"{time:%Y-%m-%d %H:%M}", *[close] * 4) for time, close in zip(opens, closes, strict=True)]
    save_bars(rows, source("binance", ["BTCUSDT"]))
    return Instrument.objects.get(code="BTCUSDT")


def assert_the_bar_is_that_of_the_row(client: Client, row: Signal) -> None:
    shown = explained(client, row)["bars"][-1]["values"]
    assert {name: float(value) for name, value in shown.items()} == pytest.approx(
        {name: row.values[name] for name in shown}
    )


def test_the_bars_of_a_vwap_are_of_the_whole_day(
    client: Client, at: Callable[[str], None], registered: Callable[..., None]
) -> None:
    registered(VwapSide)
    engine.decide(waves(at), "1h")
    late = [row for row in Signal.objects.order_by("-as_of") if row.values["bar_of_day"] > 8]
    assert_the_bar_is_that_of_the_row(client, late[0])


def test_hours_without_a_trade_take_no_bar_from_an_explanation(
    client: Client, at: Callable[[str], None], registered: Callable[..., None]
) -> None:
    registered(BollingerReentry)
    bitcoin = waves(at)
    opens = Candle.objects.order_by("open_time").values_list("pk", flat=True)
    Candle.objects.exclude(pk__in=list(opens)[::4]).update(synthetic=True)
    engine.decide(bitcoin, "1h")
    assert_the_bar_is_that_of_the_row(client, newest(signal="BUY"))


def test_a_source_that_was_switched_off_keeps_its_licence(client: Client, at: Callable[[str], None]) -> None:
    engine.decide(waves(at), "1h")
    row = newest(signal="BUY")
    Source.objects.filter(code="binance").update(public_api=False, enabled=False)
    assert client.get(f"/signals/{row.pk}/explain").status_code == 404
    assert client.get("/signals?rule=macd_cross&code=BTCUSDT").json()["count"] == 0


@pytest.mark.slow
@pytest.mark.usefixtures("brought")
@walk("values", [{}, {"macd": "x"}, {"histogram": None}, [], "text", None])
def test_a_row_that_somebody_has_changed_is_said_to_be_without_its_numbers(client: Client, values: object) -> None:
    row = newest(signal="BUY")
    where = Signal.objects.filter(pk=row.pk)
    if values is None:
        where.update(macd=None, signal_line=None, histogram=None, values={})
    else:
        where.update(values=values, macd=None, signal_line=None, histogram=None)
    found = explained(client, row)
    assert "brakuje liczb" in found["sentence"]["pl"]
    assert "lacks the numbers" in found["sentence"]["en"]
