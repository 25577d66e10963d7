"""The sender of channels: what an answer means, and that one try ends in time whatever is answered."""

import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event, Semaphore

import pytest

from markets.network import timed
from signals.alerts.channels import channel, http
from tests import receivers
from tests.receivers import OK, SECRET, URL, Receiver, answer, failure, fresh_transport

start = receivers.start  # a fixture
Start = Callable[..., Receiver]


@pytest.fixture(autouse=True)
def as_the_environment_says() -> Iterator[None]:
    with fresh_transport():
        yield


@pytest.mark.parametrize("status", ["200 OK", "201 Created", "202 Accepted", "204 No Content"])
def test_only_2xx_is_success(start: Start, status: str) -> None:
    one = start(answer(status))
    assert http.post(f"{one.url}/in?a=b", b'{"a":1}', {"X-Own": "x"}) == int(status[:3])
    assert one.requests[0].startswith(b"POST /in?a=b HTTP/1.1\r\n")
    assert one.bodies == [b'{"a":1}']
    assert (one.heads[0]["x-own"], one.heads[0]["host"]) == ("x", f"127.0.0.1:{one.port}")


@pytest.mark.parametrize(
    ("status", "text"),
    [
        ("400 Bad Request", "HTTP 400 Bad Request: no such room (17)"),
        ("404 Lost", "HTTP 404 Not Found: no such room (17)"),
        ("500 Internal Server Error", "HTTP 500 Internal Server Error: no such room (17)"),
        ("599 Odd", "HTTP 599: no such room (17)"),
    ],
)
def test_any_other_status_is_named_with_the_receivers_words_and_tried_again(
    start: Start, status: str, text: str
) -> None:
    one = start(answer(status, b'{"error": "no such room", "code": 17}'))
    error = failure(one.url)
    assert (str(error), error.status) == (text, int(status[:3]))
    assert (error.gone, error.final, error.retry_after) == (False, False, None)


def test_who_is_gone_wants_no_more(start: Start) -> None:
    error = failure(start(answer("410 Gone")).url)
    assert (error.status, error.gone, error.final) == (410, True, False)


@pytest.mark.parametrize("status", ["429 Too Many Requests", "503 Service Unavailable"])
@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ("7", timedelta(seconds=7)), ("0", timedelta()), ("Mon, 26 Oct 2026 11:02:00 GMT", timedelta(minutes=2)),
        ("Mon, 26 Oct 2026 10:00:00 GMT", timedelta()), ("90000", timedelta(days=1)), ("9" * 400, timedelta(days=1)),
        ("Fri, 01 Jan 2100 00:00:00 GMT", timedelta(days=1)), ("soon", None), ("-5", None), ("", None),
    ],
)  # fmt: skip
def test_who_asks_to_wait_is_waited_for_a_day_at_most(
    start: Start, at: Callable[[str], None], status: str, header: str, wait: timedelta | None
) -> None:
    at("2026-10-26 12:00")
    assert failure(start(answer(status, Retry_After=header)).url).retry_after == wait


def test_no_other_status_may_ask_to_wait(start: Start) -> None:
    assert failure(start(answer("500 Internal Server Error", Retry_After="7")).url).retry_after is None


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
def test_a_redirect_to_this_machine_is_not_followed(start: Start, status: str) -> None:
    inner = start()
    error = failure(start(answer(status, Location=f"{inner.url}/{SECRET}")).url)
    assert "redirects are not followed" in str(error)
    assert (error.final, error.gone, inner.requests) == (False, False, [])
    assert SECRET not in str(error)


def test_nothing_of_one_receiver_is_kept_for_the_next(start: Start) -> None:
    one = start(answer("200 OK", Set_Cookie="session=1"))
    for _ in range(2):
        http.post(one.url, b"{}", {})
    assert "cookie" not in one.heads[1]


# Time and size


HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"


@pytest.mark.parametrize(("at_once", "slowly"), [(b"", HEAD), (b"", b"H" * 500), (HEAD, b"x" * 500)])
def test_an_answer_that_drips_ends_with_the_time_of_the_whole(
    start: Start, monkeypatch: pytest.MonkeyPatch, at_once: bytes, slowly: bytes
) -> None:
    """Each look of the sender at the clock takes half a second and brings one byte."""
    more, seconds = Semaphore(0), [0.0]

    def drip(connection: socket.socket, request: bytes) -> None:
        connection.sendall(at_once)
        for byte in slowly:
            if not more.acquire(timeout=10):
                return
            connection.sendall(bytes([byte]))

    def monotonic() -> float:
        more.release()
        seconds[0] += 0.5
        return seconds[0]

    one = start(drip)
    monkeypatch.setattr(timed, "monotonic", monotonic)
    assert "no whole answer within 15 s" in str(failure(one.url))
    assert (len(one.requests), seconds[0]) == (1, 15.5)
    more.release(1000)


def test_a_name_that_is_looked_up_for_ever_takes_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: ended.wait(60))
    monkeypatch.setattr(channel, "SECONDS", 0.01)
    assert "no whole answer within" in str(failure(URL))
    ended.set()


def test_a_receiver_that_hangs_keeps_no_other_message_waiting(start: Start) -> None:
    asked, ended = Event(), Event()

    def hang(connection: socket.socket, request: bytes) -> None:
        asked.set()
        ended.wait(60)
        connection.sendall(OK)

    slow, quick = start(hang), start()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(http.post, slow.url, b"{}", {})
        assert asked.wait(10)
        assert http.post(quick.url, b"{}", {}) == 200
        assert not waiting.done()
        ended.set()
        assert waiting.result(10) == 200


def test_of_a_huge_answer_only_the_beginning_is_read(start: Start) -> None:
    sent = [0]

    def flood(connection: socket.socket, request: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        while sent[0] < 10**9:
            connection.sendall(b"x" * 65536)
            sent[0] += 65536

    one = start(flood)
    assert http.post(one.url, b"{}", {}) == 200
    one.stop()
    assert sent[0] < 50_000_000, "what the buffers of both kernels hold"


def test_a_compressed_answer_is_not_unpacked(start: Start) -> None:
    one = start(answer("400 Bad Request", b"\x1f\x8b" + b"bomb" * 10, Content_Encoding="gzip"))
    assert str(failure(one.url)) == "HTTP 400 Bad Request"
    assert one.heads[0]["accept-encoding"] == "identity"


def test_an_answer_that_breaks_off_is_no_success(start: Start) -> None:
    one = start(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhalf")
    assert str(failure(one.url)) == "HTTP 200 OK, but the connection broke off"
    assert str(failure(start(b"SSH-2.0-nothing\r\n").url)) == "the connection broke off"
