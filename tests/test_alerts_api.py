"""The API of alerts: what fired, rules, acknowledging, defaults, and the question how often a rule would have fired."""

import json
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from markets import api_tokens, clock
from markets.errors import UnknownCodeError
from markets.licence import Audience
from markets.models import Instrument, Job, Source
from markets.records import RateRecord, Table
from markets.store.prices import save_prices
from markets.store.publish import publish
from signals import rules
from signals.alerts import rule_store, tasks
from signals.alerts.models import AlertDefaults, AlertEvent, AlertRule, AlertState, Kind
from signals.alerts.schemas import AlertItem, Defaults, RuleItem
from signals.models import Signal
from tests.alert_rows import alert_event
from tests.cases import walk
from tests.market import instrument, price, source
from tests.test_api_errors import error
from tests.test_api_rates import get

pytestmark = pytest.mark.django_db
TOKEN = {"Authorization": "Bearer let-me-in"}
MOVE = {"asset": "BTC", "window_minutes": 60, "threshold_pct": 5, "direction": "up"}


@pytest.fixture(autouse=True)
def noon(at: Callable[[str], None], settings: Any) -> None:
    at("2026-10-26 12:00")
    settings.API_TOKEN = "let-me-in"


@pytest.fixture
def gecko(db: None) -> Source:
    row = source("coingecko", ["BTC", "ETH"])
    save_prices([price("67321.5", 1), price("1900", 1, "ethereum")], row)
    return row


@pytest.fixture
def dollar(nbp: Source, job: Job) -> Instrument:
    days = [date(2026, 10, 26) - timedelta(days=back) for back in (0, 3, 4, 5)]
    publish([Table("A", day, [RateRecord("USD", mid=Decimal("3.95"))]) for day in days], nbp, job)
    return instrument("USD")


def send(client: Client, method: str, path: str, body: Any = None, **headers: str) -> Any:
    text = "" if body is None else json.dumps(body)
    return client.generic(method, path, text, content_type="application/json", headers=TOKEN | headers)


def add(client: Client, **said: Any) -> Any:
    return send(client, "POST", "/alerts", MOVE | said)


def made(client: Client, **said: Any) -> dict[str, Any]:
    response = add(client, **said)
    assert response.status_code == 201, response.content
    item: dict[str, Any] = response.json()
    assert RuleItem.model_validate(item).model_dump(mode="json") == item
    return item


def refusal(response: Any, status: int = 400) -> list[str]:
    detail = error(response, status)["detail"]
    return [finding["field"] for finding in detail]


# What fired


def test_an_event_says_what_fired_when_and_at_which_price(client: Client, gecko: Source) -> None:
    row = alert_event(minutes_ago=2)
    [item] = get(client, "/alerts", asset="BTC")
    assert item == {
        "id": row.pk, "rule_id": 7, "asset": "BTCUSD", "created_at": "2026-10-26T10:58:00Z", "window_minutes": 60,
        "threshold_pct": "5", "change_pct": "5.2381", "direction": "up", "price": "67321.50", "state": "open",
        "kind": "move", "source": "coingecko", "subject": "BTCUSD", "observed_at": "2026-10-26T10:58:00Z",
        "resolved_at": None, "acknowledged_at": None,
    }  # fmt: skip
    assert AlertItem.model_validate(item).model_dump(mode="json") == item


def test_events_are_asked_for_by_asset_and_state_and_paged(client: Client, gecko: Source) -> None:
    rows = [alert_event(minutes_ago=3), alert_event(None, "ETHUSD", 2), alert_event(minutes_ago=1, state="resolved")]
    assert [item["id"] for item in get(client, "/alerts")] == [row.pk for row in reversed(rows)]
    assert [item["id"] for item in get(client, "/alerts", asset="xbt")] == [rows[2].pk, rows[0].pk]
    assert [item["id"] for item in get(client, "/alerts", state="resolved")] == [rows[2].pk]
    page = client.get("/alerts", {"limit": 1, "offset": 1})
    assert ([item["id"] for item in page.json()], page.headers["X-Total-Count"]) == ([rows[1].pk], "3")


