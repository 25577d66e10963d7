"""ntfy: one JSON of a topic; the end of an incident takes the place of its alert; nothing tells the topic."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from signals.alerts.channels import KINDS, ntfy
from signals.alerts.channels.channel import Failed, Message
from tests.receivers import Receiver, answer, fresh_transport, receiver

TOPIC, TOKEN = "charon-Zx81Qw77", "tk_AgQdq7mVBoFD37zQVN29RhuMzNIz2"
MESSAGE = Message(
    key="0f5a6b3e-6f4c-5c0e-9a51-1c9f8f0f7a11",
    type="alert.fired",
    title="Złoto: −5 % w 60 minut",
    text="Zażółć gęślą jaźń\nw dwóch wierszach",
    incident="rule-7-XAU",
    at=datetime(2026, 10, 26, 11, 0, tzinfo=UTC),
)


@pytest.fixture
def one(outgoing: set[tuple[str, int]], settings: Any) -> Iterator[Receiver]:
    with fresh_transport(), receiver(outgoing) as found:
        settings.CHANNEL_ALLOWED_HOSTS = (f"127.0.0.1:{found.port}",)
        yield found


def published(one: Receiver, message: Message = MESSAGE, **other: str) -> dict[str, Any]:
    assert ntfy.send({"url": one.url, "topic": TOPIC, **other}, message) == 200
    return dict(json.loads(one.bodies[-1]))


def test_a_message_is_published_with_its_polish_letters(one: Receiver) -> None:
    assert published(one) == {
        "topic": TOPIC, "title": MESSAGE.title, "message": MESSAGE.text, "priority": 3, "sequence_id": "rule-7-XAU",
    }  # fmt: skip
    assert one.requests[0].startswith(b"POST / HTTP/1.1\r\n")
    assert MESSAGE.title.encode() in one.bodies[0]
    head = one.heads[0]
    assert (head["content-type"], head["idempotency-key"]) == ("application/json", MESSAGE.key)
    assert "authorization" not in head


def test_what_is_critical_has_the_highest_priority_and_a_link_opens(one: Receiver) -> None:
    found = published(one, MESSAGE._replace(critical=True, link="https://charon.example/alerty/"))
    assert (found["priority"], found["click"]) == (5, "https://charon.example/alerty/")


def test_a_token_is_sent_as_a_bearer(one: Receiver) -> None:
    published(one, token=TOKEN)
    assert one.heads[0]["authorization"] == f"Bearer {TOKEN}"


def test_the_end_and_each_try_take_the_place_of_the_alert(one: Receiver) -> None:
    assert KINDS["ntfy"].updates
    end = MESSAGE._replace(key="another", type="alert.resolved", title="Złoto: ustąpił")
    found = [published(one, message)["sequence_id"] for message in (MESSAGE, MESSAGE, end)]
    assert found == ["rule-7-XAU"] * 3


@pytest.mark.parametrize(
    ("incident", "wanted"), [("", r"0f5a6b3e-"), ("7:XAU:move", r"[0-9a-f]{64}\Z"), ("x" * 65, r"[0-9a-f]{64}\Z")]
)
def test_an_incident_of_any_name_has_a_sequence_that_ntfy_takes(incident: str, wanted: str) -> None:
    found = {ntfy.sequence_of(MESSAGE._replace(incident=incident)) for _ in range(2)}
    assert len(found) == 1
    assert ntfy.NAME.match(min(found))
    assert re.match(wanted, min(found))


def test_incidents_are_not_mixed_up() -> None:
    names = ["7:XAU", "7:XAG", "7-XAU", "x" * 65, "x" * 66]
    assert len({ntfy.sequence_of(MESSAGE._replace(incident=name)) for name in names}) == len(names)


def test_a_long_message_is_cut_between_letters_and_stays_a_message(one: Receiver) -> None:
    found = published(one, MESSAGE._replace(text="ż" * 5000, title="ź" * 500))
    assert len(found["message"].encode()) <= 3800
    assert len(found["title"].encode()) <= 250
    assert (found["message"].strip("ż"), found["title"].strip("ź")) == ("…", "…")
    assert len(one.bodies[0]) < 8192


def test_no_error_tells_topic_or_token(one: Receiver) -> None:
    one.answers = [answer("403 Forbidden", f'{{"code":40301,"error":"{TOPIC} is not for {TOKEN}"}}'.encode())]
    with pytest.raises(Failed) as caught:
        ntfy.send({"url": one.url, "topic": TOPIC, "token": TOKEN}, MESSAGE)
    assert str(caught.value) == "HTTP 403 Forbidden: *** is not for *** (40301)"


def test_the_public_server_is_the_default() -> None:
    assert ntfy.check({"topic": TOPIC}) == {}
    assert ntfy.target({"topic": TOPIC}) == "ntfy.sh"
    assert ntfy.target({"topic": TOPIC, "url": "https://push.bank.example/"}) == "push.bank.example"


@pytest.mark.parametrize("topic", ["", "a b", "żółw", "a/b", "x" * 65, "topic\n"])
def test_a_topic_that_ntfy_refuses_is_refused_in_the_form(topic: str) -> None:
    assert list(ntfy.check({"topic": topic})) == ["topic"]


@pytest.mark.parametrize(
    ("config", "field"),
    [({"url": "http://ntfy.sh"}, "url"), ({"url": "https://10.0.0.5"}, "url"), ({"token": "tk_ł"}, "token"),
     ({"token": "a b"}, "token"), ({"token": "a\nb"}, "token")],
)  # fmt: skip
def test_what_cannot_be_sent_is_refused_in_the_form(config: dict[str, str], field: str) -> None:
    found = ntfy.check({"topic": TOPIC, **config})
    assert list(found) == [field]
    assert found[field]
