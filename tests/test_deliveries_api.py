"""Channels, messages and silences in the API: who sees them, and who silences what."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from markets import api_tokens, clock
from signals.alerts.deliver import seal
from signals.alerts.models import Silence
from tests.alert_rows import alert_event, alert_rule, channel, message, silence
from tests.cases import walk
from tests.test_alerts_api import error, gecko, get, noon, send  # noqa: F401  fixtures

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("gecko")]
UNTIL = "2026-10-26T13:00:00Z"


def asked(client: Client, path: str) -> Any:
    response = send(client, "GET", path)
    assert response.status_code == 200, response.content
    return response.json()


def writer() -> dict[str, str]:
    """The headers of a client with the scope `write`."""
    return {"Authorization": f"Bearer {api_tokens.create('robot', ['write'])[1]}"}


def test_channels_are_shown_to_operators_without_their_settings(client: Client) -> None:
    sealed = seal.seal({"url": "https://example.org/hush", "secret": "hush"})
    row = channel("day", sealed=sealed, kinds=["move"], failures=2, broken_since=clock.now(), canary_ms=412)
    channel("aside", enabled=False)
    response = send(client, "GET", "/alerts/channels")
    assert "hush" not in response.content.decode()
    assert sealed[:20] not in response.content.decode()
    assert response.json()["items"][1] == {
        "id": row.pk, "name": "day", "kind": "hook", "target": "example.org", "enabled": True, "kinds": ["move"],
        "failures": 2, "broken_since": "2026-10-26T11:00:00Z", "canary_at": None, "canary_ms": 412,
    }  # fmt: skip
    assert error(client.get("/alerts/channels"), 401)
    assert error(client.get("/alerts/channels", headers=writer()), 403)


def test_an_event_has_its_messages_with_every_try(client: Client) -> None:
    event, other = alert_event(), alert_event(minutes_ago=1)
    row = message(channel(), event=event, step="fired")
    message(row.channel, event=other, step="fired")
    told = asked(client, f"/alerts/{event.pk}/deliveries")
    assert told["count"] == 1
    item = told["items"][0]
    assert (item["key"], item["channel"], item["step"], item["state"]) == (str(row.key), "day", "fired", "sent")
    assert [(one["number"], one["status"], one["ok"]) for one in item["attempts"]] == [(1, 500, False), (2, 200, True)]
    assert error(client.get(f"/alerts/{event.pk}/deliveries", headers=writer()), 403)


def test_the_messages_of_no_event_are_404(client: Client) -> None:
    rule = alert_rule()
    assert error(send(client, "GET", f"/alerts/{rule.pk}/deliveries"), 404)["detail"] == {"rule_id": rule.pk}
    assert error(send(client, "GET", "/alerts/999999/deliveries"), 404)["detail"] is None


def test_the_messages_of_an_event_cost_the_same_however_many_there_are(
    client: Client, django_assert_max_num_queries: Any
) -> None:
    event = alert_event()
    for number in range(12):
        message(channel(f"channel {number}"), event=event, step="fired")
    with django_assert_max_num_queries(4):
        assert asked(client, f"/alerts/{event.pk}/deliveries")["count"] == 12


def test_a_silence_is_made_listed_and_ended(client: Client, at: Callable[[str], None]) -> None:
    body = {"until": UNTIL, "kind": "move", "asset": "BTC", "comment": "maintenance"}
    made = send(client, "POST", "/alerts/silences", body)
    assert made.status_code == 201
    assert made.json() == {
        "id": Silence.objects.get().pk, "kind": "move", "asset": "BTCUSD", "rule_id": None, "channel_id": None,
        "begins_at": "2026-10-26T11:00:00Z", "until": UNTIL, "author": "API_TOKEN", "comment": "maintenance",
    }  # fmt: skip
    assert asked(client, "/alerts/silences") == {"items": [made.json()], "count": 1}
    address = f"/alerts/silences/{made.json()['id']}"
    for minute in ("12:30", "12:45"):
        at(f"2026-10-26 {minute}")
        assert send(client, "DELETE", address).status_code == 204
        assert Silence.objects.get().until.minute == 30, "the first one ended it"
    assert error(send(client, "DELETE", "/alerts/silences/999999"), 404)


def test_a_silence_of_tomorrow_that_is_ended_never_begins(client: Client) -> None:
    row = silence(begins_at=clock.now() + timedelta(days=1), until=clock.now() + timedelta(days=2))
    send(client, "DELETE", f"/alerts/silences/{row.pk}")
    row.refresh_from_db()
    assert row.begins_at == row.until == clock.now()


@walk(
    ("said", "status"),
    [({"until": "2026-10-26T11:00:00Z"}, 400), ({"begins_at": UNTIL}, 400), ({"asset": "NOTHING"}, 404),
     ({"rule_id": 999_999}, 404), ({"channel_id": 999_999}, 404), ({"kind": "rain"}, 422), ({"until": "later"}, 422),
     ({"until": "2026-10-26T13:00:00"}, 422), ({"comment": "a\nb"}, 422), ({"bogus": 1}, 422)],
)  # fmt: skip
def test_a_silence_that_cannot_be_is_refused(client: Client, said: dict[str, Any], status: int) -> None:
    error(send(client, "POST", "/alerts/silences", {"until": UNTIL, "kind": "move"} | said), status)
    assert not Silence.objects.exists()


def test_a_client_that_may_write_silences_what_everybody_may_watch_and_nothing_of_the_installation(
    client: Client,
) -> None:
    robot, rule = writer(), alert_rule()
    disk = alert_rule(kind="disk", instrument=None, source=None)
    allowed: list[dict[str, Any]] = [{"kind": "move"}, {"rule_id": rule.pk}]
    refused: list[dict[str, Any]] = [{}, {"asset": "BTC"}, {"kind": "disk"}]
    refused.append({"kind": "move", "channel_id": channel().pk})
    for said in allowed:
        assert send(client, "POST", "/alerts/silences", {"until": UNTIL} | said, **robot).status_code == 201
    for said in refused:
        assert error(send(client, "POST", "/alerts/silences", {"until": UNTIL} | said, **robot), 403)
    assert error(send(client, "POST", "/alerts/silences", {"until": UNTIL, "rule_id": disk.pk}, **robot), 404)
    hidden = silence(kind="")
    told = client.get("/alerts/silences", headers=robot).json()
    assert told["count"] == 2
    assert error(send(client, "DELETE", f"/alerts/silences/{hidden.pk}", **robot), 404)
    assert asked(client, "/alerts/silences")["count"] == 3
    assert error(client.get("/alerts/silences"), 401)