def test_a_coin_means_all_pairs_of_it_and_a_pair_means_itself(client: Client, gecko: Source) -> None:
    source("binance", ["BTCUSDT"])
    dollars, tethers = alert_event(minutes_ago=1), alert_event(None, "BTCUSDT", 2)
    for asset, rows in (("BTC", [dollars, tethers]), ("btcusd", [dollars]), ("BTC/USDT", [tethers])):
        assert [item["id"] for item in get(client, "/alerts", asset=asset)] == [row.pk for row in rows]


def test_the_newest_comes_first_also_within_one_moment(client: Client, gecko: Source) -> None:
    first, second = alert_event(minutes_ago=1), alert_event(minutes_ago=1, key="another")
    assert [item["id"] for item in get(client, "/alerts")] == [second.pk, first.pk]


def test_what_a_licence_closes_and_what_is_the_operators_is_left_out(client: Client, gecko: Source) -> None:
    shown, closed = alert_event(minutes_ago=1), source("polygon", ["EURUSD"], public_api=False)
    hidden = alert_event(None, "EURUSD", 2, source=closed)
    disk = alert_event(minutes_ago=3, kind=Kind.DISK, instrument=None, source=None, subject="disk", price=None)
    lone = alert_event(minutes_ago=4, source=None)
    assert [item["id"] for item in get(client, "/alerts")] == [shown.pk]
    assert get(client, "/alerts", asset="EURUSD") == []
    everything = client.get("/alerts", headers=TOKEN)
    assert [item["id"] for item in everything.json()] == [shown.pk, hidden.pk, disk.pk, lone.pk]
    assert everything.json()[2]["asset"] is None
    assert "no-store" in everything.headers["Cache-Control"]


def test_alerts_of_decisions_are_closed_where_the_decisions_are(client: Client, dollar: Instrument) -> None:
    nbp = Source.objects.get(code="nbp")
    row = alert_event(None, "USD", 1, kind=Kind.SIGNAL, source=None)
    assert [item["id"] for item in get(client, "/alerts")] == [row.pk]
    Source.objects.filter(pk=nbp.pk).update(public_api=False)
    assert get(client, "/alerts") == []


@pytest.mark.slow
def test_an_event_outlives_its_instrument(client: Client, gecko: Source, dollar: Instrument) -> None:
    row, decision = alert_event(minutes_ago=1), alert_event(None, "USD", 2, kind=Kind.SIGNAL, source=None)
    Instrument.objects.filter(code="BTCUSD").delete()
    AlertEvent.objects.filter(pk=decision.pk).update(instrument=None)
    [item] = get(client, "/alerts")
    assert (item["id"], item["asset"]) == (row.pk, "BTCUSD"), "nobody can say any more whether the decision is closed"
    assert "BTCUSD" in client.get("/alerty/").content.decode()


# Rules


def test_a_rule_is_made_of_the_four_fields(client: Client, gecko: Source) -> None:
    item = made(client)
    assert item == {
        "id": item["id"], "kind": "move", "name": "", "asset": "BTCUSD", "source": "coingecko", "window_minutes": 60,
        "threshold_pct": "5", "direction": "up", "level": None, "rule": None, "timeframe": None,
        "hysteresis_pct": None, "cooldown_minutes": 60, "enabled": True, "automatic": False,
        "created_at": "2026-10-26T11:00:00Z",
    }  # fmt: skip
    assert get(client, "/alerts/rules") == {"items": [item], "count": 1}
    assert AlertRule.objects.get().created_by == "API_TOKEN"


@walk("threshold", [2.5, "2.5", "2.50"])
def test_a_threshold_is_a_number_or_its_digits(client: Client, gecko: Source, threshold: Any) -> None:
    assert made(client, threshold_pct=threshold)["threshold_pct"] == "2.5"


def test_a_rule_says_the_rest_where_it_says_nothing(client: Client, gecko: Source) -> None:
    AlertDefaults(window_minutes=30, threshold_pct=Decimal("2.5"), direction="down", changed_at=clock.now()).save()
    response = send(client, "POST", "/alerts", {"asset": "BTC"})
    item = response.json()
    assert (item["window_minutes"], item["threshold_pct"], item["direction"]) == (30, "2.5", "down")


