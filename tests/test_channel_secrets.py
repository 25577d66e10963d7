"""No error and no log of the sender of channels tells where a message went, or with which keys."""

import json
import logging
import socket
import traceback
from collections.abc import Callable, Iterator

import pytest

from tests import receivers
from tests.receivers import SECRET, URL, Answer, Receiver, answer, failure, fresh_transport

start = receivers.start  # a fixture
Start = Callable[..., Receiver]


@pytest.fixture(autouse=True)
def as_the_environment_says() -> Iterator[None]:
    with fresh_transport():
        yield


def echo(status: str, form: str) -> Answer:
    """A receiver that says back what it was sent."""

    def say(connection: socket.socket, request: bytes) -> None:
        text = " ".join(request.decode().split())
        connection.sendall(answer(status, (text if form == "text" else json.dumps({"message": text})).encode()))

    return say


@pytest.mark.slow
@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("status", ["400 Bad Request", "302 Found", "410 Gone", "429 Too Many Requests", "500 Oops"])
def test_no_error_and_no_log_tells_what_was_sent(
    start: Start, caplog: pytest.LogCaptureFixture, status: str, form: str
) -> None:
    caplog.set_level(logging.DEBUG)
    one = start(echo(status, form))
    headers = {"Authorization": f"Bearer {SECRET}", "X-Key": SECRET}
    error = failure(f"{one.url}/in/{SECRET}?token={SECRET}#{SECRET}", headers, (SECRET,))
    assert SECRET in one.requests[0].decode()
    told = str(error) + "".join(traceback.format_exception(error)) + caplog.text
    assert SECRET not in told
    assert "127.0.0.1" not in str(error)


@pytest.mark.parametrize(
    ("secret", "shown"), [("tajny temat", "tajny%20temat"), ("a/b+c=d", "a%2Fb%2Bc%3Dd"), ("pa%24ss", "pa$ss")]
)
def test_a_secret_is_left_out_however_it_is_written(start: Start, secret: str, shown: str) -> None:
    one = start(answer("400 Bad Request", f"unknown {shown} or {secret}".encode()))
    error = failure(f"{one.url}/{shown if '%' in shown else secret}")
    assert str(error) == "HTTP 400 Bad Request: unknown *** or ***"


@pytest.mark.parametrize(
    "url", [f"https://hooks.bank.example:{SECRET}/", f"https://[{SECRET}/", f"gopher://{SECRET}/", SECRET,
            f"https://hooks.bank.example/{SECRET}\0", f"https://{SECRET}.internal/"],
)  # fmt: skip
def test_an_address_that_is_none_is_not_quoted(url: str) -> None:
    error = failure(url)
    assert SECRET not in str(error) + "".join(traceback.format_exception(error))


@pytest.mark.parametrize("value", [f"{SECRET}\r\nA: b", f"{SECRET}ł", f"{SECRET}\0"])
def test_a_header_that_cannot_be_sent_is_final_and_not_quoted(start: Start, value: str) -> None:
    error = failure(start().url, {"X-Key": value})
    assert error.final
    assert SECRET not in str(error) + "".join(traceback.format_exception(error))


def test_a_variable_that_cannot_be_understood_is_named_and_not_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"hidden://me:{SECRET}@proxy.example")
    assert str(failure(URL)) == "HTTPS_PROXY: not an address of an HTTP or SOCKS5 proxy"


def test_a_proxy_that_refuses_names_nobody(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = start(answer(f"407 {SECRET}"))
    monkeypatch.setenv("ALL_PROXY", f"http://me:{SECRET}@127.0.0.1:{proxy.port}")
    assert str(failure(URL)) == "the proxy refused"
