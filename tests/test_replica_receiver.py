"""The receiver of webhooks: what it takes, what it refuses, and how it misbehaves when it is told to."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import pytest

from tests.replica import Server
from tests.replica.receiver import SECRET, Received, Receiver, signature

NOW = datetime(2026, 10, 26, 11, 0, tzinfo=UTC)
BODY = b'{"type": "alert.fired", "data": {"title": "BTC <5 %"}}'


@pytest.fixture
def server(outgoing: set[tuple[str, int]]) -> Iterator[Server[Receiver]]:
    with Server(Receiver(), now=NOW) as server:
        outgoing.add(("127.0.0.1", server.port))
        yield server


def received(server: Server[Receiver]) -> Received:
    return server.service.received


def sent(
    server: Server[Receiver], mode: str = "ok", body: bytes = BODY, key: str = "a", secret: str = SECRET, late: int = 0
) -> httpx.Response:
    stamp = str(int(NOW.timestamp()) - late)
    signed = {"webhook-id": key, "webhook-timestamp": stamp, "webhook-signature": signature(secret, key, stamp, body)}
    return httpx.post(f"{server.url}hook/{mode}", content=body, headers=signed)


def test_the_signature_is_that_of_the_published_example() -> None:
    secret, key = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek"
    made = signature(secret, key, "1614265330", b'{"test": 2432232314}')
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.slow
def test_a_message_that_comes_again_is_one_message(server: Server[Receiver]) -> None:
    assert [sent(server).status_code for _ in range(3)] == [200, 200, 200]
    assert sent(server, key="b").status_code == 200
    assert [(one.key, one.times) for one in received(server).messages.values()] == [("a", 3), ("b", 1)]
    assert (received(server).again, received(server).accepted_twice) == (2, set())


def test_a_key_that_comes_again_with_another_body_is_told(server: Server[Receiver]) -> None:
    sent(server)
    sent(server, body=b"{}")
    assert received(server).accepted_twice == {"a"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"secret": "whsec_c29tZW9uZSBlbHNlJ3Mgc2VjcmV0"}, "webhook-signature is wrong"),
        ({"late": 301}, "webhook-timestamp is too far away"),
        ({"late": -301}, "webhook-timestamp is too far away"),
        ({"key": ""}, "webhook-id or webhook-timestamp is missing"),
    ],
)
def test_what_the_sender_did_not_sign_is_refused(
    server: Server[Receiver], changes: dict[str, object], words: str
) -> None:
    answer = sent(server, **changes)  # type: ignore[arg-type]
    assert (answer.status_code, answer.text) == (401, words)
    assert (received(server).messages, received(server).refused) == ({}, 1)


def test_one_of_two_signatures_is_enough_while_a_secret_is_replaced(server: Server[Receiver]) -> None:
    stamp = str(int(NOW.timestamp()))
    both = f"v1,bm9uZQ== {signature(SECRET, 'a', stamp, BODY)}"
    signed = {"webhook-id": "a", "webhook-timestamp": stamp, "webhook-signature": both}
    assert httpx.post(f"{server.url}hook/ok", content=BODY, headers=signed).status_code == 200


@pytest.mark.parametrize(
    ("mode", "status", "taken"),
    [("ok", 200, 1), ("500", 500, 0), ("500-taken", 500, 1), ("redirect", 307, 0), ("410", 410, 0), ("odd", 404, 0)],
)
def test_it_answers_as_it_is_told_to(server: Server[Receiver], mode: str, status: int, taken: int) -> None:
    assert sent(server, mode).status_code == status
    assert len(received(server).messages) == taken


@pytest.mark.slow
@pytest.mark.parametrize(("mode", "taken"), [("hang", 0), ("hang-taken", 1), ("drip", 1)])
def test_it_hangs_and_drips(server: Server[Receiver], mode: str, taken: int) -> None:
    stamp = str(int(NOW.timestamp()))
    signed = {"webhook-id": "a", "webhook-timestamp": stamp, "webhook-signature": signature(SECRET, "a", stamp, BODY)}
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{server.url}hook/{mode}", content=BODY, headers=signed, timeout=0.2)
    assert len(received(server).messages) == taken


@pytest.mark.slow
def test_what_arrived_is_listed_newest_first_as_a_page_and_as_json(server: Server[Receiver]) -> None:
    sent(server)
    sent(server)
    sent(server, key="b")
    told = httpx.get(f"{server.url}received").json()
    assert [(row["id"], row["times"]) for row in told["messages"]] == [("b", 1), ("a", 2)]
    assert (told["taken"], told["again"], told["messages"][0]["body"]) == (2, 1, json.loads(BODY))
    page = httpx.get(server.url).text
    assert "Przyjęte: 2. Ponowione: 1. Odrzucone: 0." in page
    assert "BTC &lt;5 %" in page