def test_a_rule_keeps_to_the_freshest_public_source(client: Client, gecko: Source) -> None:
    deribit = source("deribit", ["BTC"])
    assert made(client)["source"] == "coingecko", "deribit has not said anything yet"
    save_prices([price("67330", 0, "btc_usd")], deribit)
    assert made(client)["source"] == "deribit", "its listing is the more urgent"
    Source.objects.filter(code="deribit").update(public_api=False)
    assert made(client)["source"] == "coingecko"
    assert made(client, source="deribit")["source"] == "deribit", "an operator may name what is not public"
    _, writer = api_tokens.create("writer", ["write"])
    refused = send(client, "POST", "/alerts", MOVE | {"source": "deribit"}, Authorization=f"Bearer {writer}")
    assert error(refused, 403)["code"] == "not_public"


def test_a_level_a_signal_and_a_rating_are_rules_too(client: Client, gecko: Source, dollar: Instrument) -> None:
    level = send(client, "POST", "/alerts", {"asset": "BTC", "kind": "level", "level": "70000.5", "direction": "up"})
    assert (level.status_code, level.json()["level"], level.json()["window_minutes"]) == (201, "70000.5", None)
    signal = send(client, "POST", "/alerts", {"asset": "usd", "kind": "signal", "rule": "macd_cross"}).json()
    assert (signal["rule"], signal["timeframe"], signal["source"]) == ("macd_signal_cross_12_26_9", "1d", None)
    rating = send(client, "POST", "/alerts", {"asset": "USD", "kind": "rating", "level": -0.5})
    assert (rating.status_code, rating.json()["level"]) == (201, "-0.5")
    followed = send(client, "POST", "/alerts", MOVE | {"asset": None})
    assert (followed.status_code, followed.json()["asset"], followed.json()["source"]) == (201, None, None)


@pytest.mark.slow
@walk(
    ("said", "fields"),
    [
        ({"window_minutes": 0}, ["window_minutes"]), ({"window_minutes": -5}, ["window_minutes"]),
        ({"window_minutes": 30 * 24 * 60 + 1}, ["window_minutes"]), ({"window_minutes": 10**30}, ["window_minutes"]),
        ({"threshold_pct": 0}, ["threshold_pct"]), ({"threshold_pct": "-1"}, ["threshold_pct"]),
        ({"threshold_pct": 1e9}, ["threshold_pct"]), ({"threshold_pct": "1000.01"}, ["threshold_pct"]),
        ({"threshold_pct": "0.00001"}, ["threshold_pct"]),
        ({"window_minutes": 0, "threshold_pct": 0}, ["window_minutes", "threshold_pct"]),
        ({"hysteresis_pct": 5}, ["hysteresis_pct"]), ({"hysteresis_pct": -1}, ["hysteresis_pct"]),
        ({"cooldown_minutes": -1}, ["cooldown_minutes"]), ({"cooldown_minutes": 10**9}, ["cooldown_minutes"]),
        ({"level": 4}, ["level"]), ({"rule": "macd_cross"}, ["rule"]),
    ],
)  # fmt: skip
def test_a_value_without_a_meaning_is_400_and_named(
    client: Client, gecko: Source, said: dict[str, Any], fields: list[str]
) -> None:
    assert refusal(add(client, **said)) == fields
    assert not AlertRule.objects.exists()
    asked = send(client, "POST", "/alerts/preview", MOVE | said)
    assert refusal(asked, 422 if "rule" in said else 400) == fields, "the preview has no rules of signals"


@walk(
    ("said", "fields"),
    [
        ({"kind": "level"}, ["level"]), ({"kind": "level", "level": 0}, ["level"]),
        ({"kind": "level", "level": 5, "asset": None}, ["asset"]), ({"kind": "level", "level": 1e10}, ["level"]),
        ({"kind": "rating", "level": 1.5}, ["level"]), ({"kind": "signal"}, ["rule"]),
        ({"kind": "signal", "rule": "macd_cross", "timeframe": "15m"}, ["timeframe"]),
        ({"kind": "disk"}, ["asset"]), ({"kind": "disk", "asset": None, "window_minutes": 5}, ["window_minutes"]),
    ],
)  # fmt: skip
def test_a_kind_says_what_it_needs(client: Client, gecko: Source, said: dict[str, Any], fields: list[str]) -> None:
    assert refusal(send(client, "POST", "/alerts", {"asset": "BTC"} | said)) == fields


