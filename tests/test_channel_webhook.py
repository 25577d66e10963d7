"""Signed webhooks: the vector of the specification, equal bodies, two secrets while one is changed, less than 20 kB."""

import base64
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as runs
from hypothesis import strategies as st

from signals.alerts.channels import KINDS, webhook
from signals.alerts.channels.channel import Failed, Message
from tests.receivers import Receiver, answer, fresh_transport, receiver

SECRET, OLD = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_" + base64.b64encode(b"o" * 64).decode()
KEY = "0f5a6b3e-6f4c-5c0e-9a51-1c9f8f0f7a11"
MESSAGE = Message(
    key=KEY,
    type="alert.fired",
    title="Bitcoin: −5 % w 60 minut",
    text="Zażółć gęślą jaźń",
    incident="rule-7-BTCUSD",
    at=datetime(2026, 10, 26, 11, 0, 0, 250, tzinfo=UTC),
    data={"rule_id": 7, "price": "64000.10", "asset": "BTC"},
)


@pytest.fixture
def one(outgoing: set[tuple[str, int]], settings: Any) -> Iterator[Receiver]:
    with fresh_transport(), receiver(outgoing) as found:
        settings.CHANNEL_ALLOWED_HOSTS = (f"127.0.0.1:{found.port}",)
        yield found


def config(one: Receiver, **other: str) -> dict[str, str]:
    return {"url": f"{one.url}/in", "secret": SECRET, **other}


def test_the_vector_of_the_specification() -> None:
    found = webhook.signature(
        webhook.key_of(SECRET), "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b'{"test": 2432232314}'
    )
    assert found == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.slow
def test_what_is_signed_is_what_arrives(one: Receiver, at: Callable[[str], None]) -> None:
    at("2026-10-26 12:00")
    assert KINDS["webhook"].send(config(one), MESSAGE) == 200
    head, body = one.heads[0], one.bodies[0]
    assert (head["webhook-id"], head["webhook-timestamp"]) == (KEY, "1793012400")
    assert head["webhook-signature"] == webhook.signature(webhook.key_of(SECRET), KEY, "1793012400", body)
    assert head["content-type"] == "application/json"
    assert json.loads(body) == {
        "type": "alert.fired",
        "timestamp": "2026-10-26T11:00:00.000250Z",
        "data": {
            "title": MESSAGE.title, "text": "Zażółć gęślą jaźń", "incident": "rule-7-BTCUSD", "critical": False,
            "link": "", "rule_id": 7, "price": "64000.10", "asset": "BTC",
        },
    }  # fmt: skip
    assert "Zażółć gęślą jaźń".encode() in body
    assert b'", "' not in body


def test_the_second_try_has_the_same_id_and_body_and_a_signature_of_its_own_moment(
    one: Receiver, at: Callable[[str], None]
) -> None:
    one.answers = [answer("500 Oops"), answer("200 OK")]
    at("2026-10-26 12:00")
    with pytest.raises(Failed, match="HTTP 500"):
        webhook.send(config(one), MESSAGE)
    at("2026-10-26 12:05")
    as_read_back = MESSAGE._replace(data=dict(reversed(list(MESSAGE.data.items()))))
    webhook.send(config(one), as_read_back)
    first, second = one.heads
    assert (one.bodies[0], first["webhook-id"]) == (one.bodies[1], second["webhook-id"])
    assert int(second["webhook-timestamp"]) - int(first["webhook-timestamp"]) == 300
    assert first["webhook-signature"] != second["webhook-signature"]


def test_while_the_secret_is_changed_both_sign(one: Receiver) -> None:
    webhook.send(config(one, old_secret=OLD), MESSAGE)
    head = one.heads[0]
    wanted = [
        webhook.signature(webhook.key_of(s), KEY, head["webhook-timestamp"], one.bodies[0]) for s in (SECRET, OLD)
    ]
    assert head["webhook-signature"].split(" ") == wanted


def test_a_receiver_that_says_the_secret_back_is_not_quoted(one: Receiver) -> None:
    one.answers = [answer("400 Bad Request", f"wrong secret {SECRET} or {OLD} at 127.0.0.1".encode())]
    with pytest.raises(Failed) as caught:
        webhook.send(config(one, old_secret=OLD), MESSAGE)
    assert str(caught.value) == "HTTP 400 Bad Request: wrong secret *** or *** at ***"


def encoded(length: int) -> str:
    return webhook.PREFIX + base64.b64encode(b"k" * length).decode()


@pytest.mark.parametrize(
    "secret",
    ["", "whsec_", encoded(23), encoded(65), encoded(32).removeprefix("whsec_"), "whsec_%%%%" + "A" * 40,
     encoded(32).rstrip("="), encoded(32) + " ", "whsec_" + "ł" * 40, "WHSEC_" + encoded(32)[6:]],
)  # fmt: skip
def test_a_secret_is_whsec_and_24_to_64_bytes(one: Receiver, secret: str) -> None:
    wrong = {**config(one), "secret": secret}
    assert list(webhook.check(wrong)) == ["secret"]
    assert list(webhook.check({**config(one), "old_secret": secret})) == ["old_secret"] * bool(secret)
    if secret:
        with pytest.raises(Failed) as caught:
            webhook.send(wrong, MESSAGE)
        assert (caught.value.final, secret in str(caught.value)) == (True, False)
        assert one.requests == []