def test_official_rates_are_watched_over_days_and_no_longer_than_they_are_known(
    client: Client, dollar: Instrument
) -> None:
    item = made(client, asset="USD", window_minutes=3 * 1440)
    assert (item["asset"], item["source"]) == ("USD", "nbp")
    assert refusal(add(client, asset="USD", window_minutes=1439)) == ["window_minutes"], "there is one rate a day"
    assert made(client, asset="USD", window_minutes=5 * 1440 + 11 * 60)
    longer = add(client, asset="USD", window_minutes=5 * 1440 + 11 * 60 + 1)
    assert refusal(longer) == ["window_minutes"], "the first of them is of the 21st"


@walk(
    ("said", "field"),
    [({"window_minutes": "60"}, "window_minutes"), ({"window_minutes": 1.5}, "window_minutes"),
     ({"threshold_pct": "five"}, "threshold_pct"), ({"threshold_pct": True}, "threshold_pct"),
     ({"threshold_pct": "9" * 50}, "threshold_pct"), ({"direction": "sideways"}, "direction"),
     ({"kind": "gossip"}, "kind"), ({"treshold_pct": 5}, "treshold_pct"), ({"asset": 7}, "asset"),
     ({"enabled": "yes"}, "enabled"), ({"name": "x" * 81}, "name")],
)  # fmt: skip
def test_a_value_of_the_wrong_type_is_422_and_named(
    client: Client, gecko: Source, said: dict[str, Any], field: str
) -> None:
    assert field in refusal(add(client, **said), 422)
    assert not AlertRule.objects.exists()


@pytest.mark.slow
def test_what_is_unknown_comes_back_with_its_neighbours(client: Client, gecko: Source, dollar: Instrument) -> None:
    assert "BTCUSD" in error(add(client, asset="BTX"), 404)["detail"]["nearest"]
    assert error(add(client, source="coingeko"), 404)["detail"]["nearest"] == ["coingecko"]
    wrong = send(client, "POST", "/alerts", {"asset": "USD", "kind": "signal", "rule": "macd_cros"})
    assert error(wrong, 404)["detail"]["nearest"] == ["macd_signal_cross_12_26_9"]
    other = add(client, asset="USD", source="coingecko", window_minutes=1440)
    assert error(other, 400)["detail"] == {"source": "coingecko", "asset": "USD"}


@pytest.mark.slow
def test_a_rule_is_changed_where_it_says_so_and_arms_anew(client: Client, gecko: Source) -> None:
    item = made(client)
    rule = AlertRule.objects.get()
    for path in (f"/alerts/{item['id']}", f"/alerts/rules/{item['id']}", f"/api/v1/alerts/rules/{item['id']}/"):
        open_one = alert_event(rule=rule, key=path)
        AlertState.objects.create(rule=rule, subject="BTCUSD", state="firing", changed_at=clock.now(), event=open_one)
        named = send(client, "PATCH", path, {"name": f"at {path}"})
        assert (named.status_code, named.json()["name"]) == (200, f"at {path}")
        assert AlertState.objects.exists(), "it is the same watch"
        threshold = f"{Decimal(item['threshold_pct']) + 1}"
        changed = send(client, "PATCH", path, {"threshold_pct": threshold})
        item = changed.json()
        assert (item["threshold_pct"], item["window_minutes"], item["direction"]) == (threshold, 60, "up")
        open_one.refresh_from_db()
        assert (AlertState.objects.count(), open_one.state, open_one.resolved_at) == (0, "resolved", clock.now())
    assert refusal(send(client, "PATCH", f"/alerts/{item['id']}", {"threshold_pct": 0})) == ["threshold_pct"]
    assert refusal(send(client, "PATCH", f"/alerts/{item['id']}", {"asset": "ETH"}), 422) == ["asset"]
    assert get(client, "/alerts/rules")["items"] == [item]


def test_a_rule_about_everything_keeps_its_source_when_its_name_changes(client: Client, gecko: Source) -> None:
    rule = made(client, asset=None, source="coingecko")
    changed = send(client, "PATCH", f"/alerts/{rule['id']}", {"name": "all of it"}).json()
    assert changed == rule | {"name": "all of it"}


def test_a_rule_that_was_removed_meanwhile_does_not_come_back(client: Client, gecko: Source) -> None:
    rule = AlertRule.objects.get(pk=made(client)["id"])
    send(client, "DELETE", f"/alerts/{rule.pk}")
    with pytest.raises(UnknownCodeError):
        rule_store.change(rule, {"name": "again"}, Audience.OPERATOR)
    assert not AlertRule.objects.filter(automatic=False).exists()


def test_a_rule_that_is_switched_off_has_no_open_alert(client: Client, gecko: Source) -> None:
    number = made(client)["id"]
    row = alert_event(rule=AlertRule.objects.get())
    assert send(client, "PATCH", f"/alerts/{number}", {"enabled": False}).json()["enabled"] is False
    assert AlertEvent.objects.get(pk=row.pk).state == "resolved"


@pytest.mark.parametrize("path", ["/alerts/{}", "/alerts/rules/{}/"])
def test_a_rule_is_removed_and_its_events_stay(client: Client, gecko: Source, path: str) -> None:
    number = made(client)["id"]
    row = alert_event(rule=AlertRule.objects.get(), rule_number=number)
    response = send(client, "DELETE", path.format(number))
    assert (response.status_code, response.content) == (204, b"")
    assert get(client, "/alerts/rules") == {"items": [], "count": 0}
    assert [(item["id"], item["rule_id"], item["state"]) for item in get(client, "/alerts")] == [
        (row.pk, number, "resolved")
    ]
    assert error(send(client, "DELETE", path.format(number)), 404)["message"] == f"There is no alert rule {number}"


def test_the_number_of_an_event_is_that_of_no_rule(client: Client, gecko: Source) -> None:
    number = made(client)["id"]
    row = alert_event(rule_number=number)
    assert row.pk != number
    for method, body in (("DELETE", None), ("PATCH", {"enabled": False})):
        told = error(send(client, method, f"/alerts/{row.pk}", body), 404)
        assert told["message"] == f"{row.pk} is an event of rule {number}, and no rule"
        assert told["detail"] == {"rule_id": number}
    assert AlertRule.objects.filter(pk=number, enabled=True).exists()
    told = error(send(client, "POST", f"/alerts/events/{number}/acknowledge"), 404)
    assert told["message"] == f"{number} is a rule, and no event"
    assert refusal(send(client, "DELETE", "/alerts/first"), 422) == ["rule_id"]


def test_an_event_is_acknowledged_once(client: Client, gecko: Source, at: Callable[[str], None]) -> None:
    row = alert_event()
    assert client.get(f"/alerts/events/{row.pk}/acknowledge").status_code == 405
    first = send(client, "POST", f"/alerts/events/{row.pk}/acknowledge").json()
    assert (first["id"], first["state"], first["acknowledged_at"]) == (row.pk, "acknowledged", "2026-10-26T11:00:00Z")
    at("2026-10-26 12:05")
    assert send(client, "POST", f"/alerts/events/{row.pk}/acknowledge").json() == first
    row.refresh_from_db()
    assert row.acknowledged_by == "API_TOKEN"


def test_what_is_over_stays_over_when_it_is_acknowledged(client: Client, gecko: Source) -> None:
    row = alert_event(state="resolved", resolved_at=clock.now())
    told = send(client, "POST", f"/alerts/events/{row.pk}/acknowledge").json()
    assert (told["state"], told["acknowledged_at"]) == ("resolved", "2026-10-26T11:00:00Z")


# Who may


def test_a_token_for_writing_makes_rules_and_one_for_reading_does_not(client: Client, gecko: Source) -> None:
    _, reader = api_tokens.create("reader", ["read"])
    writer_row, writer = api_tokens.create("writer", ["write"])
    assert client.post("/alerts", MOVE, content_type="application/json").status_code == 401
    for token, status in ((reader, 403), (writer, 201)):
        assert send(client, "POST", "/alerts", MOVE, Authorization=f"Bearer {token}").status_code == status
    assert AlertRule.objects.get().created_by == f"token {writer_row.pk}"
    told = send(client, "POST", "/alerts", {"asset": None, "kind": "disk"}, Authorization=f"Bearer {writer}")
    assert error(told, 403)["code"] == "forbidden"
    put = send(client, "PUT", "/config/alerts-defaults", {"window_minutes": 5, "threshold_pct": 1},
               Authorization=f"Bearer {writer}")  # fmt: skip
    assert error(put, 403)["code"] == "forbidden"
    assert send(client, "POST", "/alerts", {"asset": None, "kind": "disk"}).status_code == 201
    assert get(client, "/alerts/rules")["count"] == 1, "the public does not see what watches the installation"
    assert client.get("/alerts/rules", headers=TOKEN).json()["count"] == 2