@pytest.mark.parametrize("length", [24, 32, 64])
def test_a_right_configuration_has_no_fault(length: int) -> None:
    given = {"url": "https://hooks.bank.example/in?token=x", "secret": encoded(length)}
    assert webhook.check(given) == {}
    assert webhook.target(given) == "hooks.bank.example"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://hooks.bank.example/", "Adres musi zaczynać się od https://; wyjątki wymienia zmienna"),
        ("https://10.0.0.5/hidden", "To adres w sieci wewnętrznej, a nie publiczny; wyjątki wymienia zmienna"),
        ("https://me:hidden@bank.example/", "Adres nie może zawierać nazwy użytkownika ani hasła"),
        ("https://bank.example:22/", "Adres nie może zawierać innego portu niż 443 lub 8443; wyjątki wymienia zmienna"),
        ("", "Adres musi zaczynać się od https://"), ("https://[", "To nie jest adres"),
    ],
)  # fmt: skip
def test_an_address_that_would_be_refused_is_refused_in_the_form(url: str, words: str) -> None:
    found = webhook.check({"url": url, "secret": SECRET})
    assert list(found) == ["url"]
    assert found["url"].startswith(words)
    assert "hidden" not in found["url"] + webhook.target({"url": url})


def test_what_the_setting_allows_is_no_fault(settings: Any) -> None:
    settings.CHANNEL_ALLOWED_HOSTS = ("receiver.lan",)
    assert webhook.check({"url": "http://receiver.lan:8080/in", "secret": SECRET}) == {}


# Long messages

LONG = "Zażółć " * 5000


@pytest.mark.slow
@pytest.mark.parametrize(
    "message",
    [
        MESSAGE._replace(text=LONG), MESSAGE._replace(title=LONG), MESSAGE._replace(link="https://" + "x" * 30_000),
        MESSAGE._replace(data={"rules": [{"id": n, "name": LONG} for n in range(200)]}),
        MESSAGE._replace(data={str(n): LONG for n in range(500)}),
        MESSAGE._replace(data={"deep": [[[list(range(50))] * 50] * 50]}), MESSAGE._replace(data={"x" * 30_000: 1}),
        MESSAGE._replace(text='"\\' * 20_000),
    ],
)  # fmt: skip
def test_what_is_too_long_is_shortened_and_still_json(message: Message) -> None:
    body = webhook.body_of(message)
    assert len(body) < 20_000
    found = json.loads(body)
    assert found["data"]["shortened"] is True
    assert found["data"]["incident"] == "rule-7-BTCUSD"
    assert found["data"]["title"][:100] == message.title[:100]


def test_a_message_of_usual_length_is_told_whole() -> None:
    found = json.loads(webhook.body_of(MESSAGE._replace(text="x" * 15_000)))
    assert (len(found["data"]["text"]), "shortened" in found["data"]) == (15_000, False)


texts = st.text(max_size=20) | st.integers(0, 9000).map(lambda length: "ż" * length)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=40) | st.dictionaries(texts, inner, max_size=20),
    max_leaves=30,
)


@pytest.mark.slow
@runs(max_examples=40, deadline=None)
@given(st.dictionaries(texts, values, max_size=20), texts, texts)
def test_any_message_becomes_json_of_less_than_20_kb(data: dict[str, Any], title: str, text: str) -> None:
    body = webhook.body_of(MESSAGE._replace(data=data, title=title, text=text))
    assert len(body) < 20_000
    assert json.loads(body)["timestamp"] == "2026-10-26T11:00:00.000250Z"


# The receiver of the documentation


@pytest.fixture
def receive() -> dict[str, Any]:
    """The names of the Python example of docs/webhooks.md; `handled`: what it was given to handle."""
    page = (Path(__file__).parent.parent / "docs" / "webhooks.md").read_text()
    [example] = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    names: dict[str, Any] = {"handled": []}
    names["handle"] = names["handled"].append
    exec(compile(example, "docs/webhooks.md", "exec"), names)
    return names


def test_the_receiver_of_the_docs_takes_each_message_once(one: Receiver, receive: dict[str, Any]) -> None:
    webhook.send(config(one), MESSAGE)
    webhook.send(config(one, secret=OLD, old_secret=SECRET), MESSAGE)
    webhook.send(config(one), MESSAGE._replace(key="another", title="Ethereum"))
    answers = [receive["receive"](head, body) for head, body in zip(one.heads, one.bodies, strict=True)]
    assert answers == [204, 204, 204]
    assert [found["data"]["title"] for found in receive["handled"]] == [MESSAGE.title, "Ethereum"]


def test_the_receiver_of_the_docs_refuses_what_is_not_ours(
    one: Receiver, receive: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    webhook.send(config(one), MESSAGE)
    webhook.send(config(one, secret=OLD), MESSAGE)
    (head, others), (body, _) = one.heads, one.bodies
    ask = receive["receive"]
    assert ask(head, body.replace(b"64000", b"1")) == 401
    assert ask({**head, "webhook-id": "another"}, body) == 401
    assert ask({**head, "webhook-timestamp": str(int(head["webhook-timestamp"]) + 1)}, body) == 401
    assert ask(others, body) == 401
    sent_at = int(head["webhook-timestamp"])
    for now in (sent_at + 301, sent_at - 301):
        monkeypatch.setattr(receive["time"], "time", lambda now=now: now)
        assert ask(head, body) == 401
    assert receive["handled"] == []
    monkeypatch.setattr(receive["time"], "time", lambda: sent_at + 299)
    assert ask(head, body) == 204