# Defaults


def test_the_defaults_are_the_settings_until_they_are_set(client: Client, settings: Any) -> None:
    settings.ALERT_WINDOW_MINUTES, settings.ALERT_THRESHOLD_PCT = 45, 2.5
    assert get(client, "/config/alerts-defaults") == {
        "window_minutes": 45, "threshold_pct": "2.5", "direction": "both", "enabled": True, "changed_at": None,
    }  # fmt: skip
    told = send(client, "PUT", "/config/alerts-defaults", {"window_minutes": 30, "threshold_pct": "1.5"})
    assert (told.status_code, told.json()) == (200, get(client, "/config/alerts-defaults"))
    assert Defaults.model_validate(told.json()).model_dump(mode="json") == told.json()
    assert told.json() == {
        "window_minutes": 30, "threshold_pct": "1.5", "direction": "both", "enabled": True,
        "changed_at": "2026-10-26T11:00:00Z",
    }  # fmt: skip
    rule = AlertRule.objects.get(automatic=True)
    assert (rule.window_minutes, rule.threshold_pct, rule.instrument) == (30, Decimal("1.5"), None)
    assert AlertDefaults.objects.get().changed_by == "API_TOKEN"


@walk(
    ("said", "status", "field"),
    [({"window_minutes": 0}, 400, "window_minutes"), ({"window_minutes": 43_201}, 400, "window_minutes"),
     ({"threshold_pct": 0}, 400, "threshold_pct"), ({"threshold_pct": 1001}, 400, "threshold_pct"),
     ({"threshold_pct": None}, 422, "threshold_pct"), ({"bogus": 1}, 422, "bogus")],
)  # fmt: skip
def test_defaults_without_a_meaning_are_refused(client: Client, said: dict[str, Any], status: int, field: str) -> None:
    body = {"window_minutes": 30, "threshold_pct": 1} | said
    assert refusal(send(client, "PUT", "/config/alerts-defaults", body), status) == [field]
    assert not AlertDefaults.objects.exists()


def test_the_rule_of_the_defaults_is_changed_with_them_and_arms_anew(client: Client, gecko: Source) -> None:
    body: dict[str, Any] = {"window_minutes": 30, "threshold_pct": 1}
    send(client, "PUT", "/config/alerts-defaults", body)
    rule = AlertRule.objects.get(automatic=True)
    for method, said in (("DELETE", None), ("PATCH", {"enabled": False})):
        told = error(send(client, method, f"/alerts/{rule.pk}", said), 409)
        assert told["detail"] == {"see": "/api/v1/config/alerts-defaults"}
    row = alert_event(rule=rule)
    send(client, "PUT", "/config/alerts-defaults", body)
    assert AlertEvent.objects.get(pk=row.pk).state == "open", "nothing is another one"
    send(client, "PUT", "/config/alerts-defaults", body | {"enabled": False})
    rule.refresh_from_db()
    assert (AlertEvent.objects.get(pk=row.pk).state, rule.enabled) == ("resolved", False)


def test_a_rule_of_signals_that_is_switched_on_again_does_not_tell_of_what_it_slept_through(
    client: Client, gecko: Source, dollar: Instrument
) -> None:
    rule = send(client, "POST", "/alerts", {"asset": "USD", "kind": "signal", "rule": "macd_cross"}).json()
    assert send(client, "PATCH", f"/alerts/{rule['id']}", {"enabled": False}).status_code == 200
    moment = clock.now()
    Signal.objects.create(
        instrument=dollar, rule=rules.primary().name, as_of=moment, signal="BUY", horizon_days=5, generated_at=moment
    )
    assert send(client, "PATCH", f"/alerts/{rule['id']}", {"enabled": True}).status_code == 200
    AlertRule.objects.update(begun_at=moment + timedelta(seconds=1))
    assert tasks.watch() == 0
    AlertRule.objects.update(begun_at=None)
    assert tasks.watch() == 1, "to a rule that had been on it is news"
